"""Exports all records of a kind to a file that imports as the same records.

The file is written under another name and put in its place at the end, so that there is never half of one.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import citizens, contents, schema
from content_store.db import Database
from content_store.errors import ExportFileError
from content_store.transfer import reading

What = Literal["contents", "citizens", "events"]

_NUMBERS = ("ts", "dwell_ms", "received_at", "published_at", "created_at", "expires_at", "version", "birth_year")
_OTHER_TYPES = (
    dict.fromkeys(_NUMBERS, pa.int64())
    | dict.fromkeys(("tags", "interests"), pa.list_(pa.large_string()))
    | dict.fromkeys(("minor", "personalised"), pa.bool_())
    | {"scroll": pa.float64()}
)


def _schema(names: str) -> pa.Schema:
    return pa.schema([(name, _OTHER_TYPES.get(name, pa.large_string())) for name in names.split()])


EVENTS = _schema("id user item ts event region session device country dwell_ms scroll received_at")
CONTENTS = _schema(
    "id version status title summary body topic tags place source author url published_at created_at expires_at"
)
CITIZENS = _schema("id kind prefecture birth_year minor personalised interests created_at")
_STORED_AS = {"user": "citizen_id", "item": "content_id", "ts": "at", "event": "kind"}
_BATCH = {"events": 50_000, "contents": 1_000, "citizens": 10_000}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows were written where, and in how many seconds."""

    rows: int
    path: Path
    seconds: float


class Writer(Protocol):
    """Writes rows in the order of the columns of a schema."""

    def __init__(self, file: IO[bytes], columns: pa.Schema) -> None: ...

    def write(self, rows: list[Row]) -> None:
        """Append ``rows``."""

    def close(self) -> None:
        """Write what is still to be written."""


def export_file(database: Database, what: What, path: Path, *, watch: Callable[[int], None] | None = None) -> Exported:
    """Write all records of the kind ``what``; ``watch`` is told the number of rows so far.

    Raises ImportFileError for an extension that is none of ours, ExportFileError where the file cannot be written.
    """
    make = WRITERS[reading.extension(path)]
    started = time.monotonic()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    columns, stream = SOURCES[what]
    count = 0
    try:
        with part.open("wb") as file, database.connect() as connection:
            writer = make(file, columns)
            for rows in stream(connection):
                writer.write(rows)
                count += len(rows)
                if watch:
                    watch(count)
            writer.close()
        part.replace(path)
    except OSError as error:
        raise ExportFileError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return Exported(count, path, time.monotonic() - started)


class _Csv:
    """CSV (RFC 4180) in UTF-8 with a header; lists are JSON."""

    def __init__(self, file: IO[bytes], columns: pa.Schema) -> None:
        self._file = file
        self._writer = csv.writer(_Encoded(file), lineterminator="\r\n")
        self._lists = [number for number, column in enumerate(columns) if pa.types.is_list(column.type)]
        self._writer.writerow(columns.names)

    def write(self, rows: list[Row]) -> None:
        for number in self._lists:
            rows = [(*row[:number], orjson.dumps(row[number]).decode(), *row[number + 1 :]) for row in rows]
        self._writer.writerows(rows)

    def close(self) -> None:
        self._file.flush()


class _Encoded:
    """Text into a file of bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())


class _Jsonl:
    """One JSON object per line; what is absent is left out."""

    def __init__(self, file: IO[bytes], columns: pa.Schema) -> None:
        self._file = file
        self._names = columns.names

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            told = {name: value for name, value in zip(self._names, row, strict=True) if value is not None}
            self._file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        self._file.flush()


class _Parquet:
    """Parquet with a row group per batch."""

    def __init__(self, file: IO[bytes], columns: pa.Schema) -> None:
        self._columns = columns
        self._writer = pq.ParquetWriter(file, columns, compression="zstd")

    def write(self, rows: list[Row]) -> None:
        arrays = [
            pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), self._columns, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._columns))

    def close(self) -> None:
        self._writer.close()


WRITERS: dict[str, type[Writer]] = {".csv": _Csv, ".jsonl": _Jsonl, ".parquet": _Parquet}


def _events(connection: Connection) -> Iterator[list[Row]]:
    columns = [schema.events.c[_STORED_AS.get(name, name)] for name in EVENTS.names]
    seq = schema.events.c.seq
    after = 0
    while True:
        query = sa.select(*columns, seq).where(seq > after).order_by(seq).limit(_BATCH["events"])
        rows = connection.execute(query).fetchall()
        if not rows:
            return
        after = rows[-1].seq
        yield [tuple(row[:-1]) for row in rows]


def _contents(connection: Connection) -> Iterator[list[Row]]:
    rows = (tuple(_simple(getattr(content, name)) for name in CONTENTS.names) for content in contents.every(connection))
    return _batched(rows, _BATCH["contents"])


def _citizens(connection: Connection) -> Iterator[list[Row]]:
    names = ["declared_minor" if name == "minor" else name for name in CITIZENS.names]
    rows = (tuple(_simple(getattr(citizen, name)) for name in names) for citizen in citizens.every(connection))
    return _batched(rows, _BATCH["citizens"])


def _simple(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


def _batched(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


SOURCES: dict[str, tuple[pa.Schema, Callable[[Connection], Iterator[list[Row]]]]] = {
    "events": (EVENTS, _events),
    "contents": (CONTENTS, _contents),
    "citizens": (CITIZENS, _citizens),
}
