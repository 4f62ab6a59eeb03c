"""Fetching what is due as a process of its own (``push.children``), started by the job ``ingest``."""

from __future__ import annotations

import sys

from content_store import jobs
from content_store.db import Database
from content_store.ingest import sweeping
from content_store.jobs import Claim
from content_store.settings import Settings
from push import children
from push.run import Run


def work(database: Database, settings: Settings, claim: Claim) -> str:
    """Fetch all that is due. Each feed is its own transaction; that of the occurrence says only that it is over."""
    tally = sweeping.sweep(
        database, settings, worker=f"{claim.job}-{claim.token}", stop=lambda: not _ours(database, claim)
    )
    run = Run(database, claim)
    run.note = tally.told()
    with run.finish():
        pass
    return run.note


def _ours(database: Database, claim: Claim) -> bool:
    with database.begin() as connection:
        return jobs.renew(connection, claim)


if __name__ == "__main__":
    sys.exit(children.main(work))
