"""Articles by their text: cold ones are scored for readers, related ones are found, nothing needs a pickle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array

from content_store.errors import ModelError
from recsys.models.als import Als, AlsConfig
from recsys.models.base import load, one_like, save
from recsys.models.content import Content, ContentConfig, principal_directions, ridge_map

SMALL = ContentConfig(
    als=AlsConfig(factors=8, regularization=1.0, alpha=10.0, iterations=8, threads=1), dimensions=8, fewest=1
)
SPACE = ("火星 探测 火箭", "火箭 发射 卫星", "卫星 轨道 火星", "月球 探测 轨道")
FOOD = ("蔬菜 营养 健康饮食", "饮食 维生素 营养", "水果 维生素 蔬菜", "早餐 饮食 水果")
TEXTS = (*SPACE, *FOOD)


def two_camps() -> csr_matrix:
    """40 readers: the even ones read three articles on space, the odd ones three on food."""
    rows = np.zeros((40, 8), np.float32)
    for reader in range(40):
        camp = 4 * (reader % 2)
        rows[reader, [camp + (reader // 2 + step) % 4 for step in range(3)]] = 1
    return csr_matrix(rows)


def fitted() -> Content:
    return Content(SMALL).fit(two_camps(), TEXTS)


def reader(*items: int, width: int = 8) -> csr_matrix:
    return csr_matrix((np.ones(len(items), np.float32), ([0] * len(items), items)), shape=(1, width))


def test_an_article_added_after_the_fit_is_scored_by_its_text() -> None:
    model = fitted()
    space, food = model.add(["火星 火箭 卫星", "营养 蔬菜 水果"])
    lover_of_space, lover_of_food = model.score(reader(0, 1))[0], model.score(reader(4, 5))[0]
    assert (space, food) == (8, 9)
    assert lover_of_space[space] > lover_of_space[food]
    assert lover_of_food[food] > lover_of_food[space]


def test_reading_an_article_that_nobody_else_read_tells_a_taste() -> None:
    model = fitted()
    first, second = model.add(["火星 火箭 卫星", "营养 蔬菜 水果"])
    scores = model.score(reader(first, width=10))[0]
    assert scores[:4].min() > scores[4:8].max()
    assert second == first + 1


def test_an_item_without_a_training_row_is_placed_by_its_text() -> None:
    matrix = two_camps().tolil()
    matrix[:, 3] = 0
    model = Content(SMALL).fit(matrix.tocsr(), TEXTS)
    assert model.score(reader(0, 1))[0, 3] > model.score(reader(4, 5))[0, 3]


def test_articles_without_a_known_word_are_unscored_and_empty_readers_have_no_preference() -> None:
    model = fitted()
    silent, *_ = model.add(["", "…!"])
    scores = model.score(csr_matrix(np.array([[1, 0, 0, 0, 0, 0, 0, 0], [0] * 8], np.float32)))
    assert scores.dtype == np.float32 and scores.shape == (2, 10)
    assert np.isneginf(scores[0, silent:]).all() and np.isfinite(scores[0, :silent]).all()
    assert (scores[1] == scores[1, 0]).all()


def test_texts_map_near_the_factors_of_articles_read_by_the_same_people() -> None:
    matrix = two_camps()
    als = Als(SMALL.als).fit(matrix)
    model = Content(SMALL).fit(matrix, TEXTS, als=als)
    place = model.factors_for(["火箭 卫星"])
    agreement = (als.item_factors @ place[0]) / np.linalg.norm(als.item_factors, axis=1)
    assert place.shape == (1, 8) and place.dtype == np.float32
    assert agreement[:4].min() > agreement[4:].max()


def test_a_given_als_folds_readers_in_exactly_as_it_does_itself() -> None:
    matrix = two_camps()
    als = Als(AlsConfig(factors=4, iterations=3, threads=1)).fit(matrix)
    model = Content(SMALL).fit(matrix, TEXTS, als=als)
    np.testing.assert_array_equal(model.fold_in(matrix), als.fold_in(matrix))
    assert model.settings.als == als.settings


def test_an_als_is_shared_with_the_model_fitted_on_it_and_with_no_other() -> None:
    matrix = two_camps()
    als = Als(SMALL.als).fit(matrix)
    model = Content(SMALL).fit(matrix, TEXTS, als=als)
    alone = Content.restore(model.config(), model.arrays())
    other = Als(SMALL.als).fit(two_camps()[::2])
    assert not alone.share(other)
    assert alone.share(Als.restore(als.config(), als.arrays()))
    for kept in (model, alone):
        kept.add(["火星 营养"])
        assert kept.share(als)
    history = one_like((1, 9), np.ones(2, np.float32), np.array([1, 8], np.int32), np.array([0, 2], np.int32))
    np.testing.assert_array_equal(alone.score(history), model.score(history))


def test_related_articles_share_words_and_leave_out_the_article_itself() -> None:
    items, cosine = fitted().near(0, 3)
    assert set(items) <= {1, 2, 3}
    assert (np.diff(cosine) <= 0).all()


def test_nothing_is_related_to_an_article_without_text() -> None:
    model = fitted()
    (silent,) = model.add([""])
    assert model.near(silent, 5)[0].size == 0
    assert silent not in model.near(0, 20)[0]
    with pytest.raises(IndexError):
        model.near(-1, 3)


def test_vectors_of_texts_are_those_the_articles_got() -> None:
    model = fitted()
    (added,) = model.add([TEXTS[2]])
    vectors = model.vectors(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert model.near(2, 1)[0].tolist() == [added]


def test_a_kept_model_comes_back_equal(tmp_path: Path) -> None:
    model = fitted()
    model.add(["火星 营养"])
    save(model, tmp_path / "content")
    again = load(Content, tmp_path / "content")
    assert again.config() == model.config()
    np.testing.assert_array_equal(again.score(two_camps()), model.score(two_camps()))
    np.testing.assert_array_equal(again.vectors(TEXTS), model.vectors(TEXTS))
    assert list(again.add(["月球"])) == [9]


def test_two_fits_on_the_same_rows_are_bit_identical() -> None:
    first, second = fitted().arrays(), fitted().arrays()
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key])


def test_as_many_texts_as_items_are_needed() -> None:
    with pytest.raises(ModelError, match="2 texts for 8 items"):
        Content(SMALL).fit(two_camps(), ["a", "b"])
    with pytest.raises(ModelError):
        Content(SMALL).fit(two_camps(), TEXTS, als=Als(SMALL.als).fit(two_camps()[:, :5].tocsr()))


def test_histories_over_unknown_items_are_refused() -> None:
    with pytest.raises(ModelError):
        fitted().score(reader(0, width=9))


@pytest.mark.parametrize("texts", [("",) * 8, TEXTS], ids=["no texts", "no readings"])
def test_a_model_without_texts_or_readings_still_answers(texts: tuple[str, ...]) -> None:
    matrix = two_camps() if not any(texts) else csr_matrix((3, 8), dtype=np.float32)
    model = Content(SMALL).fit(matrix, texts)
    assert model.score(reader(0)).shape == (1, 8)
    assert not np.isnan(model.score(reader(0))).any()
    assert model.factors_for(["火箭"]).shape == (1, 8)


def test_the_map_solves_its_ridge_regression() -> None:
    terms = csr_matrix(random_array((30, 20), density=0.3, rng=np.random.default_rng(1)), dtype=np.float32)
    targets = np.random.default_rng(2).standard_normal((30, 70)).astype(np.float32)
    dense = terms.toarray().astype(np.float64)
    exact = np.linalg.solve(dense.T @ dense + 2.5 * np.eye(20), dense.T @ targets)
    np.testing.assert_allclose(ridge_map(terms, targets, 2.5, 30), exact, atol=1e-4)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 14))
@settings(deadline=None, max_examples=30)
def test_directions_are_orthonormal_whatever_the_shape(rows: int, columns: int, dimensions: int) -> None:
    terms = csr_matrix(random_array((rows, columns), density=0.5, rng=np.random.default_rng(rows)), dtype=np.float32)
    directions = principal_directions(terms, dimensions, 0)
    assert directions.shape[0] == columns and directions.shape[1] <= min(dimensions, rows, columns)
    np.testing.assert_allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-3)


def test_directions_span_what_a_full_decomposition_keeps() -> None:
    terms = csr_matrix(random_array((60, 40), density=0.2, rng=np.random.default_rng(3)), dtype=np.float32)
    strongest = np.linalg.svd(terms.toarray(), compute_uv=False)[:5]
    found = np.linalg.norm(terms @ principal_directions(terms, 5, 0), axis=0)
    np.testing.assert_allclose(found, strongest, rtol=0.02)


def test_fewer_dimensions_than_asked_for_are_no_error() -> None:
    model = Content(replace(SMALL, dimensions=500)).fit(two_camps(), TEXTS)
    assert model.vectors(["火箭"]).shape[1] <= 8
