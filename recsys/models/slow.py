"""The slow layer as one recommender: item–item weights and ALS, standardised per citizen and added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.models.als import Als, AlsConfig
from recsys.models.base import Arrays, Recommender
from recsys.models.item_item import ItemItem, ItemItemConfig


@dataclass(frozen=True)
class SlowConfig:
    """The two parts and ``als_share``, the part of the sum that ALS has (0 to 1)."""

    als: AlsConfig = field(default_factory=AlsConfig)
    item_item: ItemItemConfig = field(default_factory=ItemItemConfig)
    als_share: float = 0.3


class Slow(Recommender):
    """(1 - share) · item_item + share · als, each standardised over the items of a row."""

    name: ClassVar[str] = "slow"

    def __init__(self, config: SlowConfig | None = None) -> None:
        self.settings = config or SlowConfig()
        self.als = Als(self.settings.als)
        self.item_item = ItemItem(self.settings.item_item)

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self.settings)

    def arrays(self) -> Arrays:
        """The arrays of both parts, their names preceded by ``als.`` and ``item_item.``."""
        parts = (self.als, self.item_item)
        return {f"{part.name}.{key}": value for part in parts for key, value in part.arrays().items()}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(SlowConfig(AlsConfig(**config["als"]), ItemItemConfig(**config["item_item"]), config["als_share"]))
        model.als = Als.restore(config["als"], _part(arrays, "als."))
        model.item_item = ItemItem.restore(config["item_item"], _part(arrays, "item_item."))
        return model

    def fit(self, matrix: csr_matrix) -> Self:
        """Learn both parts from ``matrix`` (citizens × items, float32, strength ≥ 0)."""
        self.item_item.fit(matrix)
        self.als.fit(matrix)
        return self

    @property
    def scored(self) -> NDArray[np.bool_]:
        """The items that were read in training."""
        return self.als.known & self.item_item.known

    def preference(self, history: csr_matrix) -> NDArray[np.float32]:
        """Blended scores (rows × items, float32)."""
        return blend(self.item_item.score(history), self.als.score(history), self.settings.als_share)


def standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """``scores`` (rows × items) less their row mean, by their row deviation; ``-inf`` stays and counts for neither."""
    finite = np.isfinite(scores)
    count = np.maximum(finite.sum(axis=1, keepdims=True), 1)
    kept = np.where(finite, scores, np.float32(0))
    mean = kept.sum(axis=1, keepdims=True, dtype=np.float64) / count
    square = np.einsum("ri,ri->r", kept, kept, dtype=np.float64)[:, None] / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    deviation = np.where(deviation > 1e-6 * np.abs(mean), deviation, 1.0)
    result: NDArray[np.float32] = (scores - mean.astype(np.float32)) / deviation.astype(np.float32)
    return result


def blend(item_item: NDArray[np.float32], als: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """(1 - share) · standardised ``item_item`` + share · standardised ``als`` (rows × items, float32)."""
    if share == 0:
        return standardised(item_item)
    if share == 1:
        return standardised(als)
    return np.float32(1 - share) * standardised(item_item) + np.float32(share) * standardised(als)


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Arrays:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
