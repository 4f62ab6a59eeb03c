"""Alternating least squares on implicit feedback (Hu, Koren, Volinsky 2008), fitted and folded in by ``implicit``.

Only the item factors Y and YᵀY are kept. A citizen's vector is solved from the reading history when it is asked for,
so that nobody's vector is stored and a reader who came a second ago is treated like any other.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.utils import check_blas_config
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from content_store.errors import ModelError
from recsys.models.base import Arrays, Recommender, with_values

ROWS_PER_THREAD = 64

# implicit looks once whether BLAS has threads of its own, and warns; every fit here sees to it that it has none.
with threadpool_limits(1, "blas"):
    check_blas_config()


@dataclass(frozen=True)
class AlsConfig:
    """Constants of the factorisation; the values here suit sparse reading, see docs/benchmarks/split.md.

    ``alpha`` turns a strength r into the confidence 1 + alpha·r; ``threads`` 0 takes every core. The factors do not
    depend on the number of threads.
    """

    factors: int = 64
    regularization: float = 30.0
    alpha: float = 30.0
    iterations: int = 10
    seed: int = 0
    threads: int = 0


class Als(Recommender):
    """Item factors, and citizens solved from their histories by implicit's own solver."""

    name: ClassVar[str] = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.settings = config or AlsConfig()
        self.item_factors = np.zeros((0, self.settings.factors), np.float32)
        self.known = np.zeros(0, bool)
        self._solver = self._bare()

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self.settings)

    def arrays(self) -> Arrays:
        """``item_factors`` (items × factors, float32), ``gram`` (YᵀY) and ``known`` (items, bool: seen in training)."""
        return {"item_factors": self.item_factors, "gram": self._solver.YtY, "known": self.known}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(AlsConfig(**config))
        model._keep(arrays["item_factors"], arrays["known"], arrays["gram"])
        return model

    def fit(self, matrix: csr_matrix) -> Self:
        """Learn item factors from ``matrix`` (citizens × items, float32, strength ≥ 0)."""
        fitted = self._bare()
        with threadpool_limits(1, "blas"):
            fitted.fit(self._confidence(matrix), show_progress=False)
        known = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
        self._keep(fitted.item_factors, known, None)
        return self

    def fold_in(self, history: csr_matrix) -> NDArray[np.float32]:
        """The vectors (rows × factors, float32) of citizens with these histories (rows × items); empty ones are zero.

        Raises ModelError where the histories are over another number of items than the model was fitted on.
        """
        if history.shape[1] != self.item_factors.shape[0]:
            raise ModelError(f"als knows {self.item_factors.shape[0]} items, the history has {history.shape[1]}")
        return self.folded(history, self.item_factors)

    def folded(self, history: csr_matrix, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for histories over items that have these ``factors`` (items × factors, float32)."""
        solver = copy.copy(self._solver)
        solver.item_factors = factors
        # Waking threads for a handful of rows costs more than the rows.
        solver.num_threads = 1 if history.shape[0] < ROWS_PER_THREAD else self.settings.threads
        vectors: NDArray[np.float32] = solver.recalculate_user(np.arange(history.shape[0]), self._confidence(history))
        return vectors

    @property
    def scored(self) -> NDArray[np.bool_]:
        """The items that were read in training."""
        return self.known

    def preference(self, history: csr_matrix) -> NDArray[np.float32]:
        """Predicted preference (rows × items, float32)."""
        return self.preference_of(self.fold_in(history))

    def preference_of(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for readers that were folded in (rows × factors, float32)."""
        preference: NDArray[np.float32] = vectors @ self.item_factors.T
        return preference

    def _bare(self) -> AlternatingLeastSquares:
        settings = self.settings
        return AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1.0,
            iterations=settings.iterations,
            num_threads=settings.threads,
            random_state=settings.seed,
        )

    def _confidence(self, matrix: csr_matrix) -> csr_matrix:
        return with_values(matrix, np.float32(1) + np.float32(self.settings.alpha) * matrix.data.astype(np.float32))

    def _keep(self, factors: NDArray[Any], known: NDArray[Any], gram: NDArray[Any] | None) -> None:
        self.item_factors = np.ascontiguousarray(factors, np.float32)
        self.known = known
        self._solver = self._bare()
        self._solver.item_factors = self.item_factors
        self._solver._YtY = gram if gram is not None else self.item_factors.T @ self.item_factors
