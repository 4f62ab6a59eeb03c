"""The split protocol: given training pairs, how many of each user's test items are in the top 20 or 50?

All items of both files are ranked for every user with a test item, the user's training items excluded. The models are
``popular`` (training pairs per item), ``als``, ``item_item`` and ``feed``, the blend of the slow layer
(``models/slow``) that the served feed draws on. What depends on the shape of the data is chosen on a seeded tenth of
the training pairs (``tuning``), then everything is fitted on all of them; the test file serves the final count only.
``best_single`` is the best of the models before ``feed`` by ndcg@20, and ratios are of ndcg@20.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.evaluation.pairs import Split, read_split
from recsys.evaluation.topn import PerUser, paired_ratios, summarise, top_items, topn_metrics
from recsys.evaluation.tuning import Chooser, Progress, choose
from recsys.models.slow import Slow, blend

KS = (20, 50)
MAIN = "ndcg@20"
CHUNK = 1024

Scores = NDArray[np.float32]


def run(
    train: Path, test: Path, *, seed: int = 0, progress: Progress | None = None, chooser: Chooser = choose
) -> dict[str, Any]:
    """Evaluate on two files of pairs; gives the JSON shape of ``kepu evaluate`` without ``args``.

    ``chooser`` gives the constants from the training pairs. Raises EvaluationError where a file cannot be used.
    """
    say = progress or (lambda _: None)
    split = read_split(train, test)
    say(f"{split.train.nnz} training pairs, {split.test.nnz} test pairs, {split.items.size} items")
    config = chooser(split.train, seed=seed, progress=say)
    say("fitting on all training pairs")
    model = Slow(config).fit(split.train)
    say("ranking")
    metrics = per_user(model, split.train, split.test)
    ndcg = {name: values[MAIN] for name, values in metrics.items()}
    best = max((name for name in ndcg if name != "feed"), key=lambda name: float(ndcg[name].mean()))
    return {
        "protocol": "split",
        "n": int(np.count_nonzero(np.diff(split.test.indptr))),
        **_shares(split),
        "models": summarise(metrics, seed=seed),
        "best_single": best,
        "ratio_to_best_single": paired_ratios(ndcg, best, seed=seed),
        "chosen": model.config(),
    }


def per_user(model: Slow, train: csr_matrix, test: csr_matrix) -> dict[str, PerUser]:
    """Per-user metrics of ``popular``, the two parts of ``model`` and ``feed``, over the users with a test item."""
    popularity = np.asarray(train.sum(axis=0), np.float64)
    tops: dict[str, list[NDArray[np.int32]]] = {name: [] for name in ("popular", "als", "item_item", "feed")}
    users = np.flatnonzero(np.diff(test.indptr))
    for history, item_item, als in _chunks(model, train, users):
        scores: dict[str, NDArray[Any]] = {
            "popular": np.broadcast_to(popularity, item_item.shape),
            "als": als,
            "item_item": item_item,
            "feed": blend(item_item, als, model.settings.als_share),
        }
        for name, values in scores.items():
            tops[name].append(top_items(values, history, max(KS)))
    return {name: topn_metrics(np.vstack(lists), test[users], KS) for name, lists in tops.items()}


def _chunks(model: Slow, train: csr_matrix, users: NDArray[np.intp]) -> Iterator[tuple[csr_matrix, Scores, Scores]]:
    for start in range(0, users.size, CHUNK):
        history = train[users[start : start + CHUNK]]
        yield history, model.item_item.score(history), model.als.score(history)


def _shares(split: Split) -> dict[str, float]:
    """Test pairs that are also training pairs, and test pairs of items without training pairs, per test pair."""
    repeated = split.train.multiply(split.test).nnz
    known = np.bincount(split.train.indices, minlength=split.items.size) > 0
    unseen = np.count_nonzero(~known[split.test.indices])
    return {"repeat_share": repeated / split.test.nnz, "unseen_share": unseen / split.test.nnz}
