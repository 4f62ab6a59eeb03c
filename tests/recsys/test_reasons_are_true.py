"""Five hundred feeds of a town, every reason in them recomputed from the raw events: one that is false fails."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from content_store import citizens, clock, contents, events, history
from content_store.db import Database
from content_store.events import Event
from content_store.hot.memory import MemoryHot
from content_store.vocabulary import ContentStatus, EventKind, Prefecture, Topic
from recsys.active import ActiveModels
from recsys.feed import Ask, Feed, Slot
from recsys.follower import Follower
from recsys.reasons import ReasonCode
from recsys.snapshots import SnapshotStore
from tests.conftest import NOON
from tests.support.true_reasons import HOUR, Checker, Records

FEEDS = 500
CITIZENS, CONTENTS = 90, 150
DAY = 24 * HOUR
PLACES = (Prefecture.CHENGDU, Prefecture.ZIGONG, Prefecture.ABA)
MORE = (EventKind.LIKE, EventKind.SAVE, EventKind.FOLLOW, EventKind.IMPRESSION, EventKind.SHARE)
EDITED = "c007"


@dataclass
class Town:
    """Citizens of every sort, contents of every topic, and what they do with each other, drawn by ``dice``."""

    database: Database
    dice: random.Random = field(default_factory=lambda: random.Random(2025))
    _count: int = 0

    def settle(self) -> None:
        """Store the citizens, one in nine a minor and one in nine with personalisation off, and the contents."""
        topics = list(Topic)
        with self.database.begin() as connection:
            for number in range(CITIZENS):
                citizens.create(
                    connection,
                    id=f"u{number:03d}",
                    prefecture=self.dice.choice([*PLACES, None]),
                    birth_year=2012 if number % 9 == 0 else self.dice.choice([None, 1980]),
                    personalised=number % 9 != 1,
                )
            for number in range(CONTENTS):
                contents.create(
                    connection,
                    id=f"c{number:03d}",
                    title=f"第{number}篇",
                    status=ContentStatus.PUBLISHED,
                    topic=None if number % 25 == 0 else topics[number % 8 if number % 3 else number % len(topics)],
                    author=f"作者{number % 30}",
                    published_at=None if number % 20 == 3 else NOON - self.dice.randrange(HOUR, 12 * DAY),
                )

    def live(self, begin: int, end: int, count: int) -> None:
        """``count`` visits at times from ``begin`` to before ``end`` (epoch ms), stored as they happened."""
        times = sorted(self.dice.randrange(begin, end - 60_000) for _ in range(count))
        self.store([event for at in times for event in self.visit(f"u{self.dice.randrange(CITIZENS):03d}", at)])

    def visit(self, citizen: str, at: int) -> list[Event]:
        """One content opened by ``citizen`` at ``at``, and what came of it, in the order in which it is told.

        Each shelf has readers of its own.
        """
        shelf = int(citizen[1:]) % 4
        pool = range(CONTENTS) if self.dice.random() < 0.3 else range(shelf * 12, shelf * 12 + 18)
        content, turn = f"c{self.dice.choice(pool):03d}", self.dice.random()
        if turn < 0.06:
            done = [(self.dice.choice(MORE), at)]  # without having opened it
        elif turn < 0.12:
            done = [(EventKind.NOT_INTERESTED, at)]
        elif turn < 0.17:
            # Dismissed on the article's own page: the reading, which began before, is told when the page is left.
            done = [(EventKind.CLICK, at), (EventKind.NOT_INTERESTED, at + 9_000), (EventKind.READ, at + 100)]
        else:
            done = [(EventKind.CLICK, at), (EventKind.READ, at + 100)][self.dice.randrange(2) :]
            if self.dice.random() < 0.2:
                done.append((self.dice.choice(MORE), at + 20_000))
        region = self.dice.choice([None, None, None, *PLACES])
        return [self._event(citizen, content, kind, when, region) for kind, when in done]

    def _event(self, citizen: str, content: str, kind: EventKind, at: int, region: str | None) -> Event:
        self._count += 1
        return Event(id=f"e{self._count}", citizen_id=citizen, content_id=content, kind=kind, at=at, region=region)

    def store(self, happened: list[Event]) -> None:
        """Append events in this order."""
        with self.database.begin() as connection:
            events.append(connection, happened)

    def move_in(self, citizen: str) -> None:
        """A guest comes, of whom nothing is known, or no more than where they live."""
        if home := self.dice.choice([*PLACES, None]):
            with self.database.begin() as connection:
                citizens.create(connection, id=citizen, prefecture=home)


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[None]:
    with clock.fixed(NOON):
        yield


@pytest.fixture
def town(database: Database) -> Town:
    """A town with ten days of the past."""
    town = Town(database)
    town.settle()
    town.live(NOON - 10 * DAY, NOON - DAY, 900)
    return town


@pytest.fixture
def feed(town: Town, tmp_path: Path) -> Feed:
    """A feed that began with the past and followed the last day event by event; lots and an editor's place in it."""
    follower = Follower(town.database)
    town.live(NOON - DAY, NOON - HOUR, 500)
    town.live(NOON - HOUR, NOON, 400)
    follower.catch_up()
    models = ActiveModels(SnapshotStore(tmp_path / "snapshots"), follower, town.database)
    dice = random.Random(11)
    return Feed(follower, models, MemoryHot(), slots=lambda region, topic: [Slot(4, EDITED)], dice=lambda: dice)


def test_no_reason_in_five_hundred_feeds_is_false(town: Town, feed: Feed) -> None:
    dice, records = random.Random(3), Records(town.database, clock.today().year)
    told: Counter[ReasonCode] = Counter()
    told_of_silent: Counter[ReasonCode] = Counter()
    cursors: list[tuple[str, str]] = []
    false: list[str] = []
    for number in range(FEEDS):
        now = NOON + number * 1_000
        with clock.fixed(now):
            citizen = f"u{dice.randrange(CITIZENS):03d}" if dice.random() < 0.85 else f"guest{number}"
            if citizen.startswith("guest"):
                town.move_in(citizen)
            else:
                _act(town, citizen, now, dice)
            ask = Ask(citizen, dice.choice([8, 12, 20]), topic=dice.choice([None, None, None, *Topic]))
            if cursors and dice.random() < 0.3:
                citizen, cursor = cursors.pop(dice.randrange(len(cursors)))
                ask = Ask(citizen, 12, cursor)
            feed._follower.catch_up()
            page = feed.page(ask)
            records.refresh()
            checker = Checker(records, citizen, now, [EDITED])
            if page.cursor is not None:
                cursors.append((citizen, page.cursor))
        silent = records.person(citizen).silent
        assert page.personalised is not silent
        for entry in page.entries:
            (told_of_silent if silent else told)[entry.why.code] += 1
            what = checker.falsehood(entry)
            false += [f"{number} {citizen} {entry.id} {entry.why}: {what}"] if what else []
    assert false == []
    # All that can be said was said, and of some nothing that rests on what they read.
    assert set(told) == set(ReasonCode)
    personal = {ReasonCode.BECAUSE_READ, ReasonCode.USUAL_TOPIC, ReasonCode.NEW_TOPIC}
    assert set(told_of_silent) == set(ReasonCode) - personal


def _act(town: Town, citizen: str, now: int, dice: random.Random) -> None:
    """Something that ``citizen`` does a moment before they ask."""
    turn = dice.random()
    if turn < 0.3:
        town.store(town.visit(citizen, now - 500))
    elif turn < 0.36:
        with town.database.begin() as connection:
            before = citizens.get(connection, citizen)
            citizens.update(connection, citizen, personalised=not before.personalised)
    elif turn < 0.46:
        with town.database.begin() as connection:
            read = [met.content_id for met in history.latest(connection, citizen, 30)]
            for content in dice.sample(read, min(len(read), 4)):
                history.forget(connection, citizen, content)
