"""Stores tables of events in bulk, with the meaning of ``events.append``."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import events, schema, statements
from content_store.driver import Driver
from content_store.errors import DatabaseError
from content_store.events import Appended
from content_store.transfer.batches import to_list
from content_store.transfer.event_rows import SCHEMA

_NAMES = SCHEMA.names
_SLICE = 20_000
# Rows of one statement of SQLite, which begins and ends slowly. While it runs, another thread of ours can.
_TOGETHER = 100

# The number of the transaction before a place in the log, as wherever an event is stored (decision 0022).
_NEXT_PLACE = "CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('events_seq_seq') END"
_PLACES = f"SELECT array_agg({_NEXT_PLACE})::text FROM generate_series(1, ?)"
# The ids come as one text, which is quickly made. Where none is stored between the lowest and the highest of them, as
# in a log of a time of which nothing is stored, none is looked up. The planner does not learn how many they are, or it
# might read the whole table instead of looking them up.
_STORED = """
    WITH given AS MATERIALIZED (SELECT string_to_array(?, ?) AS ids),
      ends AS MATERIALIZED (SELECT min(id) AS lowest, max(id) AS highest FROM given, unnest(ids) AS id)
    SELECT id FROM events WHERE id = ANY((
      SELECT CASE WHEN (SELECT min(id) FROM events WHERE id >= lowest) <= highest THEN ids END FROM given, ends
    )::text[])
"""
_BETWEEN = "\x1f"
_UNIQUE_VIOLATION = "23505"
_incoming = sa.Table(
    "incoming_events",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, server_default=sa.text(_NEXT_PLACE)),
    *(sa.Column(name, schema.events.c[name].type) for name in _NAMES),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)


def store(connection: Connection, table: pa.Table) -> Appended:
    """Append the rows of ``table`` (``SCHEMA``) in their order; their citizens and contents are known."""
    add = _add_sqlite if connection.dialect.name == "sqlite" else _add_postgresql
    table = table.select(_NAMES)
    if pc.count_distinct(table["id"]).as_py() == len(table):
        turns = [table]
    else:
        turns = [table.take(pa.array(turn)) for turn in events.turns(to_list(table["id"]))]
    accepted = sum(add(connection, turn) for turn in turns if len(turn))
    return Appended(accepted, len(table) - accepted)


def stored_at(connection: Connection, ids: list[str]) -> dict[str, int]:
    """When those of ``ids`` that are stored happened, epoch ms."""
    found = sa.select(schema.events.c.id, schema.events.c.at).where(schema.events.c.id.in_(ids))
    return {row.id: row.at for row in connection.execute(found)}


def _add_sqlite(connection: Connection, table: pa.Table) -> int:
    """Rows with ids of their own: first what is new, then, where something was not, what may let a stored row grow.

    With one statement for both SQLite keeps for each row every page that it touches, to undo it.
    """
    driver = Driver(connection)
    accepted = 0
    for start in range(0, len(table), _SLICE):
        part = table.slice(start, _SLICE)
        names = tuple(name for name in _NAMES if part[name].null_count < len(part))
        new = _insert(driver, part, names)
        if new < len(part):
            sql, order = _growth()
            telling = part.filter(pc.or_(pc.is_valid(part["dwell_ms"]), pc.is_valid(part["scroll"])))
            new += driver.many(sql, zip(*(to_list(telling[name]) for name in order), strict=True))
        accepted += new
    return accepted


def _insert(driver: Driver, table: pa.Table, names: tuple[str, ...]) -> int:
    """Insert the columns ``names`` of the rows whose ids are new; how many these were."""
    cells = np.empty((len(table), len(names)), object)
    for column, name in enumerate(names):
        cells[:, column] = to_list(table[name])
    alone = len(table) % _TOGETHER
    together = cells[alone:].reshape(-1, _TOGETHER * len(names)).tolist()
    return driver.many(_insertion(names, 1), cells[:alone].tolist()) + driver.many(
        _insertion(names, _TOGETHER), together
    )


@functools.lru_cache(100)
def _insertion(names: tuple[str, ...], rows: int) -> str:
    marks = f"({', '.join('?' * len(names))})"
    values = ", ".join([marks] * rows)
    return f"INSERT INTO {schema.events} ({', '.join(names)}) VALUES {values} ON CONFLICT (id) DO NOTHING"


@functools.cache
def _growth() -> tuple[str, tuple[str, ...]]:
    """The statement that lets stored rows grow, and the order of its values."""
    compiled: Any = events.upsert("sqlite").compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=_NAMES)
    return str(compiled), tuple(compiled.positiontup)


def _add_postgresql(connection: Connection, table: pa.Table) -> int:
    """Rows with ids of their own: those that are new by COPY, and of the others what may let a stored row grow.

    One statement for both would have to look for each row before inserting it, and to write to WAL twice for it.
    """
    known = _stored_ids(connection, table["id"])
    old = pc.is_in(table["id"], value_set=known)
    new = table.filter(pc.invert(old)) if len(known) else table
    if len(new):
        placed = _placed(connection, new)
        try:
            with connection.begin_nested():
                _copy(connection, schema.events.name, placed)
        except _TakenId:
            return _upsert(connection, table)
    telling = table.filter(pc.and_(old, pc.or_(pc.is_valid(table["dwell_ms"]), pc.is_valid(table["scroll"]))))
    return len(new) + (_upsert(connection, telling) if len(telling) else 0)


class _TakenId(Exception):
    """Another process stored one of the rows after it was looked for."""


def _stored_ids(connection: Connection, ids: pa.ChunkedArray) -> pa.Array:
    """Those of ``ids``, which hold no control characters, that are stored."""
    found = Driver(connection).rows(_STORED, _BETWEEN.join(to_list(ids)), _BETWEEN)
    return pa.array([identifier for (identifier,) in found], pa.large_string())


def _placed(connection: Connection, table: pa.Table) -> pa.Table:
    """``table`` with places in the log, drawn in its order, and then sorted by citizen.

    More than half of the work are the lookups of what a row refers to, and these then find their pages where the row
    before left them.
    """
    drawn: str = Driver(connection).rows(_PLACES, len(table))[0][0]
    places = np.fromstring(drawn.strip("{}"), np.int64, sep=",")
    return table.append_column("seq", pa.array(places)).take(pc.sort_indices(table["citizen_id"]))


def _copy(connection: Connection, target: str, table: pa.Table) -> None:
    """Insert ``table`` into ``target``. Raises _TakenId where the database finds an id taken, or DatabaseError."""
    table = table.select([name for name in table.schema.names if table[name].null_count < len(table)])
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(include_header=False))
    driver: Any = connection.connection.dbapi_connection
    sql = f"COPY {target} ({', '.join(table.schema.names)}) FROM STDIN (FORMAT csv)"
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:
            copy.write(buffer.getbuffer())
    except connection.dialect.loaded_dbapi.Error as error:
        if error.sqlstate == _UNIQUE_VIOLATION:
            raise _TakenId from error
        raise DatabaseError(str(error)) from error


def _upsert(connection: Connection, table: pa.Table) -> int:
    """Store the rows of ``table`` that are new and let stored ones grow; how many rows did either."""
    connection.execute(sa.schema.CreateTable(_incoming, if_not_exists=True))
    connection.execute(sa.delete(_incoming))
    # Each row draws its place in the log as it comes, in the order of the table.
    _copy(connection, _incoming.name, table)
    # A batch is sorted in memory.
    connection.exec_driver_sql("SET LOCAL work_mem = '64MB'")
    return statements.affected(connection, _from_incoming())


@functools.cache
def _from_incoming() -> Any:
    """The statement that stores the incoming rows, by citizen as in ``_placed``."""
    names = ["seq", *_NAMES]
    rows = sa.select(*(_incoming.c[name] for name in names)).order_by(_incoming.c.citizen_id.collate("C"))
    return events.growing(postgresql.insert(schema.events).from_select(names, rows))
