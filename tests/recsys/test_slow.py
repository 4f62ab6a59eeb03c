"""The slow layer at a request: what it says of a catalogue that has grown since it was fitted."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.features.signals import moment
from recsys.live import Live, Static
from recsys.models.als import Als, AlsConfig
from recsys.models.content import Content, ContentConfig
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


TEXTS = ["火箭 卫星 轨道", "卫星 轨道 空间站", "肝脏 营养 饮食", "饮食 营养 锻炼"]


def told(texts: list[str], added: list[str]) -> SlowLayer:
    """A layer that knows these texts, at 0, 1, … of the fast layer, and those read together."""
    shelves = csr_matrix(np.tile(np.array([[1, 1, 0, 0], [0, 0, 1, 1]], np.float32), (20, 1)))
    als = Als(AlsConfig(factors=4, threads=1)).fit(shelves)
    content = Content(ContentConfig(dimensions=4, fewest=1)).fit(shelves, texts, als=als)
    content.add(added)
    place = np.arange(len(texts), dtype=np.int32)
    return SlowLayer({"als": als, "content": content}, place, np.ones(place.size, bool), range(4, 4 + len(added)))


def test_what_is_near_an_article_that_nobody_read_is_what_its_words_are_near() -> None:
    live = Live(Static.unknown(6), 1)
    for item in range(6):
        live.publish(item, HOUR)
    ranking = Ranking(live, told(TEXTS, ["空间站 卫星", ""]))
    near = ranking.near(4, HOUR + 1)
    assert near[:2].min() > near[2:4].max()
    assert ranking.slow is not None
    assert ranking.slow.likeness(5, live.items) is None


def test_a_reader_folded_in_once_has_the_scores_of_each_model_asked_by_itself() -> None:
    live = Live(Static.unknown(5), 1)
    layer = told(TEXTS, ["空间站 卫星"])
    for read in ([0, 2], [0, 2, 4]):  # the second time with an article that only its text is known of
        for item in read:
            live.update(0, item, HOUR, READ)
        now = moment(live, 0, HOUR)
        scores = layer.scores(now, live.items)
        for name, columns in (("als", 4), ("content", 5)):
            model = layer.models[name]
            np.testing.assert_array_equal(scores[name][:columns], model.score(layer.history(now, columns))[0])
