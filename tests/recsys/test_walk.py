"""What the walk may learn: the slow layer and the ranker's lessons keep out what the law keeps out of profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.evaluation.replayed import of_dataset
from recsys.features import Dataset
from recsys.features.dataset import Rules
from recsys.learning import ranker_builder
from recsys.models.base import Recommender
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.models.ranker import Ranker, RankerConfig
from recsys.training import Material
from recsys.walk import Cadence, Fitted, Walker
from tests.support.reading import DAY, START, Row, columns, town

NOW = START + 31 * DAY
MINOR, HEALTH = "c01", "shelf2-book5"


def learnt(rows: Sequence[Row], rules: Rules | None) -> set[tuple[str, str]]:
    """The pairs of citizen and item that a refit at the end of ``rows`` learns from; without ``rules`` as a replay."""
    dataset = Dataset.build(columns(rows), as_of=NOW, rules=rules or Rules())
    data = of_dataset(dataset, {}, len(rows))
    found: set[tuple[str, str]] = set()

    def spy(matrix: csr_matrix, items: NDArray[np.intp], fitted: Fitted) -> Recommender:
        pairs = matrix.tocoo()
        names = dataset.items[items]
        found.update(zip(dataset.citizens[pairs.row], names[pairs.col], strict=True))
        return ItemItem(ItemItemConfig(threads=1)).fit(matrix)

    static = data.static if rules is None else replace(data.static, private=~dataset.inferable)
    walker = Walker(data.log, static, data.users, Cadence(least=1), {"item_item": spy})
    if rules is not None:
        walker.live.unprofiled = set(np.flatnonzero(~dataset.profiled).tolist())
    list(walker.states(np.array([len(data.log) - 1])))
    return found


def test_the_slow_layer_of_a_walk_learns_only_what_a_dataset_would() -> None:
    rows = town()
    last = (rows[-1][0], rows[-1][1])
    pairs = {(row[0], row[1]) for row in rows} - {last}
    assert learnt(rows, None) == learnt(rows, Rules()) == pairs
    kept = {(citizen, item) for citizen, item in pairs if citizen != MINOR and item != HEALTH}
    assert kept < pairs
    assert learnt(rows, Rules([MINOR], [HEALTH])) == kept


def test_a_follow_lets_a_walk_learn_what_is_never_inferred() -> None:
    rows: list[Row] = [("c02", HEALTH, "follow", START - 1), *town()]
    assert {pair for pair in learnt(rows, Rules([MINOR], [HEALTH])) if pair[1] == HEALTH} == {("c02", HEALTH)}


@pytest.mark.parametrize("kept_out", ["citizens", "items"])
def test_the_ranker_takes_no_lessons_from_those_without_a_profile_nor_on_what_is_never_inferred(
    kept_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.learning.FEWEST", 10)
    rows = town()
    citizens, items = {row[0] for row in rows}, {row[1] for row in rows}
    rules = Rules(unprofiled=citizens) if kept_out == "citizens" else Rules(uninferred=items)
    builder = ranker_builder([RankerConfig(trees=2, threads=1)])
    assert isinstance(builder.fit(Material(Dataset.build(columns(rows), as_of=NOW)), {}), Ranker)
    assert builder.fit(Material(Dataset.build(columns(rows), as_of=NOW, rules=rules)), {}) is None
