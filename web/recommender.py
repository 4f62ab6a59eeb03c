"""The recommender of a serving process: the feed, and two threads that keep what it stands on up to date."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from content_store.db import Database
from content_store.errors import KepuError
from recsys.active import ActiveModels
from recsys.feed import Feed
from recsys.follower import Follower
from recsys.slates import Slates
from recsys.snapshots import SnapshotStore

log = logging.getLogger(__name__)

REFRESH_S = 1.0
"""How often another active snapshot, and what was published since, is looked for."""


@dataclass(frozen=True, slots=True)
class Recommender:
    """The feed over a fast layer that follows the records and the models of the active snapshot."""

    follower: Follower
    models: ActiveModels
    feed: Feed
    _stop: threading.Event
    _threads: tuple[threading.Thread, ...]

    @classmethod
    def start(cls, database: Database, snapshots: SnapshotStore, slates: Slates, folder: Path) -> Recommender:
        """One whose threads run; ``folder`` keeps the state of the fast layer from one start to the next.

        Raises DatabaseError where the records cannot be read.
        """
        follower = Follower(database, folder)
        models = ActiveModels(snapshots, follower, database)
        stop = threading.Event()
        threads = (
            threading.Thread(target=follower.follow, args=(stop,), name="follower", daemon=True),
            threading.Thread(target=_refresh, args=(models, stop), name="models", daemon=True),
        )
        for thread in threads:
            thread.start()
        return cls(follower, models, Feed(follower, models, slates), stop, threads)

    def close(self) -> None:
        """End the threads; the state of the fast layer is kept."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _refresh(models: ActiveModels, stop: threading.Event) -> None:
    while not stop.wait(REFRESH_S):
        try:
            if models.refresh():
                log.info("snapshot %s serves", models.version)
        except KepuError as error:
            log.warning("the models could not be looked after: %s", error.message)
        except Exception:  # a thread that ended would leave the old models serving for good, and nobody would know
            log.exception("the models could not be looked after")
