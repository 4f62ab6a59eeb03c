"""Stores tables of events in bulk, with the meaning of ``events.append``."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from content_store import events, schema, statements
from content_store.errors import DatabaseError
from content_store.events import Appended
from content_store.transfer.batches import to_list
from content_store.transfer.event_rows import SCHEMA

_NAMES = SCHEMA.names
_SLICE = 20_000
_CACHE_KIB = 65_536

_incoming = sa.Table(
    "incoming_events",
    sa.MetaData(),
    sa.Column("place", sa.Integer),
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
    compiled: Any = events.upsert("sqlite").compile(dialect=connection.dialect, column_keys=_NAMES)
    sql, order = str(compiled), compiled.positiontup
    # SQLite's own 2 MB are too few for the pages that a batch touches: with them it takes twice as long.
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
    accepted = 0
    for start in range(0, len(table), _SLICE):
        part = table.slice(start, _SLICE)
        rows = list(zip(*(to_list(part[name]) for name in order), strict=True))
        done = connection.exec_driver_sql(sql, rows, execution_options={"preserve_rowcount": True})
        accepted += done.rowcount
    return accepted


def _add_postgresql(connection: Connection, table: pa.Table) -> int:
    connection.execute(sa.schema.CreateTable(_incoming, if_not_exists=True))
    connection.execute(sa.delete(_incoming))
    buffer = io.BytesIO()
    # A table that was emptied fills its pages in any order, so the order of the rows is told.
    placed = table.add_column(0, "place", pa.array(range(len(table)), pa.int32()))
    pa_csv.write_csv(placed, buffer, pa_csv.WriteOptions(include_header=False))
    driver: Any = connection.connection.dbapi_connection
    sql = f"COPY {_incoming} ({', '.join(placed.column_names)}) FROM STDIN (FORMAT csv)"
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:
            copy.write(buffer.getbuffer())
    except connection.dialect.loaded_dbapi.Error as error:
        raise DatabaseError(str(error)) from error
    columns = [_incoming.c[name] for name in _NAMES]
    insert = postgresql.insert(schema.events).from_select(_NAMES, sa.select(*columns).order_by(_incoming.c.place))
    return statements.affected(connection, events.growing(insert))
