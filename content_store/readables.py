"""What the ledger must know of a content: how long it is to read, whether citizens may meet it, whose work it is."""

from __future__ import annotations

from typing import NamedTuple

from content_store.driver import Driver
from content_store.lengths import length_of
from content_store.vocabulary import LIVE_STATUSES

_KEPT = 100_000
"""Lengths kept in memory; about 20 MB."""

_FACTS = "SELECT id, version, status, published_at, author FROM contents WHERE id IN ?"
_BODIES = "SELECT id, version, body FROM contents WHERE id IN ?"


class Readable(NamedTuple):
    """``length`` in Chinese characters or their worth; ``live`` where it may reach citizens at the time asked about."""

    length: int
    live: bool
    author: str | None


class Readables:
    """Looks contents up, and counts the characters of a body once per version; for one thread at a time.

    It must read committed rows only: a version that was rolled back may come again with another body.
    """

    def __init__(self) -> None:
        self._lengths: dict[str, tuple[int, int]] = {}

    def look_up(self, driver: Driver, ids: list[str], now_ms: int) -> dict[str, Readable]:
        """Those of ``ids`` that a content has, as they stand now, with what is live at ``now_ms`` (epoch ms)."""
        rows = driver.rows(_FACTS, ids)
        unknown = [id for id, version, *_ in rows if self._lengths.get(id, (0, 0))[0] != version]
        if unknown:
            self._read(driver, unknown)
        return {
            id: Readable(
                self._lengths[id][1],
                status in LIVE_STATUSES and (published_at is None or published_at <= now_ms),
                author,
            )
            for id, _, status, published_at, author in rows
        }

    def _read(self, driver: Driver, ids: list[str]) -> None:
        # Emptied before and not after: what is read now is asked for next.
        if len(self._lengths) + len(ids) > _KEPT:
            self._lengths.clear()
        for id, version, body in driver.rows(_BODIES, ids):
            self._lengths[id] = version, length_of(body)
