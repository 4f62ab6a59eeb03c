"""The blend of the slow layer: standardised per citizen, so that no part shouts the other down."""

from __future__ import annotations

import numpy as np

from recsys.models.slow import blend, standardised

INF = np.inf


def test_a_row_is_standardised_over_its_scored_items() -> None:
    rows = standardised(np.array([[1, 2, 3, -INF], [10, 20, 30, 40]], np.float32))
    assert np.isneginf(rows[0, 3])
    np.testing.assert_allclose(rows[0, :3], [-1.2247, 0, 1.2247], atol=1e-4)
    np.testing.assert_allclose([rows[1].mean(), rows[1].std()], [0, 1], atol=1e-5)


def test_a_row_without_a_preference_stays_without_one() -> None:
    assert standardised(np.full((1, 5), 7, np.float32)).tolist() == [[0, 0, 0, 0, 0]]
    assert standardised(np.full((1, 2), -INF, np.float32)).tolist() == [[-INF, -INF]]


def test_the_scale_of_a_part_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(2, 3, 20)).astype(np.float32)
    np.testing.assert_allclose(blend(first, second, 0.3), blend(first * 100, second / 7, 0.3), atol=1e-4)


def test_a_share_of_nothing_or_all_is_one_part_alone() -> None:
    first, second = np.array([[1, 2, 3]], np.float32), np.array([[3, 1, 2]], np.float32)
    assert blend(first, second, 0).argmax() == 2
    assert blend(first, second, 1).argmax() == 0
