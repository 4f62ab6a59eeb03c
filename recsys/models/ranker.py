"""``ranker``: learnt order of the candidates (LightGBM), kept as the text of its trees inside the arrays.

LambdaMART: Burges, *From RankNet to LambdaRank to LambdaMART* (MSR-TR-2010-82).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from content_store.errors import ModelError
from recsys.models.base import Arrays, Model
from recsys.models.forest import Forest


@dataclass(frozen=True)
class RankerConfig:
    """Hyper-parameters; ``docs/benchmarks`` tells how they were found."""

    objective: str = "lambdarank"
    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 31
    least_rows: int = 50
    truncation: int = 15
    columns_per_tree: float = 0.6
    rows_per_tree: float = 0.8
    l2: float = 5.0
    threads: int = 2
    seed: int = 1


_FOREST = "forest_"

# Few readers or an old catalogue teach little: shallower trees, more regularised.
CONFIGURATIONS = (RankerConfig(), RankerConfig(leaves=15, least_rows=200, l2=20.0, columns_per_tree=0.4))


class Ranker(Model):
    """Scores rows of features; higher is better."""

    name = "ranker"

    def __init__(self, columns: Sequence[str], config: RankerConfig | None = None) -> None:
        self.columns = tuple(columns)
        self.settings = config or RankerConfig()
        self._text: str | None = None  # of the trees, as LightGBM keeps them
        self._forest: Forest | None = None  # the same, where it can be told by arrays
        self._booster: Any = None  # the same for LightGBM, where it cannot

    def fit(self, table: NDArray[np.float32], label: NDArray[np.float32], sizes: NDArray[np.int64]) -> Self:
        """Learn from queries laid end to end.

        ``table`` is rows × columns, ``label`` the gain of each row, ``sizes`` the rows of each query.
        """
        chosen = self.settings
        parameters = {
            "objective": chosen.objective,
            "learning_rate": chosen.learning_rate,
            "num_leaves": chosen.leaves,
            "min_data_in_leaf": chosen.least_rows,
            "lambdarank_truncation_level": chosen.truncation,
            "feature_fraction": chosen.columns_per_tree,
            "bagging_fraction": chosen.rows_per_tree,
            "bagging_freq": 1,
            "lambda_l2": chosen.l2,
            "num_threads": chosen.threads,
            "seed": chosen.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        lightgbm = _lightgbm()
        rows = lightgbm.Dataset(table, label, group=sizes, feature_name=list(self.columns))
        booster = lightgbm.train(parameters, rows, chosen.trees)
        self._text, self._forest = booster.model_to_string(), Forest.of(booster.dump_model())
        return self

    def score(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """One score per row (float64). Raises ModelError before a fit or where the columns are not the fitted ones."""
        text = self._fitted()
        if table.shape[1] != len(self.columns):
            raise ModelError(f"the ranker was fitted on {len(self.columns)} columns, not {table.shape[1]}")
        if self._forest is not None:
            return self._forest.score(table)
        if self._booster is None:
            self._booster = _lightgbm().Booster(model_str=text)
        return np.asarray(self._booster.predict(table, num_threads=1), np.float64)

    def importance(self) -> dict[str, float]:
        """Share of the gain that each column brought, largest first."""
        gain = _lightgbm().Booster(model_str=self._fitted()).feature_importance("gain")
        order = np.argsort(-gain)
        return {self.columns[index]: float(gain[index] / gain.sum()) for index in order}

    def _fitted(self) -> str:
        """The text of the trees. Raises ModelError before a fit."""
        if self._text is None:
            raise ModelError("the ranker has not been fitted")
        return self._text

    def config(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "settings": asdict(self.settings)}

    def arrays(self) -> Arrays:
        kept: Arrays = {"trees": np.frombuffer(self._fitted().encode(), np.uint8)}
        if self._forest is not None:
            kept |= {_FOREST + name: values for name, values in self._forest.arrays().items()}
        return kept

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(config["columns"], RankerConfig(**config["settings"]))
        model._text = arrays["trees"].tobytes().decode()
        parts = {name.removeprefix(_FOREST): values for name, values in arrays.items() if name.startswith(_FOREST)}
        model._forest = Forest(**parts) if parts else Forest.of(_lightgbm().Booster(model_str=model._text).dump_model())
        return model


def _lightgbm() -> Any:
    """LightGBM, which brings 100 MB with it that a serving process does without: its trees are in the forest."""
    import lightgbm

    return lightgbm
