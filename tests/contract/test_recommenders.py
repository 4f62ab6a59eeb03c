"""What every recommender of the slow layer promises, one body for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from content_store.errors import ModelError
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Recommender, load, save
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.models.slow import Slow, SlowConfig

Make = Callable[[], Recommender]
SMALL_ALS = AlsConfig(factors=3, regularization=1.0, alpha=2.0, iterations=20, seed=3, threads=1)
MAKERS: dict[str, Make] = {
    "als": lambda: Als(SMALL_ALS),
    "item_item over chosen items": lambda: ItemItem(ItemItemConfig(dense_neighbours=12, threads=1)),
    "item_item over all items": lambda: ItemItem(ItemItemConfig(dense_neighbours=0, threads=1)),
    "item_item above its dense limit": lambda: ItemItem(ItemItemConfig(dense_limit=1, neighbours=12, threads=1)),
    "slow": lambda: Slow(SlowConfig(SMALL_ALS, ItemItemConfig(threads=1), 0.4)),
}


@pytest.fixture(params=list(MAKERS))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKERS[request.param]


def checkerboard(size: int) -> csr_matrix:
    """Citizen i reads the items of i's parity except item i, which is the known answer (as implicit's own tests)."""
    board = np.indices((size, size)).sum(axis=0) % 2 == 0
    np.fill_diagonal(board, False)
    return csr_matrix(board.astype(np.float32))


def some_reading(citizens: int = 60, items: int = 40, seed: int = 1) -> csr_matrix:
    generator = np.random.default_rng(seed)
    return csr_matrix((generator.random((citizens, items)) < 0.15) * generator.random((citizens, items), np.float32))


def test_the_missing_square_of_a_checkerboard_comes_first(make: Make) -> None:
    board = checkerboard(50)
    scores = make().fit(board).score(board)
    scores[board.nonzero()] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(50))


def test_scores_are_float32_rows_by_items(make: Make) -> None:
    reading = some_reading()
    scores = make().fit(reading).score(reading[:7])
    assert scores.shape == (7, 40)
    assert scores.dtype == np.float32


def test_a_model_restored_from_its_folder_scores_alike(make: Make, tmp_path: Path) -> None:
    reading = some_reading()
    model = make().fit(reading)
    save(model, tmp_path / "kept")
    restored = load(type(model), tmp_path / "kept")
    assert np.array_equal(restored.score(reading), model.score(reading))
    assert restored.config() == model.config()


def test_an_empty_history_prefers_nothing(make: Make) -> None:
    model = make().fit(some_reading())
    scores = model.score(csr_matrix((2, 40), dtype=np.float32))
    assert np.array_equal(scores, np.full((2, 40), scores[0, 0]))
    assert np.isfinite(scores).all()


def test_no_histories_give_no_rows(make: Make) -> None:
    assert make().fit(some_reading()).score(csr_matrix((0, 40), dtype=np.float32)).shape == (0, 40)


def test_items_that_nobody_read_have_no_score(make: Make) -> None:
    reading = some_reading().tolil()
    reading[:, 5] = 0
    scores = make().fit(reading.tocsr()).score(csr_matrix(np.eye(40, dtype=np.float32)[:3]))
    assert np.isneginf(scores[:, 5]).all()
    assert np.isfinite(np.delete(scores, 5, axis=1)).all()


def test_the_same_rows_give_the_same_model(make: Make) -> None:
    reading = some_reading()
    assert np.array_equal(make().fit(reading).score(reading), make().fit(reading).score(reading))


def test_a_citizen_scores_the_same_alone_and_in_company(make: Make) -> None:
    reading = some_reading()
    model = make().fit(reading)
    together = model.score(reading)
    np.testing.assert_allclose(model.score(reading[11]), together[11:12], rtol=1e-5, atol=1e-6)


def test_histories_over_another_catalogue_are_refused(make: Make) -> None:
    model = make().fit(some_reading())
    with pytest.raises(ModelError, match="40 items, the history has 39"):
        model.score(csr_matrix((1, 39), dtype=np.float32))


def test_fitting_leaves_the_matrix_as_it_was(make: Make) -> None:
    reading = some_reading()
    before = reading.copy()
    make().fit(reading)
    assert np.array_equal(reading.data, before.data)
    assert np.array_equal(reading.indices, before.indices)
