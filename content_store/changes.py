"""What changed since: the contents and citizens whose rows were made, altered or removed, whoever did it.

Triggers keep one row per changed record, whichever road the change comes by. A reader holds a *cursor*, an opaque
number that means something only to the database that gave it and while the reader runs: whoever begins anew reads the
records themselves. Of citizens only their switches count (``minor``, ``birth_year``, ``personalised``,
``prefecture``, what they want ``forgotten``), and a guest who was made without any is no change.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema
from content_store.driver import Driver

_changes = schema.changes
_TOLD = sa.select(_changes.c.kind, _changes.c.id)
_NUMBERED_AFTER = _TOLD.where(_changes.c.seq > sa.bindparam("cursor"))
_WRITTEN_SINCE = _TOLD.where(_changes.c.transaction >= sa.bindparam("cursor"))
# Of PostgreSQL the oldest transaction that may still commit: numbers are given at the first write, seen at the commit.
_NOW = {
    "sqlite": "(SELECT max(seq) FROM changes)",
    "postgresql": "pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """The ids of what changed, and the cursor with which to ask for what comes after."""

    contents: frozenset[str]
    citizens: frozenset[str]
    cursor: int


def now(connection: Connection) -> int:
    """A cursor before which lies everything that ``connection`` can see already.

    Take it before reading the records, so that nothing falls in between.
    """
    driver = Driver(connection)
    return driver.rows(f"SELECT {now_in(driver.dialect)}")[0][0] or 0


def now_in(dialect: str) -> str:
    """What is ``now`` as a column of another statement; null stands for 0."""
    return _NOW[dialect]


def since(connection: Connection, cursor: int, until: int | None = None) -> Changed:
    """What changed after ``cursor``; some of it may be told more than once, nothing is left out.

    ``until`` is ``now`` where the caller knows it already; what has changed after it may be told, too.
    """
    following, sqlite = now(connection) if until is None else until, connection.dialect.name == "sqlite"
    if sqlite and following <= cursor:
        return Changed(frozenset(), frozenset(), cursor)
    rows = connection.execute(_NUMBERED_AFTER if sqlite else _WRITTEN_SINCE, {"cursor": cursor}).all()
    contents = frozenset(id for kind, id in rows if kind == "content")
    return Changed(contents, frozenset(id for kind, id in rows if kind == "citizen"), following)
