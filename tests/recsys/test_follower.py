"""The fast layer in service: it knows what the records say, once each, at once for who asks and soon for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from content_store import citizens, clock, contents, events, news
from content_store.db import Connection, Database
from content_store.errors import DatabaseError
from content_store.event_follower import EventFollower
from content_store.event_stream import EventColumns, read_columns
from content_store.events import Event
from content_store.vocabulary import ContentStatus, EventKind, Prefecture, Topic
from recsys import follower as module
from recsys.follower import Follower
from recsys.live import NOBODY
from tests.support.reading import START, Row
from tests.support.town_records import (
    END,
    HOUR_MS,
    assert_alike,
    filled,
    history_of,
    lively_town,
    open_to,
    order_for,
    publish,
    store,
)

ASKED = [*(f"c{number:02d}" for number in range(0, 40, 3)), "nobody"]


@pytest.fixture(autouse=True)
def at_the_end() -> Iterator[None]:
    with clock.fixed(END):
        yield


def test_following_gives_what_beginning_anew_gives(database: Database) -> None:
    rows = lively_town()
    filled(database, rows[:150])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:150]}))
    following = Follower(database)
    for start in range(150, 400, 37):
        store(database, rows[start : start + 37], start)
        contacts = sum(kind != "impression" for _, _, kind, _ in rows[start : start + 37])
        assert following.catch_up() == contacts
        assert following.catch_up() == 0
    assert_alike(following, Follower(database), ASKED)


def test_a_citizens_own_events_act_in_their_next_request_and_once(database: Database) -> None:
    rows = lively_town()
    filled(database, rows[:300])
    asked, plain = Follower(database), Follower(database)
    for start in range(300, 400, 5):
        store(database, rows[start : start + 5], start)
        for citizen in dict.fromkeys(row[0] for row in reversed(rows[start : start + 5])):
            asked.catch_up_citizen(citizen)
            assert asked.catch_up_citizen(citizen) == 0
            assert {row[1] for row in rows[: start + 5] if row[0] == citizen and row[2] != "impression"}.isdisjoint(
                open_to(asked, citizen)
            )
        if start % 3 == 0:
            asked.catch_up()
    assert asked.catch_up() == 0, "every contact was taken in ahead of its turn"
    plain.catch_up()
    assert asked.seq == plain.seq
    assert_equal_counts(asked, plain)
    for citizen in ASKED:
        assert history_of(asked, citizen) == history_of(plain, citizen)


def test_what_was_applied_at_once_does_not_act_again(database: Database) -> None:
    filled(database, lively_town(200))
    follower = Follower(database)
    store(database, [("c00", "shelf0-book3", "like", END), ("c00", "shelf0-book3", "not_interested", END + 1)], 900)
    with database.connect() as connection:
        stored = news.of(connection, "c00", follower.seq).contacts
    assert follower.apply(stored) == 2
    engaged = follower.live.engaged.copy()
    assert follower.apply(stored) == follower.catch_up() == follower.apply(stored) == 0
    assert follower.live.engaged.tolist() == engaged.tolist()
    assert "shelf0-book3" not in history_of(follower, "c00"), "the refusal came last and stands"


def test_a_reading_that_grows_changes_nothing(database: Database) -> None:
    filled(database, lively_town(100))
    follower = Follower(database)

    def send(dwell_ms: int) -> int:
        event = Event(
            id="r1", citizen_id="c01", content_id="shelf0-book5", kind=EventKind.READ, at=END, dwell_ms=dwell_ms
        )
        with database.begin() as connection:
            return events.append(connection, [event]).accepted

    assert send(1000) == 1
    assert follower.catch_up() + follower.catch_up_citizen("c01") == 1
    readers = follower.live.readers.copy()
    assert send(9000) == 1
    assert follower.catch_up() == follower.catch_up_citizen("c01") == 0
    assert follower.live.readers.tolist() == readers.tolist()


def test_an_event_that_comes_late_counts_by_its_own_time(database: Database) -> None:
    rows = lively_town()
    late = [row for place, row in enumerate(rows) if place % 9 == 4]
    filled(database, [row for row in rows if row not in late])
    publish(database, sorted({row[1] for row in late} - {row[1] for row in rows if row not in late}))
    follower = Follower(database)
    store(database, late, 5000)
    follower.catch_up()
    anew = Follower(database)
    for item in anew.items:
        mine, other = (found.items.index(item) for found in (follower, anew))
        for name in ("born", "last"):
            assert getattr(follower.live, name)[mine] == getattr(anew.live, name)[other]
    for citizen in ASKED:
        assert open_to(follower, citizen) == open_to(anew, citizen)


def test_after_many_late_events_the_layer_is_made_anew_in_the_order_of_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LATE", 20)
    rows = lively_town()
    filled(database, rows[300:])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[300:]}))
    follower = Follower(database)
    store(database, rows[:300], 5000)
    follower.catch_up()
    assert_alike(follower, Follower(database), ASKED)


class Withholding(EventFollower):
    """A reader to whom some places become visible later than others after them, as where many write at once."""

    withheld: ClassVar[set[int]] = set()

    def __init__(self, after_seq: int = 0, **_: Any) -> None:
        super().__init__(after_seq, batch=7)
        self._passed: set[int] = set()

    @property
    def settled(self) -> int:
        return min([super().settled, *(place - 1 for place in self._passed)])

    def poll(self, connection: Connection) -> Iterator[EventColumns]:
        for late in sorted(self._passed - self.withheld):
            self._passed.remove(late)
            yield next(read_columns(connection, after_seq=late - 1, batch=1))
        for columns in super().poll(connection):
            shown = np.array([place not in self.withheld for place in columns.seq.tolist()])
            self._passed |= set(columns.seq[~shown].tolist())
            if shown.any():
                parts = {field.name: getattr(columns, field.name) for field in fields(columns)}
                yield EventColumns(**{name: part[shown] for name, part in parts.items() if part is not None})


def assert_equal_counts(ours: Follower, theirs: Follower) -> None:
    """Both have taken in every event once."""
    for item in theirs.items:
        mine, other = ours.place_of_item(item), theirs.place_of_item(item)
        for name in ("readers", "engaged", "born", "last"):
            found = (getattr(ours.live, name)[mine], getattr(theirs.live, name)[other])
            assert found[0] == pytest.approx(found[1], rel=1e-12), (item, name)
    for citizen in ASKED:
        assert open_to(ours, citizen) == open_to(theirs, citizen)
        assert set(history_of(ours, citizen)) == set(history_of(theirs, citizen))


@pytest.mark.parametrize("begin_at", [0, 100])
def test_events_that_become_visible_after_later_ones_act_once(
    begin_at: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without refusals: whether interest or refusal is the last word goes by the order of arrival.
    rows = [row for row in lively_town() if row[2] != "not_interested"][:240]
    withheld = {place for place in range(1, 241) if place % 11 == 3}
    filled(database, rows[:begin_at])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:begin_at]}))
    for reader in ("recsys.follower.EventFollower", "recsys.rebuild.EventFollower"):
        monkeypatch.setattr(reader, Withholding)
    monkeypatch.setattr(Withholding, "withheld", set(withheld))
    follower = Follower(database)
    store(database, rows[begin_at:], begin_at)
    follower.catch_up()
    assert follower.seq == 2
    for citizen in ASKED[::3]:  # their own events are visible to them
        follower.catch_up_citizen(citizen)
        assert follower.catch_up_citizen(citizen) == 0
    Withholding.withheld.difference_update(sorted(withheld)[:9])
    follower.catch_up()
    assert follower.seq == sorted(withheld)[9] - 1
    Withholding.withheld.clear()
    follower.catch_up()
    assert follower.catch_up() == 0
    assert follower.seq == 240
    assert_equal_counts(follower, Follower(database))


def test_events_of_a_transaction_that_commits_after_later_ones_act_once(
    postgresql_database: Database, tmp_path: Path
) -> None:
    database, rows = postgresql_database, lively_town(200)
    filled(database, rows[:100])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:100]}))
    with database.begin() as connection:
        citizens.ensure(connection, [row[0] for row in rows])
    follower = Follower(database, tmp_path)
    slow = [
        Event(id=f"slow{place}", citizen_id=who, content_id=what, kind=EventKind(kind), at=at)
        for place, (who, what, kind, at) in enumerate(rows[100:120])
    ]
    with database.begin() as connection:
        events.append(connection, slow)
        store(database, rows[120:], 120)
        follower.catch_up()
        for citizen in ASKED:
            assert follower.catch_up_citizen(citizen) == 0
        follower.save()
        begun_meanwhile = (Follower(database, tmp_path), Follower(database))
    for found in (follower, *begun_meanwhile):
        assert found.seq == 100
        assert found.catch_up_citizen(rows[100][0]) > 0
        found.catch_up()
        assert found.catch_up() == 0
        assert found.seq == 200
        for name in ("readers", "engaged"):
            whole = Follower(database)
            mine, other = (getattr(each.live, name)[: whole.live.items].sum() for each in (found, whole))
            assert mine == pytest.approx(other)
        for citizen in ASKED:
            assert open_to(found, citizen) == open_to(whole, citizen)


def test_a_failure_in_the_middle_loses_no_event_and_repeats_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lively_town()
    filled(database, rows[:100])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:100]}))
    follower, whole = Follower(database), Follower(database)
    store(database, rows[100:], 100)
    update, calls = follower.live.update, []

    def failing(*given: Any) -> None:
        calls.append(given)
        if len(calls) % 50 == 7:
            raise DatabaseError("in the middle")
        update(*given)

    monkeypatch.setattr(follower.live, "update", failing)
    for _ in range(20):
        with suppress(DatabaseError):
            follower.catch_up()
    whole.catch_up()
    assert len(calls) > 200
    assert follower.seq == whole.seq
    assert_equal_counts(follower, whole)


# --- contents ---------------------------------------------------------------------------------------------------------


def test_a_published_content_is_open_at_once_and_a_withdrawn_one_closed(database: Database) -> None:
    filled(database, lively_town(100))
    follower = Follower(database)
    publish(database, ["new"], topic=Topic.SPIRIT, author="somebody else")
    follower.catch_up()
    assert "new" in open_to(follower, "c00") & open_to(follower, "nobody")
    place = follower.place_of_item("new")
    assert place is not None
    assert follower.live.static.topic[place] == follower.live.topics - 1
    with database.begin() as connection:
        contents.set_status(connection, "new", ContentStatus.WITHDRAWN)
    follower.catch_up()
    assert "new" not in open_to(follower, "c00")
    with database.begin() as connection:
        for status in (ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.PUBLISHED):
            contents.set_status(connection, "new", status)
    follower.catch_up()
    assert "new" in open_to(follower, "c00")
    assert follower.place_of_item("new") == place


@pytest.mark.parametrize("status", [ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.WITHDRAWN])
def test_what_is_not_published_is_shown_to_nobody_even_if_it_has_readers(
    status: ContentStatus, database: Database
) -> None:
    publish(database, ["kept"], status=status)
    publish(database, ["shown"])
    store(database, [("anna", "kept", "read", START), ("anna", "shown", "read", START)])
    for follower in (Follower(database), Follower(database, recent=0)):
        assert open_to(follower, "chen") == {"shown"}


def test_a_content_that_only_an_event_has_named_is_not_shown_until_it_is_described(database: Database) -> None:
    filled(database, lively_town(50))
    follower = Follower(database)
    publish(database, ["first", "second"])
    store(database, [("c00", "second", "read", END), ("c00", "first", "read", END)], 700)
    assert follower.catch_up_citizen("c00") == 2
    assert not {"first", "second"} & open_to(follower, "c01")
    follower.catch_up()
    assert {"first", "second"} <= open_to(follower, "c01")


def test_a_content_is_shown_when_it_is_due(database: Database) -> None:
    filled(database, lively_town(50))
    early = Follower(database)
    publish(database, ["soon"], published_at=END + HOUR_MS)
    early.catch_up()
    for follower in (early, Follower(database)):
        assert "soon" not in open_to(follower, "c00", END + 9 * HOUR_MS)
    with clock.fixed(END + HOUR_MS):
        early.catch_up()
        for follower in (early, Follower(database)):
            assert "soon" in open_to(follower, "c00", END + HOUR_MS)


def test_a_due_date_that_was_put_off_counts(database: Database) -> None:
    publish(database, ["soon"], published_at=END + HOUR_MS)
    follower = Follower(database)
    with database.begin() as connection:
        contents.update(connection, "soon", published_at=END + 3 * HOUR_MS)
    follower.catch_up()
    with clock.fixed(END + 2 * HOUR_MS):
        follower.catch_up()
        assert open_to(follower, "anna", END + 2 * HOUR_MS) == set()
    with clock.fixed(END + 3 * HOUR_MS):
        follower.catch_up()
        assert open_to(follower, "anna", END + 3 * HOUR_MS) == {"soon"}


def test_a_corrected_content_is_what_it_would_have_been(database: Database) -> None:
    rows = lively_town(200)
    filled(database, rows)
    follower = Follower(database)
    changed = "shelf0-book2"
    with database.begin() as connection:
        contents.update(
            connection, changed, topic=Topic.HEALTH, author="another author", published_at=START + 5 * HOUR_MS
        )
        contents.update(connection, "shelf2-book1", topic=Topic.SPACE)
        contents.update(connection, "shelf1-book1", topic=None, author=None)
    follower.catch_up()
    anew = Follower(database)
    for citizen in ASKED:
        assert history_of(follower, citizen) == history_of(anew, citizen)
    mine, other = (found.place_of_item(changed) for found in (follower, anew))
    assert follower.live.static.created[mine] == anew.live.static.created[other] == START / HOUR_MS + 5
    assert follower.live.follows_topic.sum() == anew.live.follows_topic.sum()


def test_what_came_or_changed_is_told_to_who_asks(database: Database) -> None:
    filled(database, lively_town(50))
    follower = Follower(database)
    told, mark = follower.told_since(0)
    assert told == []
    publish(database, ["new"])
    with database.begin() as connection:
        contents.update(connection, "shelf0-book1", title="another title")
    follower.catch_up()
    told, mark = follower.told_since(mark)
    assert {follower.items[place] for place in told} == {"new", "shelf0-book1"}
    assert follower.told_since(mark) == ([], mark)


# --- citizens ---------------------------------------------------------------------------------------------------------

Look = Callable[[Follower, str], object]
LOOKS: dict[str, Look] = {
    "asking": lambda follower, citizen: follower.catch_up_citizen(citizen),
    "following": lambda follower, citizen: follower.catch_up(),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_who_switches_personalisation_off_has_no_history_and_gets_it_back(look: Look, database: Database) -> None:
    filled(database, lively_town(200))
    follower = Follower(database)
    before = history_of(follower, "c04")
    assert before
    for personalised in (False, True):
        with database.begin() as connection:
            citizens.update(connection, "c04", personalised=personalised)
        look(follower, "c04")
        assert history_of(follower, "c04") == (before if personalised else [])


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("told", [{"minor": True}, {"birth_year": 2015}, {"personalised": False}])
def test_who_comes_without_a_profile_never_gets_one(look: Look, told: dict[str, Any], database: Database) -> None:
    filled(database, lively_town(50))
    follower = Follower(database)
    with database.begin() as connection:
        citizens.create(connection, id="child", **told)
    follower.catch_up()
    store(database, [("child", "shelf0-book1", "read", END)], 800)
    look(follower, "child")
    assert follower.place_of_citizen("child") != NOBODY
    for found in (follower, Follower(database)):
        assert history_of(found, "child") == []
        assert "shelf0-book1" not in open_to(found, "child")


def test_what_was_declared_is_known_before_its_citizen_did_anything(database: Database) -> None:
    follower = Follower(database)
    with database.begin() as connection:
        citizens.create(connection, id="off", personalised=False, prefecture=Prefecture.YAAN)
        citizens.create(connection, id="guest")
    for id in ("off", "guest", "not stored"):
        assert follower.catch_up_citizen(id) == 0
    place = follower.place_of_citizen("off")
    assert place in follower.live.unprofiled
    assert follower.regions[follower.live.region[place]] == Prefecture.YAAN
    assert follower.place_of_citizen("guest") == follower.place_of_citizen("not stored") == NOBODY


def test_who_grows_up_with_the_year_has_a_profile(database: Database) -> None:
    filled(database, lively_town(50))
    with database.begin() as connection:
        citizens.update(connection, "c00", birth_year=clock.today().year - 18)
    follower = Follower(database)
    assert history_of(follower, "c00") == []
    with clock.fixed(END + 366 * 24 * HOUR_MS):
        follower.catch_up()
    assert history_of(follower, "c00")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_an_event_without_a_region_is_of_the_declared_prefecture(look: Look, database: Database) -> None:
    filled(database, lively_town(100))
    with database.begin() as connection:
        citizens.create(connection, id="anna", prefecture=Prefecture.CHENGDU)
    follower = Follower(database)
    store(database, [("anna", "shelf0-book1", "read", END)], 800)
    store(database, [("anna", "shelf0-book2", "read", END + 1)], 801, region="a label of its own")
    look(follower, "anna")
    for found in (follower, Follower(database)):
        places = found.live.history(found.place_of_citizen("anna"))
        labels = [found.regions[code] for code in found.live.place_region[places].tolist()]
        assert labels == [Prefecture.CHENGDU, "a label of its own"]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_who_moves_is_at_home_there_at_once(look: Look, database: Database) -> None:
    filled(database, lively_town(100))
    follower = Follower(database)
    with database.begin() as connection:
        citizens.update(connection, "c01", prefecture=Prefecture.YAAN)
    look(follower, "c01")
    user = follower.place_of_citizen("c01")
    assert follower.regions[follower.live.region[user]] == Prefecture.YAAN


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_old_contacts_stay_hidden_and_make_no_signals(database: Database) -> None:
    rows = lively_town()
    filled(database, rows)
    whole, cut = Follower(database), Follower(database, recent=60)
    assert cut.live.covisit.size <= 60
    assert not set(np.flatnonzero(cut.live.place_read[60:]))
    for citizen in ASKED:
        assert open_to(cut, citizen) == open_to(whole, citizen)
        assert set(history_of(cut, citizen)) <= set(history_of(whole, citizen))


def test_the_oldest_contacts_are_let_go_when_there_are_twice_as_many_as_wanted(database: Database) -> None:
    rows = lively_town()
    filled(database, rows[:40])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:40]}))
    small, whole = Follower(database, recent=50), Follower(database)
    sizes = []
    for start in range(40, 400, 10):
        store(database, rows[start : start + 10], start)
        small.catch_up()
        sizes.append(small.live.covisit.size)
    whole.catch_up()
    assert max(sizes) <= 100
    assert sum(after < before for before, after in pairwise(sizes)) >= 2
    for citizen in ASKED:
        assert open_to(small, citizen) == open_to(whole, citizen)
        kept = history_of(small, citizen)
        assert kept == history_of(whole, citizen)[len(history_of(whole, citizen)) - len(kept) :]
    items = small.live.items
    assert small.live.readers[:items].tolist() == whole.live.readers[:items].tolist()
    kept_mass, mass = (found.live.popular.score("7d", END / HOUR_MS)[:items] for found in (small, whole))
    assert kept_mass.tolist() == mass.tolist()


# --- threads ----------------------------------------------------------------------------------------------------------


def test_readers_and_writers_in_many_threads_end_in_the_same_state(database: Database) -> None:
    rows: list[Row] = lively_town()
    filled(database, rows[:100])
    publish(database, sorted({row[1] for row in rows} - {row[1] for row in rows[:100]}))
    follower = Follower(database, recent=120)
    stop = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            failures.append(error)

    def ask(citizen: str) -> Callable[[], object]:
        def once() -> None:
            follower.catch_up_citizen(citizen)
            order_for(follower, citizen)

        return once

    works = [follower.catch_up, follower.catch_up, *(ask(f"c{number:02d}") for number in range(3))]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for start in range(100, 400, 10):
        store(database, rows[start : start + 10], start)
    stop.set()
    for thread in threads:
        thread.join()
    follower.catch_up()
    assert failures == []
    whole = Follower(database)
    assert follower.seq == whole.seq
    for citizen in ASKED:
        assert open_to(follower, citizen) == open_to(whole, citizen)
    for item in whole.items:
        mine, other = follower.place_of_item(item), whole.place_of_item(item)
        assert follower.live.readers[mine] == whole.live.readers[other]


def test_following_ends_when_it_is_told_and_outlives_a_failure(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(database, lively_town(50))
    follower = Follower(database)
    store(database, [("c00", "shelf0-book1", "read", END)], 800)
    turns: list[int] = []
    stop = threading.Event()
    catch_up = follower.catch_up

    def watched() -> int:
        turns.append(len(turns))
        if len(turns) == 1:
            raise DatabaseError("the first turn fails")
        if len(turns) == 2:
            raise ZeroDivisionError
        taken = catch_up()
        stop.set()
        return taken

    monkeypatch.setattr(follower, "catch_up", watched)
    follower.follow(stop, every_s=0.0)
    assert turns == [0, 1, 2]
    assert "shelf0-book1" not in open_to(follower, "c00")
