"""ALS: citizens are solved from their histories by implicit's own solver, and nothing about them is kept."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from recsys.models.als import Als, AlsConfig

CONFIG = AlsConfig(factors=6, regularization=2.0, alpha=3.0, iterations=5, seed=1, threads=1)


@pytest.fixture
def reading() -> csr_matrix:
    generator = np.random.default_rng(4)
    return csr_matrix((generator.random((80, 30)) < 0.2) * generator.random((80, 30), np.float32))


def test_only_item_factors_their_gram_matrix_and_what_was_seen_are_kept(reading: csr_matrix) -> None:
    arrays = Als(CONFIG).fit(reading).arrays()
    assert {name: array.shape for name, array in arrays.items()} == {
        "item_factors": (30, 6),
        "gram": (6, 6),
        "known": (30,),
    }


def test_folding_in_solves_the_regularised_least_squares_exactly(reading: csr_matrix) -> None:
    model = Als(CONFIG).fit(reading)
    factors = model.item_factors.astype(np.float64)
    row = reading[3]
    confidence = 1 + CONFIG.alpha * row.data.astype(np.float64)
    read = factors[row.indices]
    left = factors.T @ factors + read.T @ ((confidence - 1)[:, None] * read) + CONFIG.regularization * np.eye(6)
    expected = np.linalg.solve(left, read.T @ confidence)
    np.testing.assert_allclose(model.fold_in(row)[0], expected, rtol=1e-3, atol=1e-4)


def test_the_item_factors_are_those_of_implicit_on_the_same_confidences(reading: csr_matrix) -> None:
    bare = AlternatingLeastSquares(factors=6, regularization=2.0, iterations=5, random_state=1, num_threads=1)
    confidence = reading.copy()
    confidence.data = 1 + np.float32(3) * confidence.data
    bare.fit(confidence, show_progress=False)
    assert np.array_equal(Als(CONFIG).fit(reading).item_factors, bare.item_factors)


def test_a_stronger_interest_pulls_the_citizen_nearer_to_the_item(reading: csr_matrix) -> None:
    model = Als(CONFIG).fit(reading)
    weak = csr_matrix(([0.1, 0.1], [2, 9], [0, 2]), shape=(1, 30), dtype=np.float32)
    strong = csr_matrix(([0.1, 5.0], [2, 9], [0, 2]), shape=(1, 30), dtype=np.float32)
    assert model.score(strong)[0, 9] > model.score(weak)[0, 9]


def test_many_and_few_histories_are_folded_in_alike(reading: csr_matrix) -> None:
    model = Als(AlsConfig(factors=6, regularization=2.0, alpha=3.0, iterations=5, seed=1, threads=2)).fit(reading)
    np.testing.assert_allclose(model.fold_in(reading)[:5], model.fold_in(reading[:5]), rtol=1e-5, atol=1e-6)


def test_another_seed_gives_another_model(reading: csr_matrix) -> None:
    other = Als(AlsConfig(factors=6, regularization=2.0, alpha=3.0, iterations=5, seed=2, threads=1)).fit(reading)
    assert not np.array_equal(other.item_factors, Als(CONFIG).fit(reading).item_factors)
