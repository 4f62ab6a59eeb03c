"""``kepu worker``: does what is due by the clock."""

from __future__ import annotations

import logging
import signal
import sys
from datetime import datetime

import click

from content_store import clock, facts
from content_store.db import open_database
from content_store.settings import Settings
from push.jobs.table import table
from push.scheduler import Scheduler

_ENDINGS = {signal.SIGTERM, signal.SIGINT}


class _ByOurClock(logging.Formatter):
    """Lines with the time of the programme's clock, in Shanghai."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """The present moment; a record is written as soon as it is made."""
        return f"{datetime.fromtimestamp(clock.now_ms() / 1000, clock.SHANGHAI):%Y-%m-%d %H:%M:%S}"


@click.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Do what is due by the clock, until told to stop (Ctrl-C, SIGTERM). As many as wanted may run at once.

    `kepu jobs` shows what they did.
    """
    _log_to_stderr()
    database = open_database(settings)
    # Blocked before any thread begins, so that only the waiting below receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    scheduler = Scheduler(database, table(settings, facts=facts), lease_s=settings.lease_s)
    scheduler.start()
    click.echo(f"worker {scheduler.worker} is at work")
    ending = signal.sigwait(_ENDINGS)
    # From now on they act as usual: a second one ends the process at once.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    click.echo(f"worker {scheduler.worker} ends: {signal.Signals(ending).name}")
    scheduler.stop()
    database.close()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ByOurClock("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The one tells of every tick, the other of every look at the database's revision.
    for name in ("apscheduler", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
