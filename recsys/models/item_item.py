"""Item–item weights: the strength with which each article read speaks for each other article.

Up to ``dense_limit`` items this is EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"); above it the
same regression is solved per item over its strongest neighbours only, so that memory grows with the number of items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from content_store.errors import ModelError
from recsys.models.base import Arrays, Recommender


@dataclass(frozen=True)
class ItemItemConfig:
    """Constants of the regression; ``kept`` is the number of weights kept per target item."""

    regularization: float = 600.0
    kept: int = 500
    dense_limit: int = 12_000


class ItemItem(Recommender):
    """Sparse item–item weights; a score is the history times the weights."""

    name: ClassVar[str] = "item_item"

    def __init__(self, config: ItemItemConfig | None = None) -> None:
        self.settings = config or ItemItemConfig()
        self.weights = csr_matrix((0, 0), dtype=np.float32)
        self.known = np.zeros(0, bool)

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
        model.weights, model.known = csr_matrix(parts, shape=(items, items)), arrays["known"]
        return model

    def fit(self, matrix: csr_matrix) -> Self:
        """Learn the weights from ``matrix`` (citizens × items, float32, strength ≥ 0)."""
        items = matrix.shape[1]
        self.known = np.bincount(matrix.indices, minlength=items) > 0
        dense = items <= self.settings.dense_limit
        self.weights = ease(matrix, self.settings) if dense else cosine(matrix, self.settings.kept)
        return self

    def score(self, history: csr_matrix) -> NDArray[np.float32]:
        """Scores (rows × items, float32); items without training rows are ``-inf``, see the base.

        Raises ModelError where the histories are over another number of items than the model was fitted on.
        """
        if history.shape[1] != self.known.size:
            raise ModelError(f"item_item knows {self.known.size} items, the history has {history.shape[1]}")
        scores: NDArray[np.float32] = (history @ self.weights).toarray()
        filled = np.diff(history.indptr) > 0
        scores[np.ix_(filled, ~self.known)] = -np.inf
        return scores

    def neighbours(self, item: int, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items (int32) that reading ``item`` speaks for most, strongest first, with their weights (float32)."""
        row = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
        found, weight = self.weights.indices[row], self.weights.data[row]
        order = np.lexsort((found, -weight))[:count]
        order = order[weight[order] > 0]
        return found[order].astype(np.int32), weight[order]

    def explain(self, history: csr_matrix, item: int) -> int | None:
        """The item of the one-row ``history`` that contributed most to the score of ``item``; None where none did."""
        weight = self.weights[history.indices, item].toarray().ravel() * history.data
        if not weight.size or weight.max() <= 0:
            return None
        return int(history.indices[np.argmax(weight)])


def ease(matrix: csr_matrix, settings: ItemItemConfig) -> csr_matrix:
    """EASE weights (items × items), the ``kept`` strongest per column by absolute value."""
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += settings.regularization
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return strongest(weights.T.astype(np.float32), settings.kept).T.tocsr()


def strongest(rows: NDArray[np.float32], kept: int) -> csr_matrix:
    """The ``kept`` entries of largest absolute value of each dense row, as a sparse matrix."""
    if kept < rows.shape[1]:
        bound = -np.partition(-np.abs(rows), kept - 1, axis=1)[:, kept - 1 : kept]
        rows = np.where(np.abs(rows) >= bound, rows, np.float32(0))
    return csr_matrix(rows)


def cosine(matrix: csr_matrix, kept: int, *, block: int = 1000) -> csr_matrix:
    """Cosine between the columns of ``matrix``, the ``kept`` strongest per column; dense only block by block."""
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    unit = matrix.multiply(1.0 / np.maximum(norm, 1e-9)).tocsc().astype(np.float32)
    rows = []
    for start in range(0, unit.shape[1], block):
        near = (unit[:, start : start + block].T @ unit).toarray()
        near[np.arange(near.shape[0]), start + np.arange(near.shape[0])] = 0
        rows.append(strongest(near, min(kept, 200)))
    return vstack(rows).T.tocsr()
