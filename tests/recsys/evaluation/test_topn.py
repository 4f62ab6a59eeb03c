"""Top-n lists and metrics: ties, exclusions, padding, and figures that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from recsys.evaluation.topn import paired_ratios, summarise, top_items, topn_metrics

INF = float("inf")


def test_equal_scores_rank_the_smaller_position_first() -> None:
    scores = np.array([[1.0, 2.0, 2.0, 1.0, 1.0]], np.float32)
    assert top_items(scores, None, 4).tolist() == [[1, 2, 0, 3]]


def test_excluded_items_never_appear_and_short_rows_are_padded() -> None:
    scores = np.array([[3.0, 2.0, 1.0]], np.float32)
    assert top_items(scores, csr_matrix([[1.0, 0, 0]]), 4).tolist() == [[1, 2, -1, -1]]


def test_items_without_a_score_come_after_all_scored_ones() -> None:
    scores = np.array([[-INF, -5.0, -INF, -7.0]], np.float32)
    assert top_items(scores, None, 4).tolist() == [[1, 3, 0, 2]]
    assert top_items(scores, csr_matrix([[0, 0, 1, 0]]), 4).tolist() == [[1, 3, 0, -1]]


def test_the_scores_given_are_left_as_they_were() -> None:
    scores = np.array([[1.0, -INF]], np.float32)
    top_items(scores, csr_matrix([[1, 0]]), 1)
    assert scores.tolist() == [[1.0, -INF]]


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        top_items(np.array([[np.nan, 1.0]]), None, 1)


@given(st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=5), st.integers(1, 9))
def test_the_list_is_the_head_of_a_stable_full_sort(rows: list[list[int]], k: int) -> None:
    scores = np.array(rows, np.float32)
    expected = [sorted(range(7), key=lambda item: (-row[item], item))[:k] for row in rows]
    assert [[item for item in row if item >= 0] for row in top_items(scores, None, k).tolist()] == expected


def test_recall_and_ndcg_are_those_worked_out_by_hand() -> None:
    top = np.array([[0, 1, 2], [3, 4, -1]])
    wanted = csr_matrix([[1, 0, 1, 1, 0], [0, 0, 0, 0, 1]])
    metrics = topn_metrics(top, wanted, (2, 3))
    assert metrics["recall@2"].tolist() == pytest.approx([1 / 3, 1])
    assert metrics["recall@3"].tolist() == pytest.approx([2 / 3, 1])
    second = 1 / np.log2(3)
    assert metrics["ndcg@2"].tolist() == pytest.approx([1 / (1 + second), second])
    assert metrics["ndcg@3"].tolist() == pytest.approx([1.5 / (1.5 + second), second])


def test_padding_is_never_counted_as_a_hit_of_the_row_before() -> None:
    top = np.array([[0], [-1]])
    wanted = csr_matrix([[0, 0, 1], [1, 0, 0]])
    assert topn_metrics(top, wanted, (1,))["recall@1"].tolist() == [0, 0]


def test_a_user_without_a_test_item_and_too_short_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="without a test item"):
        topn_metrics(np.array([[0]]), csr_matrix((1, 2)), (1,))
    with pytest.raises(ValueError, match="cannot give metrics at 2"):
        topn_metrics(np.array([[0]]), csr_matrix([[1, 0]]), (2,))


def test_intervals_hold_the_value_and_repeat_with_the_seed() -> None:
    values = {"a": {"m": np.linspace(0, 1, 200)}, "b": {"m": np.linspace(0, 2, 200)}}
    table = summarise(values, seed=3)
    assert table == summarise(values, seed=3)
    assert table["a"]["m"]["lo"] < table["a"]["m"]["value"] < table["a"]["m"]["hi"]


def test_ratios_are_paired_so_that_a_constant_multiple_has_no_spread() -> None:
    base = np.linspace(0, 1, 50)
    ratios = paired_ratios({"single": base, "feed": 1.5 * base}, "single", seed=1)
    assert ratios["feed"] == pytest.approx({"value": 1.5, "lo": 1.5, "hi": 1.5})
    assert ratios["single"] == pytest.approx({"value": 1, "lo": 1, "hi": 1})


def test_a_base_of_zero_gives_no_ratio() -> None:
    assert paired_ratios({"single": np.zeros(3), "feed": np.ones(3)}, "single", seed=1) == {}


def test_a_resample_without_a_base_leaves_the_others_their_ratios() -> None:
    base = np.array([1.0, 0.0, 0.0, 0.0])
    found = paired_ratios({"single": base, "feed": np.ones(4)}, "single", seed=1)
    assert found["single"] == pytest.approx({"value": 1, "lo": 1, "hi": 1})
    assert found["feed"]["value"] == 4
    assert 1 <= found["feed"]["lo"] < 4 <= found["feed"]["hi"] <= 4
