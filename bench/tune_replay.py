"""Finds the ranker's constants for the replay protocol on the rows before ``--from`` alone.

    python -m bench.tune_replay EVENTS [--items ITEMS] [--from 0.6] [--queries 20000] [--validate 3000]

Learns on the earlier part of those rows and measures on their last sixth; the rows from ``--from`` on do not enter the
walk. Prints ndcg@10 of every configuration in ``CONFIGURATIONS`` and of the best simple signal.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.ranks import metrics_of, rank_of
from recsys.evaluation.replay import SINGLES, drawn
from recsys.evaluation.replayed import Replayed, read
from recsys.examples import Examples
from recsys.features.table import table
from recsys.live import HOUR_MS
from recsys.models.ranker import CONFIGURATIONS as REPLAY_RANKERS
from recsys.models.ranker import Ranker
from recsys.walk import Walker, builders

BASE, CAUTIOUS = (replace(config, threads=1) for config in REPLAY_RANKERS)
CONFIGURATIONS = {
    "31 leaves": BASE,
    "31 leaves, 400 trees": replace(BASE, trees=400),
    "63 leaves": replace(BASE, leaves=63),
    "15 leaves": CAUTIOUS,
    "7 leaves": replace(BASE, leaves=7, least_rows=200, l2=20.0, columns_per_tree=0.4),
    "xendcg": replace(BASE, objective="rank_xendcg"),
}
VALIDATED = 1 / 6


class Tuning:
    """Examples of the earlier rows and questions of the later ones, gathered in one walk."""

    def __init__(self, data: Replayed, first: int, queries: int, validate: int, warm: float) -> None:
        cut = int(first * (1 - VALIDATED))
        self.examples = Examples(queries)
        lessons = drawn(data.targets(int(warm * len(data.log)), cut), queries)
        asked = data.targets(cut, first)
        if validate < asked.size:
            asked = np.sort(np.random.default_rng(0).choice(asked, validate, replace=False))
        walker = Walker(data.log.head(first), data.static, data.users, builders=builders(data.texts))
        self.questions: list[tuple[NDArray[np.float32], int]] = []  # features, place of the target or -1
        self.singles: dict[str, list[int]] = {name: [] for name in SINGLES}
        for row in walker.states(np.union1d(lessons, asked)):
            request, open_items = walker.ranking.request(int(data.log.user[row]), data.log.at[row] / HOUR_MS)
            target = int(data.log.item[row])
            features = table(request)
            if row < cut:
                self.examples.add(request, target, features)
                continue
            place = np.flatnonzero(request.candidates == target)
            self.questions.append((features, int(place[0]) if place.size else -1))
            live, hour, ranked = walker.live, request.now.hour, np.flatnonzero(open_items)
            for name in SINGLES:
                score = live.born if name == "newest" else live.popular.score(name.removeprefix("popular_"), hour)
                self.singles[name].append(rank_of(target, score, live.last, ranked)[0])

    def ranks(self, ranker: Ranker) -> NDArray[np.int64]:
        """The rank of each question's target by ``ranker``; beyond every list where it is no candidate."""
        result = []
        for features, place in self.questions:
            score = ranker.score(features)
            result.append(1 + int((score > score[place]).sum()) if place >= 0 else 10**6)
        return np.array(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path)
    parser.add_argument("--items", type=Path)
    parser.add_argument("--from", dest="start", type=float, default=0.6)
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--validate", type=int, default=3_000)
    parser.add_argument("--warm", type=float, default=0.1)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    data = read(given.events, given.items)
    begun = perf_counter()
    tuning = Tuning(data, int(given.start * len(data.log)), given.queries, given.validate, given.warm)
    print(f"{len(tuning.examples):,} examples, {len(tuning.questions):,} questions, {perf_counter() - begun:.0f} s")
    singles = {name: metrics_of(np.array(ranks))["ndcg@10"].mean() for name, ranks in tuning.singles.items()}
    best = max(singles, key=lambda name: singles[name])
    print(f"{best:24s} ndcg@10 {singles[best]:.4f}")
    for name, config in CONFIGURATIONS.items():
        if given.only and name not in given.only.split(";"):
            continue
        begun = perf_counter()
        ranker = tuning.examples.fit(config)
        values = metrics_of(tuning.ranks(ranker))
        value = values["ndcg@10"].mean()
        figures = f"ndcg@10 {value:.4f}  hr@10 {values['hr@10'].mean():.4f}  × {value / singles[best]:.4f}"
        print(f"{name:24s} {figures}  {perf_counter() - begun:.0f} s", flush=True)
        print("   " + ", ".join(f"{k} {v:.3f}" for k, v in list(ranker.importance().items())[:12]), flush=True)


if __name__ == "__main__":
    main()
