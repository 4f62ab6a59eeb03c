"""Item–item weights: the closed form where it is known, neighbours, true reasons, and memory above the dense limit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recsys.models.item_item import ItemItem, ItemItemConfig

ROOT = Path(__file__).resolve().parents[3]
PLAIN = ItemItemConfig(user_power=0.0, ridge=1.0, dropout=0.0, popularity_power=0.0, dense_neighbours=0, threads=1)


@pytest.fixture
def reading() -> csr_matrix:
    generator = np.random.default_rng(4)
    return csr_matrix((generator.random((80, 30)) < 0.2).astype(np.float32))


def one(item: int, items: int = 30) -> csr_matrix:
    return csr_matrix(([1.0], [item], [0, 1]), shape=(1, items), dtype=np.float32)


def test_over_all_items_it_is_ease(reading: csr_matrix) -> None:
    gram = (reading.T @ reading).toarray().astype(np.float64)
    inverse = np.linalg.inv(gram + np.diag(gram).mean() * np.eye(30))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    weights = ItemItem(PLAIN).fit(reading).weights.toarray()
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-6)


def test_choosing_every_neighbour_is_the_regression_over_all_items(reading: csr_matrix) -> None:
    dense = ItemItem(PLAIN).fit(reading).weights.toarray()
    chosen = ItemItem(replace(PLAIN, dense_neighbours=30)).fit(reading)
    scarce = ItemItem(replace(PLAIN, dense_limit=1, neighbours=30)).fit(reading)
    near = chosen.weights.toarray() != 0
    assert near.mean() > 0.8
    np.testing.assert_allclose(chosen.weights.toarray()[near], dense[near], rtol=0.2, atol=0.02)
    np.testing.assert_allclose(scarce.weights.toarray(), chosen.weights.toarray(), rtol=1e-4, atol=1e-6)


def test_no_item_speaks_for_itself(reading: csr_matrix) -> None:
    for config in (PLAIN, replace(PLAIN, dense_neighbours=8), replace(PLAIN, dense_limit=1, neighbours=8)):
        assert not ItemItem(config).fit(reading).weights.diagonal().any()


def test_no_target_keeps_more_weights_than_asked_for(reading: csr_matrix) -> None:
    for changes in ({"kept": 5}, {"dense_neighbours": 5}, {"dense_limit": 1, "neighbours": 5}):
        weights = ItemItem(replace(PLAIN, **changes)).fit(reading).weights.tocsc()
        assert np.diff(weights.indptr).max() <= 5


def test_items_read_together_are_neighbours_strongest_first() -> None:
    together = np.zeros((40, 6), np.float32)
    together[:20, [0, 1]] = 1
    together[20:, [3, 4]] = 1
    together[:8, 2] = 1
    model = ItemItem(replace(PLAIN, dense_neighbours=5)).fit(csr_matrix(together))
    found, weights = model.neighbours(0, 3)
    assert found.tolist() == [1, 2]
    assert weights[0] > weights[1] > 0
    assert model.neighbours(5, 3)[0].size == 0


def test_the_reason_is_the_item_of_the_history_that_contributed_most() -> None:
    together = np.zeros((40, 6), np.float32)
    together[:20, [0, 1]] = 1
    together[20:, [3, 4]] = 1
    model = ItemItem(PLAIN).fit(csr_matrix(together))
    history = csr_matrix(([1.0, 3.0], [1, 4], [0, 2]), shape=(1, 6), dtype=np.float32)
    assert model.explain(history, 0) == 1
    assert model.explain(history, 3) == 4
    assert model.explain(one(1, 6), 3) is None
    assert model.explain(csr_matrix((1, 6), dtype=np.float32), 3) is None


def test_a_negative_popularity_power_damps_what_everybody_reads(reading: csr_matrix) -> None:
    busy = reading.toarray()
    busy[:60, 7] = 1
    plain = ItemItem(PLAIN).fit(csr_matrix(busy)).weights.toarray()
    damped = ItemItem(replace(PLAIN, popularity_power=-0.5)).fit(csr_matrix(busy)).weights.toarray()
    assert np.abs(damped[:, 7]).sum() < np.abs(plain[:, 7]).sum()


SPARSE_FIT = """
import resource
import numpy as np
from scipy.sparse import csr_matrix
from recsys.models.item_item import ItemItem, ItemItemConfig

items = 14_000
columns = np.random.default_rng(2).integers(0, items, 2000 * 8)
parts = (np.ones(columns.size, np.float32), columns, np.arange(0, columns.size + 1, 8))
matrix = csr_matrix(parts, shape=(2000, items))
matrix.sum_duplicates()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = ItemItem(ItemItemConfig(neighbours=10, threads=1)).fit(matrix)
assert 0 < model.weights.nnz <= 10 * items
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_above_the_dense_limit_memory_grows_with_items_and_not_with_their_square() -> None:
    run = subprocess.run([sys.executable, "-c", SPARSE_FIT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 150_000, "in KiB; a dense matrix of 14,000 × 14,000 would take 1,531,250"
