"""What the fast layer says about items for one citizen at one moment.

Only items that the citizen's walks or the latest contacts touch have a value, so that a request costs no more in a
catalogue ten times as large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys import kernels
from recsys.live import Live
from recsys.models.covisit import STARTS, STEPS, Walk
from recsys.selection import mark_best

Floats = NDArray[np.float64]

VISIT_GAP = 0.5  # hours without an event that end a visit
VISITS = 5  # earlier visits whose front page the citizen is taken to have seen
FRONT = 2000  # latest contacts that made a front page

# By start of a walk and by distance from it: what a step is worth.
_PLACE = 1 / (1.0 + np.arange(STARTS))[:, None]
_DISTANCE = 0.8 ** np.arange(STEPS + 1.0)[None, :]
_WORTH = _PLACE * _DISTANCE


# In the order of the rows that ``kernels.ahead`` and, after "around", ``kernels.window`` fill.
SIGNALS = (
    *("after_15m", "after_1h", "next_6h", "next", "after_latest", "after_6h", "after", "around"),
    *("alike_3h", "alike_1d", "alike", "here_1h", "here_6h", "device_1h", "point_15m", "point_1h", "point_6h"),
)
_ROW = {name: row for row, name in enumerate(SIGNALS)}
_AROUND = _ROW["around"]


@dataclass(frozen=True)
class Moment:
    """Who asks, when, and what they read: the query side of every signal."""

    user: int
    hour: float
    places: NDArray[np.int32]  # of the history, oldest first
    items: NDArray[np.int32]  # of the history, oldest first
    since: Floats  # hours since each of them

    @property
    def gap(self) -> float:
        """Hours since the latest contact; 1e4 where there is none."""
        return float(self.since[-1]) if self.since.size else 1e4


def moment(live: Live, user: int, hour: float) -> Moment:
    """The query of ``user`` at ``hour``."""
    places = live.history(user)
    return Moment(user, hour, places, live.covisit.item[places], hour - live.covisit.hour[places])


@dataclass(frozen=True)
class Signals:
    """``values``: a row for each of ``SIGNALS`` (float64) over ``items`` (positions, sorted); others have 0."""

    items: NDArray[np.intp]
    values: Floats

    def at(self, chosen: NDArray[np.intp], found: Floats) -> None:
        """Write every signal of the items ``chosen``, which must be sorted, to the rows of ``found`` (float64)."""
        kernels.taken(self.items, self.values, chosen, found)

    def mark_best(self, wanted: Mapping[str, int], open_items: NDArray[np.bool_], marked: NDArray[np.bool_]) -> None:
        """Mark, for each signal of ``wanted``, as many open items as it says, those with the largest values above 0."""
        rows, every = np.array([_ROW[name] for name in wanted]), np.arange(self.items.size)
        mark_best(self.values, rows, every, self.items, open_items, np.array([*wanted.values()]), marked)

    def dense(self, name: str, items: int) -> Floats:
        """One signal over all ``items`` (float64)."""
        result = np.zeros(items)
        result[self.items] = self.values[_ROW[name]]
        return result


def signals(live: Live, now: Moment) -> Signals:
    """The signals of the walks from what the citizen read, and of the latest contacts."""
    log = live.covisit
    ahead, behind = log.walks(now.user, now.items[::-1])
    items, slot = kernels.touched(live.items, ahead.item, behind.item, log.item[live.window()])
    found = np.zeros((len(SIGNALS), items.size))
    steps = (ahead.item, ahead.start, ahead.distance, ahead.hour)
    kernels.ahead(slot, *steps, now.hour, _WORTH, ahead.weight, found)
    found[_AROUND] = _around(live, items, slot, found[_AROUND - 1], behind)
    _window(live, now, slot, found[_AROUND + 1 :])
    return Signals(items, found)


def _around(live: Live, items: NDArray[np.intp], slot: NDArray[np.int32], forward: Floats, behind: Walk) -> Floats:
    backward = np.zeros(items.size)
    kernels.weighed(slot, behind.item, behind.start, behind.distance, _WORTH, behind.weight, backward)
    around: Floats = (forward + 0.5 * backward) / (1 + live.covisit.count[items]) ** 0.3
    return around


def around(live: Live, now: Moment) -> Floats:
    """What is read before and after the recent items of ``now`` (float64, one per item)."""
    ahead, behind = live.covisit.walks(now.user, now.items[::-1])
    items, forward = np.arange(live.items), np.zeros(live.items)
    slot = items.astype(np.int32)
    kernels.weighed(slot, ahead.item, ahead.start, ahead.distance, _WORTH, ahead.weight, forward)
    return _around(live, items, slot, forward, behind)


def _window(live: Live, now: Moment, slot: NDArray[np.int32], found: Floats) -> None:
    """Who reads what in the latest contacts: people like this one, of this place, on this device, at this point."""
    log, window = live.covisit, live.window()
    near = log.neighbours(now.user, now.items[::-1], log.user[window])
    known = now.user < live.region.size
    region, device = (int(live.region[now.user]), int(live.device[now.user])) if known else (-2, -2)
    new_visit = kernels.begins_visit(log.hour[: log.size], log.previous, window.start, VISIT_GAP)
    mine = (live.place_region[window], region, live.place_device[window], device, new_visit, now.gap > VISIT_GAP)
    kernels.window(slot, log.item[window], log.hour[window], now.hour, near, *mine, found)


def exposure(live: Live, now: Moment, chosen: NDArray[np.intp], found: Floats) -> None:
    """What happened since the citizen was last here, and what they will have seen and passed over.

    Written for the items ``chosen`` to the rows of ``found`` (float64): what was read since, what was on the front page
    of the latest visit, and of all the latest ones.
    """
    log = live.covisit
    found[:] = 0.0
    if now.places.size:
        slot = np.full(live.items, -1, np.int32)
        slot[chosen] = np.arange(chosen.size, dtype=np.int32)
        latest = int(now.places[-1])
        kernels.tally(slot, log.item, max(latest + 1, log.size - 4 * FRONT), log.size, found[0])
        visits = now.places[np.append(np.diff(log.hour[now.places]) > VISIT_GAP, True)][-VISITS:]
        for visit in visits.tolist():
            found[1] = 0.0
            kernels.front(slot, log.item, log.hour, max(0, visit - FRONT), visit, found[1])
            found[2] += found[1]
