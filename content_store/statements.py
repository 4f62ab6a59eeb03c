"""Statements over many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store.errors import KepuError

# SQLite binds at most 32,766 values to a statement, PostgreSQL 65,535.
_IN_CHUNK = 10_000


def affected(connection: Connection, statement: Any, rows: list[dict[str, Any]] | None = None) -> int:
    """Run the insert once, with all ``rows`` where given, and tell how many rows of the table it made or changed."""
    # Without the option the count of an insert is thrown away.
    return connection.execute(statement, rows, execution_options={"preserve_rowcount": True}).rowcount


@contextmanager
def refused(connection: Connection, kind: type[KepuError]) -> Iterator[None]:
    """What the database refuses within is undone, and raised as ``kind`` in the database's words."""
    try:
        with connection.begin_nested():
            yield
    except sa.exc.IntegrityError as error:
        raise kind(str(error.orig).strip().splitlines()[0]) from error


def chunks(values: Collection[str], size: int = _IN_CHUNK) -> Iterator[list[str]]:
    """``values`` in lists short enough for one statement."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


class Merged(NamedTuple):
    """How many of the rows made a record, changed one, or told nothing new; and the ids of those that were refused."""

    created: int
    changed: int
    same: int
    refused: frozenset[str] = frozenset()


def merge(
    stored: dict[str, dict[str, Any]],
    rows: Iterable[dict[str, Any]],
    begin: Callable[[dict[str, Any]], dict[str, Any]],
    change: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]],
) -> tuple[Merged, list[dict[str, Any]]]:
    """Apply ``rows`` (each with its ``id``) in their order to the ``stored`` ones.

    ``begin`` completes a row that is new, ``change`` gives a stored one with what a row tells, or itself. Returns the
    counts and the records to write.
    """
    dirty: dict[str, dict[str, Any]] = {}
    created = changed = same = 0
    for row in rows:
        before = dirty.get(row["id"]) or stored.get(row["id"])
        if before is None:
            dirty[row["id"]] = begin(row)
            created += 1
            continue
        after = change(before, row)
        if after == before:
            same += 1
        else:
            dirty[row["id"]] = after
            changed += 1
    return Merged(created, changed, same), list(dirty.values())


def replace(connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Write whole ``rows`` over those with the same ``id``, or as new ones."""
    if rows:
        insert: Any = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
        told = {column.name: insert.excluded[column.name] for column in table.c if column.name != "id"}
        connection.execute(insert.on_conflict_do_update(index_elements=[table.c.id], set_=told), rows)
