"""Tells those who read words that were corrected since: a message into the inbox of each, once.

The log of events is read a stretch at a time, each with its messages in a transaction of its own, so that nobody waits
for a long one and an attempt that was broken off goes on where it was.
"""

from __future__ import annotations

from content_store.review import correcting
from content_store.settings import Settings
from push.jobs.base import QUICK_S, Job, Missed
from push.run import Run


def job(settings: Settings) -> Job:
    """The row of the table."""
    return Job(
        name="tell_corrections",
        schedule=settings.corrections_schedule,
        missed=Missed.NEWEST,
        work=work,
        backoff_s=QUICK_S,
    )


def work(run: Run) -> None:
    """All corrections whose readers are still looked for."""
    told = 0
    with run.database.connect() as connection:
        waiting = correcting.to_be_told(connection)
    for id in waiting:
        more = True
        while more:
            run.check()
            with run.database.begin() as connection:
                found = correcting.tell(connection, id)
            told, more = told + found.number, found.more
    with run.finish():
        run.note = f"told {told:,}" if told else ""
