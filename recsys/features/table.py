"""The ranker's table: one row per candidate, one column per feature, from the state before the moment only.

Columns come in groups; a group fills its rows of an array that lies the other way round. The order of ``COLUMNS`` is
part of a fitted ranker and is kept with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features import kernels
from recsys.features.signals import SIGNALS, Floats, Moment, Signals, exposure
from recsys.live import Live
from recsys.models.popular import HALF_LIVES

RANKED = ("6m", "15m", "30m", "2.4h", "1d", "7d")
MOMENTA = (("6m", "30m"), ("15m", "1h"), ("1h", "6h"), ("6h", "1d"), ("1d", "7d"))
MASSES = ("30m", "1h", "6h", "1d")
EXPOSED = ("since_visit", "passed_last", "passed")
SHARED = ("next_6h", "after_15m", "after_1h", "after_6h", "after", "around", "alike_1d")
PLACED = ("after_1h", "after", "around", "alike", "alike_1d", "point_15m", "als", "item_item", "content")
SLOW = ("als", "item_item", "content")
LIFTED = {"alike": ("alike_1d", "mass_1d"), "here": ("here_6h", "mass_6h")}
LIFTED |= {"device": ("device_1h", "mass_1h"), "point": ("point_6h", "mass_6h")}
TOPICAL = ("topic_taste", "topic_lift", "topic_share", "topic_next", "topic_same", "author_taste")
STATIC = ("readers", "age", "unread_for", "created", "words", "engaged", "born_since_visit", "age_unlike_usual")
CONTEXT = ("gap", "hour", "weekday", "history", "visit", "day", "pace", "usual_share", "usual_age")
SHANGHAI_HOURS = 8.0
TINY = 1e-9

_POPULARITY = (
    *(f"share_{name}" for name in HALF_LIVES),
    *(f"rank_{name}" for name in RANKED),
    *(f"momentum_{a}_{b}" for a, b in MOMENTA),
    *(f"mass_{name}" for name in MASSES),
)
_SIGNALS = (
    *SIGNALS,
    *EXPOSED,
    *(f"{name}_share" for name in SHARED),
    *(f"rank_{name}" for name in PLACED),
    "next_lift",
    *(f"{name}_lift" for name in LIFTED),
    "grown_since",
)
COLUMNS = (*_POPULARITY, *_SIGNALS, *SLOW, *STATIC, *TOPICAL, *CONTEXT)
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_HALF_LIFE = {name: row for row, name in enumerate(HALF_LIVES)}


def _rows(names: Iterable[str], of: Mapping[str, int] = _PLACE) -> NDArray[np.intp]:
    return np.array([of[name] for name in names], np.intp)


def _block(names: Sequence[str]) -> slice:
    """Where columns lie that follow each other."""
    return slice(_PLACE[names[0]], _PLACE[names[-1]] + 1)


@dataclass(frozen=True)
class Request:
    """A moment, the signals of the fast layer, and the candidates (positions, int64, sorted) to be judged.

    ``slow``: the score of every item by each model of the slow layer (float32), ``-inf`` where it has none.
    """

    live: Live
    now: Moment
    signals: Signals
    slow: Mapping[str, NDArray[np.float32]]
    candidates: NDArray[np.intp]


def table(request: Request) -> NDArray[np.float32]:
    """Features of the candidates (float32, candidates × ``len(COLUMNS)``); NaN where something is unknown."""
    return _filled(request).astype(np.float32).T


def columns(request: Request) -> dict[str, Floats]:
    """Every column by name (float64, one entry per candidate)."""
    return dict(zip(COLUMNS, _filled(request), strict=True))


def _filled(request: Request) -> Floats:
    """All columns, one per row (float64); the groups that come later use what the earlier ones found."""
    found = np.empty((len(COLUMNS), request.candidates.size))
    usual = _usual(request)
    total = request.live.popular.totals(request.now.hour)
    _popularity(request, total, found)
    _slow(request, found[_block(SLOW)])
    _signals(request, found)
    _statics(request, usual["usual_age"], found[_block(STATIC)])
    _topics(request, found[_block(TOPICAL)])
    context = _context(request, float(total[_HALF_LIFE["30m"]])) | usual
    found[_block(CONTEXT)] = np.array([context[name] for name in CONTEXT])[:, None]
    return found


_SHARES = _block([f"share_{name}" for name in HALF_LIVES])
_POPULAR_RANKS = _block([f"rank_{name}" for name in RANKED])
_MOMENTA = _block([f"momentum_{a}_{b}" for a, b in MOMENTA])
_MASSES = _block([f"mass_{name}" for name in MASSES])
_RANKED, _KEPT = _rows(RANKED, _HALF_LIFE), _rows(MASSES, _HALF_LIFE)
_SHORT, _LONG = (_rows([pair[end] for pair in MOMENTA], _HALF_LIFE) for end in (0, 1))


def _popularity(request: Request, total: Floats, found: Floats) -> None:
    mass = request.live.popular.table(request.now.hour, request.candidates)
    # One read more than there were: the only read of a quiet night is no trend.
    np.divide(mass, total[:, None] + 1, out=found[_SHARES])
    found[_POPULAR_RANKS] = ranks(mass[_RANKED])
    np.divide(mass[_SHORT], mass[_LONG] + 1e-3, out=found[_MOMENTA])
    found[_MASSES] = mass[_KEPT]


_EVERY_SIGNAL, _EXPOSED = _block(SIGNALS), _block(EXPOSED)
_SIGNAL_SHARES, _SHARED = _block([f"{name}_share" for name in SHARED]), _rows(SHARED)
_SHARED_TOTALS = _rows(SHARED, {name: row for row, name in enumerate(SIGNALS)})
_SIGNAL_RANKS, _PLACED = _block([f"rank_{name}" for name in PLACED]), _rows(PLACED)
_LIFTS = _block([f"{name}_lift" for name in LIFTED])
_LIFT, _LIFT_BASE = (_rows([pair[end] for pair in LIFTED.values()]) for end in (0, 1))


def _signals(request: Request, found: Floats) -> None:
    told, chosen = request.signals, request.candidates
    told.at(chosen, found[_EVERY_SIGNAL])
    exposure(request.live, request.now, chosen, found[_EXPOSED])
    total = told.totals()[_SHARED_TOTALS]
    np.divide(found[_SHARED], total[:, None] + TINY, out=found[_SIGNAL_SHARES])
    placed = found[_PLACED]
    places = ranks(placed)
    places[np.isnan(placed).all(axis=1)] = np.nan
    found[_SIGNAL_RANKS] = places
    np.divide(found[_PLACE["next"]], 1 + request.live.readers[chosen], out=found[_PLACE["next_lift"]])
    np.divide(found[_LIFT], 1 + found[_LIFT_BASE], out=found[_LIFTS])
    passed = 1 + 100 * found[_PLACE["passed_last"]]
    np.divide(found[_PLACE["since_visit"]], passed, out=found[_PLACE["grown_since"]])


def _slow(request: Request, found: Floats) -> None:
    """Scores of the slow layer relative to the candidates: models are refitted, so raw scales drift."""
    for row, name in enumerate(SLOW):
        if name in request.slow:
            kernels.standardised(request.slow[name], request.candidates, TINY, found[row])
        else:
            found[row] = np.nan


def _statics(request: Request, usual_age: float, found: Floats) -> None:
    live, now = request.live, request.now
    known = (live.readers, live.born, live.last, live.static.created, live.static.words)
    since = float(now.since[-1]) if now.since.size else np.nan
    kernels.statics(request.candidates, now.hour, *known, live.engaged, live.engaged_at, since, usual_age, found)


def _topics(request: Request, found: Floats) -> None:
    live, now = request.live, request.now
    if not live.topics:
        found[:] = np.nan
        return
    codes = (live.static.topic, live.static.author)
    recent = live.covisit.item[live.window()]
    kernels.topics(request.candidates, *codes, now.items, recent, live.follows_topic, TINY, found)


def _usual(request: Request) -> dict[str, float]:
    """How popular and how old was what the citizen read last, when they did."""
    live, latest = request.live, request.now.places[-20:]
    if not latest.size:
        return {"usual_share": np.nan, "usual_age": np.nan}
    return {
        "usual_share": float(np.log(live.place_share[latest] + 1e-4).mean()),
        "usual_age": float(np.log1p(live.place_age[latest]).mean()),
    }


def _context(request: Request, pace: float) -> dict[str, float]:
    live, now = request.live, request.now
    local = now.hour + SHANGHAI_HOURS
    known = now.user < live.seen_at.size and now.user not in live.unprofiled
    seen = float(live.seen_at[now.user]) if known else -np.inf
    return {
        "gap": now.hour - seen,
        "hour": local % 24,
        "weekday": (local // 24) % 7,
        "history": float(now.items.size),
        "visit": float((now.since < 0.5).sum()),
        "day": float((now.since < 24).sum()),
        "pace": pace,
    }


def ranks(values: Floats) -> Floats:
    """For each row the place of each value from 0, the largest first, equal ones sharing the first (float64).

    NaN comes after every number.
    """
    found: Floats = kernels.places(values, np.argsort(kernels.turned(values), axis=1))
    return found
