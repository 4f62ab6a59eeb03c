"""Statements by the driver's own cursor: rows in blocks are rows one by one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store import citizens, contents, schema
from content_store.db import Database
from content_store.driver import Driver, Insertion
from content_store.errors import DatabaseRefused

EVENTS = Insertion.into(
    schema.events, ("id", "citizen_id", "content_id", "kind", "at", "received_at"), on_conflict="DO NOTHING"
)


@pytest.fixture
def town(database: Database) -> Database:
    with database.begin() as connection:
        citizens.ensure(connection, ["anna"])
        contents.create(connection, id="stars", title="星空")
    return database


def rows(numbers: range, content: str = "stars") -> list[tuple[object, ...]]:
    return [(f"e{number:03d}", "anna", content, "read", number, number) for number in numbers]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 21, 63, 64, 65, 200])
def test_all_rows_are_inserted_in_their_order_and_those_that_are_there_are_not_counted(
    count: int, town: Database
) -> None:
    with town.begin() as connection:
        driver = Driver(connection)
        known = driver.insert(EVENTS, rows(range(count // 3, count // 2)))
        new = driver.insert(EVENTS, rows(range(count)))
    assert (known, new) == (count // 2 - count // 3, count - known)
    with town.connect() as connection:
        found = connection.execute(sa.select(schema.events.c.id).order_by(schema.events.c.seq)).scalars().all()
    told = [f"e{number:03d}" for number in range(count)]
    first = told[count // 3 : count // 2]
    assert found == first + [id for id in told if id not in first]


def test_one_bad_row_among_many_leaves_none(town: Database) -> None:
    mixed = rows(range(70)) + rows(range(70, 71), "nowhere") + rows(range(71, 150))
    with pytest.raises(DatabaseRefused), town.begin() as connection:
        Driver(connection).insert(EVENTS, mixed)
    with town.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.events)).scalar_one() == 0
