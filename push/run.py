"""One attempt at an occurrence of a job, and what the job may rely on.

- It is done at least once, and everything it writes within ``Run.finish`` is written exactly once: effect and end of
  the occurrence are one transaction, and that transaction is refused to whoever does not hold the lease any more.
- What has effects outside of the database calls ``check`` right before, and must bear being done twice: between the
  effect and the transaction a process may die.
- While it works, the lease is renewed from another thread. Long work calls ``check`` now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from content_store import jobs
from content_store.db import Connection, Database
from content_store.errors import LeaseLost
from content_store.jobs import Claim


class Stopped(Exception):
    """The worker is about to end; the occurrence goes back to be done by another."""


class Abandoned(Exception):
    """Nobody ever told how the attempts ended: each worker fell silent."""


class Run:
    """The attempt that ``claim`` gives the right to; ``note`` is kept with the occurrence and shown to people."""

    def __init__(self, database: Database, claim: Claim) -> None:
        self.database = database
        self.claim = claim
        self.note = ""
        self.finished = False
        self._lost = False
        self._stopping = False
        self._over = threading.Event()

    @property
    def due_at(self) -> int:
        """The due time (epoch ms): what the work is about, whenever it is done."""
        return self.claim.due_at

    @contextmanager
    def finish(self) -> Iterator[Connection]:
        """A transaction for the effect that ends the occurrence too; to be entered once.

        Raises LeaseLost, at its beginning or at its end: nothing of it has happened then.
        """
        with self.database.begin() as connection:
            jobs.require(connection, self.claim)
            yield connection
            jobs.finish(connection, self.claim, self.note)
        self.finished = True

    def check(self) -> None:
        """Raises LeaseLost or Stopped where the work is for nothing, as far as is known without asking the database."""
        if self._lost:
            raise LeaseLost(f"{self.claim.job} was taken over by another worker")
        if self._stopping:
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Sleep, but not past the moment from which ``check`` raises."""
        self._over.wait(seconds)

    def beat(self) -> None:
        """Renew the lease; called by the thread that keeps the leases."""
        if self._lost or self.finished:
            return
        with self.database.begin() as connection:
            # Whoever works for us, another process perhaps, may have ended it well just now.
            lost = not jobs.renew(connection, self.claim) and not jobs.done(connection, self.claim)
        if lost:
            self._lost = True
            self._over.set()

    def stop(self) -> None:
        """Let ``check`` raise Stopped from now on."""
        self._stopping = True
        self._over.set()
