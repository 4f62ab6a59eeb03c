"""How fast works are looked up and stored: ``python -m bench.dedup_speed [--stored N] [--coming N] [--only sqlite]``.

Works are made of generated sentences (``--seed``), 200 to 4,000 characters long; a third of what comes in are copies
(tail cut, edits) of what is stored, the rest is new. Each line is a process of its own; CPU time and peak memory are
the process' own: a server's are not counted, elapsed time is. Without a URL a private PostgreSQL is started.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from bench.databases import KINDS, empty_database
from content_store.db import open_database
from content_store.ingest.originals import Work
from content_store.settings import load_settings
from tests.support import copies
from tests.support.works import take_in, work

BATCH = 100
"""Works of a call: the entries of a feed."""
BOUNDS = {"sqlite": 1_000, "postgresql": 400}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--coming", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", help="URL of an empty database")
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        _child(args)
        return
    print(
        "| database | in store | works | /s by the clock | /s of CPU | asked | peak MB | database MB |\n" + "|---|" * 8
    )
    for kind in [args.only] if args.only else KINDS:
        with empty_database(kind, args.postgresql) as url:
            _report(kind, url, args)


def _report(kind: str, url: str, args: argparse.Namespace) -> None:
    given = [f"--{name}={getattr(args, name)}" for name in ("stored", "coming", "seed")]
    command = [sys.executable, "-m", "bench.dedup_speed", "--child", url, *given]
    for line in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        told = json.loads(line)
        cells = (told["before"], told["works"], told["clock"], told["cpu"], BOUNDS[kind], told["mb"], told["size"])
        print(f"| {kind}: {told['what']} | " + " | ".join(f"{cell:,.0f}" for cell in cells) + " |")


def _child(args: argparse.Namespace) -> None:
    """Fill the database, then take in what comes; a line of JSON for each."""
    drawn = random.Random(args.seed)
    write = copies.Writer(drawn)
    stored: list[Work] = []
    file = Path(args.child.removeprefix("sqlite:///"))
    database = open_database(load_settings({"KEPU_DATABASE_URL": args.child}))
    for what, number in ("filled", args.stored), ("new and copies", args.coming), ("all known", args.coming):
        verdicts: Counter[str] = Counter()
        clock = cpu = 0.0
        for begin in range(0, number, BATCH):
            if what == "all known":
                works = stored[begin : begin + BATCH]
            else:
                works = [_coming(write, drawn, stored if what != "filled" else [], begin + at) for at in range(BATCH)]
            started, used = time.perf_counter(), time.process_time()
            with database.begin(bulk=True) as connection:
                verdicts.update(found.verdict for found in take_in(connection, *works))
            clock += time.perf_counter() - started
            cpu += time.process_time() - used
            if what == "filled" and len(stored) < args.coming:
                stored += works
        mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = file.stat().st_size / 1e6 if file.is_file() else 0.0
        shown = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        told = {"what": f"{what}: {shown}", "before": 0 if what == "filled" else args.stored, "works": number}
        print(json.dumps(told | {"clock": number / clock, "cpu": number / cpu, "mb": mb, "size": size}), flush=True)
    database.close()


def _coming(write: copies.Writer, drawn: random.Random, stored: list[Work], at: int) -> Work:
    feed = f"feed {drawn.randrange(300)} {len(stored)}"
    if stored and drawn.random() < 1 / 3:
        original = drawn.choice(stored)
        return work(original.title, copies.edit(copies.cut(original.text, drawn), drawn), feed=feed, guid=f"{at}")
    return work(write.title(), write.text(drawn.randrange(200, 4_000)), feed=feed, guid=f"{at}")


if __name__ == "__main__":
    main()
