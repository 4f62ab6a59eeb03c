"""Rows of numbers in one byte each, for vectors of which only the directions matter.

Each row has a scale, so that its largest number becomes 127. Of a row of 256 numbers the error is about half a percent
of its length, far less than what tells two texts apart; and it takes half of float16, a quarter of float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.kernels import whole_products

Floats = NDArray[np.float32]

AT_ONCE = 4_096
"""Rows that are made floats at a time."""


@dataclass(frozen=True, slots=True)
class Compact:
    """``values`` (rows × columns, int8), each row to be multiplied by its ``scale`` (float32)."""

    values: NDArray[np.int8]
    scale: Floats

    @classmethod
    def of(cls, rows: NDArray[Any]) -> Self:
        """``rows`` (rows × columns, any float) in short."""
        scale = np.abs(rows).max(axis=1, initial=0).astype(np.float32) / np.float32(127)
        values = np.empty(rows.shape, np.int8)
        for start in range(0, len(rows), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            divisor = np.where(scale[part] > 0, scale[part], 1)[:, None]
            values[part] = np.rint(rows[part].astype(np.float32) / divisor)
        return cls(values, scale)

    def __len__(self) -> int:
        return len(self.scale)

    def rows(self, places: NDArray[np.integer]) -> Floats:
        """The rows at ``places`` (places × columns, float32)."""
        rows: Floats = self.values[places] * self.scale[places, None]
        return rows

    def with_more(self, rows: NDArray[Any]) -> Compact:
        """The same with ``rows`` after all others."""
        more = Compact.of(rows)
        return Compact(np.vstack([self.values, more.values]), np.append(self.scale, more.scale))

    def products(self, place: int) -> Floats:
        """The product of each row with the one at ``place`` (float32, one per row), added up in whole numbers."""
        found: Floats = whole_products(self.values, self.values[place]) * (self.scale * self.scale[place])
        return found
