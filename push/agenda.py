"""The agenda: which occurrences there are to be, written by the one worker that leads the clock.

That one leads is a matter of economy. The table takes each due time of a job once, whoever writes it and how often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from content_store import clock, jobs, leases
from content_store.db import Connection, Database
from content_store.leases import Lease, Watch
from push.jobs.base import Job, Missed

log = logging.getLogger(__name__)

LEADER = "leader"
"""The name of the lease that the leading worker holds."""

MOST_MISSED = 400
"""Of the due times that a job has missed no more than these newest are made up for: a year of days and a bit."""


def plan(connection: Connection, table: Sequence[Job], now: int) -> int:
    """Write the occurrences that are due at ``now`` (epoch ms) and not there yet; returns how many."""
    return sum(
        jobs.ensure(connection, job.name, due_times(connection, job, now), instead=job.missed is Missed.NEWEST)
        for job in table
    )


def due_times(connection: Connection, job: Job, now: int) -> list[int]:
    """The due times of ``job`` that must have their occurrences at ``now``, ascending; some may have them already."""
    newest = job.schedule.last(now)
    if newest is None:
        return []
    # Only what is not after now: occurrences from before the clock was set back say nothing about the time since then.
    known = jobs.newest_due(connection, job.name, now) if job.missed is Missed.EACH else None
    if known is None:
        return [newest]
    missed = job.schedule.newest(known, now, MOST_MISSED)
    if len(missed) == MOST_MISSED:
        log.warning("%s: due times before %s are left out", job.name, clock.shown(missed[0]))
    return missed


class Agenda:
    """The agenda as ``worker`` keeps it while it leads; used by one thread."""

    def __init__(self, database: Database, table: Sequence[Job], worker: str, lease_ms: int) -> None:
        self._database = database
        self._table = table
        self._worker = worker
        self._lease_ms = lease_ms
        self._watch: Watch[str] = Watch()
        self._lease: Lease | None = None
        self._renewed_at = 0.0
        self._written: dict[str, int | None] = {}

    @property
    def leads(self) -> bool:
        """Whether this worker leads, as far as it knows."""
        return self._lease is not None

    def turn(self) -> int:
        """Lead where nobody else does, and write what has become due; returns how many occurrences are new."""
        if self._lease is None and not self._lead():
            return 0
        now = clock.now_ms()
        # A set clock shows here as well: another due time is the newest then.
        newest = {job.name: job.schedule.last(now) for job in self._table}
        renewal = time.monotonic() - self._renewed_at >= self._lease_ms / 4000
        if newest == self._written and not renewal:
            return 0
        return self._write(newest, now)

    def leave(self) -> None:
        """Let another worker lead at once."""
        lease, self._lease = self._lease, None
        if lease is not None:
            with self._database.begin() as connection:
                leases.release(connection, lease)

    def _lead(self) -> bool:
        with self._database.connect() as connection:
            if not leases.available(connection, LEADER, self._watch):
                return False
        asked_at = time.monotonic()
        with self._database.begin() as connection:
            self._lease = leases.acquire(connection, LEADER, self._worker, lease_ms=self._lease_ms, watch=self._watch)
        self._renewed_at, self._written = asked_at, {}
        if self._lease is not None:
            log.info("%s leads the clock", self._worker)
        return self._lease is not None

    def _write(self, newest: dict[str, int | None], now: int) -> int:
        """Renew the lease and plan in one transaction, so that whoever lost the lease does not plan."""
        assert self._lease is not None
        asked_at = time.monotonic()
        with self._database.begin() as connection:
            held = leases.renew(connection, self._lease)
            made = plan(connection, self._table, now) if held and newest != self._written else 0
        if held:
            self._renewed_at, self._written = asked_at, newest
        else:
            self._lease = None
            log.warning("%s no longer leads the clock", self._worker)
        return made
