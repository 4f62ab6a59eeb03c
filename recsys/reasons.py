"""Why an item stands in a list: the first of a few statements that the records themselves bear out.

Each is checked against the log, not against a score, so that anyone can recompute it from raw events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recsys.features.signals import Moment
from recsys.live import Live

RECENT_READS = 20
COMMON_READERS = 2  # citizens who read both, besides the one who is told
HOT_READS, HOT_PLACES = 3, 20
FRESH_HOURS = 72.0
USUAL_SHARE = 0.2


class ReasonCode(StrEnum):
    """What a reason says."""

    BECAUSE_READ = "because_read"  # others who read this also read an item that the citizen read
    HOT_NEAR = "hot_near"  # among the most read of the last hour in the citizen's own region
    HOT_HOUR = "hot_hour"  # among the most read of the last hour
    HOT_DAY = "hot_day"  # among the most read of the last 24 hours
    FRESH = "fresh"  # published in the last three days
    USUAL_TOPIC = "usual_topic"  # of a topic that makes up a fifth of the citizen's reading
    NEW_TOPIC = "new_topic"  # of a topic that the citizen has not read of late
    EDITORS = "editors"  # placed by an editor
    EXPLORED = "explored"  # drawn by lot from what was ranked lower
    CATALOGUE = "catalogue"  # none of these


@dataclass(frozen=True)
class Reason:
    """``refs``: positions of the items that the reason names; ``count``: the readers or reads that bear it out."""

    code: ReasonCode
    refs: tuple[int, ...] = field(default=())
    count: int = 0


def reasons(live: Live, now: Moment, shown: NDArray[np.intp]) -> list[Reason]:
    """A reason for each of ``shown`` (positions)."""
    read = _recent_reads(live, now)
    hour, day = (_most(live.reads_after(now.hour - hours)) for hours in (1, 24))
    near = _most(_reads_near(live, now))
    habits = _Habits(live, now)
    return [
        _because(live, now.user, read, item)
        or _hot(near, item, ReasonCode.HOT_NEAR)
        or _hot(hour, item, ReasonCode.HOT_HOUR)
        or _hot(day, item, ReasonCode.HOT_DAY)
        or _fresh(live, now, item)
        or habits.reason(item)
        for item in shown.tolist()
    ]


def _recent_reads(live: Live, now: Moment) -> list[int]:
    """The items that the citizen really read lately and that may speak for them, latest first."""
    read = now.items[live.place_read[now.places]][::-1][:RECENT_READS]
    return [int(item) for item in read]


def _readers(live: Live, item: int) -> set[int]:
    places = np.array(live.covisit.of_item[item], np.int64)
    return set(live.covisit.user[places[live.place_read[places]]].tolist())


def _because(live: Live, user: int, read: list[int], item: int) -> Reason | None:
    """The read item with the most readers in common with ``item``, relative to how often it is read."""
    mine = _readers(live, item) - {user}
    best, ref, common = 0.0, -1, 0
    if len(mine) < COMMON_READERS:
        return None
    for earlier in read:
        theirs = _readers(live, earlier)
        both = len(mine & theirs)
        nearness = both / np.sqrt(1 + len(theirs))
        if both >= COMMON_READERS and nearness > best:
            best, ref, common = nearness, earlier, both
    return Reason(ReasonCode.BECAUSE_READ, (ref,), common) if ref >= 0 else None


def _most(items: NDArray[np.int32]) -> dict[int, int]:
    """How often the ``HOT_PLACES`` items come that come most among ``items``."""
    found, count = np.unique(items, return_counts=True)
    order = np.lexsort((found, -count))[:HOT_PLACES]
    return dict(zip(found[order].tolist(), count[order].tolist(), strict=True))


def _reads_near(live: Live, now: Moment) -> NDArray[np.int32]:
    """The item of every read of the last hour in the region of ``now.user`` (int32)."""
    region = live.region[now.user] if now.user < live.region.size else -1
    return live.reads_after(now.hour - 1, region=int(region)) if region >= 0 else np.zeros(0, np.int32)


def _hot(reads: dict[int, int], item: int, code: ReasonCode) -> Reason | None:
    count = reads.get(item, 0)
    return Reason(code, (), count) if count >= HOT_READS else None


def _fresh(live: Live, now: Moment, item: int) -> Reason | None:
    age = now.hour - live.static.created[item]
    return Reason(ReasonCode.FRESH) if 0 <= age <= FRESH_HOURS else None


class _Habits:
    """What a citizen reads usually and what they have not read of late, topic by topic."""

    def __init__(self, live: Live, now: Moment) -> None:
        self._static = live.static
        self._read = live.static.topic[now.items[live.place_read[now.places]]]
        # What may not speak for the citizen, and what they refused, is not new to them all the same.
        self._met = live.static.topic[live.covisit.item[live.covisit.contacts(now.user)]]

    def reason(self, item: int) -> Reason:
        """What the topic of ``item`` is to the citizen."""
        topic = self._static.topic[item]
        same = int((self._read == topic).sum())
        if topic < 0 or not self._read.size:
            return Reason(ReasonCode.CATALOGUE)
        if same >= USUAL_SHARE * self._read.size:
            return Reason(ReasonCode.USUAL_TOPIC, (), same)
        private = self._static.private is not None and self._static.private[item]
        known = private or bool((self._met == topic).any())
        return Reason(ReasonCode.CATALOGUE if known else ReasonCode.NEW_TOPIC)
