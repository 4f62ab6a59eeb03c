"""The whole live catalogue in one order that holds while someone turns its pages: newest first, then by id.

It is what comes after the ranked head of a feed. A place in it is told by date and id, so that it means the same in
every process and after items came or went.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.follower import Follower


class Key(NamedTuple):
    """A place in the order: since when the item is out (hours), and its id."""

    hour: float
    id: str


class Catalogue:
    """The items of ``follower``; the order is made anew when the follower has been told of others.

    All methods are to be called under the follower's lock.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._live: object = None
        self._mark = -1
        self._order = np.zeros(0, np.intp)  # positions, newest first
        self._hours = np.zeros(0)  # minus since when each of them is out, in the same order: ascending

    def after(self, key: Key | None, before_hour: float, most: int) -> tuple[NDArray[np.intp], Key | None]:
        """Up to ``most`` positions that follow ``key`` (None: the beginning) and were out by ``before_hour``.

        Also tells the key of the last of them, None where there are no more.
        """
        self._refresh()
        start = int(np.searchsorted(self._hours, -before_hour, "left"))
        if key is not None:
            start = max(start, self._place_after(key))
        found = self._order[start : start + most]
        if not found.size:
            return found, None
        last = int(found[-1])
        return found, Key(float(-self._hours[start + found.size - 1]), self._follower.items[last])

    def _place_after(self, key: Key) -> int:
        first, end = (int(np.searchsorted(self._hours, -key.hour, side)) for side in ("left", "right"))
        ids = self._follower.items
        return first + sum(1 for place in self._order[first:end].tolist() if ids[place] <= key.id)

    def _refresh(self) -> None:
        live = self._follower.live
        _, mark = self._follower.told_since(max(self._mark, 0))
        if live is self._live and mark == self._mark:
            return
        self._live, self._mark = live, mark
        out = np.flatnonzero(np.isfinite(live.published[: live.items]))
        ids = np.array([self._follower.items[place] for place in out.tolist()], object)
        order = np.argsort(ids, kind="stable")
        order = order[np.argsort(-live.published[out[order]], kind="stable")]
        self._order = out[order]
        self._hours = -live.published[self._order]
