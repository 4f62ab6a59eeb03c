"""How many events a second are taken in, durably and counted, beside the bare insertion of the rows that result.

    python -m bench.intake [--calls N] [--folder DIR] [--only sqlite|postgresql] [--repeat N]

A call is what a page sends: 20 events of one citizen. *mixed*: 10 impressions, 2 likes, 4 readings that begin and 4
re-sends of the call before that have become long enough to count. *readings*: 20 whole readings, each of which counts
until the citizen's cap is reached, the most work that 20 events can make. Every call is confirmed by the disk
(``synchronous = FULL``; PostgreSQL as it is by default).

*bare* inserts the events and ledger entries that result into tables with the same keys and indexes, by ``executemany``
(by arrays into PostgreSQL), 20 events and what belongs to them in a transaction: no event is judged, looked up, grown
or counted. *disk* is the time that a file of the same folder takes to confirm 8 KiB. *quiet* is by the CPU time of the
undisturbed: the hundredth part of the calls that took least of it, for machines that have other things to do.

The second table is what a follower of the log costs on PostgreSQL, the third what it would cost the writers if it did
not look for places passed over.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from content_store import citizens, contents, ids, ledger, schema
from content_store.db import Database, open_database
from content_store.driver import Driver, Insertion
from content_store.event_follower import EventFollower
from content_store.intake import Caller, Incoming, Intake
from content_store.reading_tokens import issue, reading_id
from content_store.settings import load_settings
from tests.support.servers import Postgres, postgres_programs

KEY = b"a key of thirty-two bytes, or so"
NOW = 1_735_704_000_000
BATCH = 20
CITIZENS = 20_000
ITEMS = 5_000
BODY = "科学" * 200
THREADS = 8
Call = tuple[list[Incoming], Caller]


@dataclass(frozen=True)
class Figures:
    """What a run took: events, seconds on the wall, seconds of its process's CPU, and of its thread's for a call that
    was hardly disturbed (None for calls of many threads)."""

    events: int
    seconds: float
    cpu: float
    quiet: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        print(f"\ndisk: {_disk_ms(Path(folder)):.2f} ms to confirm 8 KiB (median of 300)\n")
        print("| database | calls | how | events/s | time ÷ bare | CPU ÷ bare | quiet, CPU µs/call | quiet ÷ bare |")
        print("|---|---|---|---:|---:|---:|---:|---:|")
        for kind in [args.only] if args.only else ["sqlite", "postgresql"]:
            for mix in ("mixed", "readings"):
                _compare(kind, Path(folder), mix, args.calls, args.repeat)
        if args.only != "sqlite":
            _follow(Path(folder), args.calls)


def _disk_ms(folder: Path) -> float:
    times = []
    with (folder / "disk").open("wb") as file:
        for _ in range(300):
            file.write(bytes(8192))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def calls(mix: str, count: int, seed: int = 0, *, now: int = NOW, key: bytes = KEY) -> list[Call]:
    """``count`` calls of ``BATCH`` events each, that happen at ``now`` (epoch ms), with tokens signed by ``key``."""
    drawn = random.Random(seed)
    made: list[Call] = []
    before: dict[str, list[Incoming]] = {}
    for number in range(count):
        # Every citizen calls twice, so that there is something to re-send.
        citizen = f"citizen{number // 2 * 7 % CITIZENS}"
        rows = before.pop(citizen, [])
        whole = BATCH if mix == "readings" else 0
        begun = [_reading(citizen, drawn, 40_000 if whole else 5_000, now, key) for _ in range(whole or 4)]
        if not whole:
            before[citizen] = [row._replace(dwell_ms=40_000, scroll=0.9) for row in begun]
            begun += [Incoming(ids.new_id(), "like", _item(drawn), now) for _ in range(2)]
            begun += [Incoming(ids.new_id(), "impression", _item(drawn), now) for _ in range(BATCH - len(rows) - 6)]
        made.append((rows + begun, Caller(citizen_id=citizen, device_key=citizen, network_key=str(number % 500))))
    return made


def _item(drawn: random.Random) -> str:
    return f"item{drawn.randrange(ITEMS)}"


def _reading(citizen: str, drawn: random.Random, dwell_ms: int, now: int, key: bytes) -> Incoming:
    item = _item(drawn)
    token = issue(key, citizen_id=citizen, content_id=item, issued_at=now - 60_000)
    return Incoming(reading_id(token), "read", item, now, dwell_ms, 0.9, token)


def _compare(kind: str, folder: Path, mix: str, count: int, repeat: int) -> None:
    """Run the same calls every way, ``repeat`` times in turn, and print the median of each."""
    sent = calls(mix, count)
    ways: dict[str, Callable[[Database], Figures]] = {
        "one call at a time": lambda database: _one_by_one(database, sent),
        f"{THREADS} callers at once": lambda database: _at_once(database, sent),
    }
    figures: dict[str, list[Figures]] = {name: [] for name in ["bare", *ways]}
    with server(kind, folder) as new:
        for _ in range(repeat):
            rows: list[list[tuple[Any, ...]]] = []
            for name, run in ways.items():
                with new() as database:
                    figures[name].append(run(database))
                    rows = rows or results(database)
            with new() as database:
                figures["bare"].append(insert_bare(database, rows, count * BATCH, count))
    bare = _median(figures["bare"])
    for name, found in figures.items():
        one = _median(found)
        print(
            f"| {kind} | {mix} | {name} | {one.events / one.seconds:,.0f} | {one.seconds / bare.seconds:.2f}"
            f" | {one.cpu / bare.cpu:.2f} | {_quiet(one, bare)} |",
            flush=True,
        )


def _quiet(one: Figures, bare: Figures) -> str:
    if one.quiet is None or bare.quiet is None:
        return "– | –"
    return f"{one.quiet * 1e6:,.0f} | {one.quiet / bare.quiet:.2f}"


def _median(found: Sequence[Figures]) -> Figures:
    return sorted(found, key=lambda one: one.seconds)[len(found) // 2]


def _timed(events: int, work: Callable[[], object]) -> Figures:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Figures(events, time.perf_counter() - started, time.process_time() - cpu)


def _each(events: int, work: Sequence[Callable[[], object]]) -> Figures:
    times: list[float] = []

    def all_of_it() -> None:
        for one in work:
            started = time.thread_time()
            one()
            times.append(time.thread_time() - started)

    found = _timed(events, all_of_it)
    return replace(found, quiet=sorted(times)[len(times) // 100])


def _send(intake: Intake, sent: Sequence[Call]) -> None:
    for rows, caller in sent:
        intake.receive(rows, caller, NOW)


def _one_by_one(database: Database, sent: Sequence[Call]) -> Figures:
    intake = Intake(database, KEY)
    work = [functools.partial(intake.receive, rows, caller, NOW) for rows, caller in sent]
    return _each(sum(len(rows) for rows, _ in sent), work)


def _at_once(database: Database, sent: Sequence[Call]) -> Figures:
    """Like a server with ``THREADS`` threads; calls of one citizen stay in their order."""
    intake = Intake(database, KEY)
    parts = [[call for number, call in enumerate(sent) if number // 2 % THREADS == part] for part in range(THREADS)]

    def work() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda part: _send(intake, part), parts))

    return _timed(sum(len(rows) for rows, _ in sent), work)


_TABLES = (schema.events, schema.ledger_entries)


def results(database: Database) -> list[list[tuple[Any, ...]]]:
    """The rows of both tables, without the places in the log."""
    with database.connect() as connection:
        return [[tuple(row) for row in connection.execute(sa.select(*_columns(table)))] for table in _TABLES]


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.c if column.name != "seq"]


def insert_bare(database: Database, rows: list[list[tuple[Any, ...]]], events: int, transactions: int) -> Figures:
    statements = [Insertion.into(table, (column.name for column in _columns(table))) for table in _TABLES]
    parts = [
        [some[len(some) * number // transactions : len(some) * (number + 1) // transactions] for some in rows]
        for number in range(transactions)
    ]

    def insert(part: list[list[tuple[Any, ...]]]) -> None:
        with database.begin(durable=True) as connection:
            driver = Driver(connection)
            for sql, some in zip(statements, part, strict=True):
                driver.insert(sql, some)

    return _each(events, [functools.partial(insert, part) for part in parts])


def fill(database: Database) -> None:
    """Store whom and what the calls are about."""
    with database.begin() as connection:
        citizens.ensure(connection, (f"citizen{number}" for number in range(CITIZENS)))
        rows = [{"id": f"item{number}", "title": "题", "body": BODY} for number in range(ITEMS)]
        contents.merge(connection, rows)


@contextmanager
def server(kind: str, folder: Path) -> Iterator[Callable[[], Any]]:
    """Gives what makes an open database with the citizens and items, new each time."""
    if kind == "sqlite":
        yield lambda: _filled(f"sqlite:///{tempfile.mkdtemp(dir=folder)}/records.sqlite3")
        return
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("no PostgreSQL server is installed: give --only sqlite")
    with Postgres(programs, durable=True) as postgres:
        yield lambda: _filled(postgres.url(postgres.database()))


@contextmanager
def _filled(url: str) -> Iterator[Database]:
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    fill(database)
    try:
        yield database
    finally:
        database.close()


def _follow(folder: Path, count: int) -> None:
    """What a follower costs on PostgreSQL, and what one lock for all writers would cost instead."""
    with server("postgresql", folder) as new:
        with new() as database:
            print("\n| follower on PostgreSQL | ms per poll |\n|---|---:|")
            for name, milliseconds in _polls(database):
                print(f"| {name} | {milliseconds:.2f} |")
        print("\n| writers, each with an intake of its own | as it is, events/s | one lock for all, events/s | ratio |")
        print("|---|---:|---:|---:|")
        for writers in (1, 2, 4):
            free, locked = (_writers(new, writers, count // 2, one_lock=one) for one in (False, True))
            print(f"| {writers} | {free:,.0f} | {locked:,.0f} | {free / locked:.2f} |")


def _polls(database: Database) -> Iterator[tuple[str, float]]:
    intake, follower = Intake(database, KEY), EventFollower()
    sent = calls("readings", 300, seed=1)
    nothing = [None] * 100

    def polled(each: Sequence[Call | None]) -> float:
        """Median ms of a poll after each call, None being a poll without one."""
        times = []
        for call in each:
            if call is not None:
                _send(intake, [call])
            with database.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
                started = time.perf_counter()
                list(follower.poll(connection))
                times.append(time.perf_counter() - started)
        return statistics.median(times) * 1000

    yield "20 new events", polled(sent[:100])
    yield "nothing new", polled(nothing)
    with database.connect() as long:
        long.exec_driver_sql("SELECT pg_current_xact_id()")
        _draw(database, 10_000)
        yield "20 new events, a range of 10,000 places passed over", polled(sent[100:200])
        for call in sent[200:]:
            _draw(database, 1)
            _send(intake, [call])
        polled(nothing)
        yield "nothing new, 101 ranges passed over", polled(nothing)


def _draw(database: Database, places: int) -> None:
    """Draw places in the log that stay empty."""
    with database.connect() as connection:
        connection.exec_driver_sql(f"SELECT count(nextval('events_seq_seq')) FROM generate_series(1, {places})")


def _writers(new: Callable[[], Any], writers: int, count: int, *, one_lock: bool) -> float:
    sent = calls("mixed", count)
    parts = [[call for number, call in enumerate(sent) if number // 2 % writers == part] for part in range(writers)]
    with new() as database, _lock(one_lock):

        def work() -> None:
            with ThreadPoolExecutor(writers) as pool:
                list(pool.map(lambda part: _send(Intake(database, KEY), part), parts))

        found = _timed(count * BATCH, work)
    return found.events / found.seconds


@contextmanager
def _lock(one: bool) -> Iterator[None]:
    """Let the lock that a writer takes for its citizen be one for all, as a log without gaps would need."""
    own = ledger.citizen_lock
    if one:
        setattr(ledger, "citizen_lock", lambda _: "everything")  # noqa: B010 - mypy minds an assignment
    try:
        yield
    finally:
        setattr(ledger, "citizen_lock", own)  # noqa: B010


if __name__ == "__main__":
    main()
