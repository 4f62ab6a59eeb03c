"""Deletes what was kept long enough. What may go, and after how long, is told here and nowhere else.

- occurrences of jobs that have been over for ``KEPU_RETENTION_DAYS`` days (at least 180), never a job's newest;
- pictures that were uploaded and that no content showed within ``store.ORPHANS_KEPT_DAYS`` days.

Events, ledger, contents, what was uploaded and what was fetched are never deleted by the clock.
"""

from __future__ import annotations

from content_store import clock, jobs
from content_store.settings import Settings
from content_store.uploads import store
from push.jobs.base import Job, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        with run.finish() as connection:
            gone = jobs.forget(connection, run.due_at - settings.retention_days * clock.DAY_MS)
            unseen = store.drop_orphans(connection, run.due_at - store.ORPHANS_KEPT_DAYS * clock.DAY_MS)
            told = [f"{gone:,} old occurrences"] * bool(gone) + [f"{unseen:,} pictures that nobody showed"] * bool(
                unseen
            )
            run.note = f"deleted {', '.join(told)}" if told else ""

    return Job(name="retention", schedule=settings.retention_schedule, missed=Missed.NEWEST, work=work)
