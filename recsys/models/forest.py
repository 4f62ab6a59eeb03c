"""The trees of a LightGBM model as arrays: a request has a few hundred rows, for which LightGBM's road is long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.kernels import forest

MOST_LEAVES = 32
_ALL = 2**MOST_LEAVES - 1


@dataclass(frozen=True)
class Forest:
    """The inner nodes and the leaves of all trees, see ``recsys.kernels.forest``."""

    node: NDArray[np.int32]
    threshold: NDArray[np.float32]
    unknown_left: NDArray[np.bool_]
    kept: NDArray[np.uint32]
    first: NDArray[np.int32]
    value: NDArray[np.float64]
    leaf: NDArray[np.int32]

    @classmethod
    def of(cls, dumped: Mapping[str, Any]) -> Self | None:
        """The trees of a ``Booster.dump_model()``; None where their leaves are too many, or their splits others."""
        found = _Nodes()
        for tree in dumped["tree_info"]:
            found.begin(tree["num_leaves"])
            found.add(tree["tree_structure"])
        found.begin(0)
        if not found.sound:
            return None
        threshold = np.array(found.threshold, np.float64)
        # A float32 is at most the threshold where it is at most the largest float32 that is.
        with np.errstate(over="ignore"):  # a threshold beyond all float32 parts NaN, or infinity, from the rest
            rounded = threshold.astype(np.float32)
        lower = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return cls(
            np.array(found.node, np.int32),
            lower.astype(np.float32),
            np.array(found.unknown_left, bool),
            np.array(found.kept, np.uint32),
            np.array(found.first, np.int32),
            np.array(found.value, np.float64),
            np.array(found.leaf, np.int32),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All fields by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def score(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """What LightGBM predicts for each row of ``table`` (rows × features; float64), to the last digit."""
        columns = np.ascontiguousarray(table.T, np.float32)
        nodes = (self.node, self.threshold, self.unknown_left, self.kept, self.first, self.value, self.leaf)
        scores: NDArray[np.float64] = forest(columns, *nodes)
        return scores


@dataclass
class _Nodes:
    node: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    unknown_left: list[bool] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    leaf: list[int] = field(default_factory=list)
    sound: bool = True

    def begin(self, leaves: int) -> None:
        """Another tree."""
        self.first.append(len(self.node))
        self.leaf.append(len(self.value))
        self.sound = self.sound and leaves <= MOST_LEAVES

    def add(self, node: dict[str, Any]) -> None:
        """What hangs on ``node``, from the left to the right."""
        if "split_feature" not in node:
            self.value.append(node["leaf_value"])
            return
        kind = node.get("missing_type")
        self.sound = self.sound and node["decision_type"] == "<=" and kind in ("None", "NaN")
        place, before = len(self.node), len(self.value) - self.leaf[-1]
        self.node.append(node["split_feature"])
        self.threshold.append(node["threshold"])
        # LightGBM takes NaN for 0 where it met none in training.
        self.unknown_left.append(node["default_left"] if kind == "NaN" else node["threshold"] >= 0.0)
        self.kept.append(_ALL)
        self.add(node["left_child"])
        passed = len(self.value) - self.leaf[-1]
        self.kept[place] = _ALL & ~((1 << passed) - (1 << before))
        self.add(node["right_child"])
