"""Unique ids that sort by the time of their making: UUID version 7 (RFC 9562 §5.7) as lower-case text."""

from __future__ import annotations

import functools
import os
import threading
import uuid

from content_store import clock
from content_store.errors import KepuError

_RANDOM_BITS = 74
_LOW_BITS = 62  # of them that follow the variant
_LOW = (1 << _LOW_BITS) - 1
# A step back of the clock up to this long keeps the old time (RFC 9562 §6.2); a longer one is another clock.
_ROLLBACK_MS = 10_000


class MalformedId(KepuError):
    """A text is not an id of ours."""

    code = "malformed_id"


class _Sequence:
    """The last time and random part given out, so that ids of one process strictly increase."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = -1
        self._random = 0

    def next(self, now_ms: int, count: int) -> list[tuple[int, int]]:
        found, noise = [], os.urandom(4 * count)
        with self._lock:
            for at in range(0, 4 * count, 4):
                if self._ms - _ROLLBACK_MS < now_ms <= self._ms:
                    self._random += 1 + int.from_bytes(noise[at : at + 4])
                    if self._random >> _RANDOM_BITS:
                        self._restart(self._ms + 1)
                else:
                    self._restart(now_ms)
                found.append((self._ms, self._random))
        return found

    def _restart(self, now_ms: int) -> None:
        self._ms = now_ms
        # The top bit stays free, so that a burst within a millisecond has room to count up.
        self._random = int.from_bytes(os.urandom(10)) >> (80 - _RANDOM_BITS + 1)


_sequence = _Sequence()


def _forget_after_fork() -> None:
    global _sequence
    _sequence = _Sequence()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def new_id() -> str:
    """A new id, 36 characters; ids made one after the other in a process sort in that order."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """So many new ids in their order."""
    return [_text(*moment) for moment in _sequence.next(clock.now_ms(), count)]


def _text(ms: int, random: int) -> str:
    rest = f"{1 << 63 | random & _LOW:016x}"
    return f"{_head(ms, random >> _LOW_BITS)}{rest[:4]}-{rest[4:]}"


# Ids that are made together have it in common.
@functools.lru_cache(16)
def _head(ms: int, random: int) -> str:
    """Time, version and the upper 12 bits of the random part."""
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{random:03x}-"


def made_at_ms(identifier: str) -> int:
    """The time in ``identifier``, epoch milliseconds.

    Raises MalformedId for anything but a UUID version 7.
    """
    try:
        value = uuid.UUID(identifier)
    except ValueError as error:
        raise MalformedId(f"not an id: {identifier!r}") from error
    if value.version != 7:
        raise MalformedId(f"not an id of version 7: {identifier!r}")
    return value.int >> 80
