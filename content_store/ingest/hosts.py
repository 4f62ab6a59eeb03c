"""The hosts that are fetched from: one connection to each at a time, whatever processes and threads there are.

A host is a lease as told in ``content_store.leases``: whoever holds it may connect, and what they write is bound to its
token. A holder that fell silent is followed by another. A host that asked to be left alone rests; for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store.db import Database
from content_store.errors import FetchFailed, LeaseLost
from content_store.leases import Mark, Sign, Watch
from content_store.problems import FetchProblem

_table = schema.fetch_hosts
_row = _table.c


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to connect to ``host``; ``token`` is the fence."""

    host: str
    token: int


def ensure(connection: Connection, host: str) -> None:
    """Know of ``host``."""
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    unheld = {"host": host, "holder": None, "token": 0, "beat": 0, "lease_ms": 0}
    connection.execute(insert(_table).on_conflict_do_nothing(), [unheld])


def lapsed(connection: Connection, watch: Watch[str]) -> dict[str, Mark]:
    """The hosts whose holders have given no sign of life for too long; one ``watch`` looks at all of them."""
    held = connection.execute(sa.select(_table).where(_row.holder.is_not(None)))
    signs = {row.host: Sign((row.token, row.beat), row.lease_ms) for row in held}
    return {host: signs[host].mark for host in watch.lapsed(signs)}


def available(now: int, lapsed: Collection[str]) -> sa.ColumnElement[bool]:
    """A condition on rows of ``fetch_hosts``: nobody is there that lives, and the host does not rest at ``now``."""
    return sa.and_(sa.or_(_row.holder.is_(None), _row.host.in_(lapsed)), awake(now))


def awake(now: int) -> sa.ColumnElement[bool]:
    """A condition on rows of ``fetch_hosts``: the host does not rest at ``now``."""
    # A rest that begins in the future was written before the clock was set back.
    return sa.or_(_row.rest_until.is_(None), _row.rest_until <= now, _row.rest_from > now)


def token_of(connection: Connection, host: str, now: int, lapsed: Collection[str]) -> int | None:
    """The token of ``host`` where it is ``available``, to ``acquire`` it by."""
    return connection.execute(sa.select(_row.token).where(_row.host == host, available(now, lapsed))).scalar()


def acquire(
    connection: Connection, host: str, holder: str, *, token: int, lease_ms: int, lapsed: Mapping[str, Mark]
) -> Hold | None:
    """Take ``host``, which was available when it had ``token``; None where somebody else was quicker, or lives."""
    free: sa.ColumnElement[bool] = _row.holder.is_(None)
    if host in lapsed:
        free = sa.or_(free, _row.beat == lapsed[host][1])
    taken = {"holder": holder, "token": token + 1, "beat": 0, "lease_ms": lease_ms}
    unmoved = sa.and_(_row.host == host, _row.token == token, free)
    won = connection.execute(sa.update(_table).where(unmoved).values(taken)).rowcount == 1
    return Hold(host, token + 1) if won else None


def renew(connection: Connection, hold: Hold) -> bool:
    """Give a sign of life; False where the host is somebody else's by now."""
    return connection.execute(sa.update(_table).where(_held(hold)).values(beat=_row.beat + 1)).rowcount == 1


def require(connection: Connection, hold: Hold) -> None:
    """Keep the host until the transaction ends. Raises LeaseLost where it is somebody else's by now."""
    if not renew(connection, hold):
        raise LeaseLost(f"{hold.host} was taken over; what was fetched from it may not be recorded")


def release(connection: Connection, hold: Hold) -> None:
    """Let go of the host at once; nothing happens where it is somebody else's by now."""
    connection.execute(sa.update(_table).where(_held(hold)).values(holder=None))


def rest(connection: Connection, host: str, for_ms: int) -> None:
    """Let nobody connect to ``host`` for so long."""
    now = clock.now_ms()
    connection.execute(sa.update(_table).where(_row.host == host).values(rest_from=now, rest_until=now + for_ms))


class Gates:
    """Lets fetches of one holder into hosts that it does not hold yet: where redirects and pages lead.

    ``lease_ms`` must be longer than a fetch may take, as nobody gives signs of life for a visit. One for a thread and
    for as long as that lives: ``watch`` must see others be silent. ``held`` tells what the holder has got already.
    """

    def __init__(
        self,
        database: Database,
        holder: str,
        *,
        lease_ms: int,
        watch: Watch[str],
        held: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._database = database
        self._holder = holder
        self._lease_ms = lease_ms
        self._watch = watch
        self._held = held

    @contextmanager
    def __call__(self, host: str) -> Iterator[None]:
        """Hold ``host`` meanwhile, unless it is held already. Raises FetchFailed (``host_busy``)."""
        if host in self._held():
            yield
            return
        with self._database.begin() as connection:
            ensure(connection, host)
            hold, gone = None, lapsed(connection, self._watch)
            token = token_of(connection, host, clock.now_ms(), gone)
            if token is not None:
                hold = acquire(connection, host, self._holder, token=token, lease_ms=self._lease_ms, lapsed=gone)
        if hold is None:
            raise FetchFailed(FetchProblem.HOST_BUSY, f"{host} is being fetched from, or wants to be left alone")
        try:
            yield
        finally:
            with self._database.begin() as connection:
                release(connection, hold)


def _held(hold: Hold) -> sa.ColumnElement[bool]:
    return sa.and_(_row.host == hold.host, _row.token == hold.token, _row.holder.is_not(None))
