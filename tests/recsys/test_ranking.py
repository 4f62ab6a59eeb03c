"""The served order: only open items, ties by the rule, the fixed blend until something has been learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.features.table import COLUMNS
from recsys.live import Live, Static
from recsys.models.ranker import Ranker, RankerConfig
from recsys.ranking import BLEND, Ranking

HOUR = 473_000.0
READ = KIND_CODE[EventKind.READ]


def live_after(reads: Sequence[tuple[int, int, float]], items: int = 6) -> Live:
    live = Live(Static.unknown(items))
    for user, item, hour in reads:
        live.update(user, item, hour, READ)
    return live


def busy(items: int = 400, reads: int = 1500, seed: int = 1) -> Live:
    random = np.random.default_rng(seed)
    users, read = random.integers(0, 80, reads).tolist(), (random.zipf(1.3, reads) % items).tolist()
    return live_after(
        [(user, item, HOUR + place / 50) for place, (user, item) in enumerate(zip(users, read, strict=True))], items
    )


def learnt(columns: int = len(COLUMNS)) -> Ranker:
    random = np.random.default_rng(0)
    table = random.random((600, columns)).astype(np.float32)
    label = np.tile(np.eye(1, 10, dtype=np.float32)[0], 60)
    names = [f"column{place}" for place in range(columns)]
    return Ranker(names, RankerConfig(trees=5, least_rows=5, threads=1)).fit(table, label, np.full(60, 10))


class OneScore(Ranker):
    """A ranker to whom all candidates are equal."""

    def __init__(self) -> None:
        super().__init__(COLUMNS)

    def score(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.zeros(len(table))


@pytest.mark.parametrize("ranker", [None, learnt()], ids=["blend", "learnt"])
def test_candidates_are_open_items_each_once(ranker: Ranker | None) -> None:
    live = busy()
    ranking = Ranking(live, ranker=ranker)
    for user in (0, 3, 17, 79, 500):
        ranked = ranking.rank(user, HOUR + 31)
        assert live.open_items(user)[ranked.items].all()
        assert len(set(ranked.items.tolist())) == ranked.items.size > 40
        assert (np.diff(ranked.scores) <= 0).all()


@pytest.mark.parametrize("ranker", [None, learnt()], ids=["blend", "learnt"])
def test_an_empty_catalogue_gives_an_empty_list(ranker: Ranker | None) -> None:
    for items in (0, 3):
        ranked = Ranking(Live(Static.unknown(items)), ranker=ranker).rank(0, HOUR)
        assert ranked.items.size == ranked.scores.size == 0


@pytest.mark.parametrize("ranker", [None, learnt()], ids=["blend", "learnt"])
def test_who_has_met_everything_gets_an_empty_list(ranker: Ranker | None) -> None:
    live = live_after([(0, item, HOUR) for item in range(6)])
    assert Ranking(live, ranker=ranker).rank(0, HOUR + 1).items.size == 0
    assert Ranking(live, ranker=ranker).rank(1, HOUR + 1).items.size == 6


@pytest.mark.parametrize("ranker", [None, learnt()], ids=["blend", "learnt"])
def test_a_catalogue_of_one_item_is_served(ranker: Ranker | None) -> None:
    live = live_after([(0, 0, HOUR)], items=1)
    assert Ranking(live, ranker=ranker).rank(1, HOUR + 1).items.tolist() == [0]
    assert Ranking(live, ranker=ranker).rank(0, HOUR + 1).items.tolist() == []


def test_equal_scores_are_ordered_by_last_contact_then_by_position() -> None:
    live = live_after([(0, 4, HOUR), (1, 0, HOUR), (2, 2, HOUR + 1), (3, 4, HOUR + 1), (4, 5, HOUR + 2)])
    assert Ranking(live, ranker=OneScore()).rank(9, HOUR + 3).items.tolist() == [5, 2, 4, 0]


@pytest.mark.parametrize("ranker", [None, OneScore()], ids=["blend", "equal"])
def test_of_what_nobody_has_met_the_newest_is_first(ranker: Ranker | None) -> None:
    live = Live(Static.unknown(4))
    for item, days in enumerate((3, 1, 2, 0)):
        live.publish(item, HOUR - 24 * days)
    assert Ranking(live, ranker=ranker).rank(0, HOUR + 1).items.tolist() == [3, 1, 2, 0]


def test_without_a_ranker_the_blend_decides_and_with_one_it_does_not() -> None:
    live = busy()
    ranking = Ranking(live)
    request, _ = ranking.request(3, HOUR + 31)
    scores = ranking.judge(request)
    ranking.ranker = learnt()
    assert set(BLEND) <= set(COLUMNS)
    assert not np.allclose(ranking.judge(request), scores)
    assert np.isfinite(scores).all()
    assert scores.std() > 0


def test_what_everyone_reads_now_leads_the_blend() -> None:
    live = busy()
    for user in range(20):
        live.update(100 + user, 399, HOUR + 31, READ)
    assert Ranking(live).rank(3, HOUR + 31.01).items[0] == 399


def test_asking_changes_nothing() -> None:
    live = busy()
    ranking = Ranking(live)
    first = ranking.rank(3, HOUR + 31)
    ranking.rank(4, HOUR + 31)
    again = ranking.rank(3, HOUR + 31)
    assert again.items.tolist() == first.items.tolist()
    assert again.scores.tolist() == first.scores.tolist()


@pytest.mark.parametrize("source", ["6m", "30m", "1d", "7d"])
def test_the_most_popular_items_are_always_candidates(source: str) -> None:
    live = busy()
    found, hour = set(Ranking(live).rank(3, HOUR + 31).items.tolist()), HOUR + 31
    score = np.where(live.open_items(3), live.popular.score(source, hour)[: live.items], -1)
    assert set(np.argsort(-score, kind="stable")[:10].tolist()) <= found
