"""Events: stored once, never changed but for a reading that grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store import citizens, contents, events, news, schema
from content_store.db import Database
from content_store.errors import BadRecord, UnknownCitizen, UnknownContent
from content_store.events import Event
from content_store.vocabulary import EventKind

Number = TypeVar("Number", int, float)

AT = 1_700_000_000_000
READ = Event(id="r1", citizen_id="李雷", content_id="熊猫", kind=EventKind.READ, at=AT)


@pytest.fixture
def records(database: Database) -> Iterator[Database]:
    """A database that knows two citizens and two contents."""
    with database.begin() as connection:
        citizens.ensure(connection, ["李雷", "韩梅梅"])
        contents.ensure(connection, ["熊猫", "火箭"])
    yield database


def _append(database: Database, *rows: Event) -> tuple[int, int]:
    with database.begin() as connection:
        return events.append(connection, rows)


def _only(database: Database) -> events.StoredEvent:
    with database.connect() as connection:
        (stored,) = events.history(connection, "李雷")
    return stored


def test_an_event_is_stored_once_however_often_it_is_sent(records: Database, fixed_clock: int) -> None:
    assert _append(records, READ, replace(READ, id="r2")) == (2, 0)
    assert _append(records, READ, READ, replace(READ, id="r3")) == (1, 2)
    with records.connect() as connection:
        assert events.count(connection) == 3
        stored = events.history(connection, "李雷")
    assert {event.received_at for event in stored} == {fixed_clock}


def test_all_that_an_event_tells_is_kept(records: Database) -> None:
    whole = replace(
        READ, kind=EventKind.SHARE, dwell_ms=1, scroll=0.25, region="SP", device="手机", country="BR", session="s 1"
    )
    _append(records, whole)
    stored = _only(records)
    assert whole == Event(**{name: getattr(stored, name) for name in Event.__slots__})


@pytest.mark.parametrize(
    ("again", "outcome", "kept"),
    [
        ({"dwell_ms": 900, "scroll": 0.5}, (1, 0), (900, 0.5)),
        ({"dwell_ms": 100, "scroll": 0.9}, (1, 0), (500, 0.9)),
        ({"dwell_ms": 900}, (1, 0), (900, 0.5)),
        ({"dwell_ms": 500, "scroll": 0.5}, (0, 1), (500, 0.5)),
        ({"dwell_ms": 100, "scroll": 0.1}, (0, 1), (500, 0.5)),
        ({}, (0, 1), (500, 0.5)),
    ],
)
def test_the_stored_maximum_of_a_reading_grows_and_never_shrinks(
    records: Database, again: dict[str, float], outcome: tuple[int, int], kept: tuple[int, float]
) -> None:
    bare = replace(READ, at=AT + 5)
    _append(records, replace(READ, dwell_ms=500, scroll=0.5))
    assert _append(records, replace(bare, **again)) == outcome  # type: ignore[arg-type]
    stored = _only(records)
    assert (stored.dwell_ms, stored.scroll) == kept
    assert stored.at == AT


def test_a_reading_grows_from_nothing(records: Database) -> None:
    _append(records, READ)
    assert _append(records, replace(READ, dwell_ms=0, scroll=0.0)) == (1, 0)


@pytest.mark.parametrize(
    "other",
    [{"citizen_id": "韩梅梅"}, {"content_id": "火箭"}, {"kind": EventKind.CLICK}],
    ids=lambda other: next(iter(other)),
)
def test_nobody_makes_a_reading_grow_that_is_not_the_same(records: Database, other: dict[str, str]) -> None:
    _append(records, replace(READ, dwell_ms=500))
    assert _append(records, replace(READ, dwell_ms=999_999, **other)) == (0, 1)  # type: ignore[arg-type]
    assert _only(records).dwell_ms == 500


def test_repeats_within_a_batch_act_in_their_order(records: Database) -> None:
    dwells = [500, 400, 600, 600, 700]
    assert _append(records, *(replace(READ, dwell_ms=dwell) for dwell in dwells)) == (3, 2)
    assert _only(records).dwell_ms == 700


def test_late_events_are_accepted_and_take_their_place_in_the_history(records: Database) -> None:
    _append(records, replace(READ, id="new", at=AT))
    assert _append(records, replace(READ, id="late", at=AT - 10**9)) == (1, 0)
    with records.connect() as connection:
        assert [event.id for event in events.history(connection, "李雷")] == ["new", "late"]
        assert events.newest_at(connection) == AT


def test_a_citizens_contacts_are_found_by_their_place_in_the_log(records: Database) -> None:
    shown = replace(READ, id="shown", kind=EventKind.IMPRESSION)
    late = replace(READ, id="late", at=AT - 10**9)
    _append(records, READ, shown, replace(READ, id="x", citizen_id="韩梅梅"), late, replace(READ, id="r2", at=AT + 2))
    with records.connect() as connection:
        whole = news.of(connection, "李雷", 0).contacts
        assert [event.id for event in whole] == ["r1", "late", "r2"]
        assert news.of(connection, "李雷", whole[1].seq).contacts == whole[2:]
        assert news.of(connection, "nobody", 0).contacts == []
        assert events.id_at(connection, whole[1].seq) == "late"
        assert events.id_at(connection, whole[2].seq + 1) is None


def test_a_history_is_the_citizens_own_and_can_be_narrowed(records: Database) -> None:
    like = replace(READ, id="l", kind=EventKind.LIKE, at=AT + 1)
    _append(records, READ, like, replace(READ, id="r2", at=AT + 2), replace(READ, id="x", citizen_id="韩梅梅"))
    with records.connect() as connection:
        assert [event.id for event in events.history(connection, "李雷", limit=2)] == ["r2", "l"]
        assert [event.id for event in events.history(connection, "李雷", kinds={EventKind.READ})] == ["r2", "r1"]
        assert events.history(connection, "nobody") == []
        assert events.count_by_kind(connection) == {EventKind.READ: 3, EventKind.LIKE: 1}


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"citizen_id": "nobody"}, UnknownCitizen),
        ({"content_id": "nothing"}, UnknownContent),
        ({"kind": "stare"}, BadRecord),
        ({"dwell_ms": -1}, BadRecord),
        ({"scroll": 1.5}, BadRecord),
        ({"scroll": float("nan")}, BadRecord),
        ({"id": ""}, BadRecord),
        ({"region": "a\x00"}, BadRecord),
        ({"session": ""}, BadRecord),
    ],
    ids=str,
)
def test_one_bad_row_keeps_the_whole_batch_out(
    records: Database, bad: dict[str, object], error: type[Exception]
) -> None:
    with records.begin() as connection:
        with pytest.raises(error):
            events.append(connection, [replace(READ, id="good"), replace(READ, **bad)])  # type: ignore[arg-type]
        assert events.count(connection) == 0


def test_nothing_is_appended_when_nothing_is_given(records: Database) -> None:
    assert _append(records) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        sa.update(schema.events).values(at=1),
        sa.update(schema.events).values(citizen_id="韩梅梅"),
        sa.update(schema.events).values(kind="like"),
        sa.update(schema.events).values(region=None),
        sa.update(schema.events).values(dwell_ms=499),
        sa.update(schema.events).values(scroll=None),
        sa.delete(schema.events),
    ],
    ids=str,
)
def test_the_database_itself_refuses_to_rewrite_the_log(records: Database, change: sa.Update | sa.Delete) -> None:
    _append(records, replace(READ, dwell_ms=500, scroll=0.5, region="SP"))
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), records.begin() as connection:
        connection.execute(change)
    assert _only(records).dwell_ms == 500


def test_the_columns_for_learning_hold_every_event_in_the_order_of_storing(records: Database) -> None:
    rows = [
        replace(READ, id=f"e{number}", at=AT - number, region=None if number % 3 else "川", device=str(number % 2))
        for number in range(25)
    ]
    _append(records, *rows)
    with records.connect() as connection:
        batches = list(events.read_columns(connection, batch=10))
        empty_after = list(events.read_columns(connection, after_seq=events.last_seq(connection)))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert np.concatenate([batch.at for batch in batches]).tolist() == [row.at for row in rows]
    assert np.concatenate([batch.region for batch in batches]).tolist() == [row.region for row in rows]
    first = batches[0]
    assert first.citizen.tolist() == ["李雷"] * 10
    assert [str(column.dtype) for column in (first.seq, first.at, first.kind)] == ["int64", "int64", "object"]
    assert (first.dwell_ms, first.session) == (None, None)
    assert empty_after == []


def test_the_columns_can_start_later_end_earlier_and_hold_more(records: Database) -> None:
    _append(records, *(replace(READ, id=f"e{number}", at=AT + number) for number in range(6)))
    _append(records, replace(READ, id="e6", at=AT + 6, dwell_ms=7, scroll=0.5, session="s"))
    with records.connect() as connection:
        (early,) = events.read_columns(connection, until_ms=AT + 3)
        assert early.at.tolist() == [AT, AT + 1, AT + 2]
        (late,) = events.read_columns(connection, after_seq=int(early.seq[-1]) + 2, extras=["dwell_ms", "session"])
        with pytest.raises(ValueError, match="mood"):
            next(events.read_columns(connection, extras=["mood"]))
    assert late.at.tolist() == [AT + 5, AT + 6]
    assert late.dwell_ms is not None and np.isnan(late.dwell_ms[0]) and late.dwell_ms[1] == 7
    assert late.session is not None and late.session.tolist() == [None, "s"]


def test_rows_outside_the_time_do_not_end_the_columns_early(records: Database) -> None:
    _append(records, *(replace(READ, id=f"e{number}", at=AT + number % 2) for number in range(20)))
    with records.connect() as connection:
        found = list(events.read_columns(connection, until_ms=AT + 1, batch=4))
    assert sum(map(len, found)) == 10


def test_an_empty_log_has_no_columns(database: Database) -> None:
    with database.connect() as connection:
        assert list(events.read_columns(connection)) == []
        assert (events.last_seq(connection), events.newest_at(connection)) == (0, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    sent=st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 5), st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        max_size=12,
    ),
    cut=st.integers(0, 12),
)
def test_any_sequence_of_sends_ends_with_the_maxima_wherever_the_batches_are_cut(
    records: Database, sent: list[tuple[str, int | None, float | None]], cut: int
) -> None:
    with records.engine.connect() as connection, connection.begin() as transaction:
        rows = [replace(READ, id=name, dwell_ms=dwell, scroll=scroll) for name, dwell, scroll in sent]
        outcomes = [events.append(connection, part) for part in (rows[:cut], rows[cut:])]
        found = {event.id: (event.dwell_ms, event.scroll) for event in events.history(connection, "李雷")}
        transaction.rollback()
    expected: dict[str, tuple[int | None, float | None]] = {}
    accepted = 0
    for name, dwell, scroll in sent:
        old = expected.get(name)
        new = _larger(old[0] if old else None, dwell), _larger(old[1] if old else None, scroll)
        accepted += new != old
        expected[name] = new
    assert found == expected
    assert sum(outcome.accepted for outcome in outcomes) == accepted
    assert sum(outcome.duplicate for outcome in outcomes) == len(sent) - accepted


def _larger(old: Number | None, new: Number | None) -> Number | None:
    return old if new is None else new if old is None else max(old, new)
