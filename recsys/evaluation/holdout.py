"""A quick look at fitted models: from each reader's history, do they find what that reader read next?

The readers are those with a profile before ``cut`` and at least one first contact after it with an item known before
it; what they had met before is not ranked. It says whether the slow models are healthy; what a reader would really have
been served, with everything that happened after ``cut``, is told by the replay protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.evaluation.topn import top_items, topn_metrics
from recsys.features import Dataset
from recsys.features.log import Ids
from recsys.models.base import Model, Recommender
from recsys.models.slow import standardised

HOUR_MS = 3_600_000.0
HALF_LIVES = {"popular_2.4h": 2.4, "popular_1d": 24.0, "popular_7d": 168.0}
BLENDED = ("popular_2.4h", "popular_7d")
METRIC = "ndcg@10"
_BLOCK = 256

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Fitted models and the item ids (object array of str) that their columns stand for."""

    items: Ids
    models: Mapping[str, Model]


@dataclass(frozen=True, slots=True)
class Measured:
    """How well a bundle did: ``served`` is what citizens would get, ``singles`` the simple signals; higher is better.

    ``metric`` names the figure, ``n`` is the number of readers or readings it is a mean of, ``models`` gives the same
    figure for parts of the bundle.
    """

    metric: str
    n: int
    served: float
    singles: Mapping[str, float]
    models: Mapping[str, float]

    @property
    def best_single(self) -> str:
        """The name of the best simple signal; empty where there is none."""
        return max(self.singles, key=lambda name: self.singles[name], default="")

    @property
    def ratio(self) -> float | None:
        """``served`` ÷ the best simple signal; None where that is zero or absent."""
        best = self.singles.get(self.best_single, 0.0)
        return self.served / best if best > 0 else None


def holdout(whole: Dataset, cut: int, bundle: Bundle, *, readers: int = 2_000, seed: int = 0) -> Measured:
    """``bundle`` measured on what ``whole`` holds from ``cut`` (epoch ms) on, by a seeded sample of ``readers``.

    ``served`` is a fixed blend: the sum of what each model and two popularities (``BLENDED``) say, each standardised
    over the items that it scores.
    """
    past = whole.before(cut)
    rows, wanted, met = _tasks(whole, past, readers, seed)
    if not rows.size:
        return Measured(METRIC, 0, 0.0, {}, {})
    singles = {name: _popularity(past, hours) for name, hours in HALF_LIVES.items()} | {"newest": _birth(past)}
    recommenders = {name: model for name, model in bundle.models.items() if isinstance(model, Recommender)}
    into = _translation(past, bundle.items)
    sums = dict.fromkeys(["served", *singles, *recommenders], 0.0)
    for start in range(0, rows.size, _BLOCK):
        part = slice(start, min(start + _BLOCK, rows.size))
        spread = {name: np.tile(score, (part.stop - start, 1)) for name, score in singles.items()}
        scores = spread | {
            name: _scores(model, past.matrix[rows[part]], into, past.items.size) for name, model in recommenders.items()
        }
        scores["served"] = np.sum([_voice(scores[name]) for name in (*BLENDED, *recommenders)], axis=0)
        for name, values in scores.items():
            sums[name] += float(topn_metrics(top_items(values, met[part], 10), wanted[part], [10])[METRIC].sum())
    means = {name: total / rows.size for name, total in sums.items()}
    return Measured(
        METRIC,
        int(rows.size),
        means["served"],
        {name: means[name] for name in singles},
        {name: means[name] for name in recommenders},
    )


def _tasks(whole: Dataset, past: Dataset, readers: int, seed: int) -> tuple[NDArray[np.intp], csr_matrix, csr_matrix]:
    """The sampled rows of ``past.matrix``, their wanted items and those met before (rows × items)."""
    size = (past.citizens.size, past.items.size)
    tail = np.arange(len(whole.log)) >= len(past.log)
    user = _renumbered(whole.citizens, past.citizens)[whole.log.user]
    item = _renumbered(whole.items, past.items)[whole.log.item]
    chosen = tail & whole.reading & (user >= 0) & (item >= 0)
    met = _pairs(past.log.user, past.log.item, size)
    wanted = _pairs(user[chosen], item[chosen], size)
    wanted = wanted - wanted.multiply(met)
    wanted.eliminate_zeros()
    rows = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.diff(past.matrix.indptr) > 0))
    if rows.size > readers:
        rows = np.sort(np.random.default_rng(seed).choice(rows, readers, replace=False))
    return rows, wanted[rows], met[rows]


def _renumbered(ids: Ids, among: Ids) -> NDArray[np.intp]:
    """The position of each of ``ids`` in ``among``, -1 where it is absent."""
    found: NDArray[np.intp] = pd.Index(among).get_indexer(pd.Index(ids))
    return found


def _pairs(user: NDArray[np.integer], item: NDArray[np.integer], shape: tuple[int, int]) -> csr_matrix:
    """Ones at the given pairs, each once."""
    pairs = csr_matrix((np.ones(user.size, np.float32), (user, item)), shape=shape)
    pairs.sum_duplicates()
    pairs.data[:] = 1
    return pairs


def _popularity(past: Dataset, hours: float) -> Scores:
    """Decayed first reads of each item at the end of ``past``, as shares of the largest (float32)."""
    log, reading = past.log, past.reading
    pair = log.user[reading].astype(np.int64) * max(past.items.size, 1) + log.item[reading]
    first = np.unique(pair, return_index=True)[1]
    age = (past.as_of - log.at[reading][first]) / HOUR_MS
    mass = np.bincount(log.item[reading][first], np.exp2(-age / hours), minlength=past.items.size)
    largest = mass.max(initial=0.0)  # after a quiet time all of them are too small for float32
    return (mass / largest if largest > 0 else mass).astype(np.float32)


def _birth(past: Dataset) -> Scores:
    """The place of each item in the order of first appearance (float32)."""
    first = np.unique(past.log.item, return_index=True)[1]
    return np.argsort(np.argsort(first, kind="stable"), kind="stable").astype(np.float32)


def _translation(past: Dataset, items: Ids) -> csr_matrix:
    """Ones where an item of ``past`` (rows) is an item of a bundle (columns)."""
    column = _renumbered(past.items, items)
    known = column >= 0
    parts = (np.ones(int(known.sum()), np.float32), (np.flatnonzero(known), column[known]))
    return csr_matrix(parts, shape=(past.items.size, items.size))


def _scores(model: Recommender, history: csr_matrix, into: csr_matrix, items: int) -> Scores:
    """The model's scores over the items of the past; those that it never met come last."""
    own = model.score((history @ into).tocsr())
    scores = np.full((history.shape[0], items), -np.inf, np.float32)
    here = into.tocoo()
    scores[:, here.row] = own[:, here.col]
    return scores


def _voice(scores: Scores) -> Scores:
    """What a signal says in the blend: standardised scores, in which an unscored item speaks like the lowest one."""
    standard = standardised(scores)
    scored = np.isfinite(standard)
    lowest = np.where(scored, standard, 0).min(1, keepdims=True)
    voice: Scores = np.where(scored, standard, lowest)
    return voice
