"""``ranker``: learns an order, is the same each time, and survives its folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


@settings(max_examples=40)
@given(seed=st.integers(0, 2**16), unknown=st.floats(0, 1), leaves=st.sampled_from((2, 15, 32, 40)))
def test_scores_are_those_of_lightgbm_to_the_last_digit(seed: int, unknown: float, leaves: int) -> None:
    random = np.random.default_rng(seed)
    model = Ranker(NAMES, replace(SMALL, trees=8, leaves=leaves)).fit(*lessons(seed=seed % 3))
    table = random.random((37, 3)).astype(np.float32)
    table[random.random(table.shape) < unknown] = np.nan  # also where there was none in training
    split = [float(value) for value in re.findall(r"threshold=(.*)", text_of(model))[0].split()]
    table[: len(split), 0] = np.array(split, np.float32)[: len(table)]  # what lies on a threshold, or next to it
    booster = lightgbm.Booster(model_str=text_of(model))
    assert model.score(table).tolist() == np.asarray(booster.predict(table)).tolist()


def text_of(model: Ranker) -> str:
    return model.arrays()["trees"].tobytes().decode()


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
