"""Rows without an id get one that depends on the file alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from content_store.transfer.occurrences import Occurrences, row_ids

AT = 1_700_000_000_000


def _ids(rows: list[tuple[str | None, str | None]], occurrences: Occurrences, at: int = AT) -> list[str]:
    columns = [pa.array([row[side] for row in rows], pa.large_string()) for side in (0, 1)]
    times = np.full(len(rows), at, np.int64)
    found: list[str] = row_ids([*columns, pa.array(times)], times, occurrences).to_pylist()
    return found


@given(st.lists(st.lists(st.integers(0, 20), max_size=30), max_size=10))
def test_occurrence_numbers_count_up_over_all_batches(batches: list[list[int]]) -> None:
    occurrences, seen = Occurrences(), Counter[int]()
    for batch in batches:
        expected = []
        for key in batch:
            seen[key] += 1
            expected.append(seen[key])
        assert occurrences.number(np.array(batch, np.uint64)).tolist() == expected


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", None])), min_size=1, max_size=40),
    st.integers(1, 40),
)
def test_ids_are_unique_and_the_same_however_the_file_is_cut(
    rows: list[tuple[str | None, str | None]], size: int
) -> None:
    whole = _ids(rows, Occurrences())
    cut = Occurrences()
    parts = [_ids(rows[start : start + size], cut) for start in range(0, len(rows), size)]
    assert [identifier for part in parts for identifier in part] == whole
    assert len(set(whole)) == len(whole)


def test_equal_rows_are_numbered_and_others_are_not() -> None:
    first, other, second, third = _ids([("a", "b"), ("a", "c"), ("a", "b"), ("a", "b")], Occurrences())
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert "-" not in first + other


def test_a_missing_label_is_not_an_empty_one_and_labels_do_not_run_together() -> None:
    ids = _ids([("ab", "c"), ("a", "bc"), ("abc", None), (None, "abc"), (None, None)], Occurrences())
    assert len(set(ids)) == 5
    assert all("-" not in identifier for identifier in ids)


def test_ids_sort_by_time() -> None:
    early, late = (_ids([("a", "b")], Occurrences(), at)[0] for at in (AT, AT + 1))
    assert early < late
    assert len(early) == 32


def test_an_id_is_the_same_in_every_version_of_the_programme() -> None:
    assert _ids([("李雷", "熊猫")], Occurrences()) == ["018bcfe56800cd1fa95697601b1ed0f1"]
