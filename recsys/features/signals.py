"""What the fast and the slow layer say about every item for one citizen at one moment (dense arrays over items)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.live import Live

Floats = NDArray[np.float64]

VISIT_GAP = 0.5  # hours without an event that end a visit
VISITS = 5  # earlier visits whose front page the citizen is taken to have seen
FRONT = 2000  # latest contacts that made a front page


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


def signals(live: Live, now: Moment) -> dict[str, Floats]:
    """Every dense signal of the fast layer by name (float64, one entry per item)."""
    return _sequences(live, now) | _window(live, now) | _exposure(live, now)


def _sequences(live: Live, now: Moment) -> dict[str, Floats]:
    """What is read around the citizen's recent items."""
    log, items = live.covisit, live.items
    recent = now.items[::-1]
    ahead, behind = (log.walk(now.user, recent, forward=forward) for forward in (True, False))
    fresh = np.exp2((ahead.hour - now.hour) / 6)
    near, place = 0.8**ahead.distance, 1 / (1 + ahead.start)
    latest = ahead.start == 0
    following = latest & (ahead.distance == 1)
    forward = np.bincount(ahead.item, place * near * ahead.weight, items)
    backward = np.bincount(behind.item, 0.8**behind.distance / (1 + behind.start) * behind.weight, items)
    return {
        "after_15m": np.bincount(ahead.item, place * near * np.exp2((ahead.hour - now.hour) * 4), items),
        "after_1h": np.bincount(ahead.item, place * near * np.exp2(ahead.hour - now.hour), items),
        "next_6h": np.bincount(ahead.item[following], fresh[following], items),
        "next": np.bincount(ahead.item[following], minlength=items).astype(float),
        "after_latest": np.bincount(ahead.item[latest], 1 / ahead.distance[latest], items),
        "after_6h": np.bincount(ahead.item, place * near * fresh, items),
        "after": forward,
        "around": (forward + 0.5 * backward) / (1 + log.count[:items]) ** 0.3,
    }


def around(live: Live, now: Moment) -> Floats:
    """What is read before and after the recent items of ``now`` (float64, one per item)."""
    return _sequences(live, now)["around"]


def _window(live: Live, now: Moment) -> dict[str, Floats]:
    """Who reads what in the latest contacts: people like this one, of this place, on this device, at this point."""
    log, items, window = live.covisit, live.items, live.window()
    item, age = log.item[window], now.hour - log.hour[window]
    hour_1, hour_6 = np.exp2(-age), np.exp2(-age / 6)

    def count(chosen: NDArray[np.bool_], weight: Floats) -> Floats:
        found: Floats = np.bincount(item[chosen], weight[chosen], items).astype(np.float64)
        return found

    near = log.neighbours(now.user, now.items[::-1], log.user[window])
    alike = near > 0
    known = now.user < live.region.size
    here = live.place_region[window] == (live.region[now.user] if known else -2)
    same_device = live.place_device[window] == (live.device[now.user] if known else -2)
    before = log.previous[window]
    new_visit = np.where(before >= 0, log.hour[window] - log.hour[before], np.inf) > VISIT_GAP
    same_point = new_visit == (now.gap > VISIT_GAP)
    return {
        "alike_3h": count(alike, near * np.exp2(-age / 3)),
        "alike_1d": count(alike, near * np.exp2(-age / 24)),
        "alike": count(alike, near),
        "here_1h": count(here, hour_1),
        "here_6h": count(here, hour_6),
        "device_1h": count(same_device, hour_1),
        "point_15m": count(same_point, np.exp2(-age * 4)),
        "point_1h": count(same_point, hour_1),
        "point_6h": count(same_point, hour_6),
    }


def _exposure(live: Live, now: Moment) -> dict[str, Floats]:
    """What happened since the citizen was last here, and what they will have seen and passed over."""
    log, items = live.covisit, live.items
    nothing = np.zeros(items)
    if not now.places.size:
        return {"since_visit": nothing, "passed_last": nothing, "passed": nothing}
    latest = int(now.places[-1])
    since = np.bincount(log.item[max(latest + 1, log.size - 4 * FRONT) : log.size], minlength=items).astype(float)
    visits = now.places[np.append(np.diff(log.hour[now.places]) > VISIT_GAP, True)][-VISITS:]
    passed = nothing.copy()
    front = nothing
    for visit in visits.tolist():
        shown = slice(max(0, visit - FRONT), visit)
        weight = np.exp2((log.hour[shown] - log.hour[visit]) * 2)
        front = np.bincount(log.item[shown], weight, items) / (1 + weight.sum())
        passed += front
    return {"since_visit": since, "passed_last": front, "passed": passed}
