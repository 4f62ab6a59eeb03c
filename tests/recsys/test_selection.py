"""The best few of many numbers, beside plain sorting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.selection import leading, leading_rows, mark_best, mark_best_by_column, mark_best_scores, nearest, promote

few_numbers = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 0.5, 1.0, 2.0, np.inf]), max_size=300)
seeds = st.integers(0, 2**32 - 1)


def plainly(values: list[float], open_items: np.ndarray, most: int) -> list[int]:
    """The items of the ``most`` largest open values, the first ones of equals."""
    found = [item for item in range(len(values)) if open_items[item]]
    return sorted(sorted(found, key=lambda item: (-values[item], item))[:most])


@given(few_numbers, st.integers(1, 40), seeds)
def test_the_best_open_scores_are_marked_and_of_equal_ones_the_first(values: list[float], most: int, seed: int) -> None:
    scores = np.array(values, np.float32)
    open_items = np.random.default_rng(seed).random(scores.size) < 0.7
    marked = np.zeros(scores.size, bool)
    mark_best_scores(scores, open_items, most, marked)
    assert np.flatnonzero(marked).tolist() == plainly(values, open_items & (scores > -np.inf), most)


@given(few_numbers, st.integers(1, 40), seeds)
def test_the_best_of_some_places_are_marked_in_whatever_order_these_are(
    values: list[float], most: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    row, open_items = np.array(values), rng.random(len(values)) < 0.7
    asked = rng.permutation(np.flatnonzero(rng.random(row.size) < 0.8))
    marked = np.zeros(row.size, bool)
    other = np.full(row.size, 5.0)
    mark_best(np.stack([other, row]), np.array([1]), asked, asked, open_items, np.array([most]), marked)
    allowed = np.isin(np.arange(row.size), asked) & open_items & (row > 0)
    assert np.flatnonzero(marked).tolist() == plainly(values, allowed, most)


@pytest.mark.parametrize("most", [1, 50, 63, 64, 65, 200])
def test_a_rising_row_keeps_its_end_however_long_it_is(most: int) -> None:
    scores, marked = np.arange(10_000, dtype=np.float32), np.zeros(10_000, bool)
    mark_best_scores(scores, np.ones(10_000, bool), most, marked)
    assert np.flatnonzero(marked).tolist() == list(range(10_000 - most, 10_000))


@given(st.lists(st.integers(0, 6), max_size=100), st.integers(1, 20))
def test_leaders_come_largest_first_and_equal_ones_by_place(counts: list[int], most: int) -> None:
    expected = sorted((place for place, count in enumerate(counts) if count >= 3), key=lambda place: -counts[place])
    assert leading(np.array(counts, np.int64), 3, most).tolist() == expected[:most]


@given(st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=3, max_size=3), max_size=80), seeds)
def test_the_best_rows_of_several_columns_are_marked(rows: list[list[float]], seed: int) -> None:
    values, rng = np.array(rows).reshape(-1, 3), np.random.default_rng(seed)
    items = rng.permutation(200)[: len(rows)]
    open_items, marked = rng.random(200) < 0.7, np.zeros(200, bool)
    mark_best_by_column(values, np.array([2, 0]), items, open_items, np.array([3, 9]), marked)
    expected = set()
    for column, most in ((2, 3), (0, 9)):
        dense = np.zeros(200)
        dense[items] = values[:, column]
        expected |= set(plainly(dense.tolist(), open_items & (dense > 0), most))
    assert set(np.flatnonzero(marked).tolist()) == expected


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=12), st.integers(1, 12), seeds)
def test_leaders_stay_in_order_whatever_is_read(turns: list[list[int]], most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mass = rng.integers(0, 4, (2, 31)).astype(float)
    leaders, count = leading_rows(mass, most)
    for read in turns:
        for item in read:
            mass[:, item] += rng.integers(1, 3)
        promote(mass, leaders, count, np.unique(np.array(read, np.int64)))
        for row in range(2):
            expected = sorted(range(31), key=lambda item: (-mass[row, item], item))[:most]
            assert leaders[row, : count[row]].tolist() == expected


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
def test_the_nearest_is_the_first_of_the_largest_shares_of_enough_readers(
    rows: list[list[int]], readers: list[int]
) -> None:
    best, number = nearest(np.array(rows, np.int64), np.array(readers, np.float64), 2)
    for row, column, count in zip(rows, best.tolist(), number.tolist(), strict=True):
        near = [common / math.sqrt(1 + of) if common >= 2 else 0.0 for common, of in zip(row, readers, strict=True)]
        assert column == near.index(max(near))
        assert count == (row[column] if max(near) else 0)
