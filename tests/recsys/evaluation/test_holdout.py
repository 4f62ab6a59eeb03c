"""The quick look at fitted models, on a log whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys.evaluation.holdout import Bundle, Measured, holdout
from recsys.features import Dataset, Rules
from recsys.models.base import Arrays, Recommender
from tests.support.reading import DAY, START, columns, town

CUT = START + 20 * DAY


class Fixed(Recommender):
    """Gives each item the same score to everyone."""

    name: ClassVar[str] = "fixed"

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values

    def config(self) -> dict[str, Any]:
        return {}

    def arrays(self) -> Arrays:
        return {"values": self.values}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(arrays["values"])

    def fit(self, matrix: csr_matrix) -> Self:
        return self

    @property
    def scored(self) -> NDArray[np.bool_]:
        return np.ones(self.values.size, bool)

    def preference(self, history: csr_matrix) -> NDArray[np.float32]:
        assert history.shape[1] == self.values.size
        return np.tile(self.values, (history.shape[0], 1))


def dataset(rows: list[tuple[Any, ...]], rules: Rules | None = None) -> Dataset:
    return Dataset.build(columns(rows), as_of=START + 40 * DAY, rules=rules)


def look(whole: Dataset, scores: dict[str, float], **options: int) -> Measured:
    items = np.array(sorted(scores), object)
    model = Fixed(np.array([scores[name] for name in sorted(scores)], np.float32))
    return holdout(whole, CUT, Bundle(items, {"fixed": model}), **options)


def read(citizen: str, item: str, day: float) -> tuple[str, str, str, int]:
    return citizen, item, "read", START + int(day * DAY)


EARLY = [read("anna", "a", 1), read("ben", "b", 2), read("ben", "c", 3), read("carl", "d", 4), read("dora", "c", 5)]


def test_the_rank_of_the_next_read_is_what_counts() -> None:
    whole = dataset([*EARLY, read("anna", "c", 21)])

    best = look(whole, {"a": 9, "b": 1, "c": 3, "d": 2})
    second = look(whole, {"a": 9, "b": 4, "c": 3, "d": 2})

    assert (best.n, best.models["fixed"]) == (1, 1.0)
    assert second.models["fixed"] == pytest.approx(1 / np.log2(3))
    assert best.singles["popular_7d"] == 1.0
    assert best.singles["newest"] == pytest.approx(1 / np.log2(3))


def test_what_was_met_before_is_neither_ranked_nor_wanted() -> None:
    whole = dataset(
        [*EARLY, ("anna", "b", "impression", START + 6 * DAY), read("anna", "a", 21), read("anna", "b", 22)]
    )

    assert look(whole, dict.fromkeys("abcd", 0.0)).n == 0


def test_an_item_that_the_bundle_never_met_comes_last() -> None:
    whole = dataset([*EARLY, read("anna", "c", 21)])

    measured = look(whole, {"b": 0, "d": 0, "gone": 9})

    assert measured.models["fixed"] == pytest.approx(1 / np.log2(4))


def test_items_and_readers_of_the_tail_alone_are_left_out() -> None:
    whole = dataset([*EARLY, read("new", "a", 21), read("anna", "new", 22)])

    measured = look(whole, dict.fromkeys("abcd", 0.0))

    assert measured == Measured("ndcg@10", 0, 0.0, {}, {})
    assert measured.ratio is None


def test_citizens_without_a_profile_are_left_out() -> None:
    rows = [*EARLY, read("anna", "c", 21)]

    assert look(dataset(rows, Rules(unprofiled={"anna"})), dict.fromkeys("abcd", 0.0)).n == 0


def test_a_sample_is_seeded_and_as_large_as_asked() -> None:
    whole = dataset(list(town()))
    scores = {name: float(len(name)) for name in whole.items}

    first, again, other = (look(whole, scores, readers=7, seed=seed) for seed in (1, 1, 2))

    assert first.n == 7
    assert first == again
    assert first != other


def test_the_blend_of_models_is_measured_as_served() -> None:
    whole = dataset([*EARLY, read("anna", "c", 21)])

    agreeing, contradicting = (look(whole, {"a": 0, "b": 0, "c": sign, "d": 0}) for sign in (1, -1))

    assert agreeing.served == 1.0
    assert agreeing.ratio == pytest.approx(1 / agreeing.singles[agreeing.best_single])
    assert contradicting.models["fixed"] < contradicting.served, "the other voices outweigh one that errs"
