"""``kepu import`` and ``kepu export``: records from files and into files."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from tqdm import tqdm

from content_store.db import open_database
from content_store.settings import Settings
from content_store.transfer.exporting import What, export_file
from content_store.transfer.importing import Imported, Options, import_file
from web.cli import INTERRUPTED

ALL_REJECTED = 1
_REPORT_EVERY_S = 10.0

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_CREATE_MISSING = click.option(
    "--create-missing",
    is_flag=True,
    help="Make the contents that only events name; title a content without one by its id.",
)
_SHIFT = click.option("--shift-to-now", is_flag=True, help="Add to each time what brings the newest one to now.")
_BATCH = click.option("--batch-rows", type=click.IntRange(1, 1_000_000), help="Rows that are stored together.")


@click.group("import")
def import_group() -> None:
    """Store records from a CSV, JSONL or Parquet file.

    Importing a file again adds nothing. Rows that cannot be used go to FILE.rejects.jsonl with line and reason. Ctrl-C
    leaves whole batches; a further run of the same file goes on. Exit status: 0 done, 1 every row was rejected, 2 the
    file cannot be used, 130 interrupted.
    """


@import_group.command("events")
@_FILE
@_CREATE_MISSING
@_SHIFT
@_BATCH
@click.pass_obj
def import_events(settings: Settings, /, file: Path, **given: Any) -> None:
    """What happened: user, item, ts (ms); optional id, event, region, session, device, country, dwell_ms, scroll.

    Without an event column every row is a read; scroll is a share from 0 to 1. Unknown users are made as guests; rows
    on unknown items are rejected unless --create-missing. Rows without an id get one from their values, so equal rows
    are told apart by their number.
    """
    _import(settings, "events", file, Options(**given))


@import_group.command("contents")
@_FILE
@_CREATE_MISSING
@_SHIFT
@_BATCH
@click.pass_obj
def import_contents(settings: Settings, /, file: Path, **given: Any) -> None:
    """What is read: id (or item), title; optional summary, body, topic, tags, place, source, author, published_at,
    expires_at, url, status.

    New contents are published unless their status says otherwise. What differs from a stored content becomes its next
    version; empty fields change nothing.
    """
    _import(settings, "contents", file, Options(**given))


@import_group.command("citizens")
@_FILE
@_CREATE_MISSING
@_SHIFT
@_BATCH
@click.pass_obj
def import_citizens(settings: Settings, /, file: Path, **given: Any) -> None:
    """Who reads: id; optional prefecture, birth_year, interests (codes or Chinese names).

    New citizens are registered, and so become stored guests. Empty fields change nothing.
    """
    _import(settings, "citizens", file, Options(**given))


@click.group("export")
def export_group() -> None:
    """Write all records of a kind to a CSV, JSONL or Parquet file that imports as the same records."""


@export_group.command("events")
@_FILE
@click.pass_obj
def export_events(settings: Settings, /, file: Path) -> None:
    """All events, in the order of their storing."""
    _export(settings, "events", file)


@export_group.command("contents")
@_FILE
@click.pass_obj
def export_contents(settings: Settings, /, file: Path) -> None:
    """All contents, by id."""
    _export(settings, "contents", file)


@export_group.command("citizens")
@_FILE
@click.pass_obj
def export_citizens(settings: Settings, /, file: Path) -> None:
    """All citizens, by id: personal data, to be handled as such."""
    _export(settings, "citizens", file)


def _import(settings: Settings, what: What, file: Path, options: Options) -> None:
    database = open_database(settings)
    try:
        with _Progress(what) as progress, _putting_off() as guard:
            done = import_file(database, what, file, options, watch=progress.imported, guard=guard)
    finally:
        database.close()
    for line in summary(what, file, done):
        click.echo(line)
    if done.interrupted:
        sys.exit(INTERRUPTED)
    if done.rows and done.rejected == done.rows:
        sys.exit(ALL_REJECTED)


def _export(settings: Settings, what: What, file: Path) -> None:
    database = open_database(settings)
    try:
        with _Progress(what) as progress:
            done = export_file(database, what, file, watch=progress.exported)
    finally:
        database.close()
    click.echo(f"{what}: {done.rows:,} rows in {done.seconds:.1f} s written to {done.path}")


def summary(what: str, file: Path, done: Imported) -> Iterator[str]:
    """What a person wants to know after an import, line by line."""
    speed = f" ({done.rows / done.seconds:,.0f} rows/s)" if done.seconds > 0 else ""
    yield f"{what} from {file}: {done.rows:,} rows in {done.seconds:.1f} s{speed}"
    changed = f"{done.changed:,} changed, " if what != "events" else ""
    yield f"  {done.accepted:,} accepted, {changed}{done.duplicate:,} duplicate, {done.rejected:,} rejected"
    if done.created_contents or done.created_citizens:
        yield f"  created: {done.created_contents:,} contents, {done.created_citizens:,} citizens"
    if done.shift_ms:
        yield f"  times were moved by {done.shift_ms / 86_400_000:+,.3f} days"
    for note in done.notes:
        yield f"  note: {note}"
    if done.unknown_columns:
        yield f"  warning: unknown columns were ignored: {', '.join(done.unknown_columns)}"
    if done.rejects:
        yield f"  the rejected rows and their reasons are in {done.rejects}"
    if done.unknown_items:
        yield (
            f"  {done.unknown_items:,} rows are on unknown items: import the contents first, or add --create-missing"
        )
    if done.interrupted:
        yield "interrupted: what is counted above is stored, in whole batches; import the same file again to continue"


class _Progress:
    """A bar on a terminal; elsewhere a line now and then, so that a long run shows signs of life."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()
        self._reported = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def imported(self, done: Imported, position: int, total: int, unit: str) -> None:
        """Tell of a stored batch."""
        self._tell(position, total, unit, f"{done.rows:,} rows")

    def exported(self, rows: int) -> None:
        """Tell of written rows."""
        self._tell(rows, 0, "row", f"{rows:,} rows")

    def _tell(self, position: int, total: int, unit: str, text: str) -> None:
        if self._terminal:
            if self._bar is None:
                scaled = unit == "B"
                self._bar = tqdm(total=total or None, unit=unit, unit_scale=scaled, desc=self._what, leave=False)
            self._bar.n = position
            self._bar.set_postfix_str(text, refresh=True)
        elif time.monotonic() - self._reported > _REPORT_EVERY_S:
            self._reported = time.monotonic()
            share = f" ({position / total:.0%})" if total else ""
            click.echo(f"{self._what}: {text}{share}", err=True)


@contextmanager
def _putting_off() -> Iterator[Any]:
    """A guard for ``import_file``: a first Ctrl-C waits for the end of the batch, a second one gives the batch up."""
    state = {"busy": False, "asked": False}

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not state["busy"] or state["asked"]:
            raise KeyboardInterrupt
        state["asked"] = True

    @contextmanager
    def busy() -> Iterator[None]:
        state["busy"] = True
        try:
            yield
        finally:
            state["busy"] = False
        if state["asked"]:
            raise KeyboardInterrupt

    def guard() -> AbstractContextManager[None]:
        return busy()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield guard
    finally:
        signal.signal(signal.SIGINT, before)
