"""A small town to be looked at in a browser: shelves of articles, readers who keep to theirs, and trained models."""

from __future__ import annotations

import random
from collections.abc import Sequence

from content_store import citizens, clock, contents, events
from content_store.db import open_database
from content_store.events import Event
from content_store.settings import Settings
from content_store.vocabulary import ContentStatus, EventKind, Topic
from recsys.features.records import read_articles, read_dataset
from recsys.snapshots import store_of
from recsys.training import Material, Training, default_builders
from tests.support.served_log import LEARNT, quick_ranker

SHELVES: Sequence[Topic] = (Topic.SPACE, Topic.ENERGY, Topic.ECOLOGY, Topic.DAILY, Topic.AGRICULTURE, Topic.INFO_TECH)
BOOKS, READERS = 14, 180
SENTENCE = "这一段讲清楚一件事：先看现象，再问为什么，最后说怎么办。"
BODY = "\n\n".join(["## 小标题", *[SENTENCE * 4] * 4])
"""About 430 characters: half of the time that they take is 26 s, and they fill more than a phone's screen."""
ENOUGH_S = 40


def shelf_of(id: str) -> Topic:
    """The topic of an article by its id."""
    return SHELVES[int(id[1])]


def title(id: str) -> str:
    """The title of an article by its id."""
    return f"{shelf_of(id).label}里的第{int(id[2:])}个为什么"


def make(settings: Settings) -> str:
    """Store the town where ``settings`` say, train on it, and return the version of its snapshot."""
    database, dice, now = open_database(settings), random.Random(4), clock.now_ms()
    ids = [f"a{shelf}{book:02d}" for shelf in range(len(SHELVES)) for book in range(BOOKS)]
    out = {id: now - dice.randrange(9 * clock.DAY_MS, 14 * clock.DAY_MS) for id in ids}
    with database.begin() as connection:
        for id in ids:
            contents.create(
                connection,
                id=id,
                title=title(id),
                summary=f"用两分钟说清{shelf_of(id).label}里一件大家常问的事。",
                body=BODY,
                status=ContentStatus.PUBLISHED,
                topic=shelf_of(id),
                source="测试科普站",
                author=f"作者{id}",
                published_at=out[id],
            )
    rows = []
    for reader in range(READERS):
        own = [id for id in ids if int(id[1]) == reader % len(SHELVES)]
        for id in dice.sample(own, 7) + dice.sample(ids, 1):
            at = now - dice.randrange(clock.DAY_MS, 8 * clock.DAY_MS)
            rows.append((at, f"reader{reader:03d}", id))
    with database.begin() as connection:
        citizens.ensure(connection, sorted({row[1] for row in rows}))
        told = [
            Event(id=f"e{number}", citizen_id=who, content_id=what, kind=EventKind.READ, at=at)
            for number, (at, who, what) in enumerate(sorted(rows))
        ]
        events.append(connection, told)
    training = Training(store_of(settings), LEARNT, builders=[*default_builders(LEARNT), quick_ranker()])
    known = Material(read_dataset(database, now, LEARNT.interest), read_articles(database))
    trained = training.run(lambda: known, force="what the gate thinks of it is no matter here")
    database.close()
    assert trained.snapshot is not None
    assert "ranker" in trained.snapshot.models
    return trained.snapshot.version
