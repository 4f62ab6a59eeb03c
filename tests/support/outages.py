"""A database that fails for a while, as each kind does."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from content_store.db import Database
from content_store.errors import DatabaseError
from tests.support.servers import Postgres


@contextlib.contextmanager
def outage(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody can write meanwhile: SQLite is locked by another, PostgreSQL lets nobody in."""
    if database.dialect == "sqlite":
        assert database.engine.url.database
        with contextlib.closing(sqlite3.connect(database.engine.url.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = database.engine.url.database
    assert name
    server.shut(name)
    try:
        yield
    finally:
        server.open(name)


def be_impatient(database: Database) -> None:
    """Let new connections of ``database`` wait for a lock for a moment only."""
    if database.dialect == "sqlite":

        def hurry(raw: Any, _record: object) -> None:
            raw.execute("PRAGMA busy_timeout = 20")

        database.engine.dispose()
        event.listen(database.engine, "connect", hurry)


@contextlib.contextmanager
def _gone(self: Database) -> Iterator[Any]:
    if self:
        raise DatabaseError("the database is gone")
    yield


def cut_off(patch: pytest.MonkeyPatch) -> None:
    """Nobody can even read any database until ``patch`` is undone."""
    for way in ("connect", "reading"):
        patch.setattr(Database, way, _gone)
