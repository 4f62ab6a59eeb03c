"""A training as a process of its own (``push.children``), started by the job ``retrain``.

Before the models of the feed it trains the classifier of what comes in, which takes seconds and whose failure is only
told.
"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager

from content_store import clock
from content_store.db import Database
from content_store.errors import DataMissing, KepuError, SnapshotError
from content_store.jobs import Claim
from content_store.settings import Settings
from push import children
from push.run import Run
from recsys import suggesting
from recsys.refit import refit
from recsys.snapshots import SnapshotStore, store_of

log = logging.getLogger(__name__)


def train(database: Database, store: SnapshotStore, claim: Claim) -> str:
    """Train for the occurrence of ``claim`` and end it; returns the note that is kept with it.

    The snapshot becomes active within the transaction that ends the occurrence, so that only the lease's holder
    publishes. What somebody published who died between the two is found by its occasion. Raises LeaseLost, and what
    ``refit`` raises.
    """
    run = Run(database, claim)
    occasion = f"{claim.job} of {clock.shown(claim.due_at)} ({claim.due_at})"
    earlier = _published(store, occasion) if claim.attempt > 1 else None
    run.note = f"published {earlier}" if earlier else _refit(run, store, occasion)
    if not run.finished:
        with run.finish():
            pass
    return run.note


def learn_topics(database: Database, store: SnapshotStore) -> None:
    """Let the classifier of what comes in learn from what passed its review; a failure leaves the one in use."""
    try:
        log.info("topics: %s", suggesting.learn(database, store).told)
    except (KepuError, OSError) as error:
        log.warning("topics: %s", error)


def _refit(run: Run, store: SnapshotStore, occasion: str) -> str:
    def taking_over(version: str) -> AbstractContextManager[object]:
        run.note = f"published {version}"
        return run.finish()

    try:
        trained = refit(run.database, store, occasion=occasion, taking_over=taking_over)
    except DataMissing as error:
        return f"nothing to learn from yet: {error.message}"
    return run.note if trained.snapshot else f"not published: {'; '.join(trained.verdict.reasons)}"


def _published(store: SnapshotStore, occasion: str) -> str | None:
    """The version that was published on ``occasion``."""
    for version in reversed(store.versions()):
        try:
            if store.open(version).facts.get("occasion") == occasion:
                return version
        except SnapshotError as error:
            log.warning("%s", error.message)
    return None


def _work(database: Database, settings: Settings, claim: Claim) -> str:
    learn_topics(database, suggesting.store_of(settings))
    return train(database, store_of(settings), claim)


if __name__ == "__main__":
    sys.exit(children.main(_work))
