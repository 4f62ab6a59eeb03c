"""``popular``: how much each item was read lately, at many half-lives at once.

Exponentially decayed counters (Cormode, Korn, Tirthapura, *Exponentially decayed aggregates on data streams*, 2008): an
item keeps its mass as of its own last read, so that an update touches one column and the decay is paid on reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.models.base import Arrays, Model
from recsys.models.growing import grown

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


class Popular(Model):
    """Decayed read counts per item; times are hours (float64) on any one axis."""

    name = "popular"

    def __init__(self, items: int = 0, half_lives: Mapping[str, float] | None = None) -> None:
        self.half_lives = dict(HALF_LIVES if half_lives is None else half_lives)
        self._hours = np.array(list(self.half_lives.values()))
        self.row = {name: index for index, name in enumerate(self.half_lives)}
        self.mass = np.zeros((len(self._hours), items))
        self.at = np.zeros(items)
        self.total = np.zeros(len(self._hours))
        self.total_at = 0.0

    def grow(self, items: int) -> None:
        """Make room for items ``0 … items - 1``."""
        if items > self.at.size:
            self.mass = grown(self.mass, items, 0.0)
            self.at = grown(self.at, items, 0.0)

    def update(self, item: int, hour: float) -> None:
        """Count one read of ``item`` at ``hour``, which may be before reads already counted."""
        now = max(float(self.at[item]), hour)
        kept, added = (np.exp2((then - now) / self._hours) for then in (self.at[item], hour))
        self.mass[:, item] = self.mass[:, item] * kept + added
        self.at[item] = now
        now = max(self.total_at, hour)
        kept, added = (np.exp2((then - now) / self._hours) for then in (self.total_at, hour))
        self.total = self.total * kept + added
        self.total_at = now

    def score(self, half_life: str, hour: float, items: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """The decayed mass of ``items`` at ``hour`` (float64); very old reads underflow to 0."""
        row = self.row[half_life]
        mass: Floats = self.mass[row, items] * np.exp2((self.at[items] - hour) / self._hours[row])
        return mass

    def share(self, half_life: str, item: int, hour: float) -> float:
        """The part of the whole mass that ``item`` has at ``hour``, or at the newest read if that is later."""
        row, hour = self.row[half_life], max(hour, self.total_at)
        length = self.half_lives[half_life]
        mass: float = float(self.mass[row, item]) * 2.0 ** ((float(self.at[item]) - hour) / length)
        whole: float = float(self.total[row]) * 2.0 ** ((self.total_at - hour) / length) + 1
        return mass / whole

    def table(self, hour: float, items: NDArray[np.intp]) -> Floats:
        """The decayed mass of ``items`` at every half-life (float64, half-lives × items)."""
        mass: Floats = self.mass[:, items] * np.exp2((self.at[items] - hour) / self._hours[:, None])
        return mass

    def totals(self, hour: float) -> Floats:
        """The decayed mass of all items together (float64, one per half-life)."""
        mass: Floats = self.total * np.exp2((self.total_at - hour) / self._hours)
        return mass

    def config(self) -> dict[str, Any]:
        return {"half_lives": list(self.half_lives.items())}  # pairs, for their order is that of the rows of mass

    def arrays(self) -> Arrays:
        return {
            "mass": self.mass,
            "at": self.at,
            "total": self.total,
            "total_at": np.array([self.total_at]),
        }

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(0, dict(config["half_lives"]))
        model.mass, model.at, model.total = arrays["mass"], arrays["at"], arrays["total"]
        model.total_at = float(arrays["total_at"][0])
        return model
