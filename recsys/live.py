"""The fast layer: what every serving process knows of the last minutes, as state, update and scores.

Each process follows the event log and feeds it here, event by event; nothing else is needed to rebuild the state. A
citizen's own event therefore acts in their next request. Times are hours (float64 epoch milliseconds ÷ 3.6e6).

An event may arrive late. Counters, and since when an item is out, go by its own time; its contact still stands last in
its citizen's chain and in the log, for both are kept in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from content_store.vocabulary import NEGATIVE_KINDS, READING_KINDS, EventKind
from recsys.features.log import KINDS
from recsys.kernels import counted_there, open_of
from recsys.live_views import Views
from recsys.met import BEFORE, REFUSED, UNMET, Met
from recsys.models.covisit import WINDOW, Covisit
from recsys.models.growing import grown
from recsys.models.popular import Popular
from recsys.static import Static as Static
from recsys.tally import Tally

RECENT = 500_000  # newest events that make the fast layer; what a citizen met before them stays hidden all the same
HOUR_MS = 3.6e6
NEVER = -np.inf
NOBODY = 2**31 - 1  # a position that no citizen has

_SHOWN, _FOLLOW = KINDS.index(EventKind.IMPRESSION), KINDS.index(EventKind.FOLLOW)
_IS_READ = tuple(kind in READING_KINDS for kind in KINDS)
_IS_NEGATIVE = tuple(kind in NEGATIVE_KINDS for kind in KINDS)
_REFUSES = np.array(_IS_NEGATIVE)
_NOTHING: set[int] = set()  # what a citizen without refusals or follows has of them; never added to


class Live:
    """State of the fast layer. Citizens and items are positions (int); ids are the caller's.

    A citizen's position that is negative or beyond all of them is nobody's: a guest without events. Both grow with what
    is told of them; arrays over items may be longer than ``items``.
    """

    def __init__(self, static: Static, users: int = 0) -> None:
        items = static.topic.size
        self.static = static.copy()
        self.topics = int(static.topic.max(initial=-1)) + 1
        self.items = items
        self.popular = Popular(items)
        self.covisit = Covisit()
        self.published = np.full(items, np.inf)
        self.first = np.full(items, np.inf)  # contact
        self.born = np.full(items, np.inf)  # the earlier of the two
        self.withdrawn = np.zeros(items, bool)
        self.last = np.full(items, NEVER)
        self.readers = np.zeros(items)
        self.engaged = np.zeros(items)
        self.engaged_at = np.zeros(items)
        self.follows_topic = np.zeros((self.topics + 1, self.topics + 1))  # the last ones: unknown
        self.became_read = 0  # how many contacts were no reads at first
        self._tallies: dict[int, Tally] = {}
        # Per citizen.
        self.met = Met()
        self.refused: dict[int, dict[int, float]] = {}  # and when
        self.followed: dict[int, set[int]] = {}
        self.unprofiled: set[int] = set()
        self.forgotten: dict[int, frozenset[int]] = {}  # items that may not speak for them, see ``history``
        self.seen_at = np.zeros(0)
        self.region = np.zeros(0, np.int32)
        self.device = np.zeros(0, np.int32)
        # Per place in the log of first contacts.
        self.place_region = np.zeros(0, np.int32)
        self.place_device = np.zeros(0, np.int32)
        self.place_age = np.zeros(0, np.float32)
        self.place_share = np.zeros(0, np.float32)
        self.place_read = np.zeros(0, bool)
        self.place_newest = np.zeros(0)  # the latest hour up to and at this place: unlike the hours, it never falls
        self.arrays_replaced()
        self.grow(users)

    def arrays_replaced(self) -> None:
        """Must follow whenever an array of this object gives way to another one."""
        self._one = Views(self)
        self._by_birth: NDArray[np.intp] | None = None  # items, the newest first; made anew when one is born

    def grow(self, users: int, items: int = 0) -> None:
        """Make room for citizens ``0 … users - 1`` and items ``0 … items - 1``."""
        if items > self.items:
            self._grow_items(items)
        users = max(users, len(self.met))
        self.covisit.grow(self.items, users)
        self.met.grow(users)
        if users > self.seen_at.size:
            self.seen_at = grown(self.seen_at, users, NEVER)
            self.region, self.device = grown(self.region, users, -1), grown(self.device, users, -1)
            self.arrays_replaced()

    def _grow_items(self, items: int) -> None:
        self.items = items
        self.popular.grow(items)
        if items > self.born.size:
            self.static = self.static.grown(items)
            self.published, self.first = grown(self.published, items, np.inf), grown(self.first, items, np.inf)
            self.born, self.last = grown(self.born, items, np.inf), grown(self.last, items, NEVER)
            self.withdrawn, self.readers = grown(self.withdrawn, items, False), grown(self.readers, items, 0)
            self.engaged, self.engaged_at = grown(self.engaged, items, 0), grown(self.engaged_at, items, 0)
            self.arrays_replaced()

    def _admit(self, item: int) -> None:
        if item < 0:
            raise ValueError(f"no item has the position {item}")
        if item >= self.items:
            self.grow(0, item + 1)

    def describe(
        self,
        item: int,
        *,
        topic: int | None = None,
        author: int | None = None,
        created: float | None = None,
        words: float | None = None,
        private: bool | None = None,
    ) -> None:
        """Tell or correct what is known of ``item``, see ``Static``; None leaves a value as it is.

        What was read before counts as of the corrected topic from now on. Raises ValueError on a negative position.
        """
        self._admit(item)
        if private and self.static.private is None:
            self.static = replace(self.static, private=np.zeros(self.static.topic.size, bool))
        told = {"author": author, "created": created, "words": words, "private": private}
        for name, value in told.items():
            known = getattr(self.static, name)
            if value is not None and known is not None:
                known[item] = value
        if topic is not None and topic != self.static.topic[item]:
            self._change_topic(item, topic)

    def _change_topic(self, item: int, topic: int) -> None:
        if topic >= self.topics:
            old, self.topics = self.follows_topic, topic + 1
            self.follows_topic = np.zeros((self.topics + 1, self.topics + 1))
            kept = np.append(np.arange(len(old) - 1), self.topics)
            self.follows_topic[np.ix_(kept, kept)] = old
        if self.covisit.of_item[item]:
            self._recount_topic(item, topic)
        self.static.topic[item] = topic

    def _recount_topic(self, item: int, topic: int) -> None:
        """Count what was met before and after ``item`` as if ``topic`` had been its topic."""
        place = self.covisit.with_item(item)
        after = self.covisit.next[place]
        after = after[after >= 0]
        before = self._topic_before(place)
        following = self.static.topic[self.covisit.item[after]]
        for code, change in ((int(self.static.topic[item]), -1), (topic, 1)):
            np.add.at(self.follows_topic[:, code], before, change)
            np.add.at(self.follows_topic[code], following, change)

    def _topic_before(self, place: NDArray[np.int64]) -> NDArray[np.int32]:
        """The topic of what each citizen met before ``place``, -1 where that is nothing."""
        before = self.covisit.previous[place]
        topic: NDArray[np.int32] = np.where(before >= 0, self.static.topic[self.covisit.item[before]], -1)
        return topic

    def publish(self, item: int, hour: float) -> None:
        """``item`` may be shown from ``hour`` on, though nobody has read it yet, or already before.

        The latest word counts. Raises ValueError on a negative position.
        """
        self._admit(item)
        self.published[item] = hour
        self.born[item] = min(hour, self.first[item])
        self._by_birth = None
        self.withdrawn[item] = False

    def withdraw(self, item: int) -> None:
        """``item`` may not be shown until it is published again. Raises ValueError on a negative position."""
        self._admit(item)
        self.withdrawn[item] = True

    def remember(
        self, user: NDArray[np.int32], item: NDArray[np.int32], hour: NDArray[np.float64], kind: NDArray[np.int8]
    ) -> None:
        """Take in, in bulk, what came before the first ``update``: who met, refused and followed what, and when.

        One entry per event, in the order of time. It hides items and makes no signal; what was met here is met, so that
        reading it again later makes none either. Raises ValueError on a negative position.
        """
        if user.min(initial=0) < 0 or item.min(initial=0) < 0:
            raise ValueError("an event has a negative position")
        contact = kind != _SHOWN
        user, item, hour, kind = user[contact], item[contact], hour[contact], kind[contact]
        self.grow(int(user.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1)
        np.minimum.at(self.first, item, hour)
        np.minimum.at(self.born, item, hour)
        self._by_birth = None
        np.maximum.at(self.last, item, hour)
        np.maximum.at(self.seen_at, user, hour)
        self._remember_pairs(user, item, hour, kind)
        told = _REFUSES[kind] | (kind == _FOLLOW)
        columns = (user[told], item[told], hour[told], kind[told] == _FOLLOW)
        refused: dict[tuple[int, int], float] = {}
        for citizen, place, at, follows in zip(*(column.tolist() for column in columns), strict=True):
            if not follows:
                refused[citizen, place] = at
                self.followed.get(citizen, _NOTHING).discard(place)
            elif at > refused.get((citizen, place), NEVER):  # as in ``_welcome``
                self.followed.setdefault(citizen, set()).add(place)

    def _remember_pairs(
        self, user: NDArray[np.int32], item: NDArray[np.int32], hour: NDArray[np.float64], kind: NDArray[np.int8]
    ) -> None:
        """Note who met and who refused what."""
        pair, owner = np.unique(user * np.int64(self.items) + item, return_inverse=True)
        whom, what = np.divmod(pair, max(self.items, 1))
        welcomed, refused_at = np.full(pair.size, NEVER), np.full(pair.size, NEVER)
        np.maximum.at(refused_at, owner[_REFUSES[kind]], hour[_REFUSES[kind]])
        np.maximum.at(welcomed, owner[~_REFUSES[kind]], hour[~_REFUSES[kind]])
        refused = refused_at >= welcomed
        only = refused & (np.bincount(owner, ~_REFUSES[kind], pair.size) == 0)
        self.met.fill(whom, what, only)
        columns = (whom[refused], what[refused], refused_at[refused])
        for citizen, place, at in zip(*(column.tolist() for column in columns), strict=True):
            self.refused.setdefault(citizen, {})[place] = at

    def update(self, user: int, item: int, hour: float, kind: int, region: int = -1, device: int = -1) -> None:
        """Take in one event; ``kind`` is a position in ``features.log.KINDS``.

        Raises ValueError on a negative position.
        """
        if user < 0 or item < 0:
            raise ValueError(f"an event has the negative position {min(user, item)}")
        if user >= len(self.met) or item >= self.items:
            self.grow(user + 1, item + 1)
        if kind == _SHOWN:
            return
        if _IS_NEGATIVE[kind]:
            self._refuse(user, item, hour)
        else:
            self._welcome(user, item, hour, kind, region, device)
        one = self._one
        if hour >= one.seen_at[user]:
            one.seen_at[user], one.device[user] = hour, device
            if user not in self.unprofiled:  # of the others what they read tells nothing, not even where they are
                one.region[user] = region
        if hour < one.first[item]:
            one.first[item] = hour
            if hour < one.born[item]:
                one.born[item] = hour
                self._by_birth = None
        if hour > one.last[item]:
            one.last[item] = hour

    def _refuse(self, user: int, item: int, hour: float) -> None:
        """Hide ``item`` from ``user`` and forget that it may have been liked or followed."""
        told = self.refused.setdefault(user, {})
        told[item] = max(hour, told.get(item, NEVER))
        self.followed.get(user, _NOTHING).discard(item)
        if self.met.find(user, item) == UNMET:
            self.met.add(user, item, REFUSED)

    def _welcome(self, user: int, item: int, hour: float, kind: int, region: int, device: int) -> None:
        """A sign of interest: the first contact, the first read after another one, or one more."""
        # As in ``features.interest``: a reading that began before the refusal and is told after it takes nothing back.
        refused = self.refused.get(user)
        stands = refused is not None and hour <= refused.get(item, NEVER)
        if refused is not None and not stands:
            refused.pop(item, None)
        is_read = _IS_READ[kind]
        place = self.met.find(user, item)
        if place == UNMET:
            self.met.add(user, item, self._meet(user, item, hour, is_read, region, device))
        elif place == REFUSED:
            self.met.change(user, item, self._meet(user, item, hour, is_read, region, device))
        elif is_read and place != BEFORE and not self._one.place_read[place]:
            self._one.place_read[place] = True
            self.became_read += 1
            self._count_read(item, hour)
        if not is_read:
            self._count_engaged(item, hour)
        if kind == _FOLLOW and not stands:
            self.followed.setdefault(user, set()).add(item)

    def _meet(self, user: int, item: int, hour: float, is_read: bool, region: int, device: int) -> int:
        """Append the first contact to the log; returns its place."""
        share = self.popular.share("30m", item, hour)
        latest = self.covisit.latest.item(user)
        one = self._one
        before = one.topic[self.covisit.item[latest]] if latest >= 0 else -1
        self.follows_topic[before, one.topic[item]] += 1
        place = self.covisit.update(user, item, hour)
        if place >= self.place_read.size:
            self._grow_places(self.covisit.item.size)
            one = self._one
        one.place_region[place], one.place_device[place] = region, device
        one.place_age[place], one.place_share[place] = max(hour - one.born[item], 0.0), share
        one.place_read[place] = is_read
        one.place_newest[place] = max(hour, one.place_newest[place - 1]) if place else hour
        if is_read:
            self._count_read(item, hour)
        return place

    def _count_read(self, item: int, hour: float) -> None:
        self.popular.update(item, hour)
        self._one.readers[item] += 1

    def _count_engaged(self, item: int, hour: float) -> None:
        one = self._one
        then = one.engaged_at[item]
        now = max(then, hour)
        one.engaged[item] = one.engaged[item] * 0.5 ** ((now - then) / 24) + 0.5 ** ((now - hour) / 24)
        one.engaged_at[item] = now

    def _grow_places(self, room: int) -> None:
        self.place_region, self.place_device = grown(self.place_region, room, -1), grown(self.place_device, room, -1)
        self.place_age, self.place_share = grown(self.place_age, room, 0), grown(self.place_share, room, 0)
        self.place_read, self.place_newest = grown(self.place_read, room, False), grown(self.place_newest, room, 0)
        self.arrays_replaced()

    def open_items(self, user: int, hour: float = np.inf) -> NDArray[np.bool_]:
        """Which items may be shown to ``user`` at ``hour``: out, not withdrawn, not met, not refused (bool)."""
        known: NDArray[np.bool_] = open_of(self.born[: self.items], self.withdrawn[: self.items], hour)
        known[self.met.items(user)] = False
        return known

    def newest(self, open_items: NDArray[np.bool_], most: int) -> NDArray[np.intp]:
        """The ``most`` open items that are out since the latest hour (positions, the newest first)."""
        if self._by_birth is None:
            born = self.born[: self.items]
            self._by_birth = np.argsort(np.where(np.isfinite(born), -born, np.inf), kind="stable")
        for compared in (32 * most, self.items):
            found: NDArray[np.intp] = self._by_birth[:compared]
            found = found[open_items[found]][:most]
            if found.size == most:
                break
        return found

    def history(self, user: int) -> NDArray[np.int32]:
        """Places in the log of the latest contacts of ``user`` that may speak for them (int32, oldest first).

        None of someone without a profile; no item that was refused since, nor one that they want forgotten; of the
        private ones only those followed.
        """
        places = self.covisit.contacts(user if user >= 0 else NOBODY)
        if user in self.unprofiled:
            return places[:0]
        items, private = self.covisit.item[places], self.static.private
        silent = {*self.refused.get(user, ()), *self.forgotten.get(user, ())}
        if private is not None:
            silent |= set(items[private[items]].tolist()) - self.followed.get(user, _NOTHING)
        if silent:
            places = places[np.array([item not in silent for item in items.tolist()], bool)]
        return places

    def teachable(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which pairs of citizen and item models may be learnt from (bool), by the rule that a dataset follows.

        None of someone without a profile, nor what somebody wants forgotten; of the private items only those that the
        citizen followed.
        """
        told, pair = ~np.isin(user, list(self.unprofiled)), user * np.int64(self.items) + item
        if self.forgotten:
            told &= ~np.isin(pair, self._pairs(self.forgotten))
        if self.static.private is None:
            return told
        return told & (~self.static.private[item] | np.isin(pair, self._pairs(self.followed)))

    def _pairs(self, sets: Mapping[int, Collection[int]]) -> list[int]:
        return [citizen * self.items + place for citizen, places in sets.items() for place in places]

    def reads_near(self, hour: float, region: int) -> NDArray[np.int64]:
        """How often each item was read in ``region`` later than ``hour`` (int64)."""
        size, log = self.covisit.size, self.covisit
        first = int(np.searchsorted(self.place_newest[:size], hour, "right"))
        place = (self.place_read, self.place_region, region)
        found: NDArray[np.int64] = counted_there(log.item, log.hour, *place, hour, first, size, self.items)
        return found

    def most_read(self, hours: int, now: float, least: int, most: int) -> dict[int, int]:
        """The ``most`` items that were read most in the last ``hours``, at least ``least`` times, see ``Tally``.

        For given hours ``least`` and ``most`` must not change.
        """
        return self._tallies.setdefault(hours, Tally(hours)).leading(self, now, least, most)

    def window(self) -> slice:
        """The latest places of the log that are compared one by one."""
        return slice(max(0, self.covisit.size - WINDOW), self.covisit.size)
