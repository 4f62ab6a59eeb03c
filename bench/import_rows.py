"""How fast events are imported, and in how much memory, beside the bare insertion of the same rows.

    python -m bench.import_rows [--events N] [--seed S] [--format parquet|csv|jsonl] [--postgresql URL] [--only sqlite]

The log is generated (`bench.globo_like`: 3 M events of 320,000 citizens on 46,000 items; fewer events, fewer of both).
Each line of the table is a process of its own, so that its CPU time and peak memory are its own (the server's are not
counted). *bare* puts the finished rows into tables with the same keys and indexes, whose citizens and contents are
there already, by `executemany` into SQLite and by COPY into PostgreSQL: no file is read, nothing judged, no id made, no
repeat noticed. Without a URL a private PostgreSQL is started.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from bench.globo_like import Shape, generate
from content_store import citizens, contents, schema
from content_store.db import Database, open_database
from content_store.settings import load_settings
from content_store.transfer.importing import Options, import_file
from tests.support.servers import Postgres, postgres_programs

BATCH = 100_000
LABELS = ("region", "session", "device")
BOUNDS = {"sqlite": 50_000, "postgresql": 25_000}
"""What the import must reach, rows/s."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl"), default="parquet")
    parser.add_argument("--postgresql", help="URL of an empty database")
    parser.add_argument("--only", choices=tuple(BOUNDS))
    parser.add_argument("--child", nargs=3, metavar=("JOB", "URL", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        _child(*args.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        log = _log(Path(folder), args.events, args.seed, args.format)
        rows = []
        for kind in [args.only] if args.only else list(BOUNDS):
            bare, imported, again = (_measured(kind, folder, log, args.postgresql, job) for job in JOBS)
            rows += [(kind, "bare insertion", bare, bare), (kind, "import", imported, bare)]
            rows.append((kind, "import, all known", again, bare))
        _print(rows, log)


JOBS = (("bare",), ("import",), ("import", "import"))


def _log(folder: Path, events: int, seed: int, format: str) -> Path:
    full = Shape()
    scale = min(1.0, events / full.events)
    shape = Shape(events, citizens=int(full.citizens * scale), items=int(full.items * scale))
    table = generate(shape, seed)
    path = folder / f"log.{format}"
    if format == "parquet":
        pq.write_table(table, path)
    elif format == "csv":
        pa_csv.write_csv(table, path)
    else:
        table.to_pandas().to_json(path, orient="records", lines=True)
    pq.write_table(table, folder / "bare.parquet")
    return path


def _measured(kind: str, folder: str, log: Path, url: str | None, jobs: tuple[str, ...]) -> dict[str, float]:
    """Run ``jobs`` one after the other on a new database; the figures of the last one."""
    with _database(kind, folder, url) as target:
        found: dict[str, float] = {}
        for job in jobs:
            name, file = ("bare", log.with_name("bare.parquet")) if job == "bare" else ("import", log)
            command = [sys.executable, "-m", "bench.import_rows", "--child", name, target, str(file)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
        return found


@contextmanager
def _database(kind: str, folder: str, url: str | None) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(dir=folder) as own:
            yield f"sqlite:///{own}/records.sqlite3"
    elif url:
        yield url
        _empty(url)
    else:
        programs = postgres_programs()
        if programs is None:
            raise SystemExit("no PostgreSQL server is installed: give --postgresql URL or --only sqlite")
        with Postgres(programs) as server:
            yield server.url(server.database())


def _empty(url: str) -> None:
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    with database.begin() as connection:
        connection.exec_driver_sql("TRUNCATE events, contents, citizens, citizen_interests CASCADE")
    database.close()


def _child(job: str, url: str, file: str) -> None:
    """Do ``job`` and print its figures as JSON."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    if job == "import":
        started, cpu = time.perf_counter(), time.process_time()
        rows = import_file(database, "events", Path(file), Options(create_missing=True)).rows
    else:
        table = _finished(Path(file), database)
        rows = len(table)
        started, cpu = time.perf_counter(), time.process_time()
        _insert(database, table)
    seconds = time.perf_counter() - started
    database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": time.process_time() - cpu, "peak": peak}))


def _finished(path: Path, database: Database) -> pa.Table:
    """The rows of the log as they are stored, and their citizens and contents in the database."""
    log = pq.read_table(path)
    text = pa.large_string()
    columns = {
        "id": pa.array([f"{at:012x}{row:020x}" for row, at in enumerate(log["ts"].to_pylist())], text),
        "citizen_id": log["user"].cast(text),
        "content_id": log["item"].cast(text),
        "kind": pa.array(["read"] * len(log), text),
        "at": log["ts"],
        "received_at": log["ts"],
    }
    table = pa.table(columns | {name: log[name].cast(text) for name in LABELS})
    with database.begin() as connection:
        citizens.ensure(connection, pc.unique(table["citizen_id"]).to_pylist())
        contents.ensure(connection, pc.unique(table["content_id"]).to_pylist())
    return table


def _insert(database: Database, table: pa.Table) -> None:
    names = ", ".join(table.schema.names)
    marks = ", ".join("?" * table.num_columns)
    for start in range(0, len(table), BATCH):
        part = table.slice(start, BATCH)
        with database.begin() as connection:
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA cache_size = -65536")
                rows = list(zip(*(column.to_pylist() for column in part.columns), strict=True))
                connection.exec_driver_sql(f"INSERT INTO {schema.events} ({names}) VALUES ({marks})", rows)
                continue
            buffer = pa.BufferOutputStream()
            pa_csv.write_csv(part, buffer, pa_csv.WriteOptions(include_header=False))
            driver: Any = connection.connection.dbapi_connection
            sql = f"COPY {schema.events} ({names}) FROM STDIN (FORMAT csv)"
            with driver.cursor() as cursor, cursor.copy(sql) as copy:
                copy.write(buffer.getvalue().to_pybytes())


def _print(rows: list[tuple[str, str, dict[str, float], dict[str, float]]], log: Path) -> None:
    count = int(rows[0][2]["rows"])
    print(f"\n{count:,} events from {log.suffix[1:]}, {log.stat().st_size / 2**20:,.0f} MiB\n")
    print("| database | what | seconds | of its CPU | rows/s | at least | time ÷ bare | peak MiB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for kind, what, found, bare in rows:
        bound = f"{BOUNDS[kind]:,}" if what == "import" else ""
        speed = found["rows"] / found["seconds"]
        print(
            f"| {kind} | {what} | {found['seconds']:.1f} | {found['cpu']:.1f} | {speed:,.0f} | {bound}"
            f" | {found['seconds'] / bare['seconds']:.2f} | {found['peak'] / 2**20:,.0f} |"
        )


if __name__ == "__main__":
    main()
