"""The served order: candidates from every source, judged by the ranker. Serving and evaluation call the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features.signals import Floats, Moment, Signals, around, moment, signals
from recsys.features.table import COLUMNS, Request, table
from recsys.live import NOBODY, Live
from recsys.models.content import Content
from recsys.models.ranker import Ranker
from recsys.selection import mark_best_scores
from recsys.slow import SlowLayer

# How many of its best each source may bring.
BY_POPULARITY = {"6m": 30, "15m": 50, "30m": 50, "2.4h": 50, "1d": 50, "7d": 60}
BY_SIGNAL = {"next_6h": 40, "after_1h": 40, "after_6h": 30, "after": 60, "around": 80}
BY_SIGNAL |= {"alike_1d": 40, "alike": 40, "here_6h": 20, "point_15m": 30}
BY_MODEL = {"als": 50, "item_item": 80, "content": 30}
NEWEST = 40

# The order until a ranker has been learnt: a weighted sum of shares, each over the open items.
BLEND = {"share_30m": 1.0, "share_2.4h": 1.0, "share_7d": 0.5}
BLEND |= {"after_6h_share": 1.0, "around_share": 1.0, "alike_1d_share": 0.5}

# How far a refusal lowers what has its topic, or its author: in deviations of the scores, up to so many refusals.
UNWELCOME_TOPIC, UNWELCOME_AUTHOR, UNWELCOME_MOST = 0.5, 1.0, 3


@dataclass(frozen=True)
class Ranked:
    """Candidates in the served order (positions, best first), their scores, and what they came from."""

    items: NDArray[np.intp]
    scores: Floats
    request: Request


def fits(ranker: Ranker) -> bool:
    """Whether ``ranker`` was fitted on the columns that this code makes, in their order."""
    return ranker.columns == COLUMNS


class Ranking:
    """Ranks for one citizen at one moment; holds no state of its own."""

    def __init__(self, live: Live, slow: SlowLayer | None = None, ranker: Ranker | None = None) -> None:
        self.live, self.slow, self.ranker = live, slow, ranker

    def request(
        self, user: int, hour: float, within: NDArray[np.bool_] | None = None
    ) -> tuple[Request, NDArray[np.bool_]]:
        """What is asked of the ranker, and which items (of those ``within``, where given) are open to ``user``.

        A negative ``user`` is a guest without events.
        """
        user = user if user >= 0 else NOBODY
        now = moment(self.live, user, hour)
        told = signals(self.live, now)
        slow = {} if self.slow is None else self.slow.scores(now, self.live.items)
        open_items = self.live.open_items(user, hour)
        if within is not None:
            open_items &= within
        return Request(self.live, now, told, slow, self._candidates(told, slow, open_items)), open_items

    def _candidates(
        self, told: Signals, slow: Mapping[str, NDArray[np.float32]], open_items: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        live = self.live
        marked = np.zeros(live.items, bool)
        marked[live.newest(open_items, NEWEST)] = True
        live.popular.mark_leading(BY_POPULARITY, open_items, marked)
        told.mark_best(BY_SIGNAL, open_items, marked)
        for name, most in BY_MODEL.items():
            if name in slow:
                mark_best_scores(slow[name], open_items, most, marked)
        return np.flatnonzero(marked)

    def judge(self, request: Request, features: NDArray[np.float32] | None = None) -> Floats:
        """The score of each candidate of ``request``; ``features`` is their table where it is there already."""
        features = table(request) if features is None else features
        return self._without_unwelcome(request, self._judge(features))

    def _judge(self, features: NDArray[np.float32]) -> Floats:
        if self.ranker is not None:
            return self.ranker.score(features)
        column = {name: index for index, name in enumerate(COLUMNS)}
        parts = [weight * features[:, column[name]] for name, weight in BLEND.items()]
        blended: Floats = np.sum(parts, axis=0, dtype=np.float64)
        return blended

    def _without_unwelcome(self, request: Request, scores: Floats) -> Floats:
        """``scores``, lower for what has the topic or author of an item that the citizen refused."""
        live, user = self.live, request.now.user
        refused = live.refused.get(user)
        if not refused or user in live.unprofiled or not scores.size:
            return scores
        static, places = live.static, np.fromiter(refused, np.intp, len(refused))
        lowered = scores.copy()
        for codes, weight in ((static.topic, UNWELCOME_TOPIC), (static.author, UNWELCOME_AUTHOR)):
            found, times = np.unique(codes[places], return_counts=True)
            for code, count in zip(found.tolist(), times.tolist(), strict=True):
                if code >= 0:
                    lowered[codes[request.candidates] == code] -= weight * min(count, UNWELCOME_MOST) * scores.std()
        return lowered

    def sorted(self, request: Request, scores: Floats) -> Ranked:
        """The candidates of ``request``, best first; ties by last contact, then the newest first, then by position.

        Until a ranker has been learnt all that nobody has met yet ties: what came out today must not stand last there.
        """
        at = request.candidates
        # The candidates come by position, and equal ones stay in their order.
        order = np.lexsort((-self.live.published[at], -self.live.last[at], -scores))
        return Ranked(request.candidates[order], scores[order], request)

    def near(self, item: int, hour: float) -> Floats:
        """How near every item is to ``item`` (float64, one per item): by what its readers read, and by its text."""
        since = np.zeros(1)
        now = Moment(NOBODY, hour, np.zeros(0, np.int32), np.array([item], np.int32), since)
        slow = {} if self.slow is None else self.slow.scores(now, self.live.items)
        if self.slow is not None and (alike := self.slow.likeness(item, self.live.items)) is not None:
            slow[Content.name] = alike
        parts = [around(self.live, now), *(score.astype(np.float64) for score in slow.values())]
        near: Floats = np.sum([_standardised(part) for part in parts], axis=0, dtype=np.float64)
        return near

    def rank(self, user: int, hour: float, within: NDArray[np.bool_] | None = None) -> Ranked:
        """The candidates (of those ``within``, where given) for ``user`` at ``hour`` in the served order."""
        request, _ = self.request(user, hour, within)
        return self.sorted(request, self.judge(request))


def _standardised(values: Floats) -> Floats:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(values.size)
    spread = values[known].std()
    result: Floats = np.where(known, (values - values[known].mean()) / (spread if spread > 0 else 1.0), 0.0)
    return result
