"""Rebuilds the facts of the day before the due time, and those of earlier days to which something has come since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Protocol

from content_store import clock
from content_store.db import Connection
from content_store.settings import Settings
from push.jobs.base import Job, Missed
from push.run import Run


class Facts(Protocol):
    """What is asked of the facts: the module of that noun."""

    def due(self, connection: Connection, /) -> Collection[date]:
        """The days whose facts are missing or from before the day was final."""

    def rebuild(self, connection: Connection, day: date, /) -> object:
        """Count a Shanghai day anew from the ledger, within the transaction of ``connection``."""


def job(settings: Settings, facts: Facts) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        newest = clock.day_of(run.due_at) - timedelta(days=1)
        with run.database.connect() as connection:
            earlier = [day for day in sorted(facts.due(connection)) if day != newest]
        # A transaction each: counting a day again does no harm, and nobody has to wait for a year of them.
        for day in earlier:
            run.check()
            with run.database.begin() as connection:
                facts.rebuild(connection, day)
        with run.finish() as connection:
            facts.rebuild(connection, newest)
            run.note = f"{newest}" + f" and {len(earlier)} earlier days" * bool(earlier)

    return Job(name="facts_of_the_day", schedule=settings.facts_schedule, missed=Missed.EACH, work=work)
