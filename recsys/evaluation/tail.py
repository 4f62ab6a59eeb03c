"""What citizens would have got from a bundle of models: the served order replayed over the tail of the records.

This is the evaluator of the gate. The fast layer follows the log through the tail as it does in serving; the models of
the bundle, ranker included, stay as they were fitted before it.
"""

from __future__ import annotations

import logging

import numpy as np

from recsys.evaluation.holdout import Bundle, Measured
from recsys.evaluation.ranks import LEADING, metrics_of
from recsys.evaluation.replay import FEED, SINGLES, Replay, ReplayConfig
from recsys.evaluation.replayed import Replayed, of_dataset
from recsys.models.base import Recommender
from recsys.models.ranker import Ranker
from recsys.ranking import fits
from recsys.slow import SlowLayer
from recsys.training import Material

log = logging.getLogger(__name__)

TARGETS = 1_000
RECENT = 400_000  # newest rows that are walked


def served_tail(material: Material, cut: int, bundle: Bundle, *, targets: int = TARGETS, seed: int = 0) -> Measured:
    """``bundle`` measured by ndcg@10 on a seeded sample of the first contacts from ``cut`` (epoch ms) on."""
    data = of_dataset(material.dataset, material.articles, RECENT)
    rows = data.targets(int(np.searchsorted(data.log.at, cut)))
    if not rows.size:
        return Measured(LEADING, 0, 0.0, {}, {})
    if targets < rows.size:
        rows = np.sort(np.random.default_rng(seed).choice(rows, targets, replace=False))
    slow = slow_layer(data, bundle)
    ranker = bundle.models.get(Ranker.name)
    if isinstance(ranker, Ranker) and not fits(ranker):
        log.warning("the ranker was fitted on other features than this code has; the fixed blend is measured")
        ranker = None
    names = (*SINGLES, *slow.models, FEED)
    replay = Replay(data, ReplayConfig(), names, served=(slow, ranker if isinstance(ranker, Ranker) else None))
    replay.walker.live.unprofiled = set(np.flatnonzero(~material.dataset.profiled).tolist())
    replay.walker.live.forgotten = material.dataset.silent()
    replay.walk(int(rows[0]), rows)
    figures = {name: float(metrics_of(np.array(ranks))[LEADING].mean()) for name, ranks in replay.ranks.items()}
    singles = {name: figures[name] for name in SINGLES}
    return Measured(LEADING, int(rows.size), figures[FEED], singles, {name: figures[name] for name in slow.models})


def slow_layer(data: Replayed, bundle: Bundle) -> SlowLayer:
    """The recommenders of ``bundle`` over the items of ``data``."""
    place_of = {item: place for place, item in enumerate(data.items.tolist())}
    place = np.array([place_of.get(item, -1) for item in bundle.items.tolist()], np.int32)
    models = {name: model for name, model in bundle.models.items() if isinstance(model, Recommender)}
    return SlowLayer(models, place, np.ones(place.size, bool))
