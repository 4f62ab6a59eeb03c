"""The fast layer as arrays: what is restored says the same and goes on alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.features.table import table
from recsys.live import Live, Static
from recsys.live_state import arrays_of, live_of, without_oldest
from recsys.ranking import Ranking

HOUR = 473_000.0
EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 4000), st.sampled_from(list(EventKind))), max_size=60
)
Event = tuple[int, int, int, EventKind]


def take(live: Live, rows: list[Event]) -> Live:
    for user, item, minute, kind in rows:
        live.update(user, item, HOUR + minute / 60, KIND_CODE[kind], user % 3 - 1, item % 2)
    return live


def begun(private: bool) -> Live:
    place = np.arange(5)
    topic, author = (place % 3 - 1).astype(np.int32), (place % 2).astype(np.int32)
    static = Static(topic, author, HOUR - place.astype(float), np.full(5, np.nan), place == 2 if private else None)
    live = Live(static)
    live.publish(4, HOUR - 3)
    live.withdraw(1)
    live.remember(*(np.array(part) for part in ([0, 1, 1], [3, 3, 0], [HOUR - 9.0] * 3, [1, 8, 7])))
    live.unprofiled = {3}
    return live


def assert_same(ours: Live, theirs: Live) -> None:
    assert arrays_of(ours).keys() == arrays_of(theirs).keys()
    other = arrays_of(theirs)
    for name, values in arrays_of(ours).items():
        if name == "followed":
            assert sorted(values.tolist()) == sorted(other[name].tolist())
            continue
        if name in ("refused", "refused_at"):
            continue
        np.testing.assert_array_equal(values, other[name], err_msg=name)
    refused, of_theirs = ({user: told for user, told in live.refused.items() if told} for live in (ours, theirs))
    assert refused == of_theirs  # in whatever order
    for name in ("next", "previous"):
        size = ours.covisit.size
        assert getattr(ours.covisit, name)[:size].tolist() == getattr(theirs.covisit, name)[:size].tolist()
    assert ours.covisit.of_item == theirs.covisit.of_item
    users = len(ours.met)
    assert ours.covisit.latest[:users].tolist() == theirs.covisit.latest[:users].tolist()
    np.testing.assert_array_equal(ours.follows_topic, theirs.follows_topic)
    for user in range(-1, 5):
        mine, yours = (Ranking(live).rank(user, HOUR + 70) for live in (ours, theirs))
        assert mine.items.tolist() == yours.items.tolist()
        np.testing.assert_array_equal(table(mine.request), table(yours.request))


@settings(max_examples=60)
@given(EVENTS, EVENTS, st.booleans())
def test_what_is_restored_is_the_same_and_goes_on_alike(before: list[Event], after: list[Event], private: bool) -> None:
    live = take(begun(private), before)
    arrays = arrays_of(live)
    kept = {name: values.copy() for name, values in arrays.items()}
    restored = live_of(arrays)
    assert_same(restored, live)
    for each in (live, restored):
        take(each, after)
        each.describe(7, topic=5, author=1)
    assert_same(restored, live)
    assert_same(live_of(kept), take(begun(private), before))


@settings(max_examples=60)
@given(EVENTS, EVENTS, st.integers(0, 30))
def test_without_its_oldest_contacts_everything_else_stays(before: list[Event], after: list[Event], kept: int) -> None:
    whole = take(begun(True), before)
    shorter = live_of(without_oldest(arrays_of(whole), kept))
    for each in (whole, shorter):
        take(each, after)
    gone = whole.covisit.size - shorter.covisit.size
    first = max(0, gone)
    for name in ("user", "item", "hour"):
        mine, other = (getattr(live.covisit, name)[: live.covisit.size] for live in (shorter, whole))
        assert mine.tolist() == other[first:].tolist()
    assert shorter.follows_topic.sum() == shorter.covisit.size
    for name in ("born", "first", "last", "published"):
        assert getattr(shorter, name)[: whole.items].tolist() == getattr(whole, name)[: whole.items].tolist()
    for user in range(-1, 5):
        assert shorter.open_items(user).tolist() == whole.open_items(user).tolist()
        assert items_of(shorter, user) == [item for place, item in placed(whole, user) if place >= first]


def placed(live: Live, user: int) -> list[tuple[int, int]]:
    places = live.history(user)
    return list(zip(places.tolist(), live.covisit.item[places].tolist(), strict=True))


def items_of(live: Live, user: int) -> list[int]:
    return [item for _, item in placed(live, user)]


def test_arrays_are_their_own() -> None:
    live = take(begun(True), [(0, 0, 1, EventKind.READ)])
    arrays: dict[str, NDArray[np.generic]] = {name: values.copy() for name, values in arrays_of(live).items()}
    taken = arrays_of(live)
    take(live, [(1, 1, 5, EventKind.READ), (0, 0, 9, EventKind.LIKE), (2, 0, 9, EventKind.READ)])
    live.describe(0, topic=2)
    for name, values in taken.items():
        np.testing.assert_array_equal(values, arrays[name], err_msg=name)


@pytest.mark.parametrize("kept", [0, 1, 100])
def test_an_empty_layer_is_restored(kept: int) -> None:
    assert_same(live_of(without_oldest(arrays_of(Live(Static.unknown(0))), kept)), Live(Static.unknown(0)))
