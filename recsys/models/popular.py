"""``popular``: how much each item was read lately, at many half-lives at once.

Exponentially decayed counters by forward decay (Cormode, Shkapenyuk, Srivastava, Xu, *Forward decay: a practical time
decay model for streaming systems*, 2009): a read is weighed by how long after a landmark it happened, so that counting
one is an addition and nothing decays until it is asked for. The landmark of a half-life moves on before weights
overflow; what is so old that its weight underflows is nothing at any later time, too.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.models.base import Arrays, Model
from recsys.models.growing import grown
from recsys.selection import leading_rows, mark_best, mark_first, promote

# Hours. The names are those of the replay protocol; 2m and 15d exist for the ranker only.
HALF_LIVES: dict[str, float] = {
    "2m": 1 / 30,
    "6m": 0.1,
    "15m": 0.25,
    "30m": 0.5,
    "1h": 1.0,
    "2.4h": 2.4,
    "6h": 6.0,
    "1d": 24.0,
    "3d": 72.0,
    "7d": 168.0,
}

Floats = NDArray[np.float64]

# Half-lives after its landmark at which a half-life gets another one; the most by which a mass is lowered in one step,
# and raised for an hour before the landmark (what happened after the hour asked for then counts for more than one).
# float64 holds 2 ** ±1022.
_FARTHEST = 512.0
_LOWERED, _RAISED = -1000.0, 400.0
_WAITING = 65_536  # reads at most that are not yet in the counters
_FEW = 32  # so few are counted one by one
_LEADERS = 512  # items of the largest masses that are kept in their order
_READ_SINCE = 128  # so many reads are put in their places one by one


def _one_by_one(values: Any) -> memoryview[Any]:
    """A view of an array for single entries, which it reads and writes several times as fast."""
    return memoryview(values)


class Popular(Model):
    """Decayed read counts per item; times are hours (float64) on any one axis.

    Reads wait until something is asked and are then counted together, in their order, so that the sums do not depend on
    when that happens. Only the half-life ``prompt``, which ``share`` needs at every read, is counted at once.
    """

    name = "popular"

    def __init__(
        self, items: int = 0, half_lives: Mapping[str, float] | None = None, *, prompt: str | None = "30m"
    ) -> None:
        self.half_lives = dict(HALF_LIVES if half_lives is None else half_lives)
        self._hours = np.array(list(self.half_lives.values()))
        self._rates = 1 / self._hours
        self.row = {name: index for index, name in enumerate(self.half_lives)}
        self._prompt = self.row.get(prompt or "", -1)
        self.mass = np.zeros((len(self._hours), items))  # as of the landmarks
        self.total = np.zeros(len(self._hours))
        self.landmark = np.full(len(self._hours), -np.inf)
        self.newest = -np.inf
        self._items, self._times = array("i"), array("d")
        # Per half-life the items of the largest masses in their order, and how many these are; None: to be found anew.
        self._leaders: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._read_since = array("q")  # what was read since they were in order
        self._prepare()

    def _prepare(self) -> None:
        """Take from the arrays what a single read needs."""
        self._movable_at = float((self.landmark + _FARTHEST * self._hours).min(initial=np.inf))
        self._prompt_mass = _one_by_one(self.mass[self._prompt])
        self._prompt_total = _one_by_one(self.total)
        self._prompt_landmark, self._prompt_rate = (float(of[self._prompt]) for of in (self.landmark, self._rates))

    def grow(self, items: int) -> None:
        """Make room for items ``0 … items - 1``."""
        if items > self.mass.shape[1]:
            self.mass = grown(self.mass, items, 0.0)
            self._prepare()

    def update(self, item: int, hour: float) -> None:
        """Count one read of ``item`` at ``hour``, which may be before reads already counted."""
        if hour > self.newest:
            self.newest = hour
            if hour > self._movable_at:
                self._move(hour)
        if self._prompt >= 0:
            weight = 2.0 ** ((hour - self._prompt_landmark) * self._prompt_rate)
            self._prompt_mass[item] += weight
            self._prompt_total[self._prompt] += weight
        self._items.append(item)
        self._times.append(hour)
        if len(self._times) >= _WAITING:
            self._settle()

    def _settle(self) -> None:
        """Count the reads that wait."""
        if not self._times:
            return
        if len(self._times) <= _FEW:
            self._settle_few()
            return
        items, hours = np.array(self._items), np.array(self._times)
        self._items, self._times = array("i"), array("d")
        self._read_since.frombytes(np.unique(items).astype(np.int64).tobytes())
        for row, (landmark, rate) in enumerate(zip(self.landmark, self._rates, strict=True)):
            if row != self._prompt:
                weight = np.exp2((hours - landmark) * rate)
                np.add.at(self.mass[row], items, weight)
                self.total[row] = np.cumsum(np.append(self.total[row], weight))[-1]

    def _settle_few(self) -> None:
        """Count a handful of reads, one after the other: as ``_settle`` does, sooner."""
        others = np.arange(self.total.size) != self._prompt
        for item, hour in zip(self._items, self._times, strict=True):
            weight = np.where(others, np.exp2((hour - self.landmark) * self._rates), 0.0)
            self.mass[:, item] += weight
            self.total += weight
            self._read_since.append(item)
        self._items, self._times = array("i"), array("d")

    def mark_leading(self, wanted: Mapping[str, int], open_items: NDArray[np.bool_], marked: NDArray[np.bool_]) -> None:
        """Mark, for each half-life of ``wanted``, as many open items as it says, those with the largest masses above 0.

        All masses of a half-life decay alike, so that only a read changes their order, and only that of what was read.
        """
        self._settle()
        if self._leaders is None or len(self._read_since) > _READ_SINCE:
            self._leaders = leading_rows(self.mass[:, : open_items.size], _LEADERS)
        elif self._read_since:
            promote(self.mass, *self._leaders, np.unique(np.array(self._read_since)))
        del self._read_since[:]
        rows, most = np.array([self.row[name] for name in wanted]), np.array([*wanted.values()])
        short = mark_first(self.mass, *self._leaders, rows, most, open_items, marked)
        if short.any():
            every = np.arange(open_items.size)
            mark_best(self.mass, rows[short], every, every, open_items, most[short], marked)

    def _move(self, hour: float) -> None:
        """Bring every landmark that lies too far back to ``hour``, rounded down so that it is exact."""
        self._settle()
        far = (hour - self.landmark) * self._rates > _FARTHEST
        target = np.where(far, np.floor(hour), self.landmark)
        exponent = ((self.landmark - target) * self._rates)[far]
        self.mass[far] = _decayed(self.mass[far], exponent[:, None])
        self.total[far] = _decayed(self.total[far], exponent)
        self.landmark = target
        self._leaders = None
        self._prepare()

    def score(self, half_life: str, hour: float, items: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """The decayed mass of ``items`` at ``hour`` (float64); very old reads underflow to 0."""
        self._settle()
        row = self.row[half_life]
        return _decayed(self.mass[row, items], self._since(hour)[row])

    def share(self, half_life: str, item: int, hour: float) -> float:
        """The part of the whole mass that ``item`` has at ``hour``, or at the newest read if that is later."""
        row = self.row[half_life]
        if row != self._prompt:
            self._settle()
        decay = (self.landmark.item(row) - max(hour, self.newest)) * self._rates.item(row)
        mass, whole = self.mass.item(row, item), self.total.item(row)
        if decay < _LOWERED:
            more = 2.0 ** max(decay - _LOWERED, _LOWERED)
            mass, whole, decay = mass * more, whole * more, _LOWERED
        factor = 2.0**decay
        share: float = mass * factor / (whole * factor + 1)
        return share

    def table(self, hour: float, items: NDArray[np.intp]) -> Floats:
        """The decayed mass of ``items`` at every half-life (float64, half-lives × items)."""
        self._settle()
        return _decayed(self.mass[:, items], self._since(hour)[:, None])

    def totals(self, hour: float) -> Floats:
        """The decayed mass of all items together (float64, one per half-life)."""
        self._settle()
        return _decayed(self.total, self._since(hour))

    def _since(self, hour: float) -> Floats:
        """How many half-lives each landmark lies before ``hour``, negative."""
        since: Floats = (self.landmark - hour) * self._rates
        return since

    def config(self) -> dict[str, Any]:
        return {"half_lives": list(self.half_lives.items())}  # pairs, for their order is that of the rows of mass

    def arrays(self) -> Arrays:
        self._settle()
        return {
            "mass": self.mass,
            "total": self.total,
            "landmark": self.landmark,
            "newest": np.array([self.newest]),
        }

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(0, dict(config["half_lives"]))
        model.mass, model.total, model.landmark = arrays["mass"], arrays["total"], arrays["landmark"]
        model.newest = float(arrays["newest"][0])
        model._prepare()
        return model


def _decayed(mass: Floats, exponent: Floats) -> Floats:
    """``mass`` · 2 ** ``exponent``, in two steps where one factor would leave the range of float64."""
    decayed: Floats = mass * np.exp2(np.minimum(np.maximum(exponent, _LOWERED), _RAISED))
    if exponent.min(initial=0) < _LOWERED:
        decayed *= np.exp2(np.minimum(np.maximum(exponent - _LOWERED, _LOWERED), 0))
    return decayed
