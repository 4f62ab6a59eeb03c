"""The driver's own cursor for statements that run thousands of times a second.

SQLAlchemy takes three times as long over a statement of twenty rows as SQLite does. Statements are written with ``?``
for a value and ``IN ?`` for a list of texts; this makes them what each driver wants.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
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
        given = tuple(self._list(value) if isinstance(value, list) else value for value in values)
        try:
            found: list[tuple[Any, ...]] = self._raw.execute(_for(self.dialect, sql), given).fetchall()
            return found
        except self._error as error:
            raise self._failed(error) from error

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run ``sql`` for each of ``rows``; how many rows of tables were made or changed."""
        if not rows:
            return 0
        try:
            cursor = self._raw.cursor()
            cursor.executemany(_for(self.dialect, sql), rows)
            return int(cursor.rowcount)
        except self._error as error:
            raise self._failed(error) from error

    def _list(self, values: list[str]) -> Any:
        return orjson.dumps(values).decode() if self.dialect == "sqlite" else values

    def _failed(self, error: Exception) -> DatabaseError:
        reason = str(error).strip().splitlines()
        text = f"the database failed: {reason[0] if reason else type(error).__name__}"
        if getattr(error, "sqlstate", None) in _CONFLICTS:
            return DatabaseConflict(text)
        if isinstance(error, self._dbapi.OperationalError):
            return DatabaseError(text)
        return DatabaseRefused(text)


def insertion(table: str, columns: Iterable[str], *, or_nothing: bool = False) -> str:
    """The statement that inserts a row; with ``or_nothing`` a row whose key is taken is passed over."""
    names = list(columns)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})" + (
        " ON CONFLICT DO NOTHING" if or_nothing else ""
    )


@functools.lru_cache(1000)
def _for(dialect: str, sql: str) -> str:
    if dialect == "sqlite":
        return sql.replace("IN ?", "IN (SELECT value FROM json_each(?))")
    return sql.replace("%", "%%").replace("IN ?", "= ANY(?)").replace("?", "%s")
