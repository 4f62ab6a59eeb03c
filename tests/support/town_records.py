"""The town of ``reading`` as records, and a follower's view of it to compare with another one's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from content_store import citizens, contents, events
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import ContentStatus, EventKind, Topic
from recsys.follower import Follower
from recsys.ranking import Ranking
from tests.support.reading import DAY, START, Row, town

END = START + 31 * DAY
HOUR_MS = 3_600_000
TOPICS = (Topic.SPACE, Topic.ENERGY, Topic.HEALTH)


def lively_town(count: int = 400, seed: int = 0) -> list[Row]:
    """The town with likes, follows, refusals and repeats among its reads, no two at the same time."""
    rng = np.random.default_rng(seed)
    kinds = [kind.value for kind in (EventKind.LIKE, EventKind.FOLLOW, EventKind.NOT_INTERESTED, EventKind.IMPRESSION)]
    rows = town(citizens=40, books=12)
    more = [(who, what, str(rng.choice(kinds)), at) for who, what, _, at in rows]
    every = sorted([*rows, *more], key=lambda row: row[3])[:count]
    return [(who, what, kind, at + place) for place, (who, what, kind, at) in enumerate(every)]


def publish(database: Database, ids: Iterable[str], **given: Any) -> None:
    """Published contents with these ids; shelves are of a topic and an author each."""
    with database.begin() as connection:
        for id in ids:
            shelf = int(id.removeprefix("shelf")[0]) if id.startswith("shelf") else 0
            told: dict[str, Any] = {"topic": TOPICS[shelf % 3], "author": f"author {shelf}", "published_at": START}
            told |= {"status": ContentStatus.PUBLISHED, **given}
            contents.create(connection, id=id, title=id, **told)


def store(database: Database, rows: Sequence[Row], first: int = 0, **labels: Any) -> None:
    """Append ``rows`` with ids that count from ``first``; their citizens are made."""
    with database.begin() as connection:
        citizens.ensure(connection, [row[0] for row in rows])
        events.append(
            connection,
            [
                Event(id=f"e{first + place}", citizen_id=who, content_id=what, kind=EventKind(kind), at=at, **labels)
                for place, (who, what, kind, at) in enumerate(rows)
            ],
        )


def filled(database: Database, rows: Sequence[Row]) -> None:
    """All the records of ``rows``."""
    publish(database, sorted({row[1] for row in rows}))
    store(database, rows)


Order = dict[str, float]


def order_for(follower: Follower, citizen: str, at: int = END) -> Order:
    """What ``citizen`` would be shown: the score of every candidate by its id, best first."""
    with follower.lock:
        ranked = Ranking(follower.live).rank(follower.place_of_citizen(citizen), at / HOUR_MS)
        names = [follower.items[place] for place in ranked.items.tolist()]
    return dict(zip(names, ranked.scores.tolist(), strict=True))


def history_of(follower: Follower, citizen: str) -> list[str]:
    """What may speak for ``citizen``, oldest first."""
    live = follower.live
    places = live.history(follower.place_of_citizen(citizen))
    return [follower.items[item] for item in live.covisit.item[places].tolist()]


def open_to(follower: Follower, citizen: str, at: int = END) -> set[str]:
    """What ``citizen`` may be shown."""
    open_items = follower.live.open_items(follower.place_of_citizen(citizen), at / HOUR_MS)
    return {follower.items[place] for place in np.flatnonzero(open_items).tolist()}


def assert_alike(ours: Follower, theirs: Follower, citizens_asked: Iterable[str]) -> None:
    """Both show everyone the same for the same reasons, whatever positions they use."""
    for citizen in citizens_asked:
        assert open_to(ours, citizen) == open_to(theirs, citizen)
        assert history_of(ours, citizen) == history_of(theirs, citizen)
        mine, other = order_for(ours, citizen), order_for(theirs, citizen)
        assert mine.keys() == other.keys()
        np.testing.assert_allclose([mine[item] for item in other], list(other.values()), rtol=1e-12)
