"""What a citizen opened and read, as they see it themselves, and what of it they want forgotten.

Forgetting takes nothing from the log of events nor from the ledger: what was rendered was rendered, and what many read
is an aggregate. It keeps a pair of citizen and content out of the citizen's history, profile and reasons, from the next
request on (``profiling.switches``). Reading the content again afterwards takes it back, see ``content_store.intake``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy.engine import Connection

from content_store import clock, ledger, locks
from content_store.driver import Driver
from content_store.vocabulary import NEGATIVE_KINDS, READING_KINDS, EventKind

_READ = " OR ".join(f"kind = '{kind.value}'" for kind in sorted(READING_KINDS))
_CONTACT = " AND ".join(f"kind <> '{kind.value}'" for kind in (EventKind.IMPRESSION, *sorted(NEGATIVE_KINDS)))
_LATEST = f"""
    SELECT content_id, max(at) AS last_at FROM events e
    WHERE citizen_id = ? AND kind <> '{EventKind.IMPRESSION.value}' AND ({_READ})
    AND NOT EXISTS (SELECT 1 FROM forgotten f WHERE f.citizen_id = e.citizen_id AND f.content_id = e.content_id)
    GROUP BY content_id ORDER BY last_at DESC, content_id LIMIT ?
"""
_FORGET = f"""
    INSERT INTO forgotten (citizen_id, content_id, at)
    SELECT DISTINCT citizen_id, content_id, CAST(? AS BIGINT) FROM events WHERE citizen_id = ? AND {_CONTACT} {{of}}
    ON CONFLICT (citizen_id, content_id) DO NOTHING RETURNING content_id
"""
_FORGET_ONE, _FORGET_ALL = _FORGET.format(of="AND content_id = ?"), _FORGET.format(of="")
_FORGOTTEN = "SELECT citizen_id, content_id, at FROM forgotten"
_RECALL = "DELETE FROM forgotten WHERE citizen_id = ? AND content_id = ?"


class Met(NamedTuple):
    """A content that a citizen opened or read, the last time ``at`` (epoch ms)."""

    content_id: str
    at: int


def latest(connection: Connection, citizen_id: str, limit: int) -> list[Met]:
    """What ``citizen_id`` opened and read and did not want forgotten, each content once, the latest first."""
    return [Met(*row) for row in Driver(connection).rows(_LATEST, citizen_id, limit)]


def forget(connection: Connection, citizen_id: str, content_id: str | None = None) -> int:
    """Forget what ``citizen_id`` did with a content, or with any; returns how many contents that newly concerns.

    What they do with them later is known again. The transaction must be a writing one (``Database.begin``).
    """
    driver = Driver(connection)
    # Whoever is storing an event of theirs does so before this, or after it.
    locks.hold(driver, [ledger.citizen_lock(citizen_id)])
    now = clock.now_ms()
    if content_id is None:
        return len(driver.rows(_FORGET_ALL, now, citizen_id))
    return len(driver.rows(_FORGET_ONE, now, citizen_id, content_id))


def forgotten(connection: Connection, citizen_ids: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """By citizen, of all or of these, what they want forgotten, and since when (epoch ms); others are left out."""
    driver = Driver(connection)
    if citizen_ids is None:
        rows = driver.rows(_FORGOTTEN)
    else:
        rows = driver.rows(f"{_FORGOTTEN} WHERE citizen_id IN ?", list(citizen_ids)) if citizen_ids else []
    found: dict[str, dict[str, int]] = {}
    for citizen_id, content_id, at in rows:
        found.setdefault(citizen_id, {})[content_id] = at
    return found


def recall(driver: Driver, pairs: Collection[tuple[str, str]]) -> None:
    """Take these pairs of citizen and content back into their histories."""
    driver.many(_RECALL, sorted(pairs))
