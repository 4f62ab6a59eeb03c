"""Leases: who may do a thing now, for as long as they give signs of life.

No clock on the wall takes part, so that none can break a lease by being set. A holder counts a ``beat`` up while it
lives. Whoever wants the lease watches: where token and beat have stood still for the lease's length by the watcher's
own monotonic clock, the lease has lapsed, and one guarded update takes it over with the next ``token``. That token is
the fence: what its holder writes is bound to it, so that a holder who was stopped and wakes up is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import schema

_leases = schema.leases

Key = TypeVar("Key", bound=Hashable)
Mark = tuple[int, int]
"""Token and beat of a lease: what stands still when its holder is gone."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What was seen of a held lease, and its length."""

    mark: Mark
    lease_ms: int


class Watch(Generic[Key]):
    """What one watcher remembers of leases that others hold; ``elapsed`` gives seconds that no clock step moves.

    Not shared between threads.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._seen: dict[Key, tuple[Mark, float]] = {}

    def lapsed(self, signs: Mapping[Key, Sign]) -> list[Key]:
        """The keys of those of ``signs`` that have not moved for their length; what is not among them is forgotten."""
        now = self._elapsed()
        before, self._seen = self._seen, {}
        found = []
        for key, sign in signs.items():
            mark, since = before.get(key, (None, now))
            if mark != sign.mark:
                since = now
            self._seen[key] = (sign.mark, since)
            if (now - since) * 1000 >= sign.lease_ms:
                found.append(key)
        return found


@dataclass(frozen=True, slots=True)
class Lease:
    """A named lease as its holder knows it."""

    name: str
    holder: str
    token: int


def available(connection: Connection, name: str, watch: Watch[str]) -> bool:
    """Whether the lease ``name`` is free or has lapsed under ``watch``; only reads."""
    found = connection.execute(sa.select(_leases).where(_leases.c.name == name)).one_or_none()
    return found is None or found.holder is None or bool(watch.lapsed({name: _sign(found)}))


def acquire(connection: Connection, name: str, holder: str, *, lease_ms: int, watch: Watch[str]) -> Lease | None:
    """Take the lease ``name`` where it is available; None where somebody has it or was quicker."""
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    unheld = {"name": name, "holder": None, "token": 0, "beat": 0, "lease_ms": lease_ms}
    connection.execute(insert(_leases).on_conflict_do_nothing(), [unheld])
    # Locked rows are passed over: somebody is taking or renewing this very moment.
    wanted = sa.select(_leases).where(_leases.c.name == name).with_for_update(skip_locked=True)
    found = connection.execute(wanted).one_or_none()
    if found is None or (found.holder is not None and not watch.lapsed({name: _sign(found)})):
        return None
    token = found.token + 1
    taken = {"holder": holder, "token": token, "beat": 0, "lease_ms": lease_ms}
    connection.execute(sa.update(_leases).where(_leases.c.name == name).values(taken))
    return Lease(name, holder, token)


def renew(connection: Connection, lease: Lease) -> bool:
    """Give a sign of life; False where the lease is somebody else's by now."""
    mine = sa.and_(_leases.c.name == lease.name, _leases.c.token == lease.token, _leases.c.holder.is_not(None))
    return connection.execute(sa.update(_leases).where(mine).values(beat=_leases.c.beat + 1)).rowcount == 1


def release(connection: Connection, lease: Lease) -> None:
    """Let go of the lease at once; nothing happens where it is somebody else's by now."""
    mine = sa.and_(_leases.c.name == lease.name, _leases.c.token == lease.token)
    connection.execute(sa.update(_leases).where(mine).values(holder=None))


def holder(connection: Connection, name: str) -> str | None:
    """Who holds the lease ``name`` or did so last without letting go; None where nobody does."""
    return connection.execute(sa.select(_leases.c.holder).where(_leases.c.name == name)).scalar_one_or_none()


def _sign(row: Any) -> Sign:
    return Sign((row.token, row.beat), row.lease_ms)
