"""Fetches the feeds that are due, in a process of its own (``push.ingesting``)."""

from __future__ import annotations

from content_store.errors import IngestFailed
from content_store.settings import Settings
from push import children
from push.jobs.base import QUICK_S, Job, Lane, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        children.have_done(run, "push.ingesting", settings, IngestFailed)

    return Job(
        name="ingest",
        schedule=settings.ingest_schedule,
        missed=Missed.NEWEST,
        work=work,
        lane=Lane.FETCH,
        backoff_s=QUICK_S,
    )
