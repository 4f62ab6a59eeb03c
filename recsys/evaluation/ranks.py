"""Ranks of targets, their metrics, and intervals over citizens, as the replay protocol defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
LEADING = "ndcg@10"

Floats = NDArray[np.float64]
Interval = dict[str, float | None]


def rank_of(
    target: int, score: Floats, last: Floats, ranked: NDArray[np.intp], top: int = 10
) -> tuple[int, NDArray[np.intp]]:
    """The rank (from 1) of ``target`` among ``ranked`` and the best ``top`` of them (positions, in no order).

    ``score`` and ``last`` (hours of the last contact) are over all items. Higher score first, then later contact, then
    smaller position.
    """
    mine = score[target]
    equal = (last[ranked] > last[target]) | ((last[ranked] == last[target]) & (ranked < target))
    values = score[ranked]
    rank = 1 + int(((values > mine) | ((values == mine) & equal)).sum())
    if ranked.size <= top:
        return rank, ranked
    bound = values[np.argpartition(-values, top - 1)[top - 1]]
    above = ranked[values > bound]
    level = ranked[values == bound]
    level = level[np.lexsort((level, -last[level]))[: top - above.size]]
    return rank, np.concatenate([above, level])


def metrics_of(rank: NDArray[np.int64]) -> dict[str, Floats]:
    """The metrics of each target (float64)."""
    return {
        "hr@10": (rank <= 10).astype(float),
        "ndcg@10": np.where(rank <= 10, 1 / np.log2(1 + rank), 0.0),
        "hr@20": (rank <= 20).astype(float),
        "mrr": 1.0 / rank,
    }


def summarised(
    ranks: Mapping[str, NDArray[np.int64]], coverage: Mapping[str, float], owner: NDArray[np.integer], seed: int
) -> dict[str, dict[str, Interval]]:
    """``{model: {metric: {value, lo, hi}}}``; ``owner`` is the citizen of each target."""
    tables = {(model, name): values for model, rank in ranks.items() for name, values in metrics_of(rank).items()}
    totals, size = _resampled(tables, owner, seed)
    report: dict[str, dict[str, Interval]] = {model: {} for model in ranks}
    for place, ((model, name), values) in enumerate(tables.items()):
        low, high = np.percentile(totals[:, place] / size, PERCENTILES)
        report[model][name] = {"value": float(values.mean()), "lo": float(low), "hi": float(high)}
    for model, share in coverage.items():
        report[model]["coverage"] = {"value": share, "lo": None, "hi": None}
    return report


def ratios(
    ranks: Mapping[str, NDArray[np.int64]], base: str, owner: NDArray[np.integer], seed: int
) -> dict[str, Interval]:
    """``{model: {value, lo, hi}}``: ndcg@10 ÷ that of ``base``, paired on the same resamples; empty if that is 0.

    A resample in which ``base`` has nothing gives no ratio; the interval is that of the others.
    """
    tables = {model: metrics_of(rank)[LEADING] for model, rank in ranks.items()}
    totals, _ = _resampled(tables, owner, seed)
    if not tables[base].any():
        return {}
    below = totals[:, list(tables).index(base)]
    totals, below = totals[below > 0], below[below > 0]
    report: dict[str, Interval] = {}
    for place, (model, values) in enumerate(tables.items()):
        low, high = np.percentile(totals[:, place] / below, PERCENTILES)
        report[model] = {"value": float(values.sum() / tables[base].sum()), "lo": float(low), "hi": float(high)}
    return report


def _resampled(tables: Mapping[Any, Floats], owner: NDArray[np.integer], seed: int) -> tuple[Floats, Floats]:
    """Sums of every table (resamples × tables) and numbers of targets (resamples), over the same draws of citizens."""
    users, code = np.unique(owner, return_inverse=True)
    total = np.column_stack([np.bincount(code, values, users.size) for values in tables.values()])
    size = np.bincount(code).astype(float)
    generator = np.random.default_rng(seed)
    sums, sizes = np.empty((RESAMPLES, total.shape[1])), np.empty(RESAMPLES)
    for place in range(RESAMPLES):
        times = np.bincount(generator.integers(0, users.size, users.size), minlength=users.size)
        sums[place], sizes[place] = times @ total, times @ size
    return sums, sizes
