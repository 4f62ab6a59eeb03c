"""Events in bulk: each id once, in the order of the rows, grown where a row tells more, whoever else stores."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from content_store import events, schema
from content_store.db import Database
from content_store.errors import DatabaseError
from content_store.events import Appended, Event
from content_store.transfer import event_store
from content_store.transfer.event_rows import SCHEMA
from content_store.vocabulary import EventKind
from tests.support.readers import two_readers

AT = 1_735_704_000_000

_runs = itertools.count()

# What CSV, arrays and patterns have a meaning for, and letters that sort differently by language and by code point.
ids = st.text("aB0é熊 ,;\"'\\{}%?_-", min_size=1, max_size=3)
batches = st.lists(st.lists(st.tuples(ids, st.none() | st.integers(0, 3)), max_size=12), min_size=1, max_size=4)


@pytest.fixture
def records(database: Database) -> Database:
    """A database with two citizens and an article."""
    return two_readers(database)


@pytest.fixture
def concurrent(postgresql_database: Database) -> Database:
    """The same on the database on which transactions overlap."""
    return two_readers(postgresql_database)


def _table(rows: list[tuple[str, int | None]]) -> pa.Table:
    told = {"citizen_id": "李雷", "content_id": "熊猫", "kind": "read", "at": AT, "received_at": AT}
    return pa.Table.from_pylist([told | {"id": id, "dwell_ms": dwell} for id, dwell in rows], SCHEMA)


def _store(database: Database, rows: list[tuple[str, int | None]]) -> Appended:
    with database.begin(bulk=True) as connection:
        return event_store.store(connection, _table(rows))


def _stored(database: Database, prefix: str = "") -> list[tuple[str, int | None]]:
    found = sa.select(schema.events.c.id, schema.events.c.dwell_ms).order_by(schema.events.c.seq)
    with database.connect() as connection:
        return [(id, dwell) for id, dwell in connection.execute(found) if id.startswith(prefix)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_whatever_comes_again_each_id_is_stored_once_and_only_grows(
    records: Database, batches: list[list[tuple[str, int | None]]]
) -> None:
    run = f"{next(_runs)}:"
    expected: dict[str, int | None] = {}
    for batch in batches:
        rows = [(run + id, dwell) for id, dwell in batch]
        accepted = 0
        for id, dwell in rows:
            before = expected.get(id)
            if id not in expected or (dwell is not None and (before is None or dwell > before)):
                expected[id] = dwell
                accepted += 1
        assert _store(records, rows) == (accepted, len(rows) - accepted)
    assert _stored(records, run) == list(expected.items())


@contextmanager
def _holding(database: Database, *rows: tuple[str, int | None]) -> Iterator[Connection]:
    """A transaction that has stored ``rows`` and not ended."""
    with database.connect() as connection:
        for id, dwell in rows:
            event = Event(id=id, citizen_id="李雷", content_id="熊猫", kind=EventKind.READ, at=AT, dwell_ms=dwell)
            events.append(connection, [event])
        yield connection


def _wait_until_blocked(waiting: Future[Appended], database: Database) -> None:
    with database.connect() as looking:
        while not (waiting.done() or looking.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted"))):
            looking.rollback()
        assert not waiting.done()


ROWS: list[tuple[str, int | None]] = [("a", 1), ("b", 9), ("c", 1), ("d", None)]


def test_what_another_process_stores_meanwhile_is_stored_once_and_grows(concurrent: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with _holding(concurrent, ("b", 5), ("c", 5)) as other:
            waiting = pool.submit(_store, concurrent, ROWS)
            _wait_until_blocked(waiting, concurrent)
            other.commit()
        assert waiting.result(60) == (3, 1)
    assert _stored(concurrent) == [("b", 9), ("c", 5), ("a", 1), ("d", None)]


def test_what_another_process_gives_up_is_stored(concurrent: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with _holding(concurrent, ("b", 5), ("c", 5)) as other:
            waiting = pool.submit(_store, concurrent, ROWS)
            _wait_until_blocked(waiting, concurrent)
            other.rollback()
        assert waiting.result(60) == (4, 0)
    assert _stored(concurrent) == ROWS


def test_a_transaction_that_fails_after_its_rows_leaves_none_of_them(records: Database) -> None:
    with pytest.raises(ZeroDivisionError), records.begin(bulk=True) as connection:
        event_store.store(connection, _table(ROWS))
        raise ZeroDivisionError
    assert _stored(records) == []


def test_a_row_on_what_is_not_stored_is_refused_by_the_database(records: Database) -> None:
    unknown = _table(ROWS).set_column(1, "citizen_id", pa.array(["李雷", "李雷", "nobody", "李雷"], pa.large_string()))
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), records.begin(bulk=True) as connection:
        event_store.store(connection, unknown)
    assert _stored(records) == []
