"""The clock in real minutes: workers that are killed, stopped past their leases and have their clocks set.

    python -m bench.clock [--minutes M] [--workers N] [--lease S] [--seed S] [--only sqlite|postgresql]

First a calm minute, in which only the lateness is measured. Then, for M minutes, one fault after the other, a few
seconds apart: a worker is killed and replaced by one whose clock is two hours ahead, behind or right; or stopped for
twice its lease and woken; or has its clock set. At last everything is replaced by new workers, two hours ahead, until
nothing is left to do. Every run has appended a line to a file and made a row in the database; the table compares these
with the occurrences. *Lost* and *twice* must be 0. What is *begun again* is what a dead or stopped worker had begun.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.databases import KINDS, empty_database
from content_store.db import open_database
from content_store.settings import load_settings
from tests.support.clockwork import Clockwork, Spec, until

OFFSETS_S = (-7_200, 0, 7_200)
JOBS = [
    *(Spec(f"each{number}", "every 1m", "each", takes_s=0.5) for number in range(4)),
    *(Spec(f"newest{number}", "every 2s", "newest") for number in range(4)),
    Spec("long", "every 1m", "newest", "long", takes_s=12.0),
]


@dataclass
class Faults:
    """What was done to the workers."""

    kills: int = 0
    stops: int = 0
    steps: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--lease", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=KINDS)
    args = parser.parse_args()
    rows = []
    for kind in [args.only] if args.only else KINDS:
        with tempfile.TemporaryDirectory() as folder, empty_database(kind) as url:
            rows.append(_measured(kind, url, Path(folder), args))
    _print(rows, args)


def _measured(kind: str, url: str, folder: Path, args: argparse.Namespace) -> list[str]:
    """One row of the table."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    works = Clockwork(database, url, folder, JOBS, args.lease)
    try:
        workers = [works.start() for _ in range(args.workers)]
        time.sleep(60)
        late = _lateness(works)
        faults = _torment(works, workers, args)
        works.end()
        for _ in range(args.workers):
            works.start(OFFSETS_S[-1])
        until(works.all_done, "everything to be done", 600)
        return _row(kind, works, faults, late)
    finally:
        works.end()
        database.close()


def _torment(works: Clockwork, workers: list[subprocess.Popen[str]], args: argparse.Namespace) -> Faults:
    chance, done = random.Random(args.seed), Faults()
    end = time.monotonic() + args.minutes * 60
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 5.0))
        place, what = chance.randrange(len(workers)), chance.choice(("kill", "stop", "step"))
        if what == "kill":
            workers[place].kill()
            workers[place] = works.start(chance.choice(OFFSETS_S))
            done.kills += 1
        elif what == "stop":
            workers[place].send_signal(signal.SIGSTOP)
            time.sleep(args.lease * 2)
            workers[place].send_signal(signal.SIGCONT)
            done.stops += 1
        else:
            works.set_clock(workers[place], chance.choice(OFFSETS_S))
            done.steps += 1
    return done


def _lateness(works: Clockwork) -> list[int]:
    """Milliseconds from the due time to the beginning, of what was due after the workers began."""
    begun = [line for line in works.runs() if line[0] == "begun"]
    first = int(begun[0][6])
    return [int(line[6]) - int(line[2]) for line in begun if int(line[2]) > first and line[1].startswith("newest")]


def _takeovers(works: Clockwork) -> list[int]:
    """Milliseconds from a beginning that came to nothing to the next beginning of the same occurrence."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for line in works.runs():
        if line[0] == "begun":
            key, at = (line[1], line[2]), int(line[5])
            if key in last:
                found.append(at - last[key])
            last[key] = at
    return found


def _row(kind: str, works: Clockwork, faults: Faults, late: list[int]) -> list[str]:
    states, effects, begun, again = works.states(), works.effects(), works.begun(), _takeovers(works)
    with works.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT job, due_at FROM occurrences WHERE state = 'done'").fetchall()
    ended = {(row[0], row[1]) for row in rows}
    counts = [faults.kills, faults.stops, faults.steps, sum(states.values()), states["done"], states["skipped"]]
    counts += [len(ended - set(effects)) + states["dead"], sum(count > 1 for count in effects.values())]
    counts += [sum(count > 1 for count in begun.values()), len(works.refused())]
    takeover = f"{statistics.median(again) / 1000:.1f}, {max(again) / 1000:.1f}" if again else "–"
    hundredths = statistics.quantiles(late, n=100)
    lateness = f"{hundredths[49] / 1000:.2f}, {hundredths[98] / 1000:.2f}"
    return [kind, *(f"{count:,}" for count in counts), takeover, lateness]


def _print(rows: list[list[str]], args: argparse.Namespace) -> None:
    print(f"\n{args.workers} workers, leases of {args.lease:g} s, {args.minutes:g} minutes of faults\n")
    print(
        "| database | kills | stops | clock steps | due times | done | skipped | lost | twice | begun again"
        " | ends refused | taken over after (median, longest), s | late in calm (median, p99), s |"
    )
    print("|---|" + "---:|" * 12)
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
