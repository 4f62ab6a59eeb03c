"""What hot state is, whoever keeps it: slates, recent impressions and events, token buckets, versions.

All of it may be lost at any moment and is bounded; nothing here is a record. Times are epoch milliseconds by
``content_store.clock``, also where a server keeps them, so that all processes must share one time. Every method raises
HotStateError where the server cannot be used; callers are expected to go on without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from content_store.hot.buckets import Rate, Taken
from content_store.vocabulary import EventKind

SLATE_LIFE_MS = 60 * 60_000
"""How long a slate is kept after it was last asked for, unless its maker says otherwise."""

IMPRESSIONS_KEPT = 500
IMPRESSION_LIFE_MS = 7 * 86_400_000
EVENTS_KEPT = 200
EVENT_LIFE_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a content was shown to a citizen, of the impressions that are kept, and when last (epoch ms)."""

    times: int
    last: int


@dataclass(frozen=True, slots=True)
class HotEvent:
    """What a citizen did with a content, and when (epoch ms)."""

    kind: EventKind
    content_id: str
    at: int


class Hot(Protocol):
    """The hot state of one installation."""

    @property
    def shared(self) -> bool:
        """Whether other processes see it too."""

    def put_slate(self, key: str, items: bytes | NDArray[Any], *, life_ms: int = SLATE_LIFE_MS) -> None:
        """Keep the list behind a cursor until nobody asked for it for ``life_ms``; an array is kept as its bytes."""

    def get_slate(self, key: str) -> bytes | None:
        """The list, whose life begins anew; None where it is not there any more."""

    def note_impressions(self, citizen: str, contents: Sequence[str], at: int) -> None:
        """These contents were shown to the citizen; the last ``IMPRESSIONS_KEPT`` are remembered."""

    def impressions(self, citizen: str) -> dict[str, Seen]:
        """What was shown to the citizen within ``IMPRESSION_LIFE_MS``, by content, the newest first."""

    def note_events(self, citizen: str, events: Sequence[HotEvent]) -> None:
        """The citizen did this, in this order; the last ``EVENTS_KEPT`` are remembered."""

    def recent_events(self, citizen: str) -> list[HotEvent]:
        """What the citizen did within ``EVENT_LIFE_MS``, what was noted last first."""

    def forget(self, citizen: str) -> None:
        """Drop the citizen's impressions and events."""

    def take(self, bucket: str, rate: Rate, cost: int = 1) -> Taken:
        """Take ``cost`` tokens out of a bucket, all or none."""

    def bump(self, what: str) -> str:
        """Give ``what`` a version that it never had, and return it: a hint to others that it has changed."""

    def version(self, what: str) -> str | None:
        """The version of ``what``; None where it was never bumped or that was forgotten."""

    def figures(self) -> Mapping[str, float]:
        """Numbers about the keeping itself, for metrics; never raises."""

    def ping(self) -> None:
        """Do nothing, if that is possible."""

    def close(self) -> None:
        """Give back what is held."""


def seen_of(entries: Sequence[bytes], now: int) -> dict[str, Seen]:
    """What ``entries`` (the newest first) tell of impressions that are not too old."""
    found: dict[str, Seen] = {}
    for entry in entries:
        at, _, content = entry.decode().partition(" ")
        if int(at) > now - IMPRESSION_LIFE_MS:
            before = found.get(content)
            found[content] = Seen(1, int(at)) if before is None else Seen(before.times + 1, max(before.last, int(at)))
    return found


def impression_entry(content: str, at: int) -> bytes:
    """One impression as it is kept."""
    return f"{at} {content}".encode()


def events_of(entries: Sequence[bytes], now: int) -> list[HotEvent]:
    """What ``entries`` tell of events that are not too old."""
    told = [entry.decode().split(" ", 2) for entry in entries]
    return [HotEvent(EventKind(kind), content, int(at)) for at, kind, content in told if int(at) > now - EVENT_LIFE_MS]


def event_entry(event: HotEvent) -> bytes:
    """One event as it is kept."""
    return f"{event.at} {event.kind} {event.content_id}".encode()
