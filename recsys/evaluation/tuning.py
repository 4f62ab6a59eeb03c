"""Constants of the slow layer, chosen on a seeded tenth of the training pairs and never on a test file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.evaluation.topn import top_items, topn_metrics
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Recommender
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.models.slow import SlowConfig, blend

HELD_OUT = 0.1
JUDGES = 6000
CHUNK = 1024
K = 20

Progress = Callable[[str], None]
Scores = NDArray[np.float32]

ITEM_ITEM = (ItemItemConfig(ridge=1.5), ItemItemConfig(ridge=4.0, popularity_power=-0.05))
ALS = (
    AlsConfig(factors=128, alpha=10.0, regularization=100.0),
    AlsConfig(factors=192, alpha=30.0, regularization=30.0),
)
SHARES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)


class Chooser(Protocol):
    """Gives the constants of the slow layer from training pairs alone."""

    def __call__(self, train: csr_matrix, *, seed: int, progress: Progress) -> SlowConfig:
        """Constants for ``train`` (users × items, float32)."""


@dataclass(frozen=True)
class Judged:
    """recall@20 and ndcg@20 on the held-out pairs."""

    recall: float
    ndcg: float

    @property
    def worth(self) -> float:
        """What is maximised: the sum of the two."""
        return self.recall + self.ndcg

    def __str__(self) -> str:
        return f"recall@{K} {self.recall:.4f} ndcg@{K} {self.ndcg:.4f}"


def hold_out(train: csr_matrix, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """A seeded tenth of the training pairs held out: (the rest, the tenth), both of the shape of ``train``."""
    pairs = train.tocoo()
    chosen = np.zeros(pairs.nnz, bool)
    size = max(1, round(pairs.nnz * HELD_OUT))
    chosen[np.random.default_rng(seed).choice(pairs.nnz, size, replace=False)] = True
    rest, held = (
        csr_matrix((pairs.data[part], (pairs.row[part], pairs.col[part])), shape=train.shape)
        for part in (~chosen, chosen)
    )
    return rest, held


class Validation:
    """The held-out tenth, judged by at most ``JUDGES`` of its users."""

    def __init__(self, train: csr_matrix, *, seed: int) -> None:
        self.rest, held = hold_out(train, seed)
        users = np.flatnonzero(np.diff(held.indptr))
        if users.size > JUDGES:
            users = np.sort(np.random.default_rng(seed).choice(users, JUDGES, replace=False))
        self.history, self.wanted = self.rest[users], held[users]

    def scores(self, model: Recommender) -> Scores:
        """``model``'s scores for the judges (rows × items, float32); ``model`` is fitted on ``rest``."""
        starts = range(0, self.history.shape[0], CHUNK)
        return np.vstack([model.score(self.history[start : start + CHUNK]) for start in starts])

    def judge(self, scores: Scores, *others: Scores, share: float = 0.0) -> Judged:
        """The figures of ``scores``, or of its blend with one other array of scores at ``share``."""
        tops = []
        for start in range(0, scores.shape[0], CHUNK):
            part = slice(start, start + CHUNK)
            mixed = blend(scores[part], others[0][part], share) if others else scores[part]
            tops.append(top_items(mixed, self.history[part], K))
        metrics = topn_metrics(np.vstack(tops), self.wanted, (K,))
        return Judged(float(metrics[f"recall@{K}"].mean()), float(metrics[f"ndcg@{K}"].mean()))


def choose(
    train: csr_matrix,
    *,
    seed: int,
    progress: Progress,
    item_item: Sequence[ItemItemConfig] = ITEM_ITEM,
    als: Sequence[AlsConfig] = ALS,
) -> SlowConfig:
    """The best of the candidates on the held-out tenth: item_item first, then ALS and its share beside it."""
    validation = Validation(train, seed=seed)
    tried: list[tuple[float, ItemItemConfig, Scores]] = []
    for first in item_item:
        scores = validation.scores(ItemItem(first).fit(validation.rest))
        judged = validation.judge(scores)
        progress(f"held-out: {judged} {first}")
        tried = [max([*tried, (judged.worth, first, scores)], key=lambda entry: entry[0])]
    best, chosen = tried[0], SlowConfig(als[0], tried[0][1], 0.0)
    worth = best[0]
    for second in als:
        scores = validation.scores(Als(second).fit(validation.rest))
        progress(f"held-out: {validation.judge(scores)} {second}")
        for share in SHARES[1:]:
            judged = validation.judge(best[2], scores, share=share)
            progress(f"held-out: {judged} with als_share {share}")
            if judged.worth > worth:
                worth, chosen = judged.worth, SlowConfig(second, best[1], share)
    return chosen
