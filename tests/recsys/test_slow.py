"""The slow layer at a request: what it says of a catalogue that has grown since it was fitted."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.features.signals import moment
from recsys.live import Live, Static
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.ranking import Ranking
from recsys.slow import SlowLayer

HOUR = 473_000.0
READ = KIND_CODE[EventKind.READ]


def fitted(items: int = 4) -> SlowLayer:
    """Item–item weights of two shelves of two items; these stand at 1, 2, 3 and nowhere in the fast layer."""
    shelves = csr_matrix(np.tile(np.array([[1, 1, 0, 0], [0, 0, 1, 1]], np.float32), (20, 1)))
    model = ItemItem(ItemItemConfig(threads=1)).fit(shelves)
    return SlowLayer({"item_item": model}, np.array([1, 2, 3, -1], np.int32), np.ones(items, bool))


def test_items_that_came_after_the_fit_have_no_score_and_change_none() -> None:
    live = Live(Static.unknown(4), 1)
    live.update(0, 1, HOUR, READ)
    before = fitted().scores(moment(live, 0, HOUR), live.items)["item_item"]
    live.publish(700, HOUR)
    live.update(0, 700, HOUR, READ)
    after = fitted().scores(moment(live, 0, HOUR), live.items)["item_item"]
    assert after.size == live.items == 701
    assert after[2] > after[3]
    np.testing.assert_allclose(np.argsort(after[1:4]), np.argsort(before[1:4]))
    assert np.isneginf(after[[0, *range(4, 701)]]).all()


def test_an_item_that_came_after_the_fit_is_ranked_beside_the_others() -> None:
    live = Live(Static.unknown(4), 1)
    for item in (1, 2, 3):
        live.update(1, item, HOUR, READ)
    ranking = Ranking(live, fitted())
    live.publish(9, HOUR)
    live.update(0, 1, HOUR, READ)
    assert set(ranking.rank(0, HOUR + 1).items.tolist()) == {2, 3, 9}
