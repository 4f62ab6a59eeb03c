"""The models in service: those of the active snapshot, changed for others while requests go on."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Collection

from content_store import contents, statements
from content_store.db import Connection, Database
from content_store.errors import KepuError, SnapshotError
from recsys.features.articles import articles
from recsys.follower import Follower
from recsys.models.ranker import Ranker
from recsys.restoring import Restored, admit, restore
from recsys.slow import SlowLayer
from recsys.snapshots import SnapshotStore

log = logging.getLogger(__name__)

AT_ONCE = 500


class ActiveModels:
    """Follows the snapshots of ``store`` and the articles that come after them.

    ``refresh`` is called now and then by one thread; ``version``, ``slow`` and ``ranker`` are read under the follower's
    lock. Without a usable snapshot there are no models and ``version`` is None.
    """

    def __init__(self, store: SnapshotStore, follower: Follower, database: Database) -> None:
        self._store, self._follower, self._database = store, follower, database
        self._seen: str | None = None
        self._mark = 0
        self._restored: Restored | None = None
        self.version: str | None = None
        self.problems: tuple[str, ...] = ()
        self.refresh()

    @property
    def slow(self) -> SlowLayer | None:
        """The slow layer; None without a snapshot."""
        return None if self._restored is None else self._restored.slow

    @property
    def ranker(self) -> Ranker | None:
        """The ranker; None where the fixed blend orders the list."""
        return None if self._restored is None else self._restored.ranker

    def refresh(self) -> bool:
        """Take over another active snapshot, or else what was published since; whether the snapshot changed.

        What cannot be read is told in ``problems``, and what served before goes on. Raises DatabaseError.
        """
        try:
            active = self._store.activations().active
        except SnapshotError:
            active = None  # ``active()`` below finds the newest good one
        if active != self._seen or (active is None and self._restored is None):
            return self._take_over(active)
        self._admit()
        return False

    def _take_over(self, active: str | None) -> bool:
        opened = self._store.active()
        if opened.snapshot is None:
            self._seen, self.problems = active, opened.problems
            return False
        _, mark = self._follower.told_since(0)
        fitted = set(opened.snapshot.items())
        with self._database.connect() as connection:
            texts = _texts(connection, [id for id in contents.live_ids(connection) if id not in fitted])
        self._seen = active  # not before the records were read: without them it is tried again
        _give_back_memory()
        try:
            # Without the lock, for it takes seconds: positions never change.
            restored = restore(opened.snapshot, self._follower.place_of_item, texts)
        except KepuError as error:
            self.problems = (*opened.problems, error.message)
            log.warning("snapshot %s is not served: %s", opened.snapshot.version, error.message)
            return False
        with self._follower.lock:
            self._restored, self.version = restored, opened.snapshot.version
        self._mark, self.problems = mark, (*opened.problems, *restored.problems)
        _give_back_memory()
        return True

    def _admit(self) -> None:
        told, mark = self._follower.told_since(self._mark)
        if self._restored is None or not told:
            self._mark = mark
            return
        ids = {self._follower.items[place] for place in told} - self._restored.known
        with self._database.connect() as connection:
            texts = _texts(connection, ids)
        with self._follower.lock:
            admit(self._restored, self._follower.place_of_item, texts)
        self._mark = mark


def _texts(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """The words of the contents with these ids, some at a time: their bodies, which are not needed, are long."""
    texts: dict[str, str] = {}
    for part in statements.chunks(ids, AT_ONCE):
        texts |= {id: article.text for id, article in articles(contents.some(connection, part).values()).items()}
    return texts


def _give_back_memory() -> None:
    """Return to the system what loading has left free; the allocator of glibc keeps it otherwise, 90 MB of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
