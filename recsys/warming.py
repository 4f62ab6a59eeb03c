"""Have everything compiled that a page of the feed runs, before the first citizen asks for one."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.features.signals import moment
from recsys.features.table import table
from recsys.live import Live, Static
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Recommender
from recsys.models.compact import Compact
from recsys.models.forest import Forest
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.ranking import Ranking
from recsys.reasons import reasons
from recsys.slow import SlowLayer

_ITEMS, _READERS, _HOUR = 6, 4, 400_000.0


def warm() -> None:
    """Rank for a reader of a made-up town.

    Takes a fraction of a second where the compiled code is kept from an earlier process, some ten seconds where not.
    """
    live = Live(Static.unknown(_ITEMS), _READERS)
    for item in range(_ITEMS):
        live.describe(item, topic=item % 2, author=item % 3, created=_HOUR - 1, private=False)
    for reader in range(_READERS):
        for item in range(reader, _ITEMS - 1):
            live.update(reader, item, _HOUR + item, KIND_CODE[EventKind.READ], 0, 0)
    live.region[:] = 0
    models = _models()
    every = np.arange(_ITEMS, dtype=np.int32)
    ranking = Ranking(live, SlowLayer(models, every, np.ones(_ITEMS, bool)))
    for hour in (_HOUR + _ITEMS, _HOUR + _ITEMS + 0.0001):  # the second time what is new since then is looked at
        ranked = ranking.rank(_READERS - 1, hour)
        _one_leaf().score(table(ranked.request))
        reasons(live, moment(live, _READERS - 1, hour), ranked.items)
        live.update(0, _ITEMS - 1, hour, KIND_CODE[EventKind.READ], 0, 0)
    ranking.near(0, _HOUR + _ITEMS)
    Compact.of(np.ones((_ITEMS, 2))).products(0)


def _models() -> dict[str, Recommender]:
    """Models as a snapshot gives them; fitting some would leave a lock of the progress bar to be cleaned up."""
    known, factors = np.ones(_ITEMS, bool), np.ones((_ITEMS, 2), np.float32)
    als = {"item_factors": factors, "gram": factors.T @ factors, "known": known}
    place = np.arange(_ITEMS, dtype=np.int32)
    weights = {"data": np.ones(_ITEMS, np.float32), "indices": place, "indptr": np.arange(_ITEMS + 1, dtype=np.int32)}
    return {
        "als": Als.restore(asdict(AlsConfig(factors=2)), als),
        "item_item": ItemItem.restore(asdict(ItemItemConfig()), weights | {"known": known}),
    }


def _one_leaf() -> Forest:
    tree = {"num_leaves": 1, "tree_structure": {"leaf_value": 0.0}}
    forest = Forest.of({"tree_info": [tree]})
    assert forest is not None
    return forest
