"""How long one fetch may take and how much it may bring: counted where the bytes come in, whatever they pretend to be.

A ``Budget`` belongs to one fetch with all its redirects. It is spent by the sockets themselves (``content_store.ingest.
wire``), so that no way of sending slowly, endlessly or in odd pieces escapes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from content_store.errors import FetchFailed
from content_store.problems import FetchProblem
from content_store.settings import Settings

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds and bytes that a fetch may take; ``ratio`` counts from ``ratio_from`` decompressed bytes on."""

    total_s: float = 30.0
    connect_s: float = 8.0
    silence_s: float = 15.0
    head_bytes: int = 64 * 1024
    wire_bytes: int = 10 * MIB
    body_bytes: int = 10 * MIB
    ratio: int = 100
    ratio_from: int = MIB
    redirects: int = 5

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        most = settings.fetch_most_mb * MIB
        return cls(total_s=settings.fetch_timeout_s, wire_bytes=most, body_bytes=most)

    def at_most(self, body_bytes: int | None) -> Limits:
        """The same for a document of at most so many bytes."""
        return self if body_bytes is None else replace(self, wire_bytes=body_bytes, body_bytes=body_bytes)


class Budget:
    """What is left of the limits of one fetch; ``total`` is how many bytes came in so far, heads and framing too.

    ``elapsed`` gives seconds that no clock step moves.
    """

    def __init__(self, limits: Limits, elapsed: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.total = 0
        self._spent = 0
        self._elapsed = elapsed
        self._end = elapsed() + limits.total_s
        self._left = limits.head_bytes
        self._what = "head"

    def seconds(self, most: float) -> float:
        """How long the next step may take, ``most`` seconds at most. Raises FetchFailed (``too_slow``)."""
        left = self._end - self._elapsed()
        if left <= 0:
            raise self.too_slow()
        return min(left, most)

    def allow(self, what: str, count: int) -> None:
        """Let ``count`` bytes come in from now on; ``what`` names them in the message."""
        self._what, self._left, self._spent = what, count, 0

    def spend(self, count: int) -> None:
        """So many bytes came in. Raises FetchFailed (``too_large``) where they are too many."""
        self.total += count
        self._spent += count
        if self._spent > self._left:
            raise FetchFailed(FetchProblem.TOO_LARGE, f"the {self._what} has more than {self._left} bytes")

    def too_slow(self) -> FetchFailed:
        """What to raise where something takes too long."""
        return FetchFailed(FetchProblem.TOO_SLOW, f"not done within {self.limits.total_s:g} s, or silent for too long")
