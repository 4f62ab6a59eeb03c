"""The follower's pace and memory: made anew, restarted, catching up, and how long a request waits for its lock.

    python -m bench.follow [--events N] [--citizens N] [--items N …] [--json OUT]

For each size of the catalogue a log is made (readers of a long tail, articles of a Zipf tail, thirty days) and stored
in SQLite. A fresh process opens it: once without a kept state, once with one, then with 50,000 events more that it has
to catch up with while another thread asks for the lock as a request does. Resident memory is that of the process, with
and without what importing the programme takes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from content_store import citizens, contents
from content_store.db import Database, open_database
from content_store.settings import load_settings
from content_store.transfer import event_store
from content_store.transfer.event_rows import SCHEMA
from recsys.follower import FOLDER, Follower
from recsys.live_state import arrays_of

START = 1_735_660_800_000  # 2025-01-01 in Shanghai
GAP_MS = 864  # between events: 3,000,000 in thirty days
MORE = 50_000
KINDS = {"read": 0.7, "click": 0.15, "like": 0.06, "save": 0.04, "share": 0.02, "follow": 0.01, "not_interested": 0.02}
TOPICS = ("space", "energy", "health", "ecology", "daily", "general", "military")
CHUNK = 100_000


def fill(database: Database, events: int, people: int, items: int) -> None:
    """Contents, citizens and ``events`` events in the order of time."""
    with database.begin() as connection:
        rows = [
            contents.check(
                {"id": f"content-{place:08d}", "title": f"title {place}", "topic": TOPICS[place % 7]}
                | {"author": f"author {place % 997}", "published_at": START - place * 60_000}
            )
            for place in range(items)
        ]
        contents.merge(connection, rows)
        citizens.ensure(connection, [f"citizen-{place:028d}" for place in range(people)])
    for first in range(0, events, CHUNK):
        append(database, min(CHUNK, events - first), first, people, items)


def append(database: Database, size: int, first: int, people: int, items: int) -> None:
    """``size`` events, from number ``first`` on; their times and draws follow from their numbers."""
    random = np.random.default_rng(first)
    who = (random.pareto(1.1, size) * people / 12).astype(np.int64) % people
    what = (random.zipf(1.15, size) * 7919) % items
    at = START + (first + np.arange(size)) * GAP_MS
    columns: dict[str, Any] = {
        "id": [f"event-{first + place:030d}" for place in range(size)],
        "citizen_id": [f"citizen-{place:028d}" for place in who.tolist()],
        "content_id": [f"content-{place:08d}" for place in what.tolist()],
        "kind": random.choice(list(KINDS), size, p=list(KINDS.values())).tolist(),
        "at": at,
        "received_at": at,
        "region": [f"{510100 + 100 * place}" for place in (who % 21).tolist()],
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(size, field.type)
        for field in SCHEMA
    ]
    with database.begin() as connection:
        event_store.store(connection, pa.Table.from_arrays(arrays, schema=SCHEMA))


def memory() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """The most that this process ever had, MB; that of ``getrusage`` begins with its parent's."""
    line = next(line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def pieces(follower: Follower) -> dict[str, int]:
    """Bytes of the parts of the state, by what their objects say of themselves."""
    live, log = follower.live, follower.live.covisit
    arrays = [value for owner in (live, live.static, log, live.popular) for value in vars(owner).values()]
    sets: list[dict[int, Any]] = [live.refused, live.followed]
    places = (follower._names.items, follower._names.citizens)
    ids = [id for kind in places for id in kind.ids]
    rows = {"met": live.met._rows, "chains of items": log.of_item}
    found = {name: sum(map(sys.getsizeof, held)) + sys.getsizeof(held) for name, held in rows.items()}
    found["columns"] = sum(value.nbytes for value in arrays if isinstance(value, np.ndarray))
    found["refused and followed"] = sum(sys.getsizeof(one) for held in sets for one in (held, *held.values()))
    found["ids"] = sum(map(sys.getsizeof, [*ids, *(part for kind in places for part in vars(kind).values())]))
    return found


def measure(folder: str, whole: int, people: int, items: int, pipe: Any) -> None:
    """Everything, in a process of its own; sends the figures."""
    database = open_database(load_settings({"KEPU_DATA_DIR": folder}))
    found: dict[str, float] = {"imports_mb": memory()}
    begun, cpu = time.perf_counter(), time.process_time()
    follower = Follower(database, Path(folder) / FOLDER)
    found |= {"begin_s": time.perf_counter() - begun, "begin_cpu_s": time.process_time() - cpu}
    found["resident_mb"] = memory()
    found["peak_mb"] = peak()
    found["contacts"] = follower.live.covisit.size
    found["met"] = int(follower.live.met.arrays()[1].sum())
    found |= {f"{name}_mb": size / 2**20 for name, size in pieces(follower).items()}
    begun = time.perf_counter()
    with follower.lock:
        arrays_of(follower.live)
    found["held_ms"] = (time.perf_counter() - begun) * 1e3
    begun = time.perf_counter()
    follower.save()
    found["save_s"] = time.perf_counter() - begun
    found["state_mb"] = sum(path.stat().st_size for path in Path(folder).rglob("*.npy")) / 2**20
    append(database, MORE, whole, people, items)
    found |= _caught_up(follower)
    pipe.send(found)
    database.close()


def _caught_up(follower: Follower) -> dict[str, float]:
    """Events a second, and how long who asks for the lock meanwhile waits for it (ms)."""
    waits: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.005):
            begun = time.perf_counter()
            with follower.lock:
                waits.append(time.perf_counter() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    begun, cpu = time.perf_counter(), time.process_time()
    taken = follower.catch_up()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    stop.set()
    asking.join()
    idle = time.perf_counter()
    for _ in range(200):
        follower.catch_up()
    quiet = (time.perf_counter() - idle) / 200
    own = time.perf_counter()
    for place in range(200):
        follower.catch_up_citizen(f"citizen-{place:028d}")
    return {
        "caught_up_per_s": taken / seconds,
        "caught_up_per_cpu_s": taken / cpu,
        "wait_p50_ms": float(np.percentile(waits, 50)) * 1e3,
        "wait_p99_ms": float(np.percentile(waits, 99)) * 1e3,
        "nothing_new_ms": quiet * 1e3,
        "own_ms": (time.perf_counter() - own) / 200 * 1e3,
    }


def _in_a_process(folder: str, whole: int, people: int, items: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(folder, whole, people, items, theirs))
    process.start()
    theirs.close()
    found: dict[str, float] = ours.recv()
    process.join()
    return found


ROWS = (
    ("begin_s", "begins in, s"),
    ("begin_cpu_s", "CPU seconds of that"),
    ("contacts", "contacts held"),
    ("met", "met pairs"),
    ("imports_mb", "memory of imports, MB"),
    ("resident_mb", "memory after the beginning, MB"),
    ("peak_mb", "peak until then, MB"),
    ("met_mb", "of this: who met what"),
    ("chains of citizens_mb", "chains of citizens"),
    ("chains of items_mb", "chains of items"),
    ("columns_mb", "columns (items, citizens, log)"),
    ("refused and followed_mb", "refused and followed"),
    ("ids_mb", "ids and their positions"),
    ("held_ms", "lock held by a save, ms"),
    ("save_s", "saves in, s"),
    ("state_mb", "states on disk, MB"),
    ("caught_up_per_s", "catches up, contacts/s"),
    ("caught_up_per_cpu_s", "the same per CPU second"),
    ("wait_p50_ms", "wait for the lock meanwhile, p50 ms"),
    ("wait_p99_ms", "p99 ms"),
    ("nothing_new_ms", "catch_up without news, ms"),
    ("own_ms", "catch_up_citizen without news, ms"),
)


def main() -> None:
    """Print the table; the second column of each size is the restart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--citizens", type=int, default=200_000)
    parser.add_argument("--items", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    table: dict[str, dict[str, float]] = {}
    for items in args.items:
        with tempfile.TemporaryDirectory() as folder:
            database = open_database(load_settings({"KEPU_DATA_DIR": folder}))
            fill(database, args.events, args.citizens, items)
            database.close()
            table[f"{items:,} anew"] = _in_a_process(folder, args.events, args.citizens, items)
            table[f"{items:,} kept"] = _in_a_process(folder, args.events + MORE, args.citizens, items)
    print(f"{'':38s}" + "".join(f"{name:>16s}" for name in table))
    for key, label in ROWS:
        print(f"{label:38s}" + "".join(f"{found[key]:>16,.2f}" for found in table.values()))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1), "utf-8")


if __name__ == "__main__":
    main()
