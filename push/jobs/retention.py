"""Deletes what was kept long enough. What may go, and after how long, is told here and nowhere else.

- occurrences of jobs that have been over for ``KEPU_RETENTION_DAYS`` days (at least 180), never a job's newest.

Events, ledger and contents are never deleted by the clock.
"""

from __future__ import annotations

from content_store import clock, jobs
from content_store.settings import Settings
from push.jobs.base import Job, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        with run.finish() as connection:
            gone = jobs.forget(connection, run.due_at - settings.retention_days * clock.DAY_MS)
            run.note = f"deleted {gone:,} old occurrences" if gone else ""

    return Job(name="retention", schedule=settings.retention_schedule, missed=Missed.NEWEST, work=work)
