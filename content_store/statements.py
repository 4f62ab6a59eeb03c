"""Statements over many rows at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection

# SQLite binds at most 32,766 values to a statement, PostgreSQL 65,535.
_IN_CHUNK = 10_000


def affected(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> int:
    """Run the insert once with all ``rows`` and tell how many rows of the table it made or changed."""
    # Without the option the count of an insert of many rows is thrown away.
    return connection.execute(statement, rows, execution_options={"preserve_rowcount": True}).rowcount


def chunks(values: Collection[str], size: int = _IN_CHUNK) -> Iterator[list[str]]:
    """``values`` in lists short enough for one statement."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part
