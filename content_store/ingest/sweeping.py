"""All feeds that are due, by a few threads: each host is asked by one of them at a time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

from content_store.creator_words import Membership
from content_store.db import Database
from content_store.ingest import feeds, originals
from content_store.ingest.as_text import text_of
from content_store.ingest.feeds import Claim, Feed
from content_store.ingest.fetching import Fetcher
from content_store.ingest.handler import Handler, Report
from content_store.ingest.originals import Verdict
from content_store.ingest.robots import Robots
from content_store.leases import Watch
from content_store.settings import Settings

THREADS = 4
"""They wait for servers most of the time."""

PORTION = 200
"""Contents of which traces are made in one transaction: others wait for it a second or so."""
PORTIONS = 50
"""So many at a sweep: feeds wait for that a minute or so."""
_LOOK_S = 0.5
"""Between two looks at hosts that others hold."""

Told = Callable[[Report], object]


@dataclass(slots=True)
class Tally:
    """What came of all feeds of a sweep; ``stopped`` are those that were not fetched, with how their creators stand."""

    feeds: int = 0
    failed: int = 0
    waiting: int = 0
    counts: Counter[Verdict] = field(default_factory=Counter)
    stopped: list[tuple[Feed, Membership]] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Count a feed."""
        self.feeds += 1
        self.failed += bool(report.problem or report.lost)
        self.waiting += report.waiting
        self.counts.update(report.counts)

    def told(self) -> str:
        """In one line."""
        parts = [f"{self.counts[verdict]} {verdict.value}" for verdict in Verdict]
        parts += [f"{self.waiting} waiting"] if self.waiting else []
        parts += [f"{self.failed} feeds failed"] if self.failed else []
        told = f"{self.feeds} feeds: {', '.join(parts)}" if self.feeds else "no feed was due"
        return told + (f"; {len(self.stopped)} of no members now, not fetched" if self.stopped else "")


def keep_missing(database: Database, stop: Callable[[], bool] = lambda: False) -> None:
    """Let copies of what was imported, or stored before copies were looked for, be known: so many contents at most."""
    after: str | None = ""
    for _ in range(PORTIONS):
        if after is None or stop():
            return
        with database.begin() as connection:
            after = originals.add_missing(connection, after=after, limit=PORTION, plain=text_of)


def sweep(
    database: Database,
    settings: Settings,
    *,
    worker: str | None = None,
    told: Told = lambda report: None,
    stop: Callable[[], bool] = lambda: False,
    fetcher: Fetcher | None = None,
    watch: Callable[[], Watch[str]] = Watch,
) -> Tally:
    """Fetch every feed that is due, once. ``told`` hears of each; ``stop`` is asked before each whether to go on.

    First some contents of which copies are not known yet are kept (``keep_missing``). Where others hold a host it waits
    until they let go, give a sign of life, or must be dead: whoever was killed is followed by the next sweep, although
    that cannot have seen since when they are silent. What a thread raises is raised, once the others have ended what
    they were at.
    """
    keep_missing(database, stop)
    fetcher = fetcher or Fetcher.of(settings)
    robots, tally, lock, failed = Robots(fetcher), Tally(), Lock(), Event()
    name = worker or f"ingest-{os.getpid()}"

    def run(number: int) -> None:
        handler = Handler(database, settings, f"{name}-{number}", fetcher, robots, watch())
        try:
            for claim in _due(handler, failed, stop, waits=number == 0):
                report = handler.run(claim)
                with lock:
                    tally.add(report)
                    told(report)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(THREADS, thread_name_prefix="ingest") as pool:
        for each in [pool.submit(run, number) for number in range(THREADS)]:
            each.result()
    with database.connect() as connection:
        tally.stopped = feeds.stopped(connection)
    return tally


def _due(handler: Handler, failed: Event, stop: Callable[[], bool], *, waits: bool) -> Iterator[Claim]:
    """Feed after feed until there are no more; the one thread that ``waits`` is also there for hosts of the dead."""
    while not failed.is_set() and not stop():
        claim = handler.next()
        if claim is not None:
            yield claim
        elif waits and handler.held_up():
            failed.wait(_LOOK_S)
        else:
            return
