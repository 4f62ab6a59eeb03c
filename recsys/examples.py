"""Training examples of the ranker: what stood to choose from just before a reading, and which of it was read.

Features are those of the state before the row (the walk guarantees it), so that nothing of the outcome leaks in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.features.table import COLUMNS, Request, table
from recsys.models.ranker import Ranker, RankerConfig

COMPARED, FEWEST_COMPARED = 5_000, 1_000
OTHERS = 80  # unread candidates kept of each query


class Examples:
    """Queries gathered one by one; the newest ``most`` are kept."""

    def __init__(self, most: int, seed: int = 0) -> None:
        self._most = most
        self._tables: list[NDArray[np.float32]] = []
        self._labels: list[int] = []
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self._tables)

    def add(self, request: Request, target: int, features: NDArray[np.float32] | None = None) -> None:
        """Keep the query if the item that was read is among its candidates."""
        place = int(np.searchsorted(request.candidates, target))
        if place >= request.candidates.size or request.candidates[place] != target:
            return
        rows = table(request) if features is None else features
        kept = np.arange(len(rows))
        if kept.size > OTHERS + 1:
            kept = self._random.choice(np.delete(kept, place), OTHERS, replace=False)
            kept = np.sort(np.append(kept, place))
        self._tables.append(rows[kept])
        self._labels.append(int(np.searchsorted(kept, place)))
        if len(self._tables) > 2 * self._most:
            self._tables, self._labels = self._tables[-self._most :], self._labels[-self._most :]

    def chosen(self, configs: Sequence[RankerConfig]) -> RankerConfig:
        """The configuration that learns the last fifth of the queries best (ndcg@10) from those before them.

        Only the newest ``COMPARED`` queries take part, so that the choice costs less than the fit that follows it.
        """
        count = min(len(self._tables), COMPARED)
        if len(configs) == 1 or count < FEWEST_COMPARED:
            return configs[0]
        cut = len(self._tables) - count // 5
        asked = list(zip(self._tables[cut:], self._labels[cut:], strict=True))

        def quality(config: RankerConfig) -> float:
            ranker = self._fitted(slice(len(self._tables) - count, cut), config)
            scores = [(ranker.score(rows), place) for rows, place in asked]
            ranks = np.array([1 + int((score > score[place]).sum()) for score, place in scores])
            return float(np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0).mean())

        return max(configs, key=quality)

    def fit(self, config: RankerConfig | None = None) -> Ranker:
        """A ranker learnt from the newest queries."""
        return self._fitted(slice(-self._most, None), config)

    def _fitted(self, queries: slice, config: RankerConfig | None) -> Ranker:
        tables, labels = self._tables[queries], self._labels[queries]
        sizes = np.array([len(rows) for rows in tables], np.int64)
        label = np.zeros(int(sizes.sum()), np.float32)
        label[np.cumsum(sizes) - sizes + np.array(labels)] = 1
        return Ranker(COLUMNS, config).fit(np.concatenate(tables), label, sizes)
