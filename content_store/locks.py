"""Names that one transaction holds at a time, until it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from content_store.driver import Driver


def hold(driver: Driver, names: Iterable[str]) -> None:
    """Wait until no other transaction holds any of ``names``, and hold them until this one ends.

    On SQLite a writing transaction is alone anyway. A name may be held again by who holds it. Names are taken in one
    order, so that two calls never wait for each other; a transaction that calls twice must order its calls itself.
    """
    if driver.dialect == "sqlite":
        return
    numbers = sorted({_number(name) for name in names})
    if numbers:
        driver.rows("SELECT pg_advisory_xact_lock(n) FROM unnest(?::bigint[]) AS n", numbers)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
