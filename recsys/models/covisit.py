"""``covisit``: what is read before and after what, straight from the log of first contacts.

Nothing is precomputed: the log keeps, for each contact, the citizen's next and previous one, and for each item its
latest contacts. A query walks from the citizen's recent items to those who read them lately and on to what these read
around them. That is the family of VS-KNN and STAN (Ludewig & Jannach, *Evaluation of session-based recommendation
algorithms*, 2018; Garg et al., *Sequence and time aware neighborhood*, SIGIR 2019), here always up to the last event.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.kernels import SHIFT, chained, in_common, near_sums, of_others, steps
from recsys.models.base import Arrays, Model
from recsys.models.growing import grown

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Recent items that start a walk, latest contacts walked from each of them (and looked at for readers in common), and
# steps walked from each contact.
STARTS, READERS, STEPS = 20, 400, 10
# Items and readers of each that make another citizen a neighbour; latest contacts whose readers are compared.
NEAR_ITEMS, NEAR_READERS, WINDOW = 50, 256, 8192
VISIT_GAP = 0.5  # hours without an event that end a visit
_DAYS = 700  # after which the weights of contacts are reckoned from another hour, far within what float64 holds


@dataclass(frozen=True)
class Walk:
    """Every step of a walk: the item reached, from which recent item, how far, and when (all of one length).

    ``weight``, one per recent item: one over the root of how often it is read.
    """

    item: Ints
    start: Ints  # 0 = the latest item of the history
    distance: Ints  # 1 = next to it
    hour: Floats  # of the contact reached
    weight: Floats


class Covisit(Model):
    """The log of first contacts (citizen, item), with its chains; times are hours (float64)."""

    name = "covisit"

    def __init__(self) -> None:
        self.size = 0
        self.item = np.zeros(0, np.int32)
        self.user = np.zeros(0, np.int32)
        self.hour = np.zeros(0)
        self.next = np.zeros(0, np.int32)
        self.previous = np.zeros(0, np.int32)
        # Halved for each day that a contact lies before the landmark, doubled for each after it: what a weight that
        # decays is at any later hour, but for a factor that all have in common.
        self.weight = np.zeros(0)
        self.landmark = 0.0
        self.begins_visit = np.zeros(0, bool)
        # Of each item the contacts: their places in the upper half of an entry, whose they are in the lower; or else
        # who asks for the readers of many items would look at as many places of the log far from each other.
        self.of_item: list[array[int]] = []
        self.latest = np.zeros(0, np.int32)  # the latest contact of each citizen, -1 where there is none
        self.count = np.zeros(0)  # contacts per item
        self.common = np.zeros(0)  # per item what a sum of walks is divided by, for many lead to what many met
        self.activity = np.zeros(0)  # contacts per citizen
        # Per citizen; zeros between two calls of ``neighbours`` and ``shared``.
        self._sums = np.zeros(0)
        self._marks = np.zeros(0, np.uint32)
        self._users = 0

    def grow(self, items: int, users: int) -> None:
        """Make room for items ``0 … items - 1`` and citizens ``0 … users - 1``."""
        self.of_item.extend(array("q") for _ in range(items - len(self.of_item)))
        self.latest, self._users = grown(self.latest, users, -1), max(users, self._users)
        self.count, self.common = grown(self.count, items, 0.0), grown(self.common, items, 1.0)
        self.activity = grown(self.activity, users, 0.0)

    def update(self, user: int, item: int, hour: float) -> int:
        """Append the first contact of ``user`` with ``item``; returns its place in the log."""
        place = self.size
        if place == self.item.size:
            room = max(1024, place * 2)
            self.item, self.user = grown(self.item, room, 0), grown(self.user, room, 0)
            self.hour = grown(self.hour, room, 0.0)
            self.next, self.previous = grown(self.next, room, -1), grown(self.previous, room, -1)
            self.weight, self.begins_visit = grown(self.weight, room, 0.0), grown(self.begins_visit, room, False)
        if not place or hour - self.landmark > 24 * _DAYS:
            self._weigh(hour)
        self.item[place], self.user[place], self.hour[place] = item, user, hour
        self.weight[place] = 2.0 ** ((hour - self.landmark) / 24)
        before = self.latest.item(user)
        self.begins_visit[place] = before < 0 or hour - self.hour[before] > VISIT_GAP
        if before >= 0:
            self.previous[place] = before
            self.next[before] = place
        self.latest[user] = place
        self.of_item[item].append(place << SHIFT | user)
        self.count[item] += 1
        self.common[item] = _common(self.count.item(item))
        self.activity[user] += 1
        self.size = place + 1
        return place

    def _weigh(self, hour: float) -> None:
        """Reckon the weights of all contacts from ``hour`` on."""
        self.landmark = float(np.floor(hour))
        self.weight[: self.size] = np.exp2((self.hour[: self.size] - self.landmark) / 24)

    @classmethod
    def of_log(cls, user: Ints, item: Ints, hour: Floats, items: int, users: int) -> Self:
        """The log of these first contacts, as ``update`` would have made it one by one; takes the arrays over."""
        log, size = cls(), user.size
        log.grow(items, users)
        log.size, log.user, log.item, log.hour = size, user, item, hour
        log.next, log.previous = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
        order = np.argsort(user, kind="stable").astype(np.int32)
        follows = user[order[1:]] == user[order[:-1]]
        log.next[order[:-1][follows]] = order[1:][follows]
        log.previous[order[1:][follows]] = order[:-1][follows]
        log.begins_visit = (log.previous < 0) | (hour - hour[log.previous] > VISIT_GAP)
        log.weight = np.zeros(size)
        if size:
            log._weigh(hour.max())
        last = order[np.append(~follows, np.ones(min(size, 1), bool))]
        log.latest[user[last]] = last
        together = np.argsort(item, kind="stable")
        _deal(together << SHIFT | user[together], item[together], log.of_item)
        log.count[:items] = np.bincount(item, minlength=items)
        times, which = np.unique(log.count, return_inverse=True)
        log.common = np.array([_common(number) for number in times.tolist()])[which]
        log.activity[:users] = np.bincount(user, minlength=users)
        return log

    def contacts(self, user: int, most: int = 200) -> Ints:
        """Places in the log of the latest contacts of ``user`` (int32, oldest first, at most ``most``)."""
        if user >= self.latest.size:
            return _NONE
        places: Ints = chained(self.previous, self.latest.item(user), most)
        return places

    def starts(self, user: int, items: Ints) -> tuple[Ints, Ints]:
        """The latest contacts of others with ``items`` and, for each, which of the items it is of."""
        place, start = of_others(*self._latest(items, READERS), user)
        return place, start

    def with_item(self, item: int) -> NDArray[np.int64]:
        """The places of all contacts with ``item`` (int64, oldest first)."""
        places: NDArray[np.int64] = np.array(self.of_item[item], np.int64) >> SHIFT
        return places

    def walks(self, user: int, recent: Ints) -> tuple[Walk, Walk]:
        """Walk from the items of ``recent`` (latest first) along the chains of those who also read them.

        To what they read after these, and to what they read before.
        """
        if not recent.size:
            nowhere = Walk(_NONE, _NONE, _NONE, np.zeros(0), np.zeros(0))
            return nowhere, nowhere
        place, start = self.starts(user, recent[:STARTS])
        weight = 1 / np.sqrt(1 + self.count[recent[:STARTS]])

        def along(chain: Ints) -> Walk:
            reached, origin, distance = steps(chain, place, start, STEPS)
            return Walk(self.item[reached], origin, distance, self.hour[reached], weight)

        return along(self.next), along(self.previous)

    def neighbours(self, user: int, recent: Ints, others: Ints) -> Floats:
        """How near each of ``others`` (citizens, int32) is to ``user`` (float64, one per entry).

        Shared recent items, rare ones counting more, over the root of how much the other one reads. Costs nothing per
        citizen who is not asked about. Not for two threads at once: the sums are made in an array that is kept.
        """
        if not recent.size:
            return np.zeros(others.size)
        near = recent[:NEAR_ITEMS]
        rarity = 1 / np.log(2 + self.count[near])
        if self._sums.size < self.activity.size:
            self._sums = np.zeros(self.activity.size)
        readers = self._latest(near, NEAR_READERS)
        found: Floats = near_sums(self._sums, *readers, rarity, others, user, self.activity)
        return found

    def shared(self, mine: Ints, others: Ints, counts: NDArray[np.bool_], besides: int) -> NDArray[np.int64]:
        """How many citizens, ``besides`` one, met both: others × mine (int64). At most 32 of ``mine``, none twice.

        Of each item the latest ``READERS`` contacts are looked at, those for whose place in the log ``counts`` is true.
        Costs nothing per citizen who met neither. Not for two threads at once, see ``neighbours``.
        """
        if self._marks.size <= self.activity.size:
            self._marks = np.zeros(self.activity.size + 1, np.uint32)  # the last one is nobody's
        if not 0 <= besides < self.activity.size:
            besides = self._marks.size - 1
        readers = (*self._latest(mine, READERS), *self._latest(others, READERS))
        found: NDArray[np.int64] = in_common(self._marks, *readers, counts, besides)
        return found

    def _latest(self, items: Ints, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ``most`` latest contacts with each of ``items``, as ``of_item`` has them, and how many each has."""
        found = [self.of_item[item][-most:] for item in items.tolist()]
        sizes = np.array([len(part) for part in found], np.int64)
        return np.frombuffer(b"".join(found), np.int64), sizes

    def config(self) -> dict[str, Any]:
        return {"items": len(self.of_item), "users": self._users}

    def arrays(self) -> Arrays:
        size = self.size
        return {"item": self.item[:size], "user": self.user[:size], "hour": self.hour[:size]}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        user, item, hour = (arrays[key].copy() for key in ("user", "item", "hour"))
        return cls.of_log(user, item, hour, config["items"], config["users"])


def _deal(entries: NDArray[np.int64], owner: Ints, rows: list[array[int]]) -> None:
    """Give each owner the entries that are theirs; those of one lie together."""
    owners, starts = np.unique(owner, return_index=True)
    ends = np.append(starts, owner.size)[1:]
    for place, start, end in zip(owners.tolist(), starts.tolist(), ends.tolist(), strict=True):
        rows[place].frombytes(entries[start:end].tobytes())


def _common(contacts: float) -> float:
    # NumPy's power differs in the last digit, and what is kept up must equal what is made anew.
    return math.pow(1 + contacts, 0.3)


_NONE = np.zeros(0, np.int32)
