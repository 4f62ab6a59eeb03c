"""What changed since: every road by which a content or a citizen's switch changes is seen, and no commit is missed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import changes, citizens, contents, schema
from content_store.changes import Changed
from content_store.db import Database
from content_store.vocabulary import CitizenKind, ContentStatus, Topic


def told(database: Database, cursor: int) -> Changed:
    with database.connect() as connection:
        return changes.since(connection, cursor)


def start(database: Database) -> int:
    """Some records, and the cursor after them."""
    with database.begin() as connection:
        contents.create(connection, id="stars", title="星空", status=ContentStatus.PUBLISHED)
        contents.create(connection, id="heart", title="心")
        for name in ("anna", "chen"):
            citizens.create(connection, id=name)
    with database.connect() as connection:
        return changes.now(connection)


CONTENT_CHANGES: dict[str, Callable[[Connection], object]] = {
    "updated": lambda connection: contents.update(connection, "stars", topic=Topic.SPACE),
    "withdrawn": lambda connection: contents.set_status(connection, "stars", ContentStatus.WITHDRAWN),
    "merged": lambda connection: contents.merge(connection, [contents.check({"id": "stars", "author": "王"})]),
    "created": lambda connection: contents.create(connection, id="stars2", title="星"),
    "ensured": lambda connection: contents.ensure(connection, ["stars", "stars3"]),
    "removed": lambda connection: connection.execute(sa.delete(schema.contents).where(schema.contents.c.id == "stars")),
}


@pytest.mark.parametrize("how", CONTENT_CHANGES)
def test_a_changed_content_is_told_however_it_changed(how: str, database: Database) -> None:
    cursor = start(database)
    with database.begin() as connection:
        CONTENT_CHANGES[how](connection)
    expected = {"created": {"stars2"}, "ensured": {"stars3"}}.get(how, {"stars"})
    found = told(database, cursor)
    assert found.contents == expected
    assert found.citizens == frozenset()
    assert told(database, found.cursor).contents == frozenset()


CITIZEN_CHANGES: dict[str, Callable[[Connection], object]] = {
    "switched off": lambda connection: citizens.update(connection, "anna", personalised=False),
    "moved": lambda connection: citizens.update(connection, "anna", prefecture="成都"),
    "said to be young": lambda connection: citizens.update(connection, "anna", minor=True),
    "merged": lambda connection: citizens.merge(connection, [citizens.check({"id": "anna", "birth_year": 1980})]),
    "created": lambda connection: citizens.create(connection, id="anna2", birth_year=2010),
    "removed": lambda connection: connection.execute(sa.delete(schema.citizens).where(schema.citizens.c.id == "anna")),
}


@pytest.mark.parametrize("how", CITIZEN_CHANGES)
def test_a_changed_switch_is_told_however_it_changed(how: str, database: Database) -> None:
    cursor = start(database)
    with database.begin() as connection:
        CITIZEN_CHANGES[how](connection)
    found = told(database, cursor)
    assert found.citizens == {"anna2" if how == "created" else "anna"}
    assert found.contents == frozenset()
    assert told(database, found.cursor).citizens == frozenset()


def test_guests_and_what_is_no_switch_are_no_changes(database: Database) -> None:
    cursor = start(database)
    with database.begin() as connection:
        citizens.ensure(connection, ["guest", "anna"])
        citizens.create(connection, id="registered", kind=CitizenKind.REGISTERED)
        citizens.update(connection, "anna", interests=[Topic.SPACE], personalised=True)
    assert told(database, cursor).citizens == frozenset()


def test_what_was_undone_is_no_change(database: Database) -> None:
    cursor = start(database)
    with database.connect() as connection:
        contents.update(connection, "stars", title="月亮")
        connection.rollback()
    assert told(database, cursor).contents == frozenset()


def test_one_row_is_kept_of_a_record_however_often_it_changes(database: Database) -> None:
    cursor = start(database)
    for title in ("一", "二", "三"):
        with database.begin() as connection:
            contents.update(connection, "stars", title=title)
    assert told(database, cursor).contents == {"stars"}
    with database.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.changes)).scalar_one() == 2


def test_a_change_that_commits_after_later_ones_is_told_all_the_same(postgresql_database: Database) -> None:
    database = postgresql_database  # SQLite has one writer at a time: whoever begins first commits first
    cursor = start(database)
    with database.begin() as slow:
        contents.update(slow, "heart", title="slow")
        with database.begin() as quick:
            contents.update(quick, "stars", title="quick")
        found = told(database, cursor)
        assert found.contents == {"stars"}
        assert told(database, found.cursor).contents == {"stars"}, "told again while the slow one may still commit"
        cursor = found.cursor
    found = told(database, cursor)
    assert "heart" in found.contents
    assert told(database, found.cursor).contents == frozenset()
