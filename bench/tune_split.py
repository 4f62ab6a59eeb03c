"""Constants of the slow layer on a split: ``python -m bench.tune_split TRAIN TEST [--seed 0] [--show-test]``.

Every trial (``--only WORD``: those so named) is fitted on nine tenths of the training pairs and judged on
the seeded tenth held out. ``--show-test`` also fits it on all training pairs and prints the figures on the test file
beside: for reading, never for choosing.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from recsys.evaluation.pairs import Split, read_split
from recsys.evaluation.split import per_user
from recsys.evaluation.tuning import SHARES, Validation
from recsys.models.als import Als, AlsConfig
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.models.slow import Slow, SlowConfig

EASE = ItemItemConfig(user_power=0.0, ridge=2.3, dropout=0.0, popularity_power=0.0, kept=4000, dense_neighbours=0)
CHOSEN = ItemItemConfig(ridge=1.5)
ITEM_ITEM = {
    "EASE": EASE,
    "EASE, user power": replace(EASE, user_power=0.4, ridge=2.0),
    "EASE, user power, dropout": replace(EASE, user_power=0.4, ridge=2.0, dropout=0.45),
    "EASE, user power, dropout, popularity": replace(CHOSEN, ridge=2.0, kept=4000, dense_neighbours=0),
    "the same, 1000 weights kept": replace(CHOSEN, ridge=2.0, dense_neighbours=0),
    "200 neighbours": replace(CHOSEN, dense_neighbours=200),
    "300 neighbours": CHOSEN,
    "500 neighbours": replace(CHOSEN, dense_neighbours=500),
    "ridge 4, popularity -0.05": replace(CHOSEN, ridge=4.0, popularity_power=-0.05),
    "ridge 4, popularity 0": replace(CHOSEN, ridge=4.0, popularity_power=0.0),
    "ridge 8, popularity -0.1": replace(CHOSEN, ridge=8.0),
    "ridge 4, 200 neighbours when sparse": replace(CHOSEN, ridge=4.0, popularity_power=-0.05, neighbours=200),
}
ALS = {
    f"ALS {factors} factors, alpha {alpha}, regularization {regularization}": AlsConfig(
        factors=factors, alpha=alpha, regularization=regularization
    )
    for factors, alpha, regularization in ((64, 10, 100), (128, 10, 100), (128, 30, 30), (192, 30, 30), (256, 100, 100))
}


def configs(split: Split, seed: int, only: str) -> Iterator[tuple[str, str, SlowConfig, str]]:
    """(trial, the model it is about, its constants, its held-out figures)."""
    validation = Validation(split.train, seed=seed)
    for name, item_item in ITEM_ITEM.items():
        if only in name:
            judged = validation.judge(validation.scores(ItemItem(item_item).fit(validation.rest)))
            yield name, "item_item", SlowConfig(item_item=item_item, als_share=0.0), str(judged)
    base = CHOSEN if split.items.size <= CHOSEN.dense_limit else ITEM_ITEM["ridge 4, popularity -0.05"]
    wanted = {name: als for name, als in ALS.items() if only in name}
    first = validation.scores(ItemItem(base).fit(validation.rest)) if wanted else None
    for name, als in wanted.items():
        second = validation.scores(Als(als).fit(validation.rest))
        yield name, "als", SlowConfig(als, base, 0.0), str(validation.judge(second))
        for share in SHARES[1:]:
            assert first is not None
            judged = validation.judge(first, second, share=share)
            yield f"  blend, als_share {share}", "feed", SlowConfig(als, base, share), str(judged)


def main() -> None:
    """Print a line per trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="trials whose name contains this")
    parser.add_argument("--show-test", action="store_true", help="also print the figures on the test file")
    arguments = parser.parse_args()
    split = read_split(arguments.train, arguments.test)
    for name, model, config, judged in configs(split, arguments.seed, arguments.only):
        line = f"{name:48} held-out {judged}"
        if arguments.show_test:
            start = time.perf_counter()
            figures = per_user(Slow(config).fit(split.train), split.train, split.test)[model]
            line += f"   test recall@20 {figures['recall@20'].mean():.4f} ndcg@20 {figures['ndcg@20'].mean():.4f}"
            line += f"   {time.perf_counter() - start:.0f} s"
        print(line, flush=True)


if __name__ == "__main__":
    main()
