"""The slow layer at a request: the fitted models, asked with the citizen's history of this very moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.features.signals import Moment
from recsys.kernels import spread
from recsys.models.base import Recommender, one_like
from recsys.models.content import Content

RECENCY = 0.9  # weight of an item in the history relative to the one read after it
REMEMBERED = 100


class SlowLayer:
    """Recommenders fitted on items ``0 … n - 1`` of their own, and where these stand in the fast layer.

    ``place`` (int32, n): position in the fast layer of each fitted item, -1 where it is there no more; ``added``: of
    those that the model ``content``, and no other, took in since, in the order in which it did.
    """

    def __init__(
        self,
        models: Mapping[str, Recommender],
        place: NDArray[np.int32],
        known: NDArray[np.bool_],
        added: Sequence[int] = (),
    ) -> None:
        self.models = dict(models)
        self._given = place, known, tuple(added)
        self.fitted = place.size
        self.place = np.append(place, np.array(added, np.int32))
        self._known = np.append(known & (place >= 0), np.ones(len(added), bool))
        served = np.flatnonzero(self._known)
        self._served = {}  # by number of items: which have a place, and where
        for size in (self.fitted, self.place.size):
            inside = served[: int(np.searchsorted(served, size))]
            self._served[size] = inside, self.place[inside].astype(np.intp)
        self._fitted = np.full(int(self.place.max(initial=-1)) + 1, -1, np.int32)
        self._fitted[self.place[self._known]] = np.flatnonzero(self._known)

    def with_added(self, added: Sequence[int]) -> SlowLayer:
        """The same after the model ``content`` took in these, too."""
        place, known, before = self._given
        return SlowLayer(self.models, place, known, (*before, *added))

    def history(self, now: Moment, columns: int) -> csr_matrix:
        """The history at ``now`` as one row over the first ``columns`` items (float32), later items weighing more."""
        recent = now.items[::-1][:REMEMBERED]
        weight = RECENCY ** np.arange(recent.size, dtype=np.float32)
        inside = recent < self._fitted.size
        fitted = self._fitted[recent[inside]]
        kept = (fitted >= 0) & (fitted < columns)
        found = fitted[kept]
        return one_like((1, columns), weight[inside][kept], found, np.array([0, found.size], np.int32))

    def scores(self, now: Moment, items: int) -> dict[str, NDArray[np.float32]]:
        """Each model's score of every item of the fast layer (float32, ``items`` long), ``-inf`` where it has none."""
        history = {size: self.history(now, size) for size in {self.fitted, self.place.size}}
        result = {}
        for name, model in self.models.items():
            dense: NDArray[np.float32] = np.full(items, -np.inf, np.float32)
            size = self.place.size if isinstance(model, Content) else self.fitted
            if history[size].nnz:
                score, (inside, places) = model.score(history[size])[0], self._served[size]
                spread(score, inside, places, dense)
            result[name] = dense
        return result
