"""The fast layer: what one event changes, and that the whole is what plain counting over the log gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from content_store.vocabulary import POSITIVE_KINDS, EventKind
from recsys.features.log import KIND_CODE
from recsys.features.table import table
from recsys.live import Live, Static
from recsys.models.popular import HALF_LIVES
from recsys.ranking import Ranking

HOUR = 473_000.0
Event = tuple[int, int, float, EventKind]


def live_after(*events: Event, items: int = 6, users: int = 3) -> Live:
    live = Live(Static.unknown(items), users)
    for user, item, hour, kind in events:
        live.update(user, item, hour, KIND_CODE[kind])
    return live


def mass(live: Live, name: str = "7d", hour: float = HOUR) -> list[float]:
    return [float(value) for value in live.popular.score(name, hour)[: live.items]]


def history(live: Live, user: int) -> list[int]:
    return [int(item) for item in live.covisit.item[live.history(user)]]


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.IMPRESSION])
def test_an_own_event_hides_the_item_at_once_and_for_good(kind: EventKind) -> None:
    live = live_after((0, 1, HOUR, EventKind.READ), (1, 2, HOUR, EventKind.READ))
    assert live.open_items(0).tolist() == [False, False, True, False, False, False]
    live.update(0, 2, HOUR + 1, KIND_CODE[kind])
    assert not live.open_items(0).any()
    for later in range(300):
        live.update(1, later % 6, HOUR + 24 * later, KIND_CODE[EventKind.READ])
    assert not live.open_items(0)[[1, 2]].any()
    assert live.open_items(0)[[0, 3, 4, 5]].all()


def test_an_impression_is_no_contact() -> None:
    live = live_after((1, 2, HOUR, EventKind.READ), (0, 2, HOUR + 1, EventKind.IMPRESSION))
    assert live.open_items(0)[2]
    assert mass(live) == mass(live_after((1, 2, HOUR, EventKind.READ)))
    assert history(live, 0) == []


def test_a_refused_item_is_hidden_and_leaves_the_history() -> None:
    live = live_after((1, 2, HOUR, EventKind.READ), (0, 1, HOUR, EventKind.READ), (0, 2, HOUR, EventKind.READ))
    assert history(live, 0) == [1, 2]
    live.update(0, 2, HOUR + 1, KIND_CODE[EventKind.NOT_INTERESTED])
    assert history(live, 0) == [1]
    assert history(live, 1) == [2]
    assert not live.open_items(0)[2]


def test_a_like_before_the_first_read_makes_one_read() -> None:
    live = live_after((0, 1, HOUR, EventKind.LIKE))
    assert mass(live)[1] == 0
    for later in range(3):
        live.update(0, 1, HOUR + later, KIND_CODE[EventKind.READ])
    assert mass(live)[1] == pytest.approx(1)
    assert live.readers[1] == 1
    assert history(live, 0) == [1]


def test_a_read_after_a_refusal_still_is_a_read() -> None:
    live = live_after(
        (0, 1, HOUR, EventKind.NOT_INTERESTED), (0, 1, HOUR, EventKind.READ), (0, 1, HOUR, EventKind.READ)
    )
    assert mass(live)[1] == pytest.approx(1)
    assert live.readers[1] == 1


@pytest.mark.parametrize("late_by", [0.5, 30.0, 1000.0, 20_000.0])
def test_a_late_event_counts_as_if_it_had_come_in_time(late_by: float) -> None:
    late = (1, 2, HOUR - late_by, EventKind.READ)
    others = [(0, 2, HOUR - 1, EventKind.READ), (0, 3, HOUR, EventKind.READ)]
    delayed, punctual = live_after(*others, late), live_after(*sorted([*others, late], key=lambda event: event[2]))
    for name in HALF_LIVES:
        np.testing.assert_allclose(mass(delayed, name), mass(punctual, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(delayed.popular.totals(HOUR), punctual.popular.totals(HOUR), rtol=1e-9)
    for column in ("born", "last", "readers", "seen_at"):
        assert getattr(delayed, column).tolist() == getattr(punctual, column).tolist(), column
    scores = Ranking(delayed).rank(2, HOUR).scores
    assert np.isfinite(scores).all()


def test_a_late_like_counts_as_if_it_had_come_in_time() -> None:
    events = [(0, 1, HOUR, EventKind.LIKE), (1, 1, HOUR - 2000, EventKind.LIKE), (2, 1, HOUR - 24, EventKind.SAVE)]
    late, punctual = live_after(*events), live_after(*sorted(events, key=lambda event: event[2]))
    assert late.engaged[1] == pytest.approx(1.5) == punctual.engaged[1]
    assert late.engaged_at[1] == punctual.engaged_at[1] == HOUR


def test_a_late_contact_stands_last_in_its_citizens_chain() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ), (0, 2, HOUR + 1, EventKind.READ), (0, 3, HOUR - 9, EventKind.READ))
    assert history(live, 0) == [1, 2, 3]
    assert live.covisit.next[:3].tolist() == [1, 2, -1]


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 30)), max_size=40), st.integers(-1, 31))
def test_reads_are_counted_by_their_own_time_in_whatever_order_they_come(
    reads: list[tuple[int, int, int]], since: int
) -> None:
    live = live_after(*[(user, item, HOUR + hour, EventKind.READ) for user, item, hour in reads], users=5)
    first: dict[tuple[int, int], int] = {}
    for user, item, hour in reads:
        first.setdefault((user, item), hour)
    expected = Counter(item for (_, item), hour in first.items() if hour > since)
    assert live.reads_near(HOUR + since, -1).tolist() == [expected[item] for item in range(live.items)]


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 40), st.sampled_from(["read", "click", "like"])),
        max_size=40,
    ),
    st.lists(st.integers(0, 50), min_size=40, max_size=40),
)
def test_a_tally_is_what_counting_anew_gives_whenever_it_is_asked(
    events: list[tuple[int, int, int, str]], asked: list[int]
) -> None:
    live = Live(Static.unknown(3), 5)
    for (user, item, hour, kind), now in zip(events, asked, strict=False):
        live.update(user, item, HOUR + hour, KIND_CODE[EventKind(kind)])
        for hours in (1, 24):
            assert live.most_read(hours, HOUR + now, 1, 4) == leading_anew(live, HOUR + now - hours)
        # At the same moment, after more has come: only that is counted.
        live.update(user, 5 - item, HOUR + hour, KIND_CODE[EventKind.READ])
        assert live.most_read(24, HOUR + now, 1, 4) == leading_anew(live, HOUR + now - 24)
        assert live.most_read(24, HOUR + now, 1, 4) == leading_anew(live, HOUR + now - 24)


def leading_anew(live: Live, since: float) -> dict[int, int]:
    """The four items read most, by counting all reads."""
    log, size = live.covisit, live.covisit.size
    count = Counter(log.item[:size][live.place_read[:size] & (log.hour[:size] > since)].tolist())
    return dict(sorted(sorted(count.items()), key=lambda pair: -pair[1])[:4])


def test_a_late_event_does_not_move_a_citizen_back_to_an_earlier_place() -> None:
    live = Live(Static.unknown(3), 1)
    read = KIND_CODE[EventKind.READ]
    live.update(0, 1, HOUR, read, region=5, device=6)
    live.update(0, 2, HOUR - 10, read, region=7, device=8)
    assert (live.region[0], live.device[0], live.seen_at[0]) == (5, 6, HOUR)


def test_a_citizen_nobody_has_seen_gets_a_list() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ), (1, 2, HOUR, EventKind.READ))
    ranked = Ranking(live).rank(10_000, HOUR + 1)
    assert sorted(ranked.items.tolist()) == [1, 2]
    assert live.open_items(10_000).sum() == 2


def test_citizens_are_added_as_they_come() -> None:
    grown, roomy = live_after(users=0), live_after(users=5000)
    for live in (grown, roomy):
        for place in range(3000):
            user = place * 7919 % 5000
            live.update(user, place % 6, HOUR + place / 60, KIND_CODE[EventKind.READ], place % 3, place % 2)
    for user in (0, 7, 4999, 5, 6000):
        ours, theirs = (Ranking(live).rank(user, HOUR + 51) for live in (grown, roomy))
        assert ours.items.tolist() == theirs.items.tolist()
        assert ours.scores.tolist() == theirs.scores.tolist()


def test_a_published_item_is_open_before_anyone_reads_it() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ))
    live.publish(4, HOUR - 5)
    assert live.open_items(1).tolist() == [False, True, False, False, True, False]
    assert 4 in Ranking(live).rank(1, HOUR).items.tolist()


EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 4000), st.sampled_from(list(EventKind))), max_size=50
)


def by_time(rows: list[tuple[int, int, int, EventKind]]) -> list[Event]:
    return [(user, item, HOUR + minute / 60, kind) for user, item, minute, kind in sorted(rows, key=lambda row: row[2])]


@settings(max_examples=80)
@given(EVENTS)
def test_popularity_is_the_decayed_sum_over_first_reads(rows: list[tuple[int, int, int, EventKind]]) -> None:
    log, now = by_time(rows), HOUR + 70
    live = live_after(*log)
    first_reads: dict[tuple[int, int], float] = {}
    for user, item, hour, kind in log:
        if kind in (EventKind.READ, EventKind.CLICK):
            first_reads.setdefault((user, item), hour)
    for name, half_life in HALF_LIVES.items():
        plain = [0.0] * live.items
        for (_, item), hour in first_reads.items():
            plain[item] += 0.5 ** ((now - hour) / half_life)
        np.testing.assert_allclose(mass(live, name, now), plain, rtol=1e-9, atol=1e-300)
        total = live.popular.totals(now)[live.popular.row[name]]
        np.testing.assert_allclose(total, sum(plain), rtol=1e-9, atol=1e-300)
    readers = [sum(item == other for _, other in first_reads) for item in range(live.items)]
    assert live.readers[: live.items].tolist() == readers


@settings(max_examples=80)
@given(EVENTS)
def test_a_citizen_may_be_shown_what_others_met_and_they_did_not(rows: list[tuple[int, int, int, EventKind]]) -> None:
    log = [event for event in by_time(rows) if event[3] is not EventKind.IMPRESSION]
    live = live_after(*by_time(rows))
    born = {item: min(hour for _, other, hour, _ in log if other == item) for _, item, _, _ in log}
    last = {item: max(hour for _, other, hour, _ in log if other == item) for _, item, _, _ in log}
    for user in range(5):
        met = {item for who, item, _, _ in log if who == user}
        assert set(np.flatnonzero(live.open_items(user)).tolist()) == set(born) - met
    for item, hour in born.items():
        assert (live.born[item], live.last[item]) == (hour, last[item])


@settings(max_examples=60)
@given(EVENTS)
def test_the_history_is_every_positive_contact_once_unless_refused_since(
    rows: list[tuple[int, int, int, EventKind]],
) -> None:
    log = by_time(rows)
    live = live_after(*log)
    refusing = (EventKind.NOT_INTERESTED, EventKind.REPORT)
    for user in range(5):
        own = [event[1:] for event in log if event[0] == user and event[3] is not EventKind.IMPRESSION]
        contacts = {item: hour for item, hour, kind in own if kind not in refusing}  # the latest, in order of the first
        # A refusal takes back what was shown up to and at its moment.
        refused = {item for item, hour, kind in own if kind in refusing and hour >= contacts.get(item, hour)}
        assert history(live, user) == [item for item in contacts if item not in refused]


def remembering(*events: Event, items: int = 6, users: int = 3) -> Live:
    live = Live(Static.unknown(items), users)
    columns = list(zip(*events, strict=True))
    kind = np.array([KIND_CODE[kind] for kind in columns[3]], np.int8)
    live.remember(np.array(columns[0], np.int32), np.array(columns[1], np.int32), np.array(columns[2]), kind)
    return live


@pytest.mark.parametrize("kind", [EventKind.READ, EventKind.CLICK, EventKind.LIKE])
def test_reading_again_what_was_met_before_the_followed_events_is_no_first_contact(kind: EventKind) -> None:
    live = remembering((0, 1, HOUR, EventKind.READ), (1, 1, HOUR, EventKind.NOT_INTERESTED))
    live.update(0, 1, HOUR + 1, KIND_CODE[kind])
    assert mass(live) == [0] * 6
    assert live.covisit.size == live.readers[1] == 0
    assert history(live, 0) == []
    live.update(0, 1, HOUR + 2, KIND_CODE[EventKind.NOT_INTERESTED])
    live.update(0, 1, HOUR + 3, KIND_CODE[kind])
    assert live.covisit.size == 0


@pytest.mark.parametrize("kind", [EventKind.READ, EventKind.CLICK, EventKind.LIKE])
def test_what_was_only_refused_before_the_followed_events_may_still_be_met(kind: EventKind) -> None:
    live = remembering((1, 1, HOUR, EventKind.READ), (0, 1, HOUR, EventKind.NOT_INTERESTED))
    assert live.refused == {0: {1: HOUR}}
    live.update(0, 1, HOUR + 1, KIND_CODE[kind])
    assert history(live, 0) == [1]
    assert live.readers[1] == (kind is not EventKind.LIKE)
    assert not live.open_items(0)[1]
    live.update(0, 1, HOUR + 2, KIND_CODE[kind])
    assert live.covisit.size == 1


@settings(max_examples=80)
@given(EVENTS, st.integers(0, 50))
def test_what_is_remembered_leaves_the_later_events_their_meaning(
    rows: list[tuple[int, int, int, EventKind]], cut: int
) -> None:
    log = by_time(rows)
    singly = live_after(*log)
    old, new = log[:cut], log[cut:]
    live = remembering(*old, users=5) if old else Live(Static.unknown(6), 5)
    for user, item, hour, kind in new:
        live.update(user, item, hour, KIND_CODE[kind])
    met = {(user, item) for user, item, _, kind in old if kind in POSITIVE_KINDS}
    for user in range(5):
        assert live.open_items(user).tolist() == singly.open_items(user).tolist()
        assert (live.refused.get(user) or {}) == (singly.refused.get(user) or {})
        assert history(live, user) == [item for item in history(singly, user) if (user, item) not in met]


@pytest.mark.parametrize("told_at", [HOUR, HOUR + 1])
def test_a_reading_that_began_before_the_refusal_and_is_told_after_it_takes_nothing_back(told_at: float) -> None:
    live = live_after((0, 1, HOUR, EventKind.CLICK), (0, 1, HOUR + 1, EventKind.NOT_INTERESTED))
    live.update(0, 1, told_at, KIND_CODE[EventKind.READ])
    assert live.refused == {0: {1: HOUR + 1}}
    assert history(live, 0) == []
    live.update(0, 1, told_at, KIND_CODE[EventKind.FOLLOW])
    assert not live.followed.get(0)
    live.update(0, 1, HOUR + 2, KIND_CODE[EventKind.READ])
    assert history(live, 0) == [1]


def test_where_one_without_a_profile_reads_says_nothing_of_where_they_are() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ), (2, 1, HOUR, EventKind.READ))
    live.unprofiled = {2}
    for user in (0, 2):
        live.update(user, 3, HOUR + 1, KIND_CODE[EventKind.READ], region=1)
    assert live.region[:3].tolist() == [1, -1, -1]
    assert live.reads_near(HOUR, 1).tolist() == [0, 0, 0, 2, *[0] * (live.items - 4)]


def test_a_negative_position_is_nobody() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ), (2, 2, HOUR, EventKind.READ))
    live.refused[2], live.unprofiled = {1: HOUR}, {2}
    assert live.open_items(-1).tolist() == live.open_items(10_000).tolist() == [False, True, True, False, False, False]
    assert history(live, -1) == []
    guest, unseen = (Ranking(live).rank(user, HOUR + 1) for user in (-1, 10_000))
    assert guest.items.tolist() == unseen.items.tolist()
    assert guest.scores.tolist() == unseen.scores.tolist()
    assert table(guest.request).tolist() == pytest.approx(table(unseen.request), nan_ok=True)


@pytest.mark.parametrize(("user", "item"), [(-1, 0), (0, -1)])
def test_an_event_of_nobody_or_on_nothing_is_refused(user: int, item: int) -> None:
    live = live_after()
    with pytest.raises(ValueError, match="position"):
        live.update(user, item, HOUR, KIND_CODE[EventKind.READ])
    with pytest.raises(ValueError, match="position"):
        live.remember(np.array([user]), np.array([item]), np.array([HOUR]), np.array([1], np.int8))
    assert not live.open_items(0).any()


def described(items: int = 7, topics: int = 3) -> Static:
    place = np.arange(items)
    topic, author = (place % (topics + 1) - 1).astype(np.int32), (place % 2).astype(np.int32)
    return Static(topic, author, HOUR - place.astype(np.float64), 100 + place.astype(np.float64), place == 4)


def describe(live: Live, static: Static, item: int) -> None:
    assert static.private is not None
    topic, author, private = int(static.topic[item]), int(static.author[item]), bool(static.private[item])
    live.describe(item, topic=topic, author=author, created=static.created[item], words=static.words[item])
    live.describe(item, private=private)


def assert_same_state(ours: Live, theirs: Live, now: float) -> None:
    """Both say the same of every citizen: the open items, and all that the ranker is told of them."""
    assert ours.items == theirs.items
    for user in range(-1, 5):
        assert ours.open_items(user).tolist() == theirs.open_items(user).tolist()
        assert history(ours, user) == history(theirs, user)
        mine, other = (Ranking(live).rank(user, now) for live in (ours, theirs))
        assert mine.items.tolist() == other.items.tolist()
        assert mine.scores.tolist() == other.scores.tolist()
        np.testing.assert_array_equal(table(mine.request), table(other.request))


@settings(max_examples=60)
@given(EVENTS, st.permutations(range(6)))
def test_items_may_come_and_be_described_at_any_time(
    rows: list[tuple[int, int, int, EventKind]], order: list[int]
) -> None:
    log, static = by_time(rows), described(6)
    roomy, growing = Live(static, 5), Live(Static.unknown(0), 5)
    for live in (roomy, growing):
        live.publish(5, HOUR - 9)
        for user, item, hour, kind in log:
            live.update(user, item, hour, KIND_CODE[kind])
    for item in order:
        describe(growing, static, item)
    assert growing.topics == roomy.topics
    np.testing.assert_array_equal(growing.follows_topic, roomy.follows_topic)
    assert_same_state(growing, roomy, HOUR + 70)


@settings(max_examples=60)
@given(EVENTS, st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 4)), max_size=6))
def test_a_corrected_topic_counts_as_if_it_had_always_been_so(
    rows: list[tuple[int, int, int, EventKind]], corrections: list[tuple[int, int]]
) -> None:
    topic = np.array([0, 1, 2, 3, 4, -1], np.int32)
    corrected = live_of_topics(topic)
    for place, (user, item, hour, kind) in enumerate(by_time(rows)):
        corrected.update(user, item, hour, KIND_CODE[kind])
        if place < len(corrections):
            corrected.describe(corrections[place][0], topic=corrections[place][1])
            topic[corrections[place][0]] = corrections[place][1]
    always = live_of_topics(topic)
    for user, item, hour, kind in by_time(rows):
        always.update(user, item, hour, KIND_CODE[kind])
    known = min(corrected.topics, always.topics)
    np.testing.assert_array_equal(corrected.follows_topic[:known, :known], always.follows_topic[:known, :known])
    np.testing.assert_array_equal(corrected.follows_topic[-1, :known], always.follows_topic[-1, :known])
    assert corrected.follows_topic.sum() == always.follows_topic.sum() == always.covisit.size


def live_of_topics(topic: NDArray[np.int32]) -> Live:
    unknown = Static.unknown(topic.size)
    return Live(Static(topic.copy(), unknown.author, unknown.created, unknown.words), 5)


def test_describing_an_item_leaves_the_statics_of_others_alone() -> None:
    given_static = described()
    one, other = Live(given_static), Live(given_static)
    one.describe(0, topic=2, author=5, created=HOUR, words=7.0, private=True)
    assert (other.static.topic[0], other.static.author[0], given_static.topic[0]) == (-1, 0, -1)
    assert not given_static.private[0]  # type: ignore[index]
    assert (one.static.topic[0], one.static.author[0], one.static.words[0]) == (2, 5, 7.0)
    one.describe(0, author=6)
    assert (one.static.topic[0], one.static.author[0], one.static.created[0]) == (2, 6, HOUR)


def test_a_published_item_can_be_withdrawn_and_published_again_at_another_time() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ))
    live.publish(9, HOUR + 5)
    assert live.items == 10
    assert live.open_items(1, HOUR).tolist() == [False, True] + [False] * 8
    assert live.open_items(1, HOUR + 5)[9]
    live.withdraw(9)
    live.withdraw(1)
    assert not live.open_items(1).any()
    live.publish(9, HOUR + 7)
    assert live.open_items(1, HOUR + 6).tolist() == [False] * 10
    assert live.open_items(1, HOUR + 7)[9]
    live.publish(1, HOUR + 2)
    assert live.born[1] == HOUR  # somebody read it before
    live.withdraw(12)
    assert live.items == 13


def test_nothing_is_told_of_a_negative_position() -> None:
    live = live_after((0, 1, HOUR, EventKind.READ))
    with pytest.raises(ValueError, match="position"):
        live.describe(-1, topic=1)
    with pytest.raises(ValueError, match="position"):
        live.publish(-1, HOUR)
    with pytest.raises(ValueError, match="position"):
        live.withdraw(-1)
    assert live.open_items(1).tolist() == [False, True, False, False, False, False]


def test_many_new_items_cost_no_copy_each() -> None:
    live = Live(Static.unknown(0), 1)
    capacities = set()
    for item in range(3000):
        live.update(0, item, HOUR + item, KIND_CODE[EventKind.READ])
        capacities.add(live.born.size)
    assert len(capacities) < 30
    assert live.items == 3000
    assert live.open_items(1).all()
