"""The event log as numpy columns, for learning: a batch at a time, in the order of storing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from content_store import schema

_events = schema.events
# Few enough rows that their tuples die young; at 200,000 the collector of cyclic garbage took half the time.
_FETCH = 500
_NUMBERS: dict[str, type[np.number[Any]]] = {
    "seq": np.int64,
    "at": np.int64,
    "dwell_ms": np.float64,
    "scroll": np.float64,
}
_STORED_AS = {"citizen": "citizen_id", "content": "content_id"}

Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class EventColumns:
    """A batch of n events. All arrays have n entries; those not asked for are None.

    ``seq`` int64 place in the log · ``citizen``, ``content``, ``kind`` object arrays of str · ``at`` int64 epoch ms ·
    ``region``, ``device`` object arrays of str or None · ``dwell_ms``, ``scroll`` float64, NaN where absent ·
    ``country``, ``session`` object arrays of str or None.
    """

    seq: NDArray[np.int64]
    citizen: Texts
    content: Texts
    kind: Texts
    at: NDArray[np.int64]
    region: Texts
    device: Texts
    dwell_ms: NDArray[np.float64] | None = None
    scroll: NDArray[np.float64] | None = None
    country: Texts | None = None
    session: Texts | None = None

    def __len__(self) -> int:
        return int(self.seq.size)


EXTRAS = tuple(field.name for field in fields(EventColumns) if field.default is None)
"""The columns that are read only when asked for."""


def read_columns(
    connection: Connection,
    *,
    after_seq: int = 0,
    until_ms: int | None = None,
    batch: int = 200_000,
    extras: Collection[str] = (),
    contacts: bool = False,
) -> Iterator[EventColumns]:
    """The events stored after ``after_seq`` that happened before ``until_ms`` (epoch ms), ``batch`` rows at a time.

    Ends with the event that was stored last when it began. ``extras`` (of ``EXTRAS``) are columns read besides the
    usual ones; raises ValueError for another name. With ``contacts`` impressions are left out. The connection is free
    between the batches.
    """
    names = column_names(extras)
    last = connection.execute(sa.select(sa.func.max(_events.c.seq))).scalar_one() or 0
    while after_seq < last:
        found = read_batch(connection, names, after_seq, last, batch, until_ms, contacts)
        if len(found):
            yield found
        if len(found) < batch:
            return
        after_seq = int(found.seq[-1])


def column_names(extras: Collection[str] = ()) -> list[str]:
    """The usual columns and ``extras`` in the order of ``EventColumns``. Raises ValueError for a name not in EXTRAS."""
    if unknown := set(extras) - set(EXTRAS):
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
    return [field.name for field in fields(EventColumns) if field.default is not None or field.name in extras]


def read_batch(
    connection: Connection,
    names: list[str],
    after_seq: int,
    last_seq: int,
    batch: int,
    until_ms: int | None = None,
    contacts: bool = False,
) -> EventColumns:
    """The columns ``names`` of the first ``batch`` events after ``after_seq`` and up to ``last_seq``."""
    query = sa.select(*(_events.c[name] for name in stored_names(names)))
    query = query.where(_events.c.seq > after_seq, _events.c.seq <= last_seq)
    if contacts:
        query = query.where(schema.contact)
    if until_ms is not None:
        query = query.where(_events.c.at < until_ms)
    read = _read_sqlite if connection.dialect.name == "sqlite" else _read_postgresql
    return EventColumns(**read(connection, query.order_by(_events.c.seq).limit(batch), names))


def stored_names(names: list[str]) -> list[str]:
    """What the table calls the columns ``names``."""
    return [_STORED_AS.get(name, name) for name in names]


def columns_of(names: list[str], rows: Sequence[Sequence[Any]]) -> EventColumns:
    """The columns ``names`` from rows of them, at least one."""
    parts = zip(names, zip(*rows, strict=True), strict=True)
    return EventColumns(**{name: _array(name, list(part)) for name, part in parts})


def _read_sqlite(connection: Connection, query: sa.Select[Any], names: list[str]) -> dict[str, NDArray[Any]]:
    # The driver's own cursor: SQLAlchemy's rows cost as much again as the reading.
    cursor: Any = connection.execute(query).cursor
    parts: list[list[Any]] = [[] for _ in names]
    while rows := cursor.fetchmany(_FETCH):
        for part, values in zip(parts, zip(*rows, strict=True), strict=True):
            part.extend(values)
    cursor.close()
    return {name: _array(name, part) for name, part in zip(names, parts, strict=True)}


def _array(name: str, values: list[Any]) -> NDArray[Any]:
    return np.array(values, _NUMBERS.get(name, object))


def _read_postgresql(connection: Connection, query: sa.Select[Any], names: list[str]) -> dict[str, NDArray[Any]]:
    # 26 MB, which a server on SQLite does without.
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    # COPY sends text that is parsed column by column, several times as fast as rows of Python objects.
    sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)") as copy:
        data = b"".join(copy)
    if not data:
        return {name: _array(name, []) for name in names}
    table = pa_csv.read_csv(
        pa.py_buffer(data),
        pa_csv.ReadOptions(column_names=names, use_threads=False),
        pa_csv.ParseOptions(newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types={
                name: pa.from_numpy_dtype(_NUMBERS[name]) if name in _NUMBERS else pa.string() for name in names
            },
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return {name: table[name].to_numpy() for name in names}
