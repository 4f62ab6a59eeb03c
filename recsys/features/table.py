"""The ranker's table: one row per candidate, one column per feature, from the state before the moment only.

Columns come in groups; a group is a function from the request to named arrays. The order of ``COLUMNS`` is part of a
fitted ranker and is kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features.signals import Floats, Moment, Signals, exposure, moment, signals
from recsys.kernels import ranks
from recsys.live import Live, Static
from recsys.models.popular import HALF_LIVES

RANKED = ("6m", "15m", "30m", "2.4h", "1d", "7d")
MOMENTA = (("6m", "30m"), ("15m", "1h"), ("1h", "6h"), ("6h", "1d"), ("1d", "7d"))
SHARED = ("next_6h", "after_15m", "after_1h", "after_6h", "after", "around", "alike_1d")
PLACED = ("after_1h", "after", "around", "alike", "alike_1d", "point_15m", "als", "item_item", "content")
SLOW = ("als", "item_item", "content")
TOPICAL = ("topic_taste", "topic_lift", "topic_share", "topic_next", "topic_same", "author_taste")
SHANGHAI_HOURS = 8.0
TINY = 1e-9


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
    found = columns(request)
    filled = np.empty((len(COLUMNS), request.candidates.size), np.float32)
    for place, name in enumerate(COLUMNS):
        filled[place] = found[name]
    return filled.T


def columns(request: Request) -> dict[str, Floats | float]:
    """Every column by name: float64, one entry per candidate, or one number for all of them."""
    popular = _popularity(request)
    slow = _slow(request)
    result = popular | _signals(request, popular, slow) | slow | _statics(request) | _topics(request)
    return {**result, **_context(request)}


def _popularity(request: Request) -> dict[str, Floats]:
    live, hour, chosen = request.live, request.now.hour, request.candidates
    popular = live.popular
    mass = popular.table(hour, chosen)
    row = popular.row
    # One read more than there were: the only read of a quiet night is no trend.
    share = mass / (popular.totals(hour)[:, None] + 1)
    result = {f"share_{name}": share[row[name]] for name in HALF_LIVES}
    places = ranks(mass[[row[name] for name in RANKED]])
    result |= {f"rank_{name}": place for name, place in zip(RANKED, places, strict=True)}
    short, long = ([row[pair[end]] for pair in MOMENTA] for end in (0, 1))
    momentum = mass[short] / (mass[long] + 1e-3)
    result |= {f"momentum_{a}_{b}": values for (a, b), values in zip(MOMENTA, momentum, strict=True)}
    return result | {f"mass_{name}": mass[row[name]] for name in ("30m", "1h", "6h", "1d")}


def _signals(request: Request, popular: dict[str, Floats], slow: dict[str, Floats]) -> dict[str, Floats]:
    told, chosen = request.signals, request.candidates
    result = told.at(chosen) | exposure(request.live, request.now, chosen)
    total = told.totals()
    for name in SHARED:
        result[f"{name}_share"] = result[name] / (total[name] + TINY)
    readers = request.live.readers[chosen]
    places = ranks(np.stack([slow[name] if name in slow else result[name] for name in PLACED]))
    for name, place in zip(PLACED, places, strict=True):
        unknown = name in slow and np.isnan(slow[name]).all()
        result[f"rank_{name}"] = np.full(chosen.size, np.nan) if unknown else place
    result["next_lift"] = result["next"] / (1 + readers)
    result["alike_lift"] = result["alike_1d"] / (1 + popular["mass_1d"])
    result["here_lift"] = result["here_6h"] / (1 + popular["mass_6h"])
    result["device_lift"] = result["device_1h"] / (1 + popular["mass_1h"])
    result["point_lift"] = result["point_6h"] / (1 + popular["mass_6h"])
    result["grown_since"] = result["since_visit"] / (1 + 100 * result["passed_last"])
    return result


def _slow(request: Request) -> dict[str, Floats]:
    """Scores of the slow layer relative to the candidates: models are refitted, so raw scales drift."""
    result = {}
    for name in SLOW:
        score = np.full(request.candidates.size, np.nan)
        if name in request.slow:
            told = request.slow[name][request.candidates].astype(np.float64)
            known = np.isfinite(told)
            if known.any():
                inside = told[known]
                score[known] = (inside - inside.mean()) / (inside.std() + TINY)
        result[name] = score
    return result


def _statics(request: Request) -> dict[str, Floats]:
    live, hour, chosen = request.live, request.now.hour, request.candidates
    created = hour - live.static.created[chosen]
    since = request.now.since
    usual_age = live.place_age[request.now.places[-20:]]
    age = hour - live.born[chosen]
    return {
        "readers": live.readers[chosen],
        "age": age,
        "unread_for": hour - live.last[chosen],
        "created": np.where(created >= 0, created, np.nan),
        "words": live.static.words[chosen],
        "engaged": live.engaged[chosen] * np.exp2((live.engaged_at[chosen] - hour) / 24),
        "born_since_visit": age - since[-1] if since.size else np.full(chosen.size, np.nan),
        "age_unlike_usual": np.log1p(np.maximum(age, 0)) - float(np.log1p(usual_age).mean())
        if usual_age.size
        else np.full(chosen.size, np.nan),
    }


def _topics(request: Request) -> dict[str, Floats]:
    live, now = request.live, request.now
    topic, author = live.static.topic[request.candidates], live.static.author[request.candidates]
    unknown = np.full(topic.size, np.nan)
    if not live.topics:
        return dict.fromkeys(TOPICAL, unknown)
    read = live.static.topic[now.items]
    weight = 0.95 ** np.arange(read.size)[::-1]
    taste = np.bincount(read + 1, weight, live.topics + 1)[topic + 1] / (weight.sum() + TINY)
    recent = live.static.topic[live.covisit.item[live.window()]]
    share = (np.bincount(recent + 1, minlength=live.topics + 1) + 1.0)[topic + 1] / (recent.size + 1)
    authors = live.static.author[now.items]
    same_author = (author[:, None] == authors[None, :]) & (author >= 0)[:, None]
    latest = read[-1] if read.size else -1
    row = live.follows_topic[latest]
    return {
        "topic_taste": taste,
        "topic_lift": taste / share,
        "topic_share": share,
        "topic_next": row[topic] / (1 + row.sum()),
        "topic_same": (topic == latest).astype(float) if read.size else np.zeros(topic.size),
        "author_taste": same_author @ weight,
    }


def _context(request: Request) -> dict[str, float]:
    live, now = request.live, request.now
    local = now.hour + SHANGHAI_HOURS
    known = now.user < live.seen_at.size and now.user not in live.unprofiled
    seen = live.seen_at[now.user] if known else -np.inf
    latest = now.places[-20:]
    return {
        "gap": now.hour - seen,
        "hour": local % 24,
        "weekday": (local // 24) % 7,
        "history": float(now.items.size),
        "visit": float((now.since < 0.5).sum()),
        "day": float((now.since < 24).sum()),
        "pace": float(live.popular.totals(now.hour)[live.popular.row["30m"]]),
        "usual_share": float(np.log(live.place_share[latest] + 1e-4).mean()) if latest.size else np.nan,
        "usual_age": float(np.log1p(live.place_age[latest]).mean()) if latest.size else np.nan,
    }


def _names() -> tuple[str, ...]:
    """The columns, learnt by asking an empty state once."""
    live = Live(Static.unknown(1), 1)
    now = moment(live, 0, 0.0)
    return tuple(columns(Request(live, now, signals(live, now), {}, np.zeros(1, np.intp))))


COLUMNS = _names()
