"""``ranker``: learns an order, is the same each time, and survives its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from content_store.errors import ModelError
from recsys.models.base import load, save
from recsys.models.ranker import Ranker, RankerConfig

NAMES = ("useful", "noise", "often_missing")
SMALL = RankerConfig(trees=25, least_rows=5, threads=1)


def lessons(
    queries: int = 150, rows: int = 8, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Queries whose read row has the largest ``useful``."""
    random = np.random.default_rng(seed)
    table = random.random((queries * rows, 3)).astype(np.float32)
    table[random.random(len(table)) < 0.5, 2] = np.nan
    label = np.zeros(len(table), np.float32)
    label[np.arange(queries) * rows + table[:, 0].reshape(queries, rows).argmax(1)] = 1
    return table, label, np.full(queries, rows)


@pytest.fixture(scope="module")
def fitted() -> Ranker:
    return Ranker(NAMES, SMALL).fit(*lessons())


def test_it_learns_what_was_read(fitted: Ranker) -> None:
    table, label, sizes = lessons(seed=9)
    first = fitted.score(table).reshape(sizes.size, -1).argmax(1)
    assert np.mean(first == label.reshape(sizes.size, -1).argmax(1)) > 0.6
    assert next(iter(fitted.importance())) == "useful"
    assert sum(fitted.importance().values()) == pytest.approx(1)


def test_a_restored_ranker_scores_alike(fitted: Ranker, tmp_path: Path) -> None:
    save(fitted, tmp_path / "kept")
    restored = load(Ranker, tmp_path / "kept")
    table = lessons(seed=2)[0]
    assert restored.score(table).tolist() == fitted.score(table).tolist()
    assert restored.columns == NAMES
    assert restored.config() == fitted.config()
    assert restored.importance() == fitted.importance()


def test_the_same_lessons_give_the_same_ranker(fitted: Ranker) -> None:
    again = Ranker(NAMES, SMALL).fit(*lessons())
    table = lessons(seed=2)[0]
    assert again.score(table).tolist() == fitted.score(table).tolist()


def test_another_number_of_columns_is_refused(fitted: Ranker) -> None:
    with pytest.raises(ModelError, match="3 columns, not 4"):
        fitted.score(np.zeros((2, 4), np.float32))


def test_no_rows_have_no_scores(fitted: Ranker) -> None:
    assert fitted.score(np.zeros((0, 3), np.float32)).shape == (0,)


def test_an_unfitted_ranker_neither_scores_nor_is_kept(tmp_path: Path) -> None:
    bare = Ranker(NAMES)
    for call in (lambda: bare.score(np.zeros((1, 3), np.float32)), bare.importance, lambda: save(bare, tmp_path / "x")):
        with pytest.raises(ModelError, match="not been fitted"):
            call()
    assert not (tmp_path / "x").exists()


def test_damaged_trees_are_refused(fitted: Ranker, tmp_path: Path) -> None:
    save(fitted, tmp_path / "kept")
    arrays = tmp_path / "kept" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-40])
    with pytest.raises(ModelError, match="checksum"):
        load(Ranker, tmp_path / "kept")
