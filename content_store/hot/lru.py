"""A bounded store in memory: what was used longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

ENTRY_BYTES = 250
"""What an entry costs besides its value: the key, the places in the table and in the order, the size."""


class Lru(Generic[V]):
    """Values by key, at most ``cap`` bytes of them as ``measure`` tells; not for several threads at once."""

    def __init__(self, cap: int, measure: Callable[[V], int]) -> None:
        self.cap = cap
        self.bytes = 0
        self.evicted = 0
        self._measure = measure
        self._kept: OrderedDict[str, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> V | None:
        """The value, which counts as used now; None where there is none."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V) -> None:
        """Keep ``value``, and drop what was used longest ago until there is room; one too large is not kept."""
        self.pop(key)
        size = ENTRY_BYTES + self._measure(value)
        if size > self.cap:
            self.evicted += 1
            return
        self._kept[key] = value, size
        self.bytes += size
        while self.bytes > self.cap:
            _, (_, gone) = self._kept.popitem(last=False)
            self.bytes -= gone
            self.evicted += 1

    def pop(self, key: str) -> None:
        """Drop ``key`` where it is kept."""
        found = self._kept.pop(key, None)
        if found is not None:
            self.bytes -= found[1]
