"""Hot state in the memory of the one process that uses it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from content_store import clock, ids
from content_store.hot import base
from content_store.hot.base import HotEvent, Seen
from content_store.hot.buckets import Rate, Taken, advance, cost_of, verdict
from content_store.hot.lru import Lru

_BYTES_OBJECT = 33 + 16  # an object of bytes besides its content: its head, the pointer to it, the allocator's rounding


@dataclass(frozen=True, slots=True)
class _Slate:
    items: bytes
    life_ms: int
    until: int


class MemoryHot:
    """Bounded by ``cap_bytes``: half for slates, a quarter for impressions, an eighth each for events and buckets."""

    shared = False

    def __init__(self, cap_bytes: int = 128 << 20) -> None:
        self._lock = threading.Lock()
        self._slates: Lru[_Slate] = Lru(cap_bytes // 2, lambda slate: _BYTES_OBJECT + 120 + len(slate.items))
        self._seen: Lru[deque[bytes]] = Lru(cap_bytes // 4, _weight)
        self._events: Lru[deque[bytes]] = Lru(cap_bytes // 8, _weight)
        self._buckets: Lru[float] = Lru(cap_bytes // 8, lambda _: 24)
        self._versions: dict[str, str] = {}

    def put_slate(self, key: str, items: bytes | NDArray[Any], *, life_ms: int = base.SLATE_LIFE_MS) -> None:
        """See ``Hot``."""
        # Copied, for an encoder may have given away a block that is many times as large as what is in it.
        kept = bytes(memoryview(items)) if isinstance(items, bytes) else items.tobytes()
        with self._lock:
            self._slates.put(key, _Slate(kept, life_ms, clock.now_ms() + life_ms))

    def get_slate(self, key: str) -> bytes | None:
        """See ``Hot``."""
        now = clock.now_ms()
        with self._lock:
            slate = self._slates.get(key)
            if slate is None:
                return None
            if slate.until <= now:
                self._slates.pop(key)
                return None
            self._slates.put(key, _Slate(slate.items, slate.life_ms, now + slate.life_ms))
            return slate.items

    def note_impressions(self, citizen: str, contents: Sequence[str], at: int) -> None:
        """See ``Hot``."""
        entries = [base.impression_entry(content, at) for content in contents]
        self._note(self._seen, citizen, entries, base.IMPRESSIONS_KEPT)

    def impressions(self, citizen: str) -> dict[str, Seen]:
        """See ``Hot``."""
        return base.seen_of(self._noted(self._seen, citizen), clock.now_ms())

    def note_events(self, citizen: str, events: Sequence[HotEvent]) -> None:
        """See ``Hot``."""
        self._note(self._events, citizen, [base.event_entry(event) for event in events], base.EVENTS_KEPT)

    def recent_events(self, citizen: str) -> list[HotEvent]:
        """See ``Hot``."""
        return base.events_of(self._noted(self._events, citizen), clock.now_ms())

    def _note(self, kept: Lru[deque[bytes]], citizen: str, entries: list[bytes], most: int) -> None:
        if not entries:
            return
        with self._lock:
            before = kept.get(citizen)
            noted: deque[bytes] = deque(maxlen=most) if before is None else before
            noted.extendleft(entries)
            kept.put(citizen, noted)

    def _noted(self, kept: Lru[deque[bytes]], citizen: str) -> list[bytes]:
        with self._lock:
            return list(kept.get(citizen) or ())

    def forget(self, citizen: str) -> None:
        """See ``Hot``."""
        with self._lock:
            self._seen.pop(citizen)
            self._events.pop(citizen)

    def take(self, bucket: str, rate: Rate, cost: int = 1) -> Taken:
        """See ``Hot``."""
        cost_ms, now = cost_of(rate, cost), clock.now_ms()
        with self._lock:
            full_at, late = advance(self._buckets.get(bucket), now, rate.full_ms, cost_ms)
            if late <= 0:
                self._buckets.put(bucket, full_at)
        return verdict(late)

    def bump(self, what: str) -> str:
        """See ``Hot``."""
        self._versions[what] = ids.new_id()
        return self._versions[what]

    def version(self, what: str) -> str | None:
        """See ``Hot``."""
        return self._versions.get(what)

    def figures(self) -> Mapping[str, float]:
        """Bytes held, and how much was dropped for want of room, by kind."""
        with self._lock:
            kinds: dict[str, Lru[Any]] = {"slates": self._slates, "impressions": self._seen, "events": self._events}
            kinds["buckets"] = self._buckets
            told: dict[str, float] = {f"{name}_evicted": kept.evicted for name, kept in kinds.items()}
            told["bytes"] = sum(kept.bytes for kept in kinds.values())
        return told

    def ping(self) -> None:
        """See ``Hot``."""

    def close(self) -> None:
        """See ``Hot``."""


def _weight(entries: deque[bytes]) -> int:
    # A deque begins with a block of 64 places; the entries of one citizen are about equally long.
    return 700 + len(entries) * (_BYTES_OBJECT + (len(entries[0]) if entries else 0))
