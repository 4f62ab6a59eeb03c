"""A seeded reading log of any size shaped like the Globo log: many readers, short sessions, news that ages in hours.

    python -m bench.globo_like OUT.parquet [--events N] [--citizens N] [--items N] [--seed S]

No row of the real log is copied; what was measured on it (`globo_20k.parquet`, `globo_items.parquet`) became constants:

=====================  ================================================  ==========================================
what                   measured                                          here
=====================  ================================================  ==========================================
clicks in a session    2: .547, 3: .234, 4: .102; mean 2.99              2 + geometric(.547)
sessions per reader    ≥ 1, log-normal tail, log sd .66                  1 + log-normal weights, log sd .9
gap in a session       exactly 30 s: 45 %; else median 3 min             30 s, else log-normal(5.0, 1.3) s
age at the click       2.9 h + log-normal; median 7.7 h, p90 24 h        2.9 h + log-normal(1.59, 1.1) h
fresh items            17 % of the items take 96 % of the clicks         20 % take 96 %
share of the top       100: 37 %, 1,000: 83 % (of fresh clicks)          log-normal attraction, log sd 2.2
repeats                1.3 % of the clicks                               drawn again up to four times
categories             200; Herfindahl .041 overall, .149 per reader     200; one favourite, taken 33 % of the time
hour and day           histograms below (UTC)                            sampled from them
=====================  ================================================  ==========================================
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HOURS = (
    0.0411, 0.0388, 0.0304, 0.0204, 0.0105, 0.006, 0.0048, 0.0057, 0.0108, 0.024, 0.0446, 0.0635,
    0.0559, 0.0585, 0.0624, 0.0613, 0.0683, 0.0646, 0.0645, 0.0644, 0.0593, 0.0497, 0.047, 0.0431,
)  # fmt: skip
BIRTH_HOURS = (
    0.003, 0.002, 0.001, 0.001, 0.004, 0.015, 0.037, 0.058, 0.066, 0.069, 0.071, 0.077,
    0.076, 0.058, 0.051, 0.06, 0.067, 0.061, 0.061, 0.057, 0.041, 0.036, 0.02, 0.008,
)  # fmt: skip
DAYS = (0.031, 0.097, 0.088, 0.074, 0.064, 0.071, 0.046, 0.037, 0.086, 0.095, 0.083, 0.041, 0.061, 0.031, 0.031, 0.064)
REGIONS = (0.27, 0.16, 0.11, 0.06, 0.055, 0.048, 0.047, 0.041, 0.032, 0.026, *(0.0095,) * 16)
DEVICES = (0.626, 0.332, 0.042)
CATEGORIES = 200
ARCHIVE_CLICKS = 0.038
LOYALTY = 0.33
REDRAWS = 4
FRESH_ITEMS = 0.2
FRESH_BEFORE_DAYS = 5
MIN_AGE_H = 2.9
WINDOW_MS = 12 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the log is; ``start_ms`` is the midnight (UTC) of its first day, epoch ms."""

    events: int = 3_000_000
    citizens: int = 320_000
    items: int = 46_000
    start_ms: int = 1_506_816_000_000


def generate(shape: Shape = Shape(), seed: int = 0) -> pa.Table:
    """The log, sorted by time: ``user, item, ts`` (int64, ms) ``, event, region, session, device``.

    The same shape and seed give the same table.
    """
    rng = np.random.default_rng(seed)
    owner, size = _sessions(rng, shape)
    session = np.repeat(np.arange(size.size), size)
    ts = _times(rng, shape, size)
    citizen = owner[session]
    item = _items(rng, shape, citizen, ts)
    region = _label(rng, REGIONS, shape.citizens, owner, 0.04)[session]
    device = _label(rng, DEVICES, shape.citizens, owner, 0.03)[session]
    order = np.argsort(ts, kind="stable")
    return pa.table(
        {
            "user": citizen[order].astype(np.int32),
            "item": item[order].astype(np.int32),
            "ts": ts[order],
            "event": pa.array(["VIEW"], pa.string()).take(pa.array(np.zeros(ts.size, np.int8))),
            "region": region[order].astype(np.int16),
            "session": session[order].astype(np.int32),
            "device": device[order].astype(np.int8),
        }
    )


def _draw(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """``size`` indices drawn with ``weights``."""
    edges = np.cumsum(weights)
    found = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    drawn: Ints = np.minimum(found, weights.size - 1, dtype=np.int64)
    return drawn


def _sessions(rng: np.random.Generator, shape: Shape) -> tuple[Ints, Ints]:
    """Who each session belongs to and how many clicks it has; the clicks add up to ``shape.events``."""
    count = max(shape.citizens, int(shape.events / 2.83))
    size = 1 + rng.geometric(0.547, count).astype(np.int64)
    while (lack := shape.events - int(size.sum())) != 0:
        candidates = np.arange(count) if lack > 0 else np.flatnonzero(size > 1)
        chosen = rng.choice(candidates, min(abs(lack), candidates.size), replace=False)
        size[chosen] += np.sign(lack)
    weights = rng.lognormal(0, 0.9, shape.citizens)
    owner = np.concatenate([np.arange(shape.citizens), _draw(rng, weights, count - shape.citizens)])
    return rng.permutation(owner), size


def _times(rng: np.random.Generator, shape: Shape, size: Ints) -> Ints:
    """The ms of each click, sessions one after the other."""
    day = _draw(rng, np.asarray(DAYS), size.size)
    hour = _draw(rng, np.asarray(HOURS), size.size)
    start = shape.start_ms + day * DAY_MS + hour * HOUR_MS + rng.integers(0, HOUR_MS, size.size)
    total = int(size.sum())
    gap = np.where(rng.random(total) < 0.45, 30_000.0, rng.lognormal(5.0, 1.3, total).clip(1, 14_400) * 1000).astype(
        np.int64
    )
    first = np.cumsum(size) - size
    gap[first] = 0
    elapsed = np.cumsum(gap)
    times: Ints = np.repeat(start, size) + elapsed - np.repeat(elapsed[first], size)
    return times


def _label(rng: np.random.Generator, weights: tuple[float, ...], citizens: int, owner: Ints, switch: float) -> Ints:
    """A label per session: the citizen's usual one, another one with probability ``switch``."""
    usual = _draw(rng, np.asarray(weights), citizens)[owner]
    return np.where(rng.random(owner.size) < switch, _draw(rng, np.asarray(weights), owner.size), usual)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Fresh items sorted by (group, birth) with their cumulated attraction, so that a window is a pair of look-ups."""

    item: Ints
    key: Ints
    edges: Floats
    span: int

    @staticmethod
    def of(group: Ints, birth: Ints, attraction: Floats) -> _Pool:
        span = int(birth.max()) + 60 * DAY_MS
        key = group * span + birth
        order = np.argsort(key, kind="stable")
        return _Pool(order, key[order], np.concatenate([[0.0], np.cumsum(attraction[order])]), span)

    def pick(self, rng: np.random.Generator, group: Ints, birth: Ints, latest: Ints) -> Ints:
        """An item of ``group`` born in the window around ``birth`` and not after ``latest``; -1 where there is none."""
        lo = np.searchsorted(self.key, group * self.span + np.maximum(birth - WINDOW_MS, 0))
        hi = np.searchsorted(
            self.key, group * self.span + np.maximum(np.minimum(birth + WINDOW_MS, latest), 0), side="right"
        )
        low, high = self.edges[lo], self.edges[np.maximum(hi, lo)]
        at = np.searchsorted(self.edges, low + rng.random(group.size) * (high - low), side="right") - 1
        return np.where(hi > lo, self.item[np.clip(at, lo, np.maximum(hi - 1, 0)).clip(0, self.item.size - 1)], -1)


class _Catalogue:
    """The items with their births and attractions, and the readers' favourite categories."""

    def __init__(self, rng: np.random.Generator, shape: Shape) -> None:
        self.fresh, self.items = max(1, int(shape.items * FRESH_ITEMS)), shape.items
        day = rng.integers(0, len(DAYS) + FRESH_BEFORE_DAYS, self.fresh)
        hour = _draw(rng, np.asarray(BIRTH_HOURS), self.fresh)
        self.birth = day * DAY_MS + hour * HOUR_MS + rng.integers(0, HOUR_MS, self.fresh)
        attraction = rng.lognormal(0, 2.2, self.fresh)
        taste = 1 / np.arange(1, CATEGORIES + 1) ** 0.9
        self.favourite = _draw(rng, taste, shape.citizens)
        self.everything = _Pool.of(np.zeros(self.fresh, np.int64), self.birth, attraction)
        self.by_category = _Pool.of(_draw(rng, taste, self.fresh), self.birth, attraction)

    def pick(self, rng: np.random.Generator, citizen: Ints, now: Ints) -> Ints:
        """An item for each click at ``now`` (ms since the first birth day): fresh ones by age, taste and attraction."""
        age = ((MIN_AGE_H + rng.lognormal(1.59, 1.1, now.size)) * HOUR_MS).astype(np.int64)
        latest = now - int(MIN_AGE_H * HOUR_MS)
        item = self.everything.pick(rng, np.zeros(now.size, np.int64), now - age, latest)
        loyal = np.flatnonzero(rng.random(now.size) < LOYALTY)
        own = self.by_category.pick(rng, self.favourite[citizen[loyal]], (now - age)[loyal], latest[loyal])
        item[loyal] = np.where(own >= 0, own, item[loyal])
        archive = np.flatnonzero((rng.random(now.size) < ARCHIVE_CLICKS) | (item < 0))
        item[archive] = rng.integers(min(self.fresh, self.items - 1), self.items, archive.size)
        return item


def _items(rng: np.random.Generator, shape: Shape, citizen: Ints, ts: Ints) -> Ints:
    """The item of each click; a click on what the reader had met is drawn again a few times, as repeats are rare."""
    catalogue = _Catalogue(rng, shape)
    now = ts - (shape.start_ms - FRESH_BEFORE_DAYS * DAY_MS)
    item = catalogue.pick(rng, citizen, now)
    for _ in range(REDRAWS):
        again = _repeats(citizen * shape.items + item)
        item[again] = catalogue.pick(rng, citizen[again], now[again])
    return _all_read(rng, shape.items, item, catalogue.birth, now)


def _repeats(pair: Ints) -> Ints:
    """Where a value stands that stood before."""
    order = np.argsort(pair, kind="stable")
    again: Ints = order[1:][pair[order[1:]] == pair[order[:-1]]]
    return again


def _all_read(rng: np.random.Generator, items: int, item: Ints, birth: Ints, now: Ints) -> Ints:
    """``item`` with one click given to each item that had none, at a moment when it existed, where there is room."""
    unread = np.setdiff1d(np.arange(items), item)
    slots = rng.permutation(item.size)[: unread.size]
    unread = unread[: slots.size]
    known = (unread >= birth.size) | (birth[unread.clip(0, birth.size - 1)] < now[slots])
    item[slots[known]] = unread[known]
    return item


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    whole = Shape()
    parser.add_argument("out", type=Path)
    parser.add_argument("--events", type=int, default=whole.events)
    parser.add_argument("--citizens", type=int, default=whole.citizens)
    parser.add_argument("--items", type=int, default=whole.items)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pq.write_table(generate(Shape(args.events, args.citizens, args.items), args.seed), args.out)


if __name__ == "__main__":
    main()
