"""Columns of any type become clean ids, labels, texts, instants and numbers, or are refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.transfer import values
from content_store.transfer.batches import Batch, Verdicts

Step = Callable[[pa.Array, str, Verdicts], pa.Array]
MS = 1_506_826_800_026


def _judged(step: Step, array: pa.Array) -> tuple[list[Any], dict[int, str]]:
    batch = Batch(np.arange(len(array)), {}, lambda at: None, [], [], 0)
    verdicts = Verdicts(batch)
    result = step(array, "x", verdicts)
    assert len(result) == len(array)
    return result.to_pylist(), verdicts.reasons


@pytest.mark.parametrize(
    "array",
    [
        pa.array([12, None, 7], pa.int8()),
        pa.array([12, None, 7], pa.uint64()),
        pa.array([12.0, None, 7.0]),
        pa.array([12.0, float("nan"), 7.0]),
        pa.array([" 12", "", "7 "]),
        pa.array(["12.0", "NaN", "7.00"]),
        pa.array(["12", None, "7"], pa.large_string()).dictionary_encode(),
        pa.array(["12", None, "7"], pa.string_view()),
        pa.array(["12", None, "7"]).cast(pa.large_string()),
        pa.array([12, None, 7]).cast(pa.decimal128(20, 0)),
        pa.array([12, None, 7]).cast(pa.decimal128(22, 2)),
    ],
    ids=lambda array: str(array.type),
)
def test_the_same_ids_come_out_of_every_type(array: pa.Array) -> None:
    found, reasons = _judged(values.ids, array)
    assert found == ["12", None, "7"]
    assert reasons == {1: "x is missing"}


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([12.5]), "12.5 is not a whole number"),
        (pa.array([1e300]), "not a whole number below 2"),
        (pa.array([2.0**53]), "not a whole number below 2"),
        (pa.array([float("inf")]), "not a whole number"),
        (pa.array([True]), "neither text nor a number but bool"),
        (pa.array([b"12"]), "neither text nor a number but binary"),
        (pa.array([[1]]), "neither text nor a number but list"),
        (pa.array(["a\x00b"]), "control character"),
        (pa.array(["a\nb"]), "control character"),
        (pa.array(["猫" * 201]), "more than 200 characters"),
        (pa.array(["\x7f"]), "control character"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_is_no_id_is_refused(array: pa.Array, reason: str) -> None:
    found, reasons = _judged(values.ids, array)
    assert found == [None]
    assert reason in reasons[0]


def test_text_that_is_not_utf8_is_refused_and_its_neighbours_stay() -> None:
    bytes_ = pa.array([b"good", b"\xff\xfe", None, "好".encode()], pa.large_binary())
    array = pa.Array.from_buffers(pa.large_string(), 4, bytes_.buffers())
    for step in (values.labels, values.texts, values.instants):
        _, reasons = _judged(step, array)
        assert reasons[1] == "x is not valid UTF-8"
    assert _judged(values.texts, array)[0] == ["good", None, None, "好"]


def test_texts_keep_their_line_ends_and_blanks() -> None:
    found, reasons = _judged(values.texts, pa.array([" a\r\nb\t", "", None, "a\x00", "12.0"]))
    assert found == [" a\r\nb\t", None, None, None, "12.0"]
    assert list(reasons) == [3]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([MS]),
        pa.array([float(MS)]),
        pa.array([str(MS)]),
        pa.array([f" {MS}.0 "]),
        pa.array([MS * 1000]).cast(pa.timestamp("us")),
        pa.array([MS * 10**6]).cast(pa.timestamp("ns")),
        pa.array([MS * 10**6]).cast(pa.timestamp("ns", tz="Asia/Tokyo")),
        pa.array([datetime.fromtimestamp(MS / 1000, UTC).isoformat()]),
        pa.array(["2017-10-01T11:00:00.026"]),
        pa.array(["2017-10-01 11:00:00.026+08:00"]),
        pa.array(["2017-10-01T03:00:00.026Z"]),
    ],
    ids=lambda array: str(array[0]),
)
def test_the_same_instant_comes_out_of_every_way_of_writing_it(array: pa.Array) -> None:
    assert _judged(values.instants, array) == ([MS], {})


def test_a_date_is_its_first_instant() -> None:
    assert _judged(values.instants, pa.array([date(2024, 8, 26)]))[0] == [1_724_630_400_000]
    assert _judged(values.instants, pa.array(["2024-08-26"]))[0] == [1_724_601_600_000]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([MS // 1000]), "it looks like seconds"),
        (pa.array([MS * 1000]), "it looks like microseconds"),
        (pa.array([MS * 10**6]), "it looks like nanoseconds"),
        (pa.array([str(MS // 1000)]), "it looks like seconds"),
        (pa.array([0]), "out of range"),
        (pa.array([-5]), "out of range"),
        (pa.array([1e300]), "too large"),
        (pa.array([2**64 - 1], pa.uint64()), "too large"),
        (pa.array(["yesterday"]), "neither a whole number of ms nor an ISO 8601 time"),
        (pa.array(["1.5E+12"]), "neither a whole number of ms"),
        (pa.array(["2024-13-01"]), "neither a whole number of ms"),
        (pa.array(["9" * 19]), "neither a whole number of ms"),
        (pa.array([True]), "not a number but bool"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_time_that_cannot_be_meant_is_refused_with_a_guess(array: pa.Array, reason: str) -> None:
    found, reasons = _judged(values.instants, array)
    assert found == [None]
    assert reason in reasons[0]


def test_a_time_after_the_latest_is_in_the_future() -> None:
    _, reasons = _judged(lambda *given: values.instants(*given, latest=MS - 1), pa.array([MS]))
    assert reasons == {0: f"x {MS} is in the future"}


def test_dwell_times_are_whole_and_not_negative() -> None:
    found, reasons = _judged(values.counts, pa.array(["5", "7.9", "", "-1", "long", "NaN", "1e3", "inf"]))
    assert found == [5, 7, None, None, None, None, 1000, None]
    assert reasons == {3: "x -1 is negative", 4: "x 'long' is not a number", 7: "x 'inf' is not a number"}
    assert _judged(values.counts, pa.array([float("nan"), 3.7, None]))[0] == [None, 3, None]


def test_scroll_is_a_share_and_a_percentage_is_refused() -> None:
    found, reasons = _judged(values.shares, pa.array([0.0, 0.5, 1.0, 1.0001, -0.1, float("nan"), float("inf"), 85]))
    assert found == [0.0, 0.5, 1.0, None, None, None, None, None]
    assert sorted(reasons) == [3, 4, 6, 7]
    assert reasons[7] == "x 85 is not between 0 and 1 (divide percentages by 100)"


def test_the_first_reason_of_a_row_stands() -> None:
    verdicts = Verdicts(Batch(np.arange(2), {}, lambda at: at, [], [], 0))
    verdicts.refuse(np.array([True, False]), "first")
    verdicts.refuse(np.array([True, True]), "second")
    assert [(reject.row, reject.reason) for reject in verdicts.rejects()] == [(0, "first"), (1, "second")]


MIXED = st.one_of(
    st.lists(st.none() | st.text(max_size=8)),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.floats()),
    st.lists(st.none() | st.booleans()),
    st.lists(st.none() | st.binary(max_size=4)),
    st.lists(st.none() | st.datetimes()),
)


@given(MIXED, st.sampled_from([values.ids, values.labels, values.texts, values.instants, values.counts, values.shares]))
def test_no_column_breaks_the_judgement_and_a_refused_value_is_gone(column: list[Any], step: Step) -> None:
    found, reasons = _judged(step, pa.array(column))
    assert all(found[position] is None for position in reasons)


@given(st.lists(st.text(max_size=8) | st.none()))
def test_cleaning_a_clean_column_changes_nothing(column: list[str | None]) -> None:
    once, _ = _judged(values.labels, pa.array(column, pa.string()))
    assert _judged(values.labels, pa.array(once, pa.string())) == (once, {})
