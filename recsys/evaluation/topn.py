"""Top-n lists and their metrics for the split and cold protocols: recall@k, nDCG@k and intervals over users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)

Floats = NDArray[np.float64]
PerUser = dict[str, Floats]


def top_items(scores: NDArray[np.floating], excluded: csr_matrix | None, k: int) -> NDArray[np.int32]:
    """The ``k`` best item positions of each row, best first (int32, rows × k, -1 where there are no more).

    ``scores`` is rows × items; equal scores rank the smaller position first and unscored items (``-inf``) come last,
    also by position. ``excluded`` (rows × items, any stored value) never appears. Raises ValueError on NaN.
    """
    rows, items = scores.shape
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    ranked = np.maximum(scores, np.finfo(scores.dtype).min)
    if excluded is not None:
        ranked[np.repeat(np.arange(rows), np.diff(excluded.indptr)), excluded.indices] = -np.inf
    top = np.full((rows, k), -1, np.int32)
    width = min(k, items)
    if not rows or not width:
        return top
    bound = np.partition(ranked, items - width, axis=1)[:, items - width]
    bound = np.maximum(bound, np.finfo(scores.dtype).min)[:, None]
    chosen, equal = ranked > bound, ranked == bound
    wanted = width - np.count_nonzero(chosen, axis=1)
    for place in np.flatnonzero(wanted):
        chosen[place, np.flatnonzero(equal[place])[: wanted[place]]] = True
    row, item = np.nonzero(chosen)
    order = np.lexsort((item, -ranked[row, item], row))
    row, item = row[order], item[order]
    top[row, np.arange(row.size) - np.searchsorted(row, row, side="left")] = item
    return top


def topn_metrics(top: NDArray[np.integer], wanted: csr_matrix, ks: Sequence[int]) -> PerUser:
    """``recall@k`` and ``ndcg@k`` of each user (float64 arrays, in row order) for every k of ``ks``.

    ``top`` is users × K with K ≥ max(ks), padded with -1; ``wanted`` holds each user's test items (users × items, any
    stored value, at least one per row). recall@k = hits ÷ test items; nDCG with IDCG over min(k, test items).
    Raises ValueError where a row of ``wanted`` is empty or the lists are too short.
    """
    users, items = wanted.shape
    size = np.diff(wanted.indptr)
    if users and size.min() == 0:
        raise ValueError("a user without a test item has no recall")
    if top.shape[0] != users or top.shape[1] < max(ks):
        raise ValueError(f"lists of shape {top.shape} cannot give metrics at {max(ks)} for {users} users")
    row = np.arange(users, dtype=np.int64)
    key = np.repeat(row, size) * items + wanted.indices
    hit = np.isin(row[:, None] * items + top, key) & (top >= 0)
    gain = 1.0 / np.log2(np.arange(2, max(ks) + 2))
    ideal = np.cumsum(gain)
    result: PerUser = {}
    for k in ks:
        result[f"recall@{k}"] = hit[:, :k].sum(1) / size
        result[f"ndcg@{k}"] = hit[:, :k] @ gain[:k] / ideal[np.minimum(k, size) - 1]
    return result


def resampled_means(values: Floats, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Means of the columns of ``values`` (users × columns) over ``resamples`` bootstrap draws of the users.

    Returns float64, resamples × columns. Every column sees the same draws, so that differences and ratios are paired.
    """
    users = values.shape[0]
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    for index in range(resamples):
        times = np.bincount(generator.integers(0, users, users), minlength=users)
        means[index] = times @ values / users
    return means


def with_interval(value: float, draws: Floats) -> dict[str, float]:
    """``{value, lo, hi}`` with the 2.5 and 97.5 percentiles of ``draws``."""
    low, high = np.percentile(draws, PERCENTILES)
    return {"value": float(value), "lo": float(low), "hi": float(high)}


def summarise(models: Mapping[str, PerUser], *, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """``{model: {metric: {value, lo, hi}}}`` from each model's per-user metrics, all on the same resamples."""
    names = [(model, metric) for model, metrics in models.items() for metric in metrics]
    values = np.column_stack([models[model][metric] for model, metric in names])
    draws = resampled_means(values, seed=seed)
    table: dict[str, dict[str, dict[str, float]]] = {model: {} for model in models}
    for column, (model, metric) in enumerate(names):
        table[model][metric] = with_interval(values[:, column].mean(), draws[:, column])
    return table


def paired_ratios(values: Mapping[str, Floats], base: str, *, seed: int) -> dict[str, dict[str, float]]:
    """``{model: {value, lo, hi}}``: each model's mean ÷ the mean of ``base``, paired on the same resamples.

    A base of zero gives no ratio: the dictionary is then empty. A resample in which it is zero gives none either; the
    interval is that of the others.
    """
    names = list(values)
    stacked = np.column_stack([values[name] for name in names])
    draws = resampled_means(stacked, seed=seed)
    below, under = stacked[:, names.index(base)].mean(), draws[:, names.index(base)]
    if not below:
        return {}
    draws, under = draws[under > 0], under[under > 0]
    return {
        name: with_interval(stacked[:, column].mean() / below, draws[:, column] / under)
        for column, name in enumerate(names)
    }
