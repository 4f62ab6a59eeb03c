"""Imports a file: read a batch, judge its rows, store the good ones in one transaction, write the others down.

A batch is stored as a whole or not at all. What is stored depends on the file alone, so that reading it again, after
an interruption too, adds what is missing and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from content_store import citizens, clock, contents
from content_store.db import Database
from content_store.errors import DatabaseError, ImportFileError
from content_store.transfer import event_rows, event_store, reading, record_rows, values
from content_store.transfer.ahead import ahead
from content_store.transfer.batches import Batch, Reader, Verdicts, to_list
from content_store.transfer.known import KnownIds
from content_store.transfer.rejects import RejectsFile

What = Literal["contents", "citizens", "events"]

BATCH_ROWS = {"events": 100_000, "contents": 2_000, "citizens": 10_000}
_FIRST_ROWS = 1_000


@dataclass(slots=True)
class Imported:
    """What became of the rows of a file.

    ``changed`` are stored records of which the file told something else, ``unknown_items`` the rejected events on
    contents that are not stored, ``created_*`` records made as events named them, ``shift_ms`` what was added to times.
    """

    rows: int = 0
    accepted: int = 0
    changed: int = 0
    duplicate: int = 0
    rejected: int = 0
    unknown_items: int = 0
    created_citizens: int = 0
    created_contents: int = 0
    shift_ms: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    rejects: Path | None = None
    unknown_columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Watch = Callable[[Imported, int, int, str], None]
"""Called after each batch with what was done so far, how far the file was read, its size (0: unknown) and the unit."""

Guard = Callable[[], AbstractContextManager[object]]
"""Makes the context around the storing of a batch, in which an interruption is put off."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to import: see ``import_file``."""

    create_missing: bool = False
    shift_to_now: bool = False
    batch_rows: int | None = None


def import_file(
    database: Database,
    what: What,
    path: Path,
    options: Options = Options(),
    *,
    watch: Watch | None = None,
    guard: Guard = nullcontext,
) -> Imported:
    """Store the rows of ``path`` (CSV, JSONL or Parquet by its extension) as ``what``.

    ``create_missing`` makes contents that only events name, and titles contents without a title by their id.
    ``shift_to_now`` adds to each time what brings the newest one to now. A KeyboardInterrupt ends the import after
    the last whole batch, and the result says so. Raises ImportFileError where the file cannot be used, DatabaseError.
    """
    done = Imported()
    started = time.monotonic()
    with reading.opened(path) as reader:
        _refuse_lacking(reader, what, reader.names, options)
        job: _Events | _Records = _Events(options) if what == "events" else _Records(what, options)
        rejects = RejectsFile(path)
        try:
            done.shift_ms = job.shift_ms = _shift(database, path, what) if options.shift_to_now else 0
            _run(database, job, reader, done, rejects, watch, guard)
        except KeyboardInterrupt:
            done.interrupted = True
        except (SQLAlchemyError, DatabaseError) as error:
            raise _failed(error, done) from error
        finally:
            done.rejects = rejects.close()
            done.seconds = time.monotonic() - started
        done.notes += reader.notes
    return done


def _run(
    database: Database,
    job: _Events | _Records,
    reader: Reader,
    done: Imported,
    rejects: RejectsFile,
    watch: Watch | None,
    guard: Guard,
) -> None:
    # Of a pipe nothing is read ahead: a thread that waits for more of it could not be interrupted.
    going = ahead if reader.path.is_file() else nullcontext
    with going(_judged(job, reader)) as judged:
        for rows, verdicts in judged:
            batch = verdicts.batch
            job.store(database, rows, verdicts, done, rejects, guard)
            done.unknown_columns = sorted(set(batch.seen) - job.wanted)
            if watch:
                watch(done, batch.position, reader.total, reader.unit)
    if done.rows == 0 and reader.names:
        done.unknown_columns = sorted(set(reader.names) - job.wanted)


def _judged(job: _Events | _Records, reader: Reader) -> Iterator[tuple[Any, Verdicts]]:
    """What is to be stored of each batch, and the verdicts on its rows."""
    size = job.options.batch_rows or BATCH_ROWS[job.what]
    for number, batch in enumerate(reader.batches(job.wanted, size)):
        if number == 0:
            _refuse_lacking(reader, job.what, batch.seen, job.options)
        yield job.judge(batch)


class _Events:
    """Stores batches of events with the citizens and contents that they name."""

    what: What = "events"
    wanted = frozenset({*event_rows.REQUIRED, *event_rows.OPTIONAL})

    def __init__(self, options: Options) -> None:
        self.options = options
        self.shift_ms = 0
        self._rows = event_rows.EventRows(any_time=options.shift_to_now)
        self._unknown = 0
        self._citizens, self._contents = KnownIds(citizens.known), KnownIds(contents.known)

    def judge(self, batch: Batch) -> tuple[pa.Table, Verdicts]:
        self._rows.shift_ms = self.shift_ms
        return self._rows.take(batch)

    def store(
        self,
        database: Database,
        table: pa.Table,
        verdicts: Verdicts,
        done: Imported,
        rejects: RejectsFile,
        guard: Guard,
    ) -> None:
        with guard():
            with database.begin(bulk=True) as connection:
                table = self._known_contents(connection, table, verdicts)
                made_contents = self._make(connection, contents.ensure, self._contents, table["content_id"])
                made_citizens = self._make(connection, citizens.ensure, self._citizens, table["citizen_id"])
                appended = event_store.store(connection, _received(table))
            self._citizens.keep()
            self._contents.keep()
            done.accepted += appended.accepted
            done.duplicate += appended.duplicate
            done.unknown_items += self._unknown
            done.created_contents += made_contents
            done.created_citizens += made_citizens
            _close_batch(done, verdicts, rejects)

    def _known_contents(self, connection: Connection, table: pa.Table, verdicts: Verdicts) -> pa.Table:
        """``table`` without the rows on unknown contents, which are refused unless they are to be made."""
        if self.options.create_missing:
            return table
        unknown = self._contents.unknown(connection, to_list(pc.unique(table["content_id"])))
        known = event_rows.without(table, verdicts, unknown)
        self._unknown = len(table) - len(known)
        return known

    def _make(
        self, connection: Connection, ensure: Callable[[Connection, list[str]], int], known: KnownIds, column: pa.Array
    ) -> int:
        unknown = known.unknown(connection, to_list(pc.unique(column)))
        known.stage(unknown)
        return ensure(connection, unknown)


class _Records:
    """Stores batches of contents or citizens."""

    def __init__(self, what: What, options: Options) -> None:
        self.what = what
        self.options = options
        self.shift_ms = 0
        self._kind = KINDS[what]
        self.wanted = self._kind.wanted()

    def judge(self, batch: Batch) -> tuple[list[dict[str, Any]], Verdicts]:
        title_is_id = self.options.create_missing
        return record_rows.take(self._kind, batch, title_is_id=title_is_id, shift_ms=self.shift_ms)

    def store(
        self,
        database: Database,
        rows: list[dict[str, Any]],
        verdicts: Verdicts,
        done: Imported,
        rejects: RejectsFile,
        guard: Guard,
    ) -> None:
        with guard():
            with database.begin(bulk=True) as connection:
                merged = self._kind.merge(connection, rows)
            if merged.refused:
                reviewed = np.zeros(len(verdicts.batch), bool)
                reviewed[~verdicts.bad] = [row["id"] in merged.refused for row in rows]
                verdicts.refuse(reviewed, "it was reviewed here: a correction changes it, no import does")
            done.accepted += merged.created
            done.changed += merged.changed
            done.duplicate += merged.same
            _close_batch(done, verdicts, rejects)


KINDS = {"contents": record_rows.CONTENTS, "citizens": record_rows.CITIZENS}


def _close_batch(done: Imported, verdicts: Verdicts, rejects: RejectsFile) -> None:
    """Count the rows of a stored batch and write down the refused ones."""
    done.rows += len(verdicts.batch) + len(verdicts.batch.rejects)
    rejects.add(verdicts.rejects())
    done.rejected = rejects.count


def _received(table: pa.Table) -> pa.Table:
    """``table`` with the present as the time of storing where the file tells none."""
    received = pc.fill_null(table["received_at"], clock.now_ms())
    return table.set_column(table.schema.get_field_index("received_at"), "received_at", received)


def _refuse_lacking(reader: Reader, what: What, names: Collection[str] | None, options: Options) -> None:
    """Raises ImportFileError where ``names`` lack a column that every row needs."""
    if names is None:
        return
    if what == "events":
        lacking = [name for name in event_rows.REQUIRED if name not in names]
    else:
        kind = KINDS[what]
        found = {kind.name(name) for name in names}
        lacking = [name for name in kind.required if name not in found]
        if options.create_missing and "title" in lacking:
            lacking.remove("title")
    if lacking:
        shown = ", ".join(sorted(names)) or "none"
        raise ImportFileError(
            f"{reader.path} lacks the column{'s' * (len(lacking) > 1)} {', '.join(lacking)}; found: {shown}",
            hint=_HINTS[what],
        )


_HINTS = {
    "events": f"events need {', '.join(event_rows.REQUIRED)} and may have {', '.join(event_rows.OPTIONAL)}",
    "contents": "contents need id (or item) and title; with --create-missing the id serves as title",
    "citizens": "citizens need id and may have prefecture, birth_year, interests",
}


def _shift(database: Database, path: Path, what: What) -> int:
    """What brings the newest time of the file to now, or what an earlier import of the same file added."""
    if what == "citizens":
        return 0
    if not path.is_file():
        raise ImportFileError(f"{path} is read twice for --shift-to-now, so it must be a regular file")
    earlier = _earlier_shift(database, path, what)
    if earlier is not None:
        return earlier
    names = {"ts"} if what == "events" else {"published_at", "created_ts"}
    with reading.opened(path) as reader:
        found = [_newest(batch, names) for batch in reader.batches(names, BATCH_ROWS["events"])]
    times = [at for at in found if at is not None]
    return clock.now_ms() - max(times) if times else 0


def _newest(batch: Batch, names: Collection[str]) -> int | None:
    """The newest usable time (epoch ms) in the columns ``names``."""
    columns = [values.instants(batch.columns[name], name, Verdicts(batch)) for name in names if name in batch.columns]
    times = [pc.max(column).as_py() for column in columns]
    return max((at for at in times if at is not None), default=None)


def _earlier_shift(database: Database, path: Path, what: What) -> int | None:
    """What was added to the times of the file's first rows when they were stored; None where they are not stored."""
    wanted = _Events.wanted if what == "events" else KINDS[what].wanted()
    with reading.opened(path) as reader:
        batch = next(iter(reader.batches(wanted, _FIRST_ROWS)), None)
        if batch is None or not {"ts", "published_at", "created_ts"} & set(batch.columns):
            return None
        given = _times_of_events(batch) if what == "events" else _times_of_contents(batch)
    with database.connect() as connection:
        if what == "events":
            stored: dict[str, int | None] = dict(event_store.stored_at(connection, list(given)))
        else:
            stored = {id: found.published_at for id, found in contents.some(connection, list(given)).items()}
    shifts = (stored_at - given[id] for id, stored_at in stored.items() if stored_at is not None)
    return next(shifts, None)


def _times_of_events(batch: Batch) -> dict[str, int]:
    if not set(event_rows.REQUIRED) <= set(batch.columns):
        return {}
    table, _ = event_rows.EventRows(any_time=True).take(batch)
    return dict(zip(to_list(table["id"]), to_list(table["at"]), strict=True))


def _times_of_contents(batch: Batch) -> dict[str, int]:
    rows, _ = record_rows.take(record_rows.CONTENTS, batch, title_is_id=True)
    return {row["id"]: row["published_at"] for row in rows if "published_at" in row}


def _failed(error: SQLAlchemyError | DatabaseError, done: Imported) -> DatabaseError:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()
    stored = done.accepted + done.changed
    return DatabaseError(
        f"storing failed after {stored:,} rows: {reason[0] if reason else type(error).__name__}",
        hint="whole batches are stored; import the same file again to continue",
    )
