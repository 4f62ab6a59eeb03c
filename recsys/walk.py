"""A log walked in time: the fast layer follows it event by event, the slow one is refitted at a stated cadence.

The same walk yields the ranker's training examples and the states that the replay protocol ranks: at each wanted row
the caller sees the state before that row, and only then does the row update it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.features.log import EventLog
from recsys.live import HOUR_MS, Live, Static
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Recommender
from recsys.models.content import Content
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.ranking import Ranking
from recsys.slow import SlowLayer

Fitted = Mapping[str, Recommender]
Builders = dict[str, Callable[[csr_matrix, NDArray[np.intp], Fitted], Recommender]]


@dataclass(frozen=True)
class Cadence:
    """When the slow layer is refitted, and on what.

    After ``hours`` of log time and growth of the log by ``growth``, from ``least`` rows on; on the ``items`` items with
    the most contacts.
    """

    hours: float = 24.0
    growth: float = 0.05
    least: int = 1000
    items: int = 4000


def builders(texts: Sequence[str] | None = None) -> Builders:
    """How the slow layer's models are fitted: from a matrix and the positions of its items, with their ``texts``."""

    def als(matrix: csr_matrix, items: NDArray[np.intp], fitted: Fitted) -> Recommender:
        return Als(AlsConfig(factors=32, iterations=8, threads=1)).fit(matrix)

    def item_item(matrix: csr_matrix, items: NDArray[np.intp], fitted: Fitted) -> Recommender:
        return ItemItem(ItemItemConfig(dense_neighbours=0, threads=1)).fit(matrix)

    def content(matrix: csr_matrix, items: NDArray[np.intp], fitted: Fitted) -> Recommender:
        known = [texts[item] for item in items] if texts is not None else []
        shared = fitted["als"]
        assert isinstance(shared, Als)
        return Content().fit(matrix, known, als=shared)

    models: Builders = {"als": als, "item_item": item_item}
    return models if texts is None else models | {"content": content}


@dataclass
class Walker:
    """Walks ``log`` (sorted by time); ``static`` describes its items."""

    log: EventLog
    static: Static
    users: int
    cadence: Cadence = field(default_factory=Cadence)
    builders: Builders = field(default_factory=builders)

    def __post_init__(self) -> None:
        self.live = Live(self.static, self.users)
        self.ranking = Ranking(self.live)
        self.hours = self.log.at / HOUR_MS
        self._fitted_rows, self._fitted_hour = 0, -np.inf

    def states(self, wanted: NDArray[np.intp], *, slow_from: int = 0) -> Iterator[int]:
        """Yield each row of ``wanted`` (sorted) with ``ranking`` standing as it was just before that row.

        ``slow_from``: the first row at which the slow layer is needed at all.
        """
        log, live = self.log, self.live
        columns = (log.user.tolist(), log.item.tolist(), self.hours.tolist(), log.kind.tolist())
        places = zip(*columns, log.region.tolist(), log.device.tolist(), strict=True)
        due = iter(wanted.tolist())
        following = next(due, None)
        for row, (user, item, hour, kind, region, device) in enumerate(places):
            if following is None:
                return
            if row == following:
                if row >= slow_from:
                    self.refit(row, hour)
                yield row
                following = next(due, None)
            live.update(user, item, hour, kind, region, device)

    def refit(self, rows: int, hour: float) -> None:
        """Fit the slow layer on the first ``rows`` rows, less what the law keeps out, if the cadence says so."""
        overdue = hour - self._fitted_hour >= self.cadence.hours
        if rows < self.cadence.least or not overdue or rows < self._fitted_rows * (1 + self.cadence.growth):
            return
        self._fitted_rows, self._fitted_hour = rows, hour
        size = self.live.covisit.size
        if not self.builders or not size:
            return
        user, item = self.live.covisit.user[:size], self.live.covisit.item[:size]
        citizens = int(user.max()) + 1  # no more than came so far: the start of ALS depends on it
        taught = self.live.teachable(user, item)
        user, item = user[taught], item[taught]
        if not item.size:
            return
        count = np.bincount(item, minlength=self.live.items)
        used = np.sort(np.argsort(-count, kind="stable")[: min(self.cadence.items, int((count > 0).sum()))])
        place = np.full(self.live.items, -1)
        place[used] = np.arange(used.size)
        kept = place[item] >= 0
        parts = (np.ones(kept.sum(), np.float32), (user[kept], place[item[kept]]))
        matrix = csr_matrix(parts, shape=(citizens, used.size))
        models: dict[str, Recommender] = {}
        for name, fit in self.builders.items():
            models[name] = fit(matrix, used, models)
        self.ranking.slow = SlowLayer(models, used.astype(np.int32), np.ones(used.size, bool))
