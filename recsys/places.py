"""Ids as positions that only grow: whoever has one keeps it, and new ones come last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.coding import factorize


class Places:
    """Positions ``0, 1, 2, …`` of ids (text) in the order in which they came."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.ids: list[str] = []
        self._place: dict[str, int] = {}
        for id in ids:
            self.add(id)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: str) -> bool:
        return id in self._place

    def get(self, id: str, default: int = -1) -> int:
        """The position of ``id``, ``default`` where it has none."""
        return self._place.get(id, default)

    def known(self, ids: Iterable[str]) -> NDArray[np.intp]:
        """The positions of those of ``ids`` that have one (int64, in their order)."""
        place = self._place
        return np.array([place[id] for id in ids if id in place], np.intp)

    def add(self, id: str) -> int:
        """The position of ``id``, a new one where it had none."""
        place = self._place.setdefault(id, len(self.ids))
        if place == len(self.ids):
            self.ids.append(id)
        return place

    def add_all(self, values: NDArray[Any]) -> NDArray[np.int32]:
        """The positions of ``values`` (object array of str or None), new ones where they had none; -1 for None."""
        codes, uniques = factorize(values)
        table = np.fromiter((self.add(id) for id in uniques), np.int32, len(uniques))
        return np.where(codes >= 0, table[codes] if table.size else -1, -1).astype(np.int32)
