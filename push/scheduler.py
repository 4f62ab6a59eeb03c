"""The clock's worker: writes what is due (while it leads) and does it.

Threads of a ``Scheduler``, all daemons:

- APScheduler's, which only rings a bell every ``tick_s`` seconds;
- the keeper: at each ring it renews the leases of what runs here, keeps the agenda and rings on;
- one worker per lane: takes an occurrence, does it, takes the next.

Nothing depends on the bell alone: APScheduler reckons with the machine's clock and falls silent for as long as that is
set back, so whoever waits for the bell gives up after a few ticks of a monotonic clock, looks by itself and rings it in
again. To be started in the process that serves, after any fork.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from content_store import clock, jobs
from content_store.db import Database
from content_store.errors import KepuError, LeaseLost
from content_store.leases import Watch
from push.agenda import Agenda
from push.jobs.base import Job, Lane
from push.run import Abandoned, Run, Stopped

log = logging.getLogger(__name__)

_PATIENCE = 3
"""Ticks after which a silent bell is not waited for."""


_TICK = "tick"


class _Tick(BaseTrigger):  # type: ignore[misc]
    """Fires that many seconds after now, so that a clock set forward by years is one tick and not millions."""

    def __init__(self, seconds: float) -> None:
        self._every = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._every


class Scheduler:
    """Runs the jobs of ``table`` from ``start`` to ``stop``; as many as wanted may share a database.

    ``lease_s``: silence after which others take over. ``tick_s``: how often it looks, at most a quarter of that.
    """

    def __init__(
        self, database: Database, table: Sequence[Job], *, lease_s: float = 30.0, tick_s: float = 1.0, worker: str = ""
    ) -> None:
        self.worker = worker or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self._database = database
        self._table = {job.name: job for job in table}
        if len(self._table) < len(table):
            raise ValueError("two jobs share a name")
        self._lease_ms = round(lease_s * 1000)
        self._tick_s = min(tick_s, lease_s / 4)
        self._agenda = Agenda(database, list(table), self.worker, self._lease_ms)
        self._runs: dict[Lane, Run] = {}
        self._renewed_at = 0.0
        self._troubles: dict[str, str] = {}
        self._bells = {lane: threading.Event() for lane in Lane}
        self._bell = threading.Event()
        self._closing = threading.Event()
        self._closed = threading.Event()
        self._ticker = _ticker(self._bell.set, self._tick_s)
        self._keeper = threading.Thread(target=self._keep, name="clock-keeper", daemon=True)
        self._lanes = [
            threading.Thread(target=self._work, args=(lane,), name=f"clock-{lane.value}", daemon=True) for lane in Lane
        ]

    @property
    def at_work(self) -> bool:
        """Whether it was started and not stopped, and none of its threads has ended by itself."""
        return not self._closing.is_set() and all(thread.is_alive() for thread in (self._keeper, *self._lanes))

    def start(self) -> None:
        """Begin; returns at once."""
        self._ticker.start()
        for thread in (self._keeper, *self._lanes):
            thread.start()
        self._bell.set()

    def stop(self, grace_s: float = 20.0) -> None:
        """Take on nothing more, wait up to ``grace_s`` for what runs, give back what did not end; safe to repeat."""
        self._closing.set()
        for run in list(self._runs.values()):
            run.stop()
        for bell in self._bells.values():
            bell.set()
        deadline = time.monotonic() + grace_s
        for thread in self._lanes:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        self._closed.set()
        self._bell.set()
        if self._keeper.is_alive():
            self._keeper.join(self._tick_s * _PATIENCE + 1)
        if self._ticker.running:
            self._ticker.shutdown(wait=False)
        self._quietly("giving back", self._give_back)

    def _keep(self) -> None:
        while not self._closed.is_set():
            if not self._bell.wait(self._tick_s * _PATIENCE):
                self._ring_in_again()
            self._bell.clear()
            if time.monotonic() - self._renewed_at >= self._lease_ms / 4000:
                self._renewed_at = time.monotonic()
                for lane, run in list(self._runs.items()):
                    self._quietly(f"renewing the lease of the {lane.value} job", run.beat)
            if not self._closing.is_set():
                self._quietly("keeping the agenda", self._agenda.turn)
            for bell in self._bells.values():
                bell.set()

    def _work(self, lane: Lane) -> None:
        names = [job.name for job in self._table.values() if job.lane is lane]
        watch: Watch[int] = Watch()
        bell = self._bells[lane]
        found: object = False
        while names and not self._closing.is_set():
            bell.clear()
            # A failure here is told, and the next ring tries again. Where there was something there may be more.
            found = self._quietly(f"looking for {lane.value} work", self._next, lane, names, watch, look=not found)
            if not found:
                bell.wait(self._tick_s * _PATIENCE * 2)

    def _next(self, lane: Lane, names: Sequence[str], watch: Watch[int], *, look: bool) -> bool:
        """Take one occurrence and do it; False where there is none. With ``look`` a reader looks before."""
        if look:
            with self._database.connect() as connection:
                if not jobs.anything(connection, names, watch):
                    return False
        with self._database.begin() as connection:
            claim = jobs.claim(connection, self.worker, names, lease_ms=self._lease_ms, watch=watch)
        if claim is None:
            return False
        run = Run(self._database, claim)
        self._runs[lane] = run
        try:
            if self._closing.is_set():
                run.stop()
            perform(self._table[claim.job], run)
        finally:
            del self._runs[lane]
        return True

    def _give_back(self) -> None:
        for run in list(self._runs.values()):
            log.warning("%s did not end in time and is given back", run.claim.job)
            _release(run)
        self._agenda.leave()

    def _ring_in_again(self) -> None:
        if self._ticker.running:
            log.warning("the ticks have stopped, as they do when the machine's clock is set back; beginning anew")
            self._quietly("beginning anew", self._ticker.reschedule_job, _TICK, trigger=_Tick(self._tick_s))

    def _quietly(self, what: str, call: Callable[..., object], *given: object, **named: object) -> object:
        """The result of the call; None where it fails: that is told, once while it stays so, and ends no thread."""
        try:
            result = call(*given, **named)
        except Exception as error:
            message = error.message if isinstance(error, KepuError) else f"{type(error).__name__}: {error}"
            if self._troubles.get(what) != message:
                self._troubles[what] = message
                log.warning("%s failed: %s", what, message, exc_info=None if isinstance(error, KepuError) else error)
            return None
        if self._troubles.pop(what, None):
            log.info("%s goes well again", what)
        return result


def _ticker(ring: Callable[[], object], seconds: float) -> BackgroundScheduler:
    defaults = {"coalesce": True, "misfire_grace_time": None}
    ticker = BackgroundScheduler(timezone=UTC, executors={"default": DebugExecutor()}, job_defaults=defaults)
    ticker.add_job(ring, _Tick(seconds), id=_TICK)
    return ticker


def perform(job: Job, run: Run) -> None:
    """Do the work of ``run`` and write down how it ended. Raises KepuError where that cannot be written."""
    claim = run.claim
    what = f"{job.name} of {clock.shown(claim.due_at)}"
    # What is short and goes well at once is told when it is over.
    level = logging.INFO if claim.attempt > 1 or job.lane is Lane.LONG else logging.DEBUG
    log.log(level, "%s: attempt %d of %d", what, claim.attempt, job.attempts)
    started = time.perf_counter()
    try:
        if claim.attempt > job.attempts:
            raise Abandoned(f"its worker fell silent in each of {job.attempts} attempts")
        job.work(run)
        if not run.finished:
            with run.finish():
                pass
    except LeaseLost as error:
        log.warning("%s: %s", what, error.message)
    except Stopped:
        log.info("%s: given back", what)
        _release(run)
    except BaseException as error:  # whatever it is, the thread goes on
        _fail(job, run, error, what)
    else:
        log.info("%s: done in %.1f s%s", what, time.perf_counter() - started, f": {run.note}" * bool(run.note))


def _fail(job: Job, run: Run, error: BaseException, what: str) -> None:
    """Write the failure down."""
    foreseen = isinstance(error, KepuError | Abandoned)
    message = str(error) if foreseen else f"{type(error).__name__}: {error}"
    now = clock.now_ms()
    retry_at = None if isinstance(error, Abandoned) else job.retry_at(run.claim.attempt, now)
    try:
        with run.database.begin() as connection:
            jobs.fail(connection, run.claim, message, retry_at=retry_at)
    except LeaseLost:
        log.warning("%s was taken over or over already", what)
    else:
        then = "dead" if retry_at is None else f"again at {clock.shown(retry_at)}"
        log.warning("%s: %s; %s", what, message, then, exc_info=None if foreseen else error)


def _release(run: Run) -> None:
    try:
        with run.database.begin() as connection:
            jobs.release(connection, run.claim)
    except LeaseLost:
        log.info("%s is over or was taken over", run.claim.job)
