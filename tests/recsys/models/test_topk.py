"""Retrieval is exact whatever the sample says: ties, many equal scores, exclusions, fewer items than asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.models.topk import best, retrieve


def plainly(scores: np.ndarray, k: int) -> list[int]:
    order = sorted(range(scores.size), key=lambda place: (-scores[place], place))
    return [place for place in order if scores[place] > -np.inf][:k]


@pytest.mark.parametrize("size", [0, 1, 5, 2048, 2049, 6000, 20_000])
@pytest.mark.parametrize("k", [0, 1, 50, 500, 5000])
def test_it_is_the_head_of_a_full_sort(size: int, k: int) -> None:
    scores = np.random.default_rng(size + k).normal(size=size).astype(np.float32)
    assert best(scores, k).tolist() == plainly(scores, k)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 900))
@settings(max_examples=30, deadline=None)
def test_ties_go_to_the_smaller_position(seed: int, levels: int, k: int) -> None:
    scores = np.random.default_rng(seed).integers(0, levels, 5000).astype(np.float32)
    assert best(scores, k).tolist() == plainly(scores, k)


def test_a_sample_that_misses_the_best_ones_costs_time_and_nothing_else() -> None:
    scores = np.zeros(40_960, np.float32)
    scores[:: 40_960 // 2048] = 5
    scores[1:400] = 9
    assert best(scores, 600).tolist() == plainly(scores, 600)


def test_unscored_items_never_appear() -> None:
    scores = np.full(5000, -np.inf, np.float32)
    scores[[7, 4000]] = 1, 2
    assert best(scores, 10).tolist() == [4000, 7]


def test_retrieval_gives_scores_and_leaves_out_what_is_excluded() -> None:
    factors = np.eye(4, dtype=np.float32)
    places, scores = retrieve(np.array([1, 4, 3, 2], np.float32), factors, 2, excluded=np.array([1]))
    assert places.tolist() == [2, 3]
    assert scores.tolist() == [3, 2]
