"""The slow layer at a request: the fitted models, asked with the citizen's history of this very moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.features.signals import Moment
from recsys.kernels import spread
from recsys.models.als import Als
from recsys.models.base import Recommender, one_like
from recsys.models.content import Content

RECENCY = 0.9  # weight of an item in the history relative to the one read after it
REMEMBERED = 100
_WEIGHTS = RECENCY ** np.arange(REMEMBERED, dtype=np.float32)


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
        there = np.append(known & (place >= 0), np.ones(len(added), bool))
        self._fitted = np.full(int(self.place.max(initial=-1)) + 1, -1, np.int32)
        self._fitted[self.place[there]] = np.flatnonzero(there)
        self._served = {}  # by model: which items it scores that have a place, and where
        for name, model in self.models.items():
            scored = model.scored
            inside = np.flatnonzero(there[: scored.size] & scored)
            self._served[name] = inside, self.place[inside].astype(np.intp)
        als, content = self.models.get(Als.name), self.models.get(Content.name)
        self._content = content if isinstance(content, Content) else None
        # Where both fold a reader in alike, it is done once.
        self._reader = als if isinstance(als, Als) and self._content and self._content.share(als) else None

    def with_added(self, added: Sequence[int]) -> SlowLayer:
        """The same after the model ``content`` took in these, too."""
        place, known, before = self._given
        return SlowLayer(self.models, place, known, (*before, *added))

    def history(self, now: Moment, columns: int) -> csr_matrix:
        """The history at ``now`` as one row over the first ``columns`` items (float32), later items weighing more."""
        return _row(*self._weighed(now), columns)

    def _weighed(self, now: Moment) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The fitted items of the history at ``now``, the latest first, and their weights."""
        recent = now.items[::-1][:REMEMBERED]
        inside = recent < self._fitted.size
        fitted, weight = self._fitted[recent[inside]], _WEIGHTS[: recent.size][inside]
        kept = fitted >= 0
        return fitted[kept], weight[kept]

    def scores(self, now: Moment, items: int) -> dict[str, NDArray[np.float32]]:
        """Each model's score of every item of the fast layer (float32, ``items`` long), ``-inf`` where it has none."""
        read = self._weighed(now)
        short = long = _row(*read, self.fitted)
        if self.place.size > self.fitted:
            long = _row(*read, self.place.size)
        vectors = self._vectors(short) if short.nnz == long.nnz else None
        result = {}
        for name, model in self.models.items():
            dense: NDArray[np.float32] = np.full(items, -np.inf, np.float32)
            history = long if isinstance(model, Content) else short
            if history.nnz:
                if vectors is not None and isinstance(model, Als | Content):
                    score = model.preference_of(vectors)
                else:
                    score = model.preference(history)
                spread(score[0], *self._served[name], dense)
            result[name] = dense
        return result

    def _vectors(self, history: csr_matrix) -> NDArray[np.float32] | None:
        """The vector that both ALS and text give to this reader (1 × factors); None where they differ."""
        if self._reader is None or not self._reader.known[history.indices].all():
            return None
        return self._reader.fold_in(history)

    def likeness(self, item: int, items: int) -> NDArray[np.float32] | None:
        """How near every item's text is to that of ``item`` (float32, ``items`` long, ``-inf`` where it has none).

        None where no texts are known, or not that of ``item``.
        """
        fitted = int(self._fitted[item]) if item < self._fitted.size else -1
        if self._content is None or fitted < 0 or not self._content.scored[fitted]:
            return None
        dense: NDArray[np.float32] = np.full(items, -np.inf, np.float32)
        spread(self._content.likeness(fitted), *self._served[Content.name], dense)
        return dense


def _row(items: NDArray[np.int32], weight: NDArray[np.float32], columns: int) -> csr_matrix:
    """One row over ``columns`` items with the ``weight`` of those of the ``items`` that are among them."""
    if items.size and items.max() >= columns:
        kept = items < columns
        items, weight = items[kept], weight[kept]
    return one_like((1, columns), weight, items, np.array([0, items.size], np.int32))
