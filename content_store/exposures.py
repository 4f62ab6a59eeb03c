"""What was shown to whom, where on the page and with which probability: the impressions that serving logs.

The probability is that of the policy that was in force; what a later policy would have done is estimated from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store.driver import Driver, Insertion
from content_store.events import Appended
from content_store.vocabulary import EventKind

_EVENTS = Insertion.into(
    schema.events,
    ("id", "citizen_id", "content_id", "kind", "at", "received_at", "region", "device", "session"),
    on_conflict="DO NOTHING",
)
_EXPOSURES = Insertion.into(
    schema.event_exposures,
    ("event_id", "slate", "snapshot", "position", "propensity"),
    on_conflict="DO NOTHING",
)


class Shown(NamedTuple):
    """One item in one place: ``id`` a new id of the impression, ``position`` from 0 in the slate, ``propensity`` (above
    0, up to 1) of this item in this place under the policy that chose it."""

    id: str
    content_id: str
    position: int
    propensity: float


class Showing(NamedTuple):
    """What a page had in common: the citizen, when it was served (epoch ms), the list behind its cursor (empty where
    there was none), the model snapshot (None without one), and labels of the citizen's region, device and session."""

    citizen_id: str
    at: int
    slate: str
    snapshot: str | None = None
    region: str | None = None
    device: str | None = None
    session: str | None = None


def append(connection: Connection, showing: Showing, items: Sequence[Shown]) -> Appended:
    """Log ``items`` as impressions with their places and probabilities; one whose id is stored is a duplicate.

    Raises DatabaseRefused for an unknown citizen or content and for a position or probability that cannot be; then the
    transaction must be given up.
    """
    return append_many(connection, [(showing, items)])


def append_many(connection: Connection, pages: Sequence[tuple[Showing, Sequence[Shown]]]) -> Appended:
    """Log many pages at once, see ``append``."""
    driver = Driver(connection)
    received_at = clock.now_ms()
    kind = EventKind.IMPRESSION.value
    events: list[tuple[Any, ...]] = []
    places: list[tuple[Any, ...]] = []
    for (citizen_id, at, slate, snapshot, *labels), items in pages:
        events += [(item.id, citizen_id, item.content_id, kind, at, received_at, *labels) for item in items]
        places += [(item.id, slate, snapshot, item.position, item.propensity) for item in items]
    accepted = driver.insert(_EVENTS, events)
    driver.insert(_EXPOSURES, places)
    return Appended(accepted, len(events) - accepted)
