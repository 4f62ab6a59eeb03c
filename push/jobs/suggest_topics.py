"""Suggests topics and places for what came in and waits for an editor."""

from __future__ import annotations

from content_store.settings import Settings
from push.jobs.base import QUICK_S, Job, Missed
from push.run import Run
from recsys import suggesting

MOST = 1_000
"""So many in one run take a few seconds: other short jobs wait for it, and the next run goes on."""


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        classifier = suggesting.active(suggesting.store_of(settings))
        filled = suggesting.fill(run.database, classifier, most=MOST, between=run.check)
        run.note = f"suggested for {filled.stored}, {filled.unsure} of them without a topic" if filled.stored else ""

    return Job(
        name="suggest_topics",
        schedule=settings.suggest_schedule,
        missed=Missed.NEWEST,
        work=work,
        backoff_s=QUICK_S,
    )
