"""Logs the pages that a process serves, behind its back: a page that was answered waits for no disk.

``put`` leaves a page in a queue, and one thread writes what has gathered there, many pages in a transaction. The queue
is bounded. While the database is out of reach pages wait in it and are tried again; what finds no room, and what the
records refuse, is counted. An impression is an observation and not an acknowledgement: of a process that is killed the
pages of its last moments are missing.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from content_store import citizens, exposures, ids
from content_store.db import Connection, Database
from content_store.driver import Driver
from content_store.errors import DatabaseError, DatabaseRefused, KepuError
from content_store.exposures import Showing, Shown

log = logging.getLogger(__name__)

MOST_WAITING = 100_000
"""Impressions that wait at most; some 20 MB."""
MOST_AT_ONCE = 1_000
"""Impressions that share a transaction, unless one page has more: on SQLite whoever else writes waits meanwhile."""
LINGER_S = 0.25
"""How long pages gather before they are written."""
PATIENCE_S = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Waits between attempts while the database is out of reach; the last one stays."""

_KNOWN = "SELECT id FROM citizens WHERE id IN ?"


class Dropped(StrEnum):
    """Why impressions were not logged."""

    QUEUE_FULL = "queue_full"
    REFUSED = "refused"
    CLOSING = "closing"


class Placed(NamedTuple):
    """An item of a page: its place from 0 in the list behind the page, and the probability of it there."""

    content_id: str
    position: int
    propensity: float


class Figures(NamedTuple):
    """Impressions since the beginning: ``logged``, ``waiting`` to be, and ``dropped`` by reason."""

    logged: int
    waiting: int
    dropped: dict[Dropped, int]


@dataclass(slots=True)
class _Page:
    showing: Showing
    items: Sequence[Placed]
    shown: list[Shown] | None = None

    def named(self) -> tuple[Showing, list[Shown]]:
        """With ids, the same at every attempt: one that failed may have been stored all the same."""
        if self.shown is None:
            new = ids.new_ids(len(self.items))
            self.shown = [Shown(id, *item) for id, item in zip(new, self.items, strict=True)]
        return self.showing, self.shown


class ExposureLog:
    """The log of one process; safe for all of its threads. ``close`` writes what waits."""

    def __init__(self, database: Database, *, most_waiting: int = MOST_WAITING, linger_s: float = LINGER_S) -> None:
        self._database = database
        self._most_waiting, self._linger_s = most_waiting, linger_s
        self._lock = threading.Lock()
        self._queue: deque[_Page] = deque()
        self._waiting = 0  # impressions in the queue and in the hands of the thread
        self._logged = 0
        self._dropped: Counter[Dropped] = Counter()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._gave_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name="exposures", daemon=True)
        self._thread.start()

    def put(self, showing: Showing, items: Sequence[Placed]) -> bool:
        """Have a page logged soon; False where there is no room for it, or the log is closed."""
        if not items:
            return True
        with self._lock:
            if self._closing.is_set():
                self._dropped[Dropped.CLOSING] += len(items)
                return False
            if self._waiting + len(items) > self._most_waiting:
                self._dropped[Dropped.QUEUE_FULL] += len(items)
                return False
            self._queue.append(_Page(showing, items))
            self._waiting += len(items)
        self._wake.set()
        return True

    def figures(self) -> Figures:
        """What became of everything so far."""
        with self._lock:
            return Figures(self._logged, self._waiting, {reason: self._dropped[reason] for reason in Dropped})

    def close(self, grace_s: float = 10.0) -> None:
        """Write what waits, for ``grace_s`` seconds at most; what is left then is given up, counted and told."""
        with self._lock:
            self._closing.set()
        self._wake.set()
        self._thread.join(grace_s)
        with self._lock:
            self._gave_up.set()
            left, self._waiting = self._waiting, 0
            self._queue.clear()
            self._dropped[Dropped.CLOSING] += left
        if left:
            log.warning("%d impressions could not be logged before the end", left)

    def _work(self) -> None:
        while self._wake.wait():
            self._closing.wait(self._linger_s)
            self._wake.clear()
            while pages := self._next():
                self._write(pages)
            with self._lock:
                if self._closing.is_set() and not self._queue:
                    return

    def _next(self) -> list[_Page]:
        """The pages that were waiting longest, as many as may share a transaction; at least one where any waits."""
        pages: list[_Page] = []
        size = 0
        with self._lock:
            while self._queue and (not pages or size + len(self._queue[0].items) <= MOST_AT_ONCE):
                pages.append(self._queue.popleft())
                size += len(pages[-1].items)
        return pages

    def _write(self, pages: list[_Page]) -> None:
        """Write ``pages``, however long it takes; where one of them is refused, each by itself."""
        attempt = 0
        while True:
            try:
                self._store(pages)
                break
            except Exception as error:  # whatever it is, the thread goes on
                if not _passes(error):
                    self._refuse(pages, error)
                    return
                if attempt == 0:
                    log.warning("impressions wait, for the database is out of reach: %s", _said(error))
            if self._gave_up.wait(PATIENCE_S[0 if self._closing.is_set() else min(attempt, len(PATIENCE_S) - 1)]):
                return
            attempt += 1
        if attempt:
            log.info("impressions are logged again")
        self._settle(pages)

    def _store(self, pages: list[_Page]) -> None:
        named = [page.named() for page in pages]
        with self._database.begin() as connection:
            _make_guests(connection, {showing.citizen_id for showing, _ in named})
            exposures.append_many(connection, named)

    def _refuse(self, pages: list[_Page], error: Exception) -> None:
        if len(pages) > 1:
            for page in pages:
                self._write([page])
            return
        told = None if isinstance(error, KepuError | SQLAlchemyError) else error
        log.warning("a page of %d impressions is refused: %s", len(pages[0].items), _said(error), exc_info=told)
        self._settle(pages, Dropped.REFUSED)

    def _settle(self, pages: list[_Page], dropped: Dropped | None = None) -> None:
        """Count what became of ``pages``."""
        size = sum(len(page.items) for page in pages)
        with self._lock:
            if self._gave_up.is_set():  # counted as given up by then
                return
            self._waiting -= size
            if dropped is None:
                self._logged += size
            else:
                self._dropped[dropped] += size


def _make_guests(connection: Connection, seen: set[str]) -> None:
    """Store who is known by a cookie only, as the intake does."""
    known = {id for (id,) in Driver(connection).rows(_KNOWN, sorted(seen))}
    if new := seen - known:
        citizens.ensure(connection, sorted(new))


def _passes(error: Exception) -> bool:
    """Whether the same pages may be stored at another time."""
    if isinstance(error, DatabaseError):
        return not isinstance(error, DatabaseRefused)
    return isinstance(error, SQLAlchemyError) and not isinstance(error, IntegrityError | DataError)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, KepuError) else f"{type(error).__name__}: {error}"
