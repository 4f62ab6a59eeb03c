"""Cards of contents kept from one page to the next, each as the records have it at the moment of asking.

The same few thousand contents fill most pages, and finding forty of them by id costs more than asking whether any
content has changed since.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from sqlalchemy.engine import Connection

from content_store import changes, clock, contents
from content_store.contents import Card

LARGEST = 8 << 20
"""Bytes of cards that are kept."""

_OBJECTS = 600
"""Bytes of a card, and of its place among others, besides its texts."""


class Cards:
    """What ``contents.cards`` tells, for any thread."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._lock = threading.Lock()
        self._cursor: int | None = None
        self._largest, self._bytes = largest, 0
        self._kept: dict[str, Card] = {}  # what was read first comes first, and goes first

    def of(self, connection: Connection, ids: Collection[str]) -> dict[str, Card]:
        """The cards of the contents with these ids, by id, whatever their status; unknown ids are left out."""
        # One thread at a time: what another one reads before a change must not be kept after it was dropped for it.
        with self._lock:
            self._drop_changed(connection)
            kept = self._kept
            found = {id: kept[id] for id in ids if id in kept}
            if len(found) < len(ids):
                found |= self._read(connection, [id for id in ids if id not in found])
        return found

    def kept(self, ids: Collection[str]) -> dict[str, Card]:
        """Those of them that are kept, as they were when the records were last asked: for when these cannot be read."""
        with self._lock:
            return {id: self._kept[id] for id in ids if id in self._kept}

    def _drop_changed(self, connection: Connection) -> None:
        if self._cursor is None:
            self._cursor = changes.now(connection)
            return
        changed = changes.since(connection, self._cursor)
        for id in changed.contents:
            self._drop(id)
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
