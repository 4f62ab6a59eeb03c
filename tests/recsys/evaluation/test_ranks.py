"""Intervals of the replay protocol: the draws of the reference without its memory, and ratios to a weak base."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.evaluation.ranks import PERCENTILES, RESAMPLES, metrics_of, ratios, summarised


@settings(max_examples=12)
@given(st.integers(1, 300), st.integers(0, 5))
def test_intervals_are_those_of_one_draw_of_everything(users: int, seed: int) -> None:
    random = np.random.default_rng(seed + 100)
    owner = np.append(np.arange(users), random.integers(0, users, 2 * users))
    rank = random.integers(1, 30, owner.size)
    draw = np.random.default_rng(seed).integers(0, users, (RESAMPLES, users))
    size = np.bincount(owner)[draw].sum(1)
    for name, found in summarised({"model": rank}, {}, owner, seed)["model"].items():
        means = np.bincount(owner, metrics_of(rank)[name])[draw].sum(1) / size
        assert (found["lo"], found["hi"]) == pytest.approx(np.percentile(means, PERCENTILES), rel=1e-12)


def test_a_base_that_some_resamples_leave_without_a_hit_still_has_ratios() -> None:
    owner = np.arange(12)
    hit, miss = 1, 99
    ranks = {"base": np.full(12, miss), "twice": np.full(12, miss)}
    ranks["base"][:2] = hit
    ranks["twice"][:4] = hit
    found = ratios(ranks, "base", owner, seed=0)
    assert found["base"] == {"value": 1.0, "lo": 1.0, "hi": 1.0}
    twice = found["twice"]
    assert twice["value"] == 2.0
    assert twice["lo"] is not None
    assert twice["hi"] is not None
    assert 1.0 <= twice["lo"] < 2.0 < twice["hi"] < 12.0


def test_a_base_without_any_hit_has_no_ratio() -> None:
    assert ratios({"base": np.full(3, 99), "other": np.ones(3, int)}, "base", np.arange(3), seed=0) == {}
