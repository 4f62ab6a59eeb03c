"""Publishes scheduled contents whose time has come."""

from __future__ import annotations

from content_store.review import publishing
from content_store.settings import Settings
from push.jobs.base import QUICK_S, Job, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""
    return Job(
        name="publish_when_due",
        schedule=settings.publish_schedule,
        missed=Missed.NEWEST,
        work=work,
        backoff_s=QUICK_S,
    )


def work(run: Run) -> None:
    """What is due now, not only at the due time: a late run does all that has been missed."""
    with run.finish() as connection:
        published = publishing.publish_due(connection)
        run.note = f"published {len(published)}" if published else ""
