"""Rebuilds the facts of the day before the due time, and those of a few days before that for what came late."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from content_store import clock
from content_store.db import Connection
from content_store.settings import Settings
from push.jobs.base import Job, Missed
from push.run import Run

DAYS = 3
"""Days that are rebuilt: readings that a phone kept while it was offline arrive later."""


class RebuildFacts(Protocol):
    """Rebuilds the facts of a Shanghai day from the ledger, within the transaction of ``connection``."""

    def __call__(self, connection: Connection, day: date, /) -> object: ...


def job(settings: Settings, rebuild: RebuildFacts) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        newest = clock.day_of(run.due_at) - timedelta(days=1)
        with run.finish() as connection:
            for ago in reversed(range(DAYS)):
                rebuild(connection, newest - timedelta(days=ago))
            run.note = f"{DAYS} days until {newest}"

    return Job(name="facts_of_the_day", schedule=settings.facts_schedule, missed=Missed.EACH, work=work)
