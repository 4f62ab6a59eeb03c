"""Gives review steps back that somebody claimed and did not decide in time."""

from __future__ import annotations

from content_store.review import queue
from content_store.settings import Settings
from push.jobs.base import QUICK_S, Job, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""
    return Job(
        name="release_claims",
        schedule=settings.claims_schedule,
        missed=Missed.NEWEST,
        work=work,
        backoff_s=QUICK_S,
    )


def work(run: Run) -> None:
    """What has lapsed now, not only at the due time: a late run does all that has been missed."""
    with run.finish() as connection:
        released = queue.release_lapsed(connection)
        run.note = f"released {released}" if released else ""
