"""What the ledger must know of a content: how long it is to read, whether citizens may meet it, whose work it is."""

from __future__ import annotations

import re
from typing import NamedTuple

from content_store.driver import Driver
from content_store.vocabulary import LIVE_STATUSES

_KEPT = 100_000
"""Lengths kept in memory; about 20 MB."""

# Runs, not single characters: a body has a few of them, and each match costs a call.
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[^\W_]+")
WORD_LENGTH = 2
"""Chinese characters that are read in the time of one word of an alphabetic script: 500 and 238 in a minute."""

_FACTS = "SELECT id, version, status, published_at, author FROM contents WHERE id IN ?"
_BODIES = "SELECT id, version, body FROM contents WHERE id IN ?"


class Readable(NamedTuple):
    """``length`` in Chinese characters or their worth; ``live`` where it may reach citizens at the time asked about."""

    length: int
    live: bool
    author: str | None


def length_of(body: str | None) -> int:
    """How much there is to read, in Chinese characters: each of them is one, each other word ``WORD_LENGTH``."""
    if not body:
        return 0
    characters = sum(map(len, _HAN.findall(body)))
    return characters + WORD_LENGTH * len(_WORD.findall(_HAN.sub(" ", body)))


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
