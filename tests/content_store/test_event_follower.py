"""The follower: every event once, however the transactions that store them overlap."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from content_store import events
from content_store.db import Database
from content_store.event_follower import EventFollower
from content_store.events import Event
from content_store.intake import Caller, Incoming, Intake
from content_store.vocabulary import EventKind
from tests.support.readers import KEY, two_readers

AT = 1_735_704_000_000

_runs = itertools.count()


@pytest.fixture
def records(database: Database) -> Database:
    """A database with two citizens and an article."""
    return two_readers(database)


@pytest.fixture
def concurrent(postgresql_database: Database) -> Database:
    """The same on the database on which transactions overlap."""
    return two_readers(postgresql_database)


def _event(id: str) -> Event:
    return Event(id=id, citizen_id="李雷", content_id="熊猫", kind=EventKind.LIKE, at=AT)


def _append(connection: Connection, *ids: str) -> None:
    events.append(connection, [_event(id) for id in ids])


def _store(database: Database, *ids: str) -> None:
    with database.begin() as connection:
        _append(connection, *ids)


def _poll(follower: EventFollower, database: Database) -> list[int]:
    """The places that a poll gives, a list per batch joined."""
    with database.connect() as connection:
        return [int(seq) for batch in follower.poll(connection) for seq in batch.seq]


def _ids(database: Database) -> dict[int, str]:
    with database.connect() as connection:
        return {event.seq: event.id for event in events.history(connection, "李雷")}


def test_each_event_is_given_once_in_the_order_of_storing(records: Database) -> None:
    follower = EventFollower(batch=2)
    assert _poll(follower, records) == []
    _store(records, "a", "b", "c", "d", "e")
    first = _poll(follower, records)
    _store(records, "f")
    second = _poll(follower, records)
    assert [_ids(records)[seq] for seq in first + second] == ["a", "b", "c", "d", "e", "f"]
    assert len(second) == 1
    assert _poll(follower, records) == []


def test_it_begins_where_it_is_told_to_and_reads_more_columns_when_asked(records: Database) -> None:
    _store(records, "a", "b")
    begin = EventFollower()
    _poll(begin, records)
    with records.begin() as connection:
        events.append(connection, [replace(_event("c"), dwell_ms=7, session="s")])
    follower = EventFollower(begin.settled, extras=["dwell_ms", "session"])
    with records.connect() as connection:
        (batch,) = follower.poll(connection)
    assert batch.dwell_ms is not None and batch.session is not None
    assert (batch.citizen[0], batch.dwell_ms[0], batch.session[0]) == ("李雷", 7, "s")
    with pytest.raises(ValueError, match="mood"):
        EventFollower(extras=["mood"])


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_who_wants_contacts_gets_each_once_whatever_is_shown_between_them(records: Database, batch: int) -> None:
    follower, found = EventFollower(contacts=True, batch=batch), []
    kinds = [EventKind.LIKE, *[EventKind.IMPRESSION] * 3, EventKind.LIKE, EventKind.IMPRESSION]
    for turn in range(3):
        with records.begin() as connection:
            for number, kind in enumerate(kinds):
                events.append(connection, [replace(_event(f"{turn}.{number}"), kind=kind)])
        with records.connect() as connection:
            for columns in follower.poll(connection):
                found += [seq for seq, kind in zip(columns.seq, columns.kind, strict=True) if kind != "impression"]
    with records.connect() as connection:
        assert follower.settled == events.last_seq(connection)
        likes = connection.exec_driver_sql("SELECT seq FROM events WHERE kind = 'like' ORDER BY seq").scalars().all()
    assert found == likes


def test_what_was_taken_back_is_never_given(records: Database) -> None:
    follower = EventFollower()
    _store(records, "a")
    with records.connect() as connection:
        _append(connection, "gone")
        connection.rollback()
    _store(records, "b")
    assert [_ids(records)[seq] for seq in _poll(follower, records)] == ["a", "b"]
    assert _poll(follower, records) == []
    assert follower.settled == max(_ids(records))


def test_what_a_page_just_sent_is_seen_by_the_next_poll(records: Database) -> None:
    follower, intake = EventFollower(), Intake(records, KEY)
    for number in range(3):
        intake.receive([Incoming(f"e{number}", "click", "熊猫", AT)], Caller(citizen_id="李雷"), AT)
        assert [_ids(records)[seq] for seq in _poll(follower, records)] == [f"e{number}"]


def test_an_event_that_is_committed_after_a_later_one_is_not_missed(concurrent: Database) -> None:
    follower = EventFollower()
    with concurrent.begin() as slow:
        _append(slow, "early")
        _store(concurrent, "late")
        assert [_ids(concurrent)[seq] for seq in _poll(follower, concurrent)] == ["late"]
        assert _poll(follower, concurrent) == []
        _store(concurrent, "later")
        assert [_ids(concurrent)[seq] for seq in _poll(follower, concurrent)] == ["later"]
        _append(slow, "early too")
    assert [_ids(concurrent)[seq] for seq in _poll(follower, concurrent)] == ["early", "early too"]
    assert _poll(follower, concurrent) == []
    assert follower.settled == max(_ids(concurrent))


def test_a_follower_that_replaces_another_misses_nothing_either(concurrent: Database) -> None:
    first = EventFollower()
    with concurrent.begin() as slow:
        _append(slow, "early")
        _store(concurrent, "late")
        _poll(first, concurrent)
        second = EventFollower(first.settled)
        _poll(second, concurrent)
    assert [_ids(concurrent)[seq] for seq in _poll(second, concurrent)] == ["early"]


def test_places_that_stay_empty_are_forgotten_when_those_who_drew_them_have_ended(concurrent: Database) -> None:
    follower = EventFollower()
    _store(concurrent, "a")
    with concurrent.connect() as open_still:
        open_still.exec_driver_sql("SELECT pg_current_xact_id()")
        with concurrent.connect() as connection:
            _append(connection, "gone", "gone too")
            connection.rollback()
        _store(concurrent, "b")
        _poll(follower, concurrent)
        for _ in range(3):
            assert _poll(follower, concurrent) == []
            assert follower.settled < max(_ids(concurrent))
    _poll(follower, concurrent)
    assert follower.settled == max(_ids(concurrent))
    assert follower._first.size == 0


def test_a_long_transaction_keeps_nobody_elses_events_back(concurrent: Database) -> None:
    follower = EventFollower()
    with concurrent.begin() as long:
        _append(long, *(f"import {number}" for number in range(50)))
        for number in range(20):
            _store(concurrent, f"page {number}")
            assert [_ids(concurrent)[seq] for seq in _poll(follower, concurrent)] == [f"page {number}"]
    assert len(_poll(follower, concurrent)) == 50


def test_a_transaction_is_numbered_before_it_draws_a_place(concurrent: Database) -> None:
    with concurrent.connect() as connection:
        draw = connection.exec_driver_sql(
            "SELECT column_default FROM information_schema.columns WHERE table_name = 'events' AND column_name = 'seq'"
        ).scalar()
        # The first draw of a sequence is written down and numbers its transaction anyway; the next ones are not.
        for _ in range(2):
            connection.rollback()
            connection.exec_driver_sql(f"SELECT {draw}")
        numbered = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()").scalar()
    assert numbered is not None


Step = tuple[str, int]
"""What one of three writers does: begin and store, commit, take back; or the follower polls."""

steps = st.lists(
    st.tuples(st.sampled_from(["store", "store", "commit", "rollback", "poll"]), st.integers(0, 2)), max_size=25
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(script=steps)
def test_however_transactions_overlap_each_committed_event_is_given_once(
    concurrent: Database, script: Sequence[Step]
) -> None:
    follower = EventFollower()
    _poll(follower, concurrent)
    _poll(follower, concurrent)
    writers = [concurrent.engine.connect() for _ in range(3)]
    pending: list[list[str]] = [[], [], []]
    committed: list[str] = []
    given_out: list[int] = []
    run = next(_runs)
    try:
        for number, (what, who) in enumerate(script):
            if what == "store":
                pending[who].append(f"{run} {number}")
                _append(writers[who], f"{run} {number}")
            elif what == "poll":
                given_out += _poll(follower, concurrent)
            else:
                if what == "commit":
                    writers[who].commit()
                    committed += pending[who]
                else:
                    writers[who].rollback()
                pending[who] = []
    finally:
        for writer in writers:
            writer.close()
    given_out += _poll(follower, concurrent)
    given_out += _poll(follower, concurrent)
    names = _ids(concurrent)
    assert sorted(names[seq] for seq in given_out) == sorted(committed)
    assert follower._first.size == 0


def test_many_writers_and_a_follower_at_once(concurrent: Database) -> None:
    follower, intake = EventFollower(), [Intake(concurrent, KEY) for _ in range(3)]

    def write(writer: int) -> None:
        for call in range(40):
            rows = [Incoming(f"{writer} {call} {place}", "like", "熊猫", AT) for place in range(3)]
            intake[writer].receive(rows, Caller(citizen_id="李雷" if writer else "韩梅梅"), AT)

    given_out: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(write, writer) for writer in range(3)]
        while not all(future.done() for future in writing):
            given_out += _poll(follower, concurrent)
    given_out += _poll(follower, concurrent) + _poll(follower, concurrent)
    assert len(given_out) == len(set(given_out)) == 3 * 40 * 3
