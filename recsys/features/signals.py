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
from recsys.features.walking import AHEAD, LATEST, sums, taken, walked
from recsys.live import Live
from recsys.models.covisit import STARTS, STEPS, VISIT_GAP
from recsys.selection import mark_best_by_column

Floats = NDArray[np.float64]

VISITS = 5  # earlier visits whose front page the citizen is taken to have seen
FRONT = 2000  # latest contacts that made a front page

# By start of a walk and by distance from it: what a step is worth.
_PLACE = 1 / (1.0 + np.arange(STARTS))[:, None]
_DISTANCE = 0.8 ** np.arange(STEPS + 1.0)[None, :]
_WORTH = _PLACE * _DISTANCE


SIGNALS = (*AHEAD, *LATEST)
_COLUMN = {name: column for column, name in enumerate(SIGNALS)}


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
    """``values``: a row for each of ``items`` (positions), a column for each of ``SIGNALS`` (float64); others have 0.

    ``slot``: the row of every item (int32), -1 where it has none.
    """

    slot: NDArray[np.int32]
    items: NDArray[np.int64]
    values: Floats

    def at(self, chosen: NDArray[np.intp], found: Floats) -> None:
        """Write every signal of the items ``chosen`` to the rows of ``found`` (float64)."""
        taken(self.slot, self.values, chosen, found)

    def totals(self) -> Floats:
        """The sum of each signal over all items (float64)."""
        found: Floats = sums(self.values)
        return found

    def mark_best(self, wanted: Mapping[str, int], open_items: NDArray[np.bool_], marked: NDArray[np.bool_]) -> None:
        """Mark, for each signal of ``wanted``, as many open items as it says, those with the largest values above 0."""
        columns = np.array([_COLUMN[name] for name in wanted])
        mark_best_by_column(self.values, columns, self.items, open_items, np.array([*wanted.values()]), marked)

    def dense(self, name: str, items: int) -> Floats:
        """One signal over all ``items`` (float64)."""
        result = np.zeros(items)
        result[self.items] = self.values[:, _COLUMN[name]]
        return result


def signals(live: Live, now: Moment) -> Signals:
    """The signals of the walks from what the citizen read, and of the latest contacts."""
    log, window, recent = live.covisit, live.window(), now.items[::-1]
    place, start = log.starts(now.user, recent[:STARTS])
    rarity = 1 / np.sqrt(1 + log.count[recent[:STARTS]])
    # Of a moment years before the log the factor is only finite: nothing is asked of that.
    factor = 2.0 ** min((log.landmark - now.hour) / 24, 1000.0)
    known = now.user < live.region.size
    region, device = (int(live.region[now.user]), int(live.device[now.user])) if known else (-2, -2)
    found = walked(
        (log.next, log.previous, log.item, log.weight),
        (place, start, rarity, _WORTH),
        factor,
        (window.start, window.stop, log.neighbours(now.user, recent, log.user[window])),
        (live.place_region, live.place_device, log.begins_visit),
        (region, device, now.gap > VISIT_GAP),
        log.common[: live.items],
    )
    return Signals(*found)


def around(live: Live, now: Moment) -> Floats:
    """What is read before and after the recent items of ``now`` (float64, one per item)."""
    ahead, behind = live.covisit.walks(now.user, now.items[::-1])
    ways = np.zeros((2, live.items))
    for found, walk in zip(ways, (ahead, behind), strict=True):
        kernels.weighed(walk.item, walk.start, walk.distance, _WORTH, walk.weight, found)
    result: Floats = (ways[0] + 0.5 * ways[1]) / live.covisit.common[: live.items]
    return result


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
            kernels.front(slot, log.item, log.weight, max(0, visit - FRONT), visit, found[1])
            found[2] += found[1]
