"""How the simulated town reads, an hour at a time; `reading.py` says which hidden factors are at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from content_store import clock
from content_store.vocabulary import EventKind
from web.demo.articles import HOUR_MS, DemoArticle
from web.demo.townsfolk import Floats, Ints, Townsfolk
from web.demo.traits import STYLES, TRAITS

Mask = NDArray[np.bool_]

LONGEST_VISIT = 12
"""Articles passed by in a visit, at most."""
MOST_OPENED = 4
"""Articles opened in a visit, at most."""
TELLING_HALF_LIFE_H = 24.0
"""How long what a friend told stays in mind."""
LONGEST_DWELL_MS = 900_000

_PRACTICAL, _STORY, _WONDER, _CRAFT, _PRIDE = map(STYLES.index, ("practical", "story", "wonder", "craft", "pride"))


class Shelf(NamedTuple):
    """The articles as columns; ``home`` is the prefecture's code or None, ``length`` counts characters."""

    id: NDArray[np.object_]
    published_at: Ints
    traits: Floats
    hook: Floats
    ease: Floats
    home: NDArray[np.object_]
    length: Ints


def shelve(articles: Sequence[DemoArticle], now_ms: int) -> Shelf:
    """The ``articles`` of a demo that begins at ``now_ms`` (epoch ms); all of them have hidden traits."""
    rows = [TRAITS[article.id] for article in articles]
    return Shelf(
        id=np.array([article.id for article in articles], object),
        published_at=np.array([now_ms - article.age_ms for article in articles]),
        traits=np.array([row[: len(STYLES)] for row in rows], float),
        hook=np.array([row.hook for row in rows]),
        ease=np.array([row.ease for row in rows]),
        home=np.array([article.place and article.place[:4] + "00" for article in articles], object),
        length=np.array([len(article.body) for article in articles]),
    )


class Shown(NamedTuple):
    """The visits of an hour: visits × places, each place an article passed by; ``dwell`` and ``scroll`` if opened."""

    citizen: Ints
    visit: Ints
    article: Ints
    real: Mask
    opened: Mask
    pleasure: Floats
    dwell: Ints
    scroll: Floats


@dataclass(slots=True)
class Diary:
    """Columns of events, a piece for each hour and kind; citizens and articles by their rows, ``at`` in epoch ms."""

    kind: list[EventKind] = field(default_factory=list)
    citizen: list[Ints] = field(default_factory=list)
    article: list[Ints] = field(default_factory=list)
    visit: list[Ints] = field(default_factory=list)
    at: list[Ints] = field(default_factory=list)
    dwell: list[Ints] = field(default_factory=list)
    scroll: list[Floats] = field(default_factory=list)

    def add(self, kind: EventKind, shown: Shown, where: Mask, at: Ints) -> None:
        """Note those of ``shown`` at ``where``, at the times ``at`` (same shape)."""
        self.kind.append(kind)
        self.citizen.append(np.broadcast_to(shown.citizen[:, None], where.shape)[where])
        self.visit.append(np.broadcast_to(shown.visit[:, None], where.shape)[where])
        self.article.append(shown.article[where])
        self.at.append(at[where])
        self.dwell.append(shown.dwell[where])
        self.scroll.append(shown.scroll[where])


class Town:
    """The state of the town: who has opened what, and what friends are talking about."""

    def __init__(self, rng: np.random.Generator, folk: Townsfolk, shelf: Shelf) -> None:
        self.rng, self.folk, self.shelf = rng, folk, shelf
        shape = (folk.speed.size, shelf.id.size)
        self.done: Mask = np.zeros(shape, bool)
        self.told: Floats = np.zeros(shape)
        self.busy_until: Ints = np.zeros(shape[0], np.int64)
        self.visits = 0
        slow = (360 - folk.speed).clip(0, None) / 120
        near = folk.home[:, None] == shelf.home[None, :]
        pride = 0.7 * near * (0.5 + folk.taste[:, [_PRIDE]])
        self.leaning = pride - slow[:, None] * (0.8 - shelf.ease)[None, :].clip(0, None)

    def live_through(self, start_ms: int, diary: Diary) -> None:
        """Let one hour pass, from ``start_ms`` (epoch ms) on, and note in ``diary`` what happens."""
        self.told *= 0.5 ** (1 / TELLING_HALF_LIFE_H)
        day = clock.day_of(start_ms)
        hour = (start_ms - clock.start_of_day_ms(day)) // HOUR_MS
        chance = self.folk.visits * self.folk.rhythm[:, int(day.weekday() >= 5), hour]
        visitors = np.flatnonzero((self.rng.random(chance.size) < chance) & (self.busy_until <= start_ms))
        if not visitors.size:
            return
        shown = self._visit(visitors, start_ms, hour)
        self._note(shown, start_ms, diary)
        glad = shown.opened & (shown.pleasure > 0.6) & (shown.scroll > 0.7)
        self._tell(np.broadcast_to(visitors[:, None], glad.shape)[glad], shown.article[glad])

    def _visit(self, visitors: Ints, start_ms: int, hour: int) -> Shown:
        """What each visitor passes by, opens, and how the reading goes."""
        rng = self.rng
        places = rng.integers(3, LONGEST_VISIT + 1, visitors.size)
        absent = self.done[visitors] | (self.shelf.published_at > start_ms)
        told = self.told[visitors]
        lot = rng.gumbel(size=absent.shape) + 1.5 * told
        lot[absent] = -np.inf
        article = np.argsort(-lot, axis=1)[:, :LONGEST_VISIT]
        rows = np.arange(visitors.size)[:, None]
        real = (np.arange(article.shape[1]) < places[:, None]) & ~absent[rows, article]
        liking = self._liking(visitors, hour)[rows, article]
        draw = liking + 1.1 * told[rows, article].clip(0, 1.5) + self.shelf.hook[article] - 1.15
        opened = real & (rng.random(real.shape) < 1 / (1 + np.exp(-draw)))
        opened &= np.cumsum(opened, axis=1) <= MOST_OPENED
        pleasure = 0.8 * liking + rng.normal(0, 0.5, liking.shape)
        dwell, scroll = self._read(visitors, article, pleasure)
        visit = self.visits + np.arange(visitors.size)
        self.visits += visitors.size
        return Shown(visitors, visit, article, real, opened, pleasure, dwell, scroll)

    def _liking(self, visitors: Ints, hour: int) -> Floats:
        """Visitors × articles: how well each article suits at this local hour, around zero."""
        night = 0.5 - 0.5 * np.cos((hour - 10) / 24 * 2 * np.pi)  # 0 at ten in the morning, 1 at ten at night
        mood = np.ones(len(STYLES))
        mood[_PRACTICAL] = 1.3 - 0.6 * night
        mood[[_STORY, _WONDER]] = 0.7 + 0.6 * night
        suits = (self.folk.taste[visitors] * mood) @ (self.shelf.traits - self.shelf.traits.mean(0)).T
        liking: Floats = 0.55 * suits + self.leaning[visitors]
        return liking

    def _read(self, visitors: Ints, article: Ints, pleasure: Floats) -> tuple[Ints, Floats]:
        """The time in ms that reading takes and how far it goes: to the end, or given up early out of displeasure."""
        rng = self.rng
        gives_up = rng.random(article.shape) < 0.12 + 0.25 / (1 + np.exp(3 * pleasure))
        scroll = np.where(gives_up, rng.beta(1.3, 4, article.shape), rng.beta(9, 1, article.shape))
        pace = rng.lognormal(0, 0.25, article.shape)
        minutes = self.shelf.length[article] * scroll / self.folk.speed[visitors][:, None] * pace
        dwell = (60_000 * minutes + rng.integers(1_200, 4_000, article.shape)).clip(max=LONGEST_DWELL_MS)
        return dwell.astype(np.int64), scroll.round(2)

    def _note(self, shown: Shown, start_ms: int, diary: Diary) -> None:
        """Put the visits on the clock, place after place, and note the events."""
        rng, shape = self.rng, shown.real.shape
        begin = start_ms + rng.integers(0, HOUR_MS, shown.citizen.size)
        glance = rng.integers(900, 6_000, shape)
        react = rng.integers(800, 5_000, shape)
        left = begin[:, None] + np.cumsum(glance + np.where(shown.opened, 600 + shown.dwell + react, 0), axis=1)
        seen = left - glance - np.where(shown.opened, 600 + shown.dwell + react, 0)
        opening, reading = seen + glance, seen + glance + 600
        moved = 1 / (1 + np.exp(-2.5 * (shown.pleasure - 1)))
        useful = self.shelf.traits[:, [_PRACTICAL, _CRAFT]].sum(1)[shown.article] / 3
        finished = shown.opened & (shown.scroll > 0.6)
        liked = finished & (rng.random(shape) < 0.3 * moved)
        saved = finished & (rng.random(shape) < 0.16 * useful * moved)
        refused = shown.real & ~shown.opened & (rng.random(shape) < 0.05 / (1 + np.exp(3 * shown.pleasure)))
        diary.add(EventKind.IMPRESSION, shown, shown.real, seen)
        diary.add(EventKind.CLICK, shown, shown.opened, opening)
        diary.add(EventKind.READ, shown, shown.opened, reading)
        diary.add(EventKind.LIKE, shown, liked, reading + shown.dwell + react // 2)
        diary.add(EventKind.SAVE, shown, saved, reading + shown.dwell + react)
        diary.add(EventKind.NOT_INTERESTED, shown, refused, opening)
        gone = shown.opened | refused
        self.done[np.broadcast_to(shown.citizen[:, None], shape)[gone], shown.article[gone]] = True
        self.busy_until[shown.citizen] = left[:, -1]

    def _tell(self, who: Ints, article: Ints) -> None:
        """Let some of the friends of each of ``who`` hear of the ``article`` beside it."""
        friends, position = self.folk.friends_of(who)
        heard = self.rng.random(friends.size) < 0.5
        np.add.at(self.told, (friends[heard], article[position[heard]]), 0.8)
