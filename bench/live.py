"""The fast layer's pace: events a second that ``Live.update`` takes in, for usual citizens and for devoted ones.

    python -m bench.live [--events N] [--citizens N] [--items N] [--seed S]

Two logs: one shaped like Globo's (``bench.globo_like``; nearly every event is a first contact, the dearest kind), and
one in which forty citizens did everything, so that each has met thousands of items. CPU seconds, the best of the last
three fifths of a log; on a machine that does other things, too, trust the ratio and not the rates.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator

import numpy as np

from bench.globo_like import HOUR_MS, Shape, generate
from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.live import Live, Static

READ = KIND_CODE[EventKind.READ]
PARTS = 5

Rows = list[tuple[int, int, float, int, int, int]]


def globo(shape: Shape, seed: int) -> Rows:
    """A log of many readers with few contacts each."""
    table = generate(shape, seed)
    user, item, at = (table[name].to_numpy() for name in ("user", "item", "ts"))
    hours, region = at / HOUR_MS, user % 21
    return list(
        zip(
            user.tolist(),
            item.tolist(),
            hours.tolist(),
            [READ] * at.size,
            region.tolist(),
            region.tolist(),
            strict=True,
        )
    )


def devoted(shape: Shape, seed: int) -> Rows:
    """A log of forty readers; half of their events are on something they have met before."""
    random = np.random.default_rng(seed)
    rows = shape.events // 10
    items = rows // 40 * 2 // 3
    user, item = random.integers(0, 40, rows), random.integers(0, items, rows)
    hours = np.sort(random.random(rows)) * 700 + 470_000
    return [(*row, READ, 0, 0) for row in zip(user.tolist(), item.tolist(), hours.tolist(), strict=True)]


def rates(rows: Rows, users: int, items: int) -> Iterator[float]:
    """Events a second of each of the last parts of ``rows``."""
    live = Live(Static.unknown(items), users)
    step = len(rows) // PARTS
    gc.freeze()  # the rows are the bench's own and none of the layer's garbage
    for part in range(PARTS):
        start = time.process_time()
        for row in rows[part * step : (part + 1) * step]:
            live.update(*row)
        if part >= PARTS - 3:
            yield step / (time.process_time() - start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shape = Shape()
    parser.add_argument("--events", type=int, default=shape.events)
    parser.add_argument("--citizens", type=int, default=shape.citizens)
    parser.add_argument("--items", type=int, default=shape.items)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    shape = Shape(args.events, args.citizens, args.items)
    found: dict[str, float] = {}
    for name, make in (("many readers", globo), ("forty devoted readers", devoted)):
        rows = make(shape, args.seed)
        found[name] = max(rates(rows, 1 + max(row[0] for row in rows), 1 + max(row[1] for row in rows)))
        print(f"{name:24s}{len(rows):>12,} events{found[name]:>12,.0f} events/s")
        del rows
    print(f"{'ratio':24s}{found['forty devoted readers'] / found['many readers']:>38.2f}")


if __name__ == "__main__":
    main()
