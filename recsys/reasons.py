"""Why an item stands in a list: the first of a few statements that the records themselves bear out.

Each is checked against the log, not against a score, so that anyone can recompute it from raw events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recsys.features.signals import Moment
from recsys.live import Live
from recsys.selection import leading, nearest

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


@dataclass(slots=True)
class Reason:
    """``refs``: positions of the items that the reason names; ``count``: the readers or reads that bear it out."""

    code: ReasonCode
    refs: tuple[int, ...] = ()
    count: int = 0


def reasons(live: Live, now: Moment, shown: NDArray[np.intp]) -> list[Reason]:
    """A reason for each of ``shown`` (positions)."""
    hour, day = (live.most_read(hours, now.hour, HOT_READS, HOT_PLACES) for hours in (1, 24))
    near = _most_near(live, now)
    habits = _Habits(live, now)
    return [
        because
        or _hot(near, item, ReasonCode.HOT_NEAR)
        or _hot(hour, item, ReasonCode.HOT_HOUR)
        or _hot(day, item, ReasonCode.HOT_DAY)
        or _fresh(live, now, item)
        or habits.reason(item)
        for item, because in zip(shown.tolist(), _because(live, now, shown), strict=True)
    ]


def _because(live: Live, now: Moment, shown: NDArray[np.intp]) -> list[Reason | None]:
    """For each of ``shown`` the read item with the most readers in common, relative to how often it is read."""
    read = now.items[live.place_read[now.places]][::-1][:RECENT_READS]
    if not read.size or not shown.size:
        return [None] * shown.size
    common = live.covisit.shared(read, shown.astype(np.int32), live.place_read, now.user)
    best, count = nearest(common, live.readers[read], COMMON_READERS)  # the later read where two are as near
    because = ReasonCode.BECAUSE_READ
    return [
        Reason(because, (ref,), readers) if readers else None
        for ref, readers in zip(read[best].tolist(), count.tolist(), strict=True)
    ]


def _most_near(live: Live, now: Moment) -> dict[int, int]:
    """The same for the last hour in the region of ``now.user``."""
    region = int(live.region[now.user]) if now.user < live.region.size else -1
    if region < 0:
        return {}
    count = live.reads_near(now.hour - 1, region)
    items = leading(count, HOT_READS, HOT_PLACES)
    return dict(zip(items.tolist(), count[items].tolist(), strict=True))


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
