"""The driver's own cursor for statements that run thousands of times a second.

SQLAlchemy takes two to seven times as long over a statement of twenty rows as SQLite does. Statements are written with
``?`` for a value and ``IN ?`` for a list of texts; this makes them what each driver wants.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store.errors import DatabaseConflict, DatabaseError, DatabaseRefused

_CONFLICTS = {"40001", "40P01"}
"""PostgreSQL's codes for transactions that could not be put in an order, and for a deadlock."""


class Driver:
    """Runs statements on the connection, and in the transaction, that SQLAlchemy holds.

    Every method raises DatabaseRefused where the rows break a rule of the database, DatabaseConflict where another
    transaction got in the way, DatabaseError where the database itself fails.
    """

    __slots__ = ("_dbapi", "_error", "_raw", "dialect")

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect.name
        self._raw: Any = connection.connection.dbapi_connection
        self._dbapi: Any = connection.dialect.loaded_dbapi
        self._error = self._dbapi.Error

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows that ``sql`` finds; each value that is a list goes into its ``IN ?``."""
        sqlite = self.dialect == "sqlite"
        sql, given = _spread(sql, values) if sqlite else (_pyformat(sql), values)
        try:
            found: list[tuple[Any, ...]] = self._raw.execute(sql, given).fetchall()
            return found
        except self._error as error:
            raise self._failed(error) from error

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run ``sql`` for each of ``rows``; how many rows of tables were made or changed."""
        if not rows:
            return 0
        try:
            cursor = self._raw.cursor()
            cursor.executemany(sql if self.dialect == "sqlite" else _pyformat(sql), rows)
            return int(cursor.rowcount)
        except self._error as error:
            raise self._failed(error) from error

    def insert(self, insertion: Insertion, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert ``rows`` in their order; how many rows of the table were made or changed."""
        if not rows:
            return 0
        try:
            if self.dialect == "sqlite":
                return sum(self._raw.execute(sql, values).rowcount for sql, values in insertion.in_blocks(rows))
            # One statement with an array for each column, not one for each row.
            columns = [list(column) for column in zip(*rows, strict=True)]
            done = self._raw.execute(_pyformat(insertion.by_column), columns)
            return int(done.rowcount)
        except self._error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> DatabaseError:
        reason = str(error).strip().splitlines()
        text = f"the database failed: {reason[0] if reason else type(error).__name__}"
        if getattr(error, "sqlstate", None) in _CONFLICTS:
            return DatabaseConflict(text)
        if isinstance(error, self._dbapi.OperationalError):
            return DatabaseError(text)
        return DatabaseRefused(text)


@dataclass(frozen=True, slots=True)
class Insertion:
    """The statements that insert rows of ``columns`` into ``table``, with what ``on_conflict`` says of a taken key."""

    head: str
    row: str
    tail: str
    by_column: str

    @classmethod
    def into(cls, table: sa.Table, columns: Iterable[str], *, on_conflict: str = "") -> Insertion:
        """Made once; ``on_conflict`` is what follows these words, such as ``DO NOTHING``."""
        names = list(columns)
        head = f"INSERT INTO {table.name} ({', '.join(names)})"
        tail = f" ON CONFLICT {on_conflict}" if on_conflict else ""
        arrays = ", ".join(f"?::{_POSTGRESQL_TYPES[type(table.c[name].type)]}[]" for name in names)
        row = f"({', '.join('?' * len(names))})"
        return cls(f"{head} VALUES ", row, tail, f"{head} SELECT * FROM unnest({arrays}){tail}")

    def in_blocks(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
        """Statements of a few sizes with their values, for all of ``rows`` in their order.

        Between two rows of ``executemany`` SQLite's driver gives the interpreter away and takes it back, and the
        statement is begun anew; a third of the time of twenty rows goes there.
        """
        at = 0
        while at < len(rows):
            size = next(size for size in _BLOCKS if size <= len(rows) - at)
            yield _in_block(self, size), [value for row in rows[at : at + size] for value in row]
            at += size


_BLOCKS = (64, 16, 4, 1)


@functools.lru_cache(1000)
def _in_block(insertion: Insertion, size: int) -> str:
    return insertion.head + ", ".join([insertion.row] * size) + insertion.tail


_POSTGRESQL_TYPES: dict[type[Any], str] = {
    sa.Text: "text",
    sa.Integer: "integer",
    sa.BigInteger: "bigint",
    sa.Double: "double precision",
    sa.Boolean: "boolean",
    sa.JSON: "json",
    sa.LargeBinary: "bytea",
}


def _spread(sql: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """``sql`` and its values for SQLite: a mark for each text of a short list, or a long list as one JSON text.

    Short lists are filled up to a few sizes, so that there are few statements and each is prepared once.
    """
    sizes: list[int] = []
    given: list[Any] = []
    for value in values:
        if type(value) is not list:
            given.append(value)
        elif len(value) <= _SIZES[-1]:
            size = _SIZES[bisect.bisect_left(_SIZES, len(value))]
            sizes.append(size)
            given += value
            given += value[-1:] * (size - len(value)) if value else [None]
        else:
            sizes.append(0)
            given.append(orjson.dumps(value).decode())
    return (_marked(sql, tuple(sizes)) if sizes else sql), given


_SIZES = (1, 2, 4, 8, 12, 16, 20, 32, 64)


@functools.lru_cache(1000)
def _marked(sql: str, sizes: tuple[int, ...]) -> str:
    for size in sizes:
        marks = ", ".join("?" * size) if size else "SELECT value FROM json_each(?)"
        sql = sql.replace("IN ?", f"IN ({marks})", 1)
    return sql


@functools.lru_cache(1000)
def _pyformat(sql: str) -> str:
    return sql.replace("%", "%%").replace("IN ?", "= ANY(?)").replace("?", "%s")
