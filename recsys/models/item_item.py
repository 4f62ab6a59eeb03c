"""Item–item weights: how strongly each article read speaks for each other article.

Every weight comes from one ridge regression, "predict an article from the others that its readers read". It is solved
for each item over its nearest neighbours (as SLIM with feature selection, Ning and Karypis 2011, with the closed form
and the dropout diagonal of EASE and EDLAE, Steck 2019 and 2020). Up to ``dense_limit`` items the gram matrix is kept
whole, and all items may take part, which is EASE itself; above it no matrix of n × n is formed, so that memory grows
with the number of items and not with its square. Two degree normalisations apply: readers of very much count less in
the gram matrix, and widely read targets are damped or lifted by a power of their popularity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from implicit._nearest_neighbours import all_pairs_knn
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotri
from scipy.sparse import csc_matrix, csr_matrix, vstack

from content_store.errors import ModelError
from recsys.kernels import sum_of_rows
from recsys.models.base import Arrays, Recommender

BLOCK = 512
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ItemItemConfig:
    """Constants of the regression, chosen by ``bench/tune_split.py``.

    ``user_power`` a: a citizen's row counts divided by (its sum)ᵃ. ``ridge`` is in units of the mean diagonal of the
    gram matrix, ``dropout`` p adds p/(1-p) of each item's own diagonal. ``popularity_power`` c: a target's weights are
    multiplied by (popularity ÷ mean popularity)ᶜ; below zero damps what everybody reads. ``neighbours`` per item take
    part above ``dense_limit`` items and ``dense_neighbours`` up to it, where 0 means all items (EASE), of whose weights
    ``kept`` per target are stored. Where ``covered`` is not 0, only so many items, those read most,
    take part at all; the rest of a long tail costs more than its few readers tell. ``threads`` 0 takes every core.
    """

    user_power: float = 0.4
    ridge: float = 1.5
    dropout: float = 0.45
    popularity_power: float = -0.1
    kept: int = 1000
    dense_limit: int = 12_000
    neighbours: int = 100
    dense_neighbours: int = 300
    covered: int = 0
    threads: int = 0


class ItemItem(Recommender):
    """Sparse item–item weights; a score is the history times the weights.

    Fitting takes about 8·n² bytes up to ``dense_limit`` items (1.2 GB at 12,000) and about 40 bytes per neighbour of
    each item above it (0.4 GB at 100,000 items × 100 neighbours), besides the matrix itself.
    """

    name: ClassVar[str] = "item_item"

    def __init__(self, config: ItemItemConfig | None = None) -> None:
        self.settings = config or ItemItemConfig()
        self._keep(csr_matrix((0, 0), dtype=np.float32), np.zeros(0, bool))

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self.settings)

    def arrays(self) -> Arrays:
        """The weights as CSR parts (row = item read, column = item scored) and ``known`` (items, bool)."""
        weights = self.weights
        return {"data": weights.data, "indices": weights.indices, "indptr": weights.indptr, "known": self.known}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(ItemItemConfig(**config))
        items = arrays["known"].size
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        model._keep(csr_matrix(parts, shape=(items, items)), arrays["known"])
        return model

    def fit(self, matrix: csr_matrix) -> Self:
        """Learn the weights from ``matrix`` (citizens × items, float32, strength ≥ 0)."""
        settings, items = self.settings, matrix.shape[1]
        if 0 < settings.covered < items:
            return self._fit_covered(matrix)
        popularity = np.asarray(matrix.sum(axis=0), np.float64).ravel()
        known = popularity > 0
        scaled = _scale_rows(matrix, settings.user_power)
        if items > settings.dense_limit:
            weights = _nearest_items(scaled, settings.neighbours, _SmallGram(scaled.tocsc()), settings)
        elif settings.dense_neighbours:
            gram = _gram(scaled)
            weights = _nearest_items(scaled, settings.dense_neighbours, lambda near: gram[np.ix_(near, near)], settings)
        else:
            weights = _every_item(_gram(scaled), settings)
        lift = np.zeros(items, np.float32)
        mean = popularity[known].mean() if known.any() else 1.0
        lift[known] = (popularity[known] / mean) ** settings.popularity_power
        weights.data *= lift[weights.indices]
        return self._keep(weights, known)

    def _fit_covered(self, matrix: csr_matrix) -> Self:
        """Fit on the ``covered`` items read most; the others are unknown to this model."""
        items = matrix.shape[1]
        read = np.bincount(matrix.indices, minlength=items)
        chosen = np.sort(np.argsort(-read, kind="stable")[: self.settings.covered])
        inner = ItemItem(replace(self.settings, covered=0)).fit(matrix[:, chosen])
        found = inner.weights.tocoo()
        parts = (found.data, (chosen[found.row], chosen[found.col]))
        known = np.zeros(items, bool)
        known[chosen] = inner.known
        return self._keep(csr_matrix(parts, shape=(items, items)), known)

    def _keep(self, weights: csr_matrix, known: NDArray[np.bool_]) -> Self:
        self.weights, self.known = weights, known
        return self

    @property
    def scored(self) -> NDArray[np.bool_]:
        """The items that were read in training."""
        return self.known

    def preference(self, history: csr_matrix) -> NDArray[np.float32]:
        """The history times the weights (rows × items, float32).

        Raises ModelError where the histories are over another number of items than the model was fitted on.
        """
        self._check(history)
        if history.shape[0] == 1:
            return self._row(history)
        scores: NDArray[np.float32] = (history.astype(np.float32) @ self.weights).toarray()
        return scores

    def _row(self, history: csr_matrix) -> NDArray[np.float32]:
        """The scores for one history, which a request asks for: the rows of its items, added."""
        weights = self.weights
        parts = (weights.indptr, weights.indices, weights.data)
        scores: NDArray[np.float32] = sum_of_rows(*parts, history.indices, history.data, self.known.size)
        return scores[None, :]

    def neighbours(self, item: int, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items (int32) that reading ``item`` speaks for most, strongest first, with their weights (float32)."""
        row = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
        found, weight = self.weights.indices[row], self.weights.data[row]
        order = np.lexsort((found, -weight))[:count]
        order = order[weight[order] > 0]
        return found[order].astype(np.int32), weight[order]

    def explain(self, history: csr_matrix, item: int) -> int | None:
        """The item of the one-row ``history`` that contributed most to the score of ``item``; None where none did."""
        self._check(history)
        weight = self.weights[history.indices, item].toarray().ravel() * history.data
        if not weight.size or weight.max() <= 0:
            return None
        return int(history.indices[np.argmax(weight)])

    def _check(self, history: csr_matrix) -> None:
        if history.shape[1] != self.known.size:
            raise ModelError(f"item_item knows {self.known.size} items, the history has {history.shape[1]}")


def _scale_rows(matrix: csr_matrix, power: float) -> csr_matrix:
    total = np.asarray(matrix.sum(axis=1), np.float64).ravel()
    factor = np.where(total > 0, total, 1.0) ** -power
    data = matrix.data.astype(np.float64) * np.repeat(factor, np.diff(matrix.indptr))
    return csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _penalty(diagonal: Floats, settings: ItemItemConfig) -> Floats:
    """What is added to the diagonal of the gram matrix; 1 for items nobody read, which keeps it invertible."""
    seen = diagonal > 0
    mean = diagonal[seen].mean() if seen.any() else 1.0
    odds = settings.dropout / (1.0 - settings.dropout)
    return np.where(seen, settings.ridge * mean + odds * diagonal, 1.0)


def _gram(scaled: csr_matrix) -> Floats:
    items = scaled.shape[1]
    columns, gram = scaled.tocsc(), np.empty((items, items), order="F")
    for start in range(0, items, BLOCK):
        gram[:, start : start + BLOCK] = (columns.T @ columns[:, start : start + BLOCK]).toarray()
    return gram


def _every_item(gram: Floats, settings: ItemItemConfig) -> csr_matrix:
    """EASE over all items: one Cholesky inverse in place, then the ``kept`` strongest weights per target."""
    items = gram.shape[0]
    gram[np.diag_indices(items)] += _penalty(gram.diagonal().copy(), settings)
    inverse, failed = dpotrf(gram, lower=1, overwrite_a=1)
    if not failed:
        inverse, failed = dpotri(inverse, lower=1, overwrite_c=1)
    if failed:
        raise ModelError("item_item: the gram matrix cannot be inverted; a larger ridge helps")
    for start in range(0, items, BLOCK):
        inverse[start : start + BLOCK, start + BLOCK :] = inverse[start + BLOCK :, start : start + BLOCK].T
        square = inverse[start : start + BLOCK, start : start + BLOCK]
        square[:] = np.tril(square) + np.tril(square, -1).T
    return vstack(list(_weights_by_target(inverse, settings.kept)), format="csr").T.tocsr()


def _weights_by_target(inverse: Floats, kept: int) -> Iterator[csr_matrix]:
    for start in range(0, inverse.shape[0], BLOCK):
        rows = inverse[:, start : start + BLOCK].T
        place = np.arange(rows.shape[0])
        block = (rows / -rows[place, start + place][:, None]).astype(np.float32)
        block[place, start + place] = 0.0
        if kept < block.shape[1]:
            size = np.abs(block)
            bound = np.partition(size, size.shape[1] - kept, axis=1)[:, size.shape[1] - kept]
            block[size < bound[:, None]] = 0.0
        yield csr_matrix(block)


def _nearest_items(
    scaled: csr_matrix, count: int, gram_of: Callable[[NDArray[np.integer]], Floats], settings: ItemItemConfig
) -> csr_matrix:
    """The regression for each target over its ``count`` neighbours of largest cosine, one small Cholesky solve each.

    ``gram_of`` gives the gram matrix of a few items.
    """
    items = scaled.shape[1]
    diagonal = np.asarray(scaled.multiply(scaled).sum(axis=0)).ravel()
    norm, penalty = np.sqrt(diagonal), _penalty(diagonal, settings)
    unit = csr_matrix((scaled.data / norm[scaled.indices], scaled.indices, scaled.indptr), shape=scaled.shape)
    cosine = all_pairs_knn(unit, count + 1, num_threads=settings.threads, show_progress=False).tocsr()
    size = np.zeros(items + 1, np.int64)
    sources, weights = np.empty(cosine.nnz, np.int32), np.empty(cosine.nnz, np.float32)
    for target in range(items):
        row = slice(cosine.indptr[target], cosine.indptr[target + 1])
        near, similar = cosine.indices[row], cosine.data[row]
        wanted = (near != target) & (similar > 0)
        near, similar = near[wanted], similar[wanted]
        start = size[target]
        size[target + 1] = start + near.size
        if near.size:
            gram = gram_of(near)
            gram[np.diag_indices(near.size)] += penalty[near]
            sources[start : size[target + 1]] = near
            weights[start : size[target + 1]] = dposv(gram, similar * norm[near] * norm[target], overwrite_a=1)[1]
    parts = (weights[: size[-1]], sources[: size[-1]], size)
    return csc_matrix(parts, shape=(items, items)).tocsr()


class _SmallGram:
    """The gram matrix of a few columns, without ever forming the whole one."""

    def __init__(self, columns: csc_matrix) -> None:
        self._columns = columns
        self._starts = columns.indptr.astype(np.int64)
        self._marks = np.zeros(columns.shape[0], np.int64)

    def __call__(self, chosen: NDArray[np.integer]) -> Floats:
        starts = self._starts[chosen]
        lengths = self._starts[chosen + 1] - starts
        ends = np.cumsum(lengths)
        place = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        citizens = self._columns.indices[place]
        # Any one of a citizen's places names that citizen, so that no sorting and no citizen-long array is needed.
        self._marks[citizens] = np.arange(citizens.size)
        parts = (self._columns.data[place], self._marks[citizens], np.concatenate(([0], ends)))
        rows = csr_matrix(parts, shape=(chosen.size, citizens.size))
        gram: Floats = (rows @ rows.T).toarray()
        return gram
