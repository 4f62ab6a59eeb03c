"""Cards of contents kept from one page to the next, each as the records have it at the moment of asking.

The same few thousand contents fill most pages, and finding forty of them by id costs more than asking whether any
content has changed since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from sqlalchemy.engine import Connection

from content_store import changes, clock, contents
from content_store.contents import Card

LARGEST = 8 << 20
"""Bytes of cards that are kept."""

MANY, ASIDE_S = 200, 1.0
"""After more changes than ``MANY`` cards are read without asking for changes, for so long: while another transaction is
open PostgreSQL tells at each asking all that has changed since it began."""

_OBJECTS = 600
"""Bytes of a card, and of its place among others, besides its texts."""


class Cards:
    """What ``contents.cards`` tells, for any thread."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._lock = threading.Lock()
        self._cursor: int | None = None
        self._aside_until = 0.0
        self._largest, self._bytes = largest, 0
        self._kept: dict[str, Card] = {}  # what was read first comes first, and goes first

    def of(self, connection: Connection, ids: Collection[str], until: int | None = None) -> dict[str, Card]:
        """The cards of the contents with these ids, by id, whatever their status; unknown ids are left out.

        As of ``until``, a cursor of ``changes``, or later; as of now where it is None.
        """
        # One thread at a time: what another one reads before a change must not be kept after it was dropped for it.
        if time.monotonic() < self._aside_until:
            return contents.cards(connection, ids)
        with self._lock:
            self._drop_changed(connection, until)
            kept = self._kept
            found = {id: kept[id] for id in ids if id in kept}
            if len(found) < len(ids):
                found |= self._read(connection, [id for id in ids if id not in found])
        return found

    def kept(self) -> dict[str, Card]:
        """All that are kept, as they were when the records were last asked: for when these cannot be read."""
        return self._kept.copy()  # without the lock, which somebody may hold who waits for these records

    def _drop_changed(self, connection: Connection, until: int | None) -> None:
        if self._cursor is None:
            self._cursor = changes.now(connection) if until is None else until
            return
        changed = changes.since(connection, self._cursor, until)
        for id in changed.contents:
            self._drop(id)
        if len(changed.contents) > MANY:
            self._aside_until = time.monotonic() + ASIDE_S
        self._cursor = changed.cursor

    def _read(self, connection: Connection, ids: Collection[str]) -> dict[str, Card]:
        found, now = contents.cards(connection, ids), clock.now_ms()
        for id, card in found.items():
            if card.published_at is None or card.published_at <= now:  # else it becomes live without a change
                self._kept[id] = card
                self._bytes += _size(card)
        while self._bytes > self._largest:
            self._drop(next(iter(self._kept)))
        return found

    def _drop(self, id: str) -> None:
        card = self._kept.pop(id, None)
        if card is not None:
            self._bytes -= _size(card)


def _size(card: Card) -> int:
    texts = (card.id, card.title, card.summary, card.source)
    return _OBJECTS + sum(4 * len(text) for text in texts if text)
