"""The fast layer as plain arrays and back, so that it can be kept, and its oldest contacts be let go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.live import Live, Static
from recsys.met import Met
from recsys.models.base import Arrays
from recsys.models.covisit import Covisit
from recsys.models.popular import Popular

_OF_ITEM = ("published", "first", "born", "last", "withdrawn", "readers", "engaged", "engaged_at")
_OF_CITIZEN = ("seen_at", "region", "device")
_OF_PLACE = ("place_region", "place_device", "place_age", "place_share", "place_read", "place_newest")
_STATIC = ("topic", "author", "created", "words", "private")


def arrays_of(live: Live) -> Arrays:
    """Everything in ``live``, in arrays of its own: what happens to ``live`` later does not change them."""
    items, users, size = live.items, len(live.met), live.covisit.size
    found: Arrays = {name: getattr(live, name)[:items].copy() for name in _OF_ITEM}
    found |= {name: getattr(live, name)[:users].copy() for name in _OF_CITIZEN}
    found |= {name: getattr(live, name)[:size].copy() for name in _OF_PLACE}
    for name in _STATIC:
        values = getattr(live.static, name)
        found[name] = np.zeros(0, bool) if values is None else values[:items].copy()
    popular = live.popular.arrays()
    found |= {f"popular_{name}": values.copy() for name, values in popular.items() if name != "mass"}
    found["popular_mass"] = popular["mass"][:, :items].copy()
    found |= {f"log_{name}": values.copy() for name, values in live.covisit.arrays().items()}
    found["met"], found["met_sizes"] = live.met.arrays()
    found["refused"], found["followed"] = _pairs(live.refused), _pairs(live.followed)
    found["refused_at"] = np.array([at for told in live.refused.values() for at in told.values()], np.float64)
    found["unprofiled"] = np.array(sorted(live.unprofiled), np.int32)
    return found


def live_of(arrays: Mapping[str, NDArray[Any]]) -> Live:
    """The fast layer that gave ``arrays``; it takes them over."""
    private = arrays["private"] if arrays["private"].size else None
    static = Static(arrays["topic"], arrays["author"], arrays["created"], arrays["words"], private)
    live = Live(static)
    live.met = Met.restore(arrays["met"], arrays["met_sizes"])
    live.popular = Popular.restore(
        {"half_lives": live.popular.half_lives},
        {name: arrays[f"popular_{name}"] for name in ("mass", "total", "landmark", "newest")},
    )
    for name in (*_OF_ITEM, *_OF_CITIZEN, *_OF_PLACE):
        setattr(live, name, arrays[name])
    user, item = arrays["log_user"], arrays["log_item"]
    live.covisit = Covisit.of_log(user, item, arrays["log_hour"], live.items, len(live.met))
    for (citizen, thing), at in zip(arrays["refused"].tolist(), arrays["refused_at"].tolist(), strict=True):
        live.refused.setdefault(citizen, {})[thing] = at
    for citizen, thing in arrays["followed"].tolist():
        live.followed.setdefault(citizen, set()).add(thing)
    live.unprofiled = set(arrays["unprofiled"].tolist())
    before = live.covisit.previous[: user.size]
    topic_before = np.where(before >= 0, static.topic[item[before]], -1)
    np.add.at(live.follows_topic, (topic_before, static.topic[item]), 1)
    live.arrays_replaced()
    return live


def _pairs(sets: Mapping[int, Collection[int]]) -> NDArray[np.int32]:
    """Every citizen and item of ``sets`` (int32, pairs × 2)."""
    sizes = np.fromiter(map(len, sets.values()), np.int32, len(sets))
    users = np.repeat(np.fromiter(sets, np.int32, len(sets)), sizes)
    return np.column_stack([users, np.fromiter(chain.from_iterable(sets.values()), np.int32, users.size)])


def without_oldest(arrays: Arrays, kept: int) -> Arrays:
    """``arrays`` with the newest ``kept`` contacts in the log; the others were met before it and stay in counters."""
    cut = arrays["log_user"].size - kept
    if cut <= 0:
        return arrays
    shorter = {name: arrays[name][cut:].copy() for name in (*_OF_PLACE, "log_user", "log_item", "log_hour")}
    return arrays | shorter | {"met": Met.moved(arrays["met"], cut)}
