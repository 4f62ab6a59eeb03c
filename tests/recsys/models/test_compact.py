"""Rows in a byte a number: directions stay, and so does what has none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.models.compact import AT_ONCE, Compact


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.floats(1e-6, 1e6))
def test_a_row_is_kept_to_half_a_step_of_its_largest_number(seed: int, columns: int, size: float) -> None:
    rows = (np.random.default_rng(seed).standard_normal((5, columns)) * size).astype(np.float32)
    step = np.abs(rows).max(1, keepdims=True) / 127
    assert (np.abs(Compact.of(rows).rows(np.arange(5)) - rows) <= 0.501 * step).all()


def test_a_product_is_that_of_the_kept_rows_however_many_there_are() -> None:
    rng = np.random.default_rng(1)
    kept = Compact.of(rng.standard_normal((AT_ONCE + 3, 700)).astype(np.float32))
    rows = kept.rows(np.arange(len(kept))).astype(np.float64)
    np.testing.assert_allclose(kept.products(AT_ONCE), rows @ rows[AT_ONCE], rtol=1e-4, atol=1e-4)


def test_a_row_of_zeros_stays_one_and_more_rows_come_after_the_others() -> None:
    kept = Compact.of(np.zeros((1, 3))).with_more(np.array([[1.0, 0, -2]]))
    assert kept.rows(np.arange(2)).tolist() == [[0, 0, 0], [np.float32(127 * 0.5).round() * kept.scale[1], 0, -2]]
    assert kept.products(1)[0] == kept.products(0)[1] == 0
    assert len(Compact.of(np.zeros((0, 0)))) == 0
