"""How often each item was read in the last hours, kept up from one asking to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.kernels import counted, counted_more
from recsys.selection import leading

PATIENCE_H = 1 / 3600
"""For so long what grows too old is not looked for: a second of a day is nothing, and a day may have 100,000 reads."""


class Tally:
    """The reads of the last ``hours``; for one thread. What is new is counted at each asking, the rest only anew.

    ``reads`` of a moment are those of the log's places; a contact that becomes a read later is told by ``became_read``.
    """

    def __init__(self, hours: float) -> None:
        self._hours = hours
        self._now, self._size, self._became = -np.inf, 0, 0
        self._count = np.zeros(0, np.int64)
        self._leading: dict[int, int] | None = None

    def leading(self, live: Any, now: float, least: int, most: int) -> dict[int, int]:
        """The ``most`` items of the most reads, at least ``least`` each, and how many: the first of equals first."""
        count = self.counts(live, now)
        if self._leading is None:
            found = leading(count, least, most)
            self._leading = dict(zip(found.tolist(), count[found].tolist(), strict=True))
        return self._leading

    def counts(self, live: Any, now: float) -> NDArray[np.int64]:
        """For each item of ``live`` (a ``Live``) its reads later than ``hours`` before ``now`` (int64).

        Reads that have become too old within the last ``PATIENCE_H`` may be among them. Not to be changed.
        """
        log, size, after = live.covisit, live.covisit.size, now - self._hours
        parts = (log.item, log.hour, live.place_read)
        same = live.became_read == self._became and live.items == self._count.size
        if same and 0 <= now - self._now <= PATIENCE_H:
            if size > self._size:
                counted_more(*parts, after, self._size, size, self._count)
                self._leading = None
        else:
            first = int(np.searchsorted(live.place_newest[:size], after, "right"))
            self._count = counted(*parts, after, first, size, live.items)
            self._now, self._became, self._leading = now, live.became_read, None
        self._size = size
        return self._count
