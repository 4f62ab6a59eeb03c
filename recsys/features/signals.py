"""What the fast layer says about items for one citizen at one moment.

Only items that the citizen's walks or the latest contacts touch have a value, so that a request costs no more in a
catalogue ten times as large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.live import Live
from recsys.models.covisit import STARTS, STEPS, Walk
from recsys.models.topk import largest

Floats = NDArray[np.float64]

VISIT_GAP = 0.5  # hours without an event that end a visit
VISITS = 5  # earlier visits whose front page the citizen is taken to have seen
FRONT = 2000  # latest contacts that made a front page

# By start of a walk and by distance from it: what a step is worth.
_PLACE = 1 / (1.0 + np.arange(STARTS))[:, None]
_DISTANCE = 0.8 ** np.arange(STEPS + 1.0)[None, :]
_WORTH = _PLACE * _DISTANCE


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
    """Signals by name (float64) over ``items`` (positions, sorted); every other item has 0."""

    items: NDArray[np.intp]
    values: Mapping[str, Floats]

    def at(self, chosen: NDArray[np.intp]) -> dict[str, Floats]:
        """Every signal by name of the items ``chosen``, which must be sorted (float64, one per entry)."""
        if not self.items.size:
            return {name: np.zeros(chosen.size) for name in self.values}
        where = np.minimum(np.searchsorted(self.items, chosen), self.items.size - 1)
        there = self.items[where] == chosen
        found = np.where(there, np.stack([*self.values.values()])[:, where], 0.0)
        return dict(zip(self.values, found, strict=True))

    def best(self, name: str, open_items: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
        """The ``most`` open items with the largest values above 0 (positions, in no order)."""
        value = self.values[name]
        told = np.flatnonzero(value)
        told = told[open_items[self.items[told]]]
        return self.items[told[largest(value[told], most)]]

    def dense(self, name: str, items: int) -> Floats:
        """One signal over all ``items`` (float64)."""
        result = np.zeros(items)
        result[self.items] = self.values[name]
        return result


def signals(live: Live, now: Moment) -> Signals:
    """The signals of the walks from what the citizen read, and of the latest contacts."""
    log, window = live.covisit, live.window()
    recent = now.items[::-1]
    ahead, behind = (log.walk(now.user, recent, forward=forward) for forward in (True, False))
    latest = log.item[window]
    touched = np.zeros(live.items, bool)
    for found in (ahead.item, behind.item, latest):
        touched[found] = True
    items = np.flatnonzero(touched)
    slot = np.empty(live.items, np.intp)
    slot[items] = np.arange(items.size)
    sequences = _sequences(live, now, items, (ahead, slot[ahead.item]), (behind, slot[behind.item]))
    return Signals(items, sequences | _window(live, now, slot[latest], items.size))


Steps = tuple[Walk, NDArray[np.intp]]  # a walk, and the place among the touched items of each item reached


def _sequences(live: Live, now: Moment, items: NDArray[np.intp], ahead: Steps, behind: Steps) -> dict[str, Floats]:
    """What is read around the citizen's recent items."""
    steps, at = ahead
    worth = _WORTH[steps.start, steps.distance]
    # One exponential of the age; the others are powers of it.
    six = np.exp2((steps.hour - now.hour) / 6)
    hour = (six * six) ** 3
    quarter = (hour * hour) ** 2
    first = steps.start == 0
    following = np.flatnonzero(first & (steps.distance == 1))
    first = np.flatnonzero(first)
    size = items.size
    forward = _weighed(ahead, size)
    return {
        "after_15m": np.bincount(at, worth * quarter, size),
        "after_1h": np.bincount(at, worth * hour, size),
        "next_6h": np.bincount(at[following], six[following], size),
        "next": np.bincount(at[following], minlength=size).astype(float),
        "after_latest": np.bincount(at[first], 1 / steps.distance[first], size),
        "after_6h": np.bincount(at, worth * six, size),
        "after": forward,
        "around": _around(live, items, forward, _weighed(behind, size)),
    }


def _weighed(walked: Steps, size: int) -> Floats:
    steps, at = walked
    return np.bincount(at, _WORTH[steps.start, steps.distance] * steps.weight, size).astype(np.float64)


def _around(live: Live, items: NDArray[np.intp], forward: Floats, backward: Floats) -> Floats:
    around: Floats = (forward + 0.5 * backward) / (1 + live.covisit.count[items]) ** 0.3
    return around


def around(live: Live, now: Moment) -> Floats:
    """What is read before and after the recent items of ``now`` (float64, one per item)."""
    log, recent = live.covisit, now.items[::-1]
    ahead, behind = (log.walk(now.user, recent, forward=forward) for forward in (True, False))
    forward, backward = (_weighed((steps, steps.item.astype(np.intp)), live.items) for steps in (ahead, behind))
    return _around(live, np.arange(live.items), forward, backward)


def _window(live: Live, now: Moment, at: NDArray[np.intp], size: int) -> dict[str, Floats]:
    """Who reads what in the latest contacts: people like this one, of this place, on this device, at this point.

    ``at``: for each of them the place of its item among ``size`` touched ones.
    """
    log, window = live.covisit, live.window()
    day = np.exp2((log.hour[window] - now.hour) / 24)
    six = (day * day) ** 2
    three = six * six
    hour = three**3
    quarter = (hour * hour) ** 2

    def count(chosen: NDArray[np.intp], weight: Floats) -> Floats:
        found: Floats = np.bincount(at[chosen], weight[chosen], size).astype(np.float64)
        return found

    near = log.neighbours(now.user, now.items[::-1], log.user[window])
    alike = np.flatnonzero(near > 0)
    known = now.user < live.region.size
    here = np.flatnonzero(live.place_region[window] == (live.region[now.user] if known else -2))
    same_device = np.flatnonzero(live.place_device[window] == (live.device[now.user] if known else -2))
    before = log.previous[window]
    new_visit = np.where(before >= 0, log.hour[window] - log.hour[before], np.inf) > VISIT_GAP
    same_point = np.flatnonzero(new_visit == (now.gap > VISIT_GAP))
    return {
        "alike_3h": count(alike, near * three),
        "alike_1d": count(alike, near * day),
        "alike": count(alike, near),
        "here_1h": count(here, hour),
        "here_6h": count(here, six),
        "device_1h": count(same_device, hour),
        "point_15m": count(same_point, quarter),
        "point_1h": count(same_point, hour),
        "point_6h": count(same_point, six),
    }


def exposure(live: Live, now: Moment, chosen: NDArray[np.intp]) -> dict[str, Floats]:
    """What happened since the citizen was last here, and what they will have seen and passed over.

    By name, for the items ``chosen`` (float64, one per entry).
    """
    log, size = live.covisit, chosen.size
    if not now.places.size:
        return {name: np.zeros(size) for name in ("since_visit", "passed_last", "passed")}
    slot = np.full(live.items, size)
    slot[chosen] = np.arange(size)
    latest = int(now.places[-1])
    since = np.bincount(slot[log.item[max(latest + 1, log.size - 4 * FRONT) : log.size]], minlength=size + 1)[:size]
    visits = now.places[np.append(np.diff(log.hour[now.places]) > VISIT_GAP, True)][-VISITS:]
    passed: Floats = np.zeros(size)
    front = passed
    for visit in visits.tolist():
        shown = slice(max(0, visit - FRONT), visit)
        weight = np.exp2((log.hour[shown] - log.hour[visit]) * 2)
        front = np.bincount(slot[log.item[shown]], weight, size + 1)[:size] / (1 + weight.sum())
        passed = passed + front
    return {"since_visit": since.astype(float), "passed_last": front, "passed": passed}
