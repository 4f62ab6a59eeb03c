"""The gate lets pass what serves citizens no worse than today, within its margins."""

from __future__ import annotations

import pytest

from recsys.evaluation.holdout import Measured
from recsys.gate import Incumbent, Margins, judge

MARGINS = Margins(active=0.1, single=0.5)


def measured(served: float, single: float = 0.2, n: int = 50) -> Measured:
    return Measured("ndcg@10", n, served, {"newest": single / 2, "popular_1d": single}, {})


@pytest.mark.parametrize(("served", "passed"), [(0.1001, True), (0.0999, False), (0.0, False), (0.5, True)])
def test_a_candidate_must_not_fall_behind_the_best_signal(served: float, passed: bool) -> None:
    verdict = judge(measured(served), None, MARGINS)

    assert verdict.passed is passed
    assert "popular_1d" in verdict.reasons[0]


@pytest.mark.parametrize(("served", "passed"), [(0.301, True), (0.269, False), (0.271, True)])
def test_a_candidate_must_not_fall_behind_the_active_snapshot(served: float, passed: bool) -> None:
    verdict = judge(measured(served), Incumbent("000001-x", measured=measured(0.3)), MARGINS)

    assert verdict.passed is passed
    assert "000001-x" in verdict.reasons[1]


def test_where_the_active_one_saw_the_answers_the_leads_over_the_best_signal_are_compared() -> None:
    assert judge(measured(0.28), Incumbent("v", recorded_ratio=1.5), MARGINS).passed
    assert not judge(measured(0.26), Incumbent("v", recorded_ratio=1.5), MARGINS).passed


def test_an_active_one_that_left_no_figure_is_not_in_the_way_and_it_says_so() -> None:
    verdict = judge(measured(0.3), Incumbent("v"), MARGINS)

    assert verdict.passed
    assert "cannot be compared" in verdict.reasons[1]


def test_what_could_not_be_measured_does_not_pass() -> None:
    assert not judge(measured(0.3, n=0), None, MARGINS).passed


def test_without_a_simple_signal_there_is_nothing_to_fall_behind() -> None:
    assert judge(Measured("ndcg@10", 5, 0.1, {}, {}), None, MARGINS).passed


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_impossible_margins_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Margins(active=share)
    with pytest.raises(ValueError, match="share"):
        Margins(single=share)
