"""Trains the models anew, in a process of its own (``push.training``)."""

from __future__ import annotations

from content_store.errors import ModelError
from content_store.settings import Settings
from push import children
from push.jobs.base import Job, Lane, Missed
from push.run import Run

BACKOFF_S = (600, 3_600, 21_600)


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        children.have_done(run, "push.training", settings, ModelError)

    return Job(
        name="retrain",
        schedule=settings.retrain_schedule,
        missed=Missed.NEWEST,
        work=work,
        lane=Lane.LONG,
        backoff_s=BACKOFF_S,
    )
