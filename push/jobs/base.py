"""What a job is: a row of the table in ``push.jobs.table``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from content_store.schedule import Schedule
from push.run import Run

QUICK_S = (10, 30, 120, 600)
"""Seconds to wait after the first, the second, … failed attempt of what is soon due again anyway."""

PATIENT_S = (60, 300, 1_800, 7_200, 21_600)
"""The same for what is due once a day."""


class Missed(Enum):
    """What becomes of due times that nobody was there for: workers were down, or the clock was set forward."""

    NEWEST = "newest"
    """Only the newest counts: doing it once is as good as doing it often. An older one that still waits is skipped."""

    EACH = "each"
    """Each is done, the oldest first: each is about a time of its own."""


class Lane(Enum):
    """Each lane has a thread of its own in every worker: short jobs wait neither for long ones nor for others'
    servers."""

    SHORT = "short"
    LONG = "long"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``work`` is done once for each due time of ``schedule``; see ``push.run`` for what it may rely on.

    A failed attempt is followed by another after the next of the seconds in ``backoff_s``; after the last of them the
    occurrence is dead.
    """

    name: str
    schedule: Schedule
    missed: Missed
    work: Callable[[Run], object]
    lane: Lane = Lane.SHORT
    backoff_s: tuple[int, ...] = PATIENT_S

    @property
    def attempts(self) -> int:
        """How often it is tried."""
        return len(self.backoff_s) + 1

    def retry_at(self, attempt: int, now: int) -> int | None:
        """When (epoch ms) to try again after ``attempt`` failed at ``now``; None after the last one."""
        return now + self.backoff_s[attempt - 1] * 1000 if attempt <= len(self.backoff_s) else None
