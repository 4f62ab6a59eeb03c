"""Texts as numbers, beside pandas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from recsys.coding import factorize, positions

texts = st.sampled_from(["", "a", "b", "成都", "绵阳", "\U0001f43c"])


@given(st.lists(st.one_of(st.none(), texts), max_size=40))
def test_numbers_come_in_the_order_of_first_sight_as_with_pandas(values: list[str | None]) -> None:
    given = np.array([*values, None], object)[:-1]
    codes, uniques = factorize(given)
    expected, expected_uniques = pd.factorize(given)
    assert codes.tolist() == expected.tolist()
    assert uniques == list(expected_uniques)


@given(st.lists(texts, unique=True), st.lists(texts))
def test_positions_are_where_the_wanted_stand(ids: list[str], wanted: list[str]) -> None:
    assert positions(ids, wanted).tolist() == [ids.index(id) if id in ids else -1 for id in wanted]


def test_what_serves_takes_no_memory_for_pandas_or_lightgbm() -> None:
    code = "import sys, web.rsgi; print(sorted({'pandas', 'lightgbm'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
