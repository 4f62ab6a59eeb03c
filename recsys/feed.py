"""The feed, page by page. Read this first.

    candidates → ranking     ``Ranking``: every source brings its best, the ranker orders them
    → the catalogue          ``Catalogue``: whatever else is live follows, newest first, so that all can be reached
    → variety, exploration   ``choose``: at most 2 of a topic and 1 of an author in any 5; now and then one drawn by lot
    → editors' places        ``Slots``: what an editor put in a place stands there
    → reasons                ``reasons``: why each item is here, in words that the log bears out

Page 1 ranks anew; later pages go on with what remained of it (``Rest``, kept as hot state under the cursor) and leave
out what was read, dismissed or withdrawn meanwhile. Nothing is shown twice along a chain of cursors. Where something is
missing (hot state, models, records) the feed goes on without it and says so in ``Page.fallbacks``; it does not fail.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from content_store import clock
from content_store.db import Connection
from content_store.errors import DatabaseError
from content_store.vocabulary import Topic
from recsys.active import ActiveModels
from recsys.catalogue import Catalogue
from recsys.diversity import NO_RULE, PER_AUTHOR, PER_TOPIC, latest
from recsys.exploration import choose
from recsys.features.signals import moment
from recsys.follower import Follower
from recsys.live import HOUR_MS, Live
from recsys.ranking import Ranking
from recsys.reasons import Reason, ReasonCode, reasons
from recsys.slates import Rest, Slates, keep, new_slate, resume

log = logging.getLogger(__name__)

HEAD = 300  # best candidates that a slate keeps in their order
AHEAD = 60  # items to choose from that a page has at least, as long as there are so many
CHUNK = 200  # of the catalogue's order taken at once
LONGEST = 50
_DICE = random.Random()


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for what: a citizen's id, how many items, and either a cursor or, for page 1, maybe a topic."""

    citizen: str
    limit: int = 20
    cursor: str | None = None
    topic: Topic | None = None


@dataclass(slots=True)
class Why:
    """A reason by ids: ``refs`` are contents that it names, ``count`` bears it out, ``region`` is a label."""

    code: ReasonCode
    refs: tuple[str, ...] = ()
    count: int = 0
    region: str | None = None


class Entry(NamedTuple):
    """An item of a page: ``position`` counts from 0 over all pages, ``propensity`` see ``recsys.exploration``."""

    id: str
    why: Why
    position: int
    propensity: float


@dataclass(frozen=True, slots=True)
class Page:
    """``cursor`` is None after the last page; ``personalised``: whether the citizen's own reading may speak.

    ``slate`` names the list that the page is of; ``fallbacks`` what had to be done without; ``changed`` the cursor of
    ``changes`` as the records were read for it, None where they were not.
    """

    entries: tuple[Entry, ...]
    cursor: str | None
    slate: str
    snapshot: str | None
    personalised: bool
    fallbacks: tuple[str, ...] = ()
    changed: int | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """An editor's place: this content stands at ``position`` (from 0) of page 1."""

    position: int
    id: str


class Slots(Protocol):
    """What editors place, for someone in ``region`` (a label, None unknown) who asks for ``topic``."""

    def __call__(self, region: str | None, topic: Topic | None) -> Sequence[Slot]: ...


def no_slots(region: str | None, topic: Topic | None) -> Sequence[Slot]:
    """No editor has placed anything."""
    return ()


class Feed:
    """Feeds over what ``follower`` and ``models`` know; ``dice`` makes the lots of a page (None: none are drawn)."""

    def __init__(
        self,
        follower: Follower,
        models: ActiveModels,
        slates: Slates,
        *,
        slots: Slots = no_slots,
        dice: Callable[[], random.Random | None] = lambda: _DICE,
    ) -> None:
        self._follower, self._models, self._slates = follower, models, slates
        self._slots, self._dice = slots, dice
        self._catalogue = Catalogue(follower)

    def page(self, ask: Ask, connection: Connection | None = None) -> Page:
        """The page that ``ask`` asks for, by a ``connection`` to the records where the caller has one already.

        Raises BadCursor for a cursor that nobody was given.
        """
        try:
            cursor = self._follower.hear(ask.citizen, connection).cursor
        except DatabaseError:
            return self._made(ask, ["records"], None)
        return self._made(ask, [], None, cursor)

    def page_without_records(self, ask: Ask, told: Collection[str]) -> Page:
        """The same while the records are out of reach: of the contents ``told`` alone, and without a page after it.

        What is passed over for want of its title would be missing along a chain of cursors. Raises BadCursor.
        """
        return self._made(ask, ["records"], told)

    def _made(self, ask: Ask, fallbacks: list[str], told: Collection[str] | None, changed: int | None = None) -> Page:
        begun = ask.cursor is None
        resumed = None if ask.cursor is None else resume(self._slates, ask.citizen, ask.cursor)
        fallbacks += [] if resumed is None or resumed.found else ["slate"]
        with self._follower.lock:
            user, hour = self._follower.place_of_citizen(ask.citizen), clock.now_ms() / HOUR_MS
            if resumed is None:
                rest = self._begin(user, hour, ask.topic, fallbacks)
            else:
                rest = resumed.placed(self._slates, self._follower)
            entries, rest = _Serving(self, user, hour, rest, told).page(min(ask.limit, LONGEST), begun)
            personalised = user not in self._follower.live.unprofiled
        cursor = None
        if told is None and not (rest.done and not rest.head):
            cursor, kept = keep(self._slates, self._follower, ask.citizen, rest, first=begun)
            fallbacks += [] if kept else ["hot"]
        return Page(tuple(entries), cursor, rest.slate, rest.snapshot, personalised, tuple(fallbacks), changed)

    def order(self, user: int, hour: float, topic: Topic | None = None) -> NDArray[np.intp]:
        """Positions in the served order, before variety, editors' places and lots; call under the follower's lock."""
        live = self._follower.live
        within = None if topic is None else live.static.topic[: live.items] == self._follower.topic_code(topic)
        return Ranking(live, self._models.slow, self._models.ranker).rank(user, hour, within).items

    def _begin(self, user: int, hour: float, topic: Topic | None, fallbacks: list[str]) -> Rest:
        """Rank anew: what there is to show."""
        snapshot = self._models.version
        if self._models.slow is None:
            fallbacks.append("snapshot")
        elif self._models.ranker is None:
            fallbacks.append("ranker")
        try:
            order = self.order(user, hour, topic)[:HEAD].tolist()
        except Exception:  # a citizen gets a page whatever goes wrong in here; the log tells
            log.exception("the ranking failed; the newest serve instead")
            fallbacks.append("ranking")
            order, snapshot = [], None
        return Rest(new_slate(), hour, topic, snapshot, head=order, ranked=frozenset(order))

    def related(self, id: str, citizen: str, limit: int = 6) -> list[str]:
        """Ids of live items near the content ``id``, the nearest first, none that ``citizen`` met; empty if unknown."""
        with self._follower.lock:
            place = self._follower.place_of_item(id)
            if place is None:
                return []
            live, hour = self._follower.live, clock.now_ms() / HOUR_MS
            open_items = live.open_items(self._follower.place_of_citizen(citizen), hour)
            open_items[place] = False
            near = Ranking(live, self._models.slow, None).near(place, hour)
            same = live.static.topic[: live.items] == live.static.topic[place]
            near = near + np.where(same, 0.5, 0.0) + live.popular.score("7d", hour)[: live.items] * 1e-6
            found = np.flatnonzero(open_items)
            best = found[np.argsort(-near[found], kind="stable")[:limit]]
            return [self._follower.items[item] for item in best.tolist()]


_Chosen = tuple[int, float, ReasonCode | None]


class _Serving:
    """One page in the making; lives under the follower's lock."""

    def __init__(self, feed: Feed, user: int, hour: float, rest: Rest, told: Collection[str] | None) -> None:
        self._feed, self._user, self._hour, self._rest = feed, user, hour, rest
        self._follower = feed._follower
        self._live: Live = self._follower.live
        self._open = self._live.open_items(user, hour)
        if rest.topic is not None:
            self._open &= self._live.static.topic[: self._live.items] == self._follower.topic_code(rest.topic)
        if told is not None:
            known = np.zeros(self._open.size, bool)
            known[[place for place in self._follower.places_of_items(told).tolist() if place < known.size]] = True
            self._open &= known
        self._tail, self._done = rest.tail, rest.done
        # Another process may have told of what has no place in the fast layer here yet.
        head = np.array([place for place in rest.head if place < self._live.items], np.intp)
        self._pool: NDArray[np.intp] = head[self._open[head]]
        self._last = latest(self._codes(place) for place in rest.last if place < self._live.items)
        self._most = np.array([NO_RULE if rest.topic is not None else PER_TOPIC, PER_AUTHOR])

    def page(self, limit: int, first: bool) -> tuple[list[Entry], Rest]:
        """The next ``limit`` items and what remains after them."""
        slots = {slot.position: place for slot in self._placed(first) if (place := self._slot(slot)) is not None}
        dice = self._feed._dice() if self._rest.slate else None
        chosen: list[_Chosen] = []
        while len(chosen) < limit:
            at = len(chosen)
            if at in slots:
                self._last = latest([*self._last.T, self._codes(slots[at])])
                chosen.append((slots[at], 1.0, ReasonCode.EDITORS))
                continue
            until = min((place for place in slots if at < place < limit), default=limit)
            found = self._next(range(self._rest.shown + at, self._rest.shown + until), limit - at, dice)
            if not found:
                break
            chosen += found
        entries = self._entries(chosen)
        last = [*self._rest.last, *[place for place, _, _ in chosen]][-4:]
        shown = self._rest.shown + len(entries)
        head = self._pool.tolist()
        rest = replace(self._rest, shown=shown, head=head, last=last, tail=self._tail, done=self._done)
        return entries, rest

    def _placed(self, first: bool) -> Sequence[Slot]:
        return self._feed._slots(self._region(), self._rest.topic) if first else ()

    def _slot(self, slot: Slot) -> int | None:
        """The position of what an editor placed, taken out of the pool; None where it may not be shown here."""
        place = self._follower.place_of_item(slot.id)
        if place is None or not self._open[place]:
            return None
        self._pool = self._pool[self._pool != place]
        self._open[place] = False
        self._rest = replace(self._rest, ranked=self._rest.ranked | {place})
        return place

    def _next(self, places: range, wanted: int, dice: random.Random | None) -> list[_Chosen]:
        """What comes in the ``places`` of the list, or in the first of them; nothing where nothing is left."""
        # Without a slate what is in the pool after this page would be lost, so that no more than the page is taken.
        ahead, most = (AHEAD, CHUNK) if self._rest.slate else (1, wanted)
        while True:
            while self._pool.size < ahead and self._refill(most):
                pass
            # What variety forbids may come only when nothing else remains.
            least = 0 if self._done or not self._rest.slate else ahead
            codes = np.array([self._live.static.topic[self._pool], self._live.static.author[self._pool]], np.int32)
            choices = list(choose(codes, self._last, self._most, places, dice, least))
            if choices or not least:
                break
            self._refill(CHUNK)
        taken = [choice.place for choice in choices]
        found = zip(self._pool[taken].tolist(), choices, strict=True)
        self._pool = np.delete(self._pool, taken)
        return [(place, each.propensity, ReasonCode.EXPLORED if each.drawn else None) for place, each in found]

    def _refill(self, most: int) -> bool:
        """Take ``most`` more of the catalogue's order into the pool; False where it has come to its end."""
        if self._done:
            return False
        found, key = self._feed._catalogue.after(self._tail, self._rest.hour, most)
        if key is None:
            self._done = True
            return False
        self._tail = key
        ranked = self._rest.ranked
        new = np.array([place for place in found.tolist() if place not in ranked], np.intp)
        self._pool = np.append(self._pool, new[self._open[new]])
        return True

    def _codes(self, place: int) -> tuple[int, int]:
        return int(self._live.static.topic[place]), int(self._live.static.author[place])

    def _region(self) -> str | None:
        code = int(self._live.region[self._user]) if self._user < self._live.region.size else -1
        return self._follower.regions[code] if code >= 0 else None

    def _entries(self, chosen: Sequence[_Chosen]) -> list[Entry]:
        places = np.array([place for place, _, _ in chosen], np.intp)
        found = reasons(self._live, moment(self._live, self._user, self._hour), places)
        ids, region = self._follower.items, self._region()
        return [
            Entry(ids[place], Why(code) if code is not None else _told(reason, region, ids), at, propensity)
            for at, ((place, propensity, code), reason) in enumerate(zip(chosen, found, strict=True), self._rest.shown)
        ]


def _told(reason: Reason, region: str | None, ids: Sequence[str]) -> Why:
    refs = tuple([ids[ref] for ref in reason.refs])
    return Why(reason.code, refs, reason.count, region if reason.code is ReasonCode.HOT_NEAR else None)
