"""That articles were opened is stored while their pages are made, and a page waits for it only so long.

A page is answered by the one thread that answers whatever reads, and the intake may wait for another writer's lock.
The usual case is stored before the page goes out, so that the next one knows. What takes longer is stored all the same,
a little later.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

from content_store.errors import KepuError
from content_store.intake import Caller, Incoming, Intake, Received

log = logging.getLogger(__name__)

WAIT_S = 0.25
"""How long a page waits for its opening to be stored."""


MOST_WAITING = 1_000
"""Openings that wait at most, while nothing can be stored; what comes then is told in the log and left out."""


class Openings:
    """Hands openings to ``intake`` from a thread of its own."""

    def __init__(self, intake: Intake, wait_s: float = WAIT_S, most_waiting: int = MOST_WAITING) -> None:
        self._intake, self._wait_s = intake, wait_s
        self._thread = ThreadPoolExecutor(1, "openings")
        self._room = BoundedSemaphore(most_waiting)

    def note(self, row: Incoming, caller: Caller) -> bool:
        """Have the event ``row`` of ``caller`` stored; whether it is by now. The log tells what cannot be stored."""
        if not self._room.acquire(blocking=False):
            log.warning("an opening was left out: too many wait already")
            return False
        stored = self._thread.submit(self._intake.receive, [row], caller)
        stored.add_done_callback(lambda _: self._room.release())
        stored.add_done_callback(_tell)
        try:
            stored.result(self._wait_s)
        except Exception:  # it takes longer, or failed: ``_tell`` says so
            return False
        return True

    def close(self) -> None:
        """Store what waits."""
        self._thread.shutdown()


def _tell(stored: Future[Received]) -> None:
    error = stored.exception()
    if isinstance(error, KepuError):
        log.warning("an opening was not stored: %s", error.message)
    elif error is not None:
        log.error("an opening was not stored", exc_info=error)
    else:
        for refused in stored.result().rejected:
            log.warning("an opening was refused: %s", refused.code.value)
