"""Columns of a file, whatever their type, made into ids, labels, texts, instants and numbers, a column at a time.

Each function takes an arrow array and the ``Verdicts`` of its batch, refuses the rows whose value cannot be used and
returns an array of the same length with null in the place of empty and of refused values.
"""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from content_store import clock
from content_store.checks import LONGEST_ID
from content_store.transfer.batches import Mask, Verdicts, mask_of

TEXT = pa.large_string()
EXACT_FLOAT = 2**53
"""From here on floats no longer tell neighbouring whole numbers apart."""

EARLIEST_MS = 315_532_800_000
"""1980-01-01 UTC: an instant before it is a mistake in the unit."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01 UTC."""

NOT_A_VALUE = "\x00"
"""What a reader puts for a value that is neither text nor number, so that it is refused wherever it is used."""

_CONTROL = "[\\x00-\\x1f\\x7f]"
_MISSING_IDS = pa.array(["nan", "NaN", "<NA>", "null", "NULL"], TEXT)


def ids(array: pa.Array, name: str, verdicts: Verdicts, *, required: bool = True) -> pa.Array:
    """Ids as text: whole numbers of any type lose their ``.0``; a missing one is refused where ``required``."""
    result = labels(array, name, verdicts)
    result = pc.if_else(pc.is_in(result, value_set=_MISSING_IDS), pa.scalar(None, TEXT), result)
    if required:
        verdicts.refuse(mask_of(pc.is_null(result)), f"{name} is missing")
    return result


def labels(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Short texts without control characters and outer blanks; numbers as written without a fraction."""
    array = plain(array)
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return array.cast(TEXT)
    if pa.types.is_floating(kind):
        return _whole(array, name, verdicts).cast(TEXT)
    if pa.types.is_decimal(kind):
        array = array.cast(TEXT)
    elif not pa.types.is_large_string(kind):
        verdicts.refuse(mask_of(pc.is_valid(array)), f"{name} is neither text nor a number but {kind}")
        return pa.nulls(len(array), TEXT)
    array = _valid(array, name, verdicts)
    array = pc.utf8_trim_whitespace(array)
    array = pc.replace_substring_regex(array, r"^(-?[0-9]+)\.0+$", r"\1")
    bad = mask_of(pc.match_substring_regex(array, _CONTROL))
    verdicts.refuse(bad, f"{name} has a control character or is no plain value")
    long = mask_of(pc.greater(pc.utf8_length(array), LONGEST_ID))
    verdicts.refuse(long, f"{name} has more than {LONGEST_ID} characters")
    return _emptied(array, bad | long)


def texts(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Texts of any length, unchanged; only an empty one is none and NUL is refused."""
    array = plain(array)
    if not pa.types.is_large_string(array.type):
        return labels(array, name, verdicts)
    array = _valid(array, name, verdicts)
    bad = mask_of(pc.match_substring(array, "\x00"))
    verdicts.refuse(bad, f"{name} has a NUL character or is no plain value")
    return _emptied(array, bad)


def instants(array: pa.Array, name: str, verdicts: Verdicts, *, latest: int = LATEST_MS) -> pa.Array:
    """Epoch ms (int64) from whole numbers of ms, arrow timestamps (naive ones are UTC) and ISO 8601 texts (naive ones
    are Shanghai time); refused before 1980 and after ``latest``, with a guess at the unit that was meant."""
    array = plain(array)
    kind = array.type
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("ms"))
        kind = array.type
    if pa.types.is_timestamp(kind):
        result = array.cast(pa.timestamp("ms", tz=kind.tz), safe=False).cast(pa.int64())
    elif pa.types.is_large_string(kind):
        result = _instants_in_text(_valid(array, name, verdicts), name, verdicts)
    else:
        result = _integers(array, name, verdicts)
    early = mask_of(pc.less(result, EARLIEST_MS))
    late = mask_of(pc.greater(result, latest))
    verdicts.refuse(early | late, lambda position: f"{name} {_guess(result[position].as_py(), latest)}")
    return _emptied(result, early | late)


def counts(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Whole numbers ≥ 0 (int64); fractions are cut off."""
    array = plain(array)
    if pa.types.is_large_string(array.type):
        array = _numbers_in_text(array, name, verdicts)
    result = _integers(array, name, verdicts)
    bad = mask_of(pc.less(result, 0))
    verdicts.refuse(bad, lambda position: f"{name} {result[position].as_py()} is negative")
    return _emptied(result, bad)


def shares(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Numbers from 0 to 1 (float64). Percentages are refused: 1 would mean both of its ends."""
    array = plain(array)
    if pa.types.is_large_string(array.type):
        array = _numbers_in_text(array, name, verdicts)
    if not _is_number(array.type):
        verdicts.refuse(mask_of(pc.is_valid(array)), f"{name} is not a number but {array.type}")
        return pa.nulls(len(array), pa.float64())
    result = _without_nan(array.cast(pa.float64(), safe=False))
    bad = mask_of(pc.invert(pc.and_(pc.greater_equal(result, 0), pc.less_equal(result, 1))))
    hint = "is not between 0 and 1 (divide percentages by 100)"
    verdicts.refuse(bad, lambda position: f"{name} {result[position].as_py():g} {hint}")
    return _emptied(result, bad)


def plain(array: pa.Array) -> pa.Array:
    """``array`` without dictionaries and with one type of text."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or str(array.type) == "string_view":
        array = array.cast(TEXT)
    return array


def _valid(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """``array`` without texts that are not UTF-8 (Parquet files are not checked when read)."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        values = array.cast(pa.large_binary()).to_pylist()
        bad = np.array([value is not None and not _is_utf8(value) for value in values], bool)
        verdicts.refuse(bad, f"{name} is not valid UTF-8")
        kept = [None if wrong else value for value, wrong in zip(values, bad, strict=True)]
        return pa.array(kept, pa.large_binary()).cast(TEXT)
    return array


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _emptied(array: pa.Array, bad: Mask) -> pa.Array:
    """``array`` with null for ``bad`` rows and empty texts."""
    gone = pa.array(bad)
    if pa.types.is_large_string(array.type):
        gone = pc.or_(gone, pc.fill_null(pc.equal(array, ""), False))
    return pc.if_else(gone, pa.scalar(None, array.type), array)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind)
    )


def _without_nan(array: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _whole(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Floats that are whole numbers as int64, NaN as null."""
    array = _without_nan(array.cast(pa.float64()))
    exact = pc.less(pc.abs(array), EXACT_FLOAT)
    bad = mask_of(pc.invert(pc.and_(exact, pc.equal(pc.floor(array), array))))
    verdicts.refuse(bad, lambda position: f"{name} {array[position].as_py()!r} is not a whole number below 2^53")
    return _emptied(array, bad).cast(pa.int64())


def _integers(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Numbers as int64, fractions cut off, NaN as null."""
    if not _is_number(array.type):
        verdicts.refuse(mask_of(pc.is_valid(array)), f"{name} is not a number but {array.type}")
        return pa.nulls(len(array), pa.int64())
    if pa.types.is_integer(array.type) and array.type != pa.uint64():
        return array.cast(pa.int64())
    numbers = _without_nan(array.cast(pa.float64(), safe=False))
    bad = mask_of(pc.greater(pc.abs(numbers), 2.0**62))
    verdicts.refuse(bad, f"{name} is too large")
    return pc.floor(_emptied(numbers, bad)).cast(pa.int64())


def _numbers_in_text(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    array = pc.utf8_trim_whitespace(array)
    array = _emptied(array, mask_of(pc.is_in(array, value_set=_MISSING_IDS)))
    number = mask_of(pc.match_substring_regex(array, r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"))
    bad = ~number & mask_of(pc.is_valid(array))
    verdicts.refuse(bad, lambda position: f"{name} {array[position].as_py()[:50]!r} is not a number")
    values = _emptied(array, bad)
    return pc.replace_substring_regex(values, r"^\+", "").cast(pa.float64())


def _instants_in_text(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    array = _emptied(pc.utf8_trim_whitespace(array), np.zeros(len(array), bool))
    digits = mask_of(pc.match_substring_regex(array, r"^-?[0-9]{1,18}(\.[0-9]*)?$"))
    whole = pc.replace_substring_regex(_emptied(array, ~digits), r"\.[0-9]*$", "").cast(pa.int64())
    others = np.flatnonzero(~digits & mask_of(pc.is_valid(array)))
    if not others.size:
        return whole
    values = whole.to_pylist()
    bad = np.zeros(len(array), bool)
    for position in others.tolist():
        values[position] = _from_iso(array[position].as_py())
        bad[position] = values[position] is None
    hint = "is neither a whole number of ms nor an ISO 8601 time"
    verdicts.refuse(bad, lambda position: f"{name} {array[position].as_py()[:50]!r} {hint}")
    return pa.array(values, pa.int64())


def _from_iso(text: str) -> int | None:
    if not re.match(r"\d{4}-\d\d", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.SHANGHAI)
    return round(moment.timestamp() * 1000)


def _guess(value: int, latest: int) -> str:
    """What is wrong with an instant out of range."""
    for unit, factor in (("seconds", 1000.0), ("microseconds", 1e-3), ("nanoseconds", 1e-6)):
        if EARLIEST_MS <= value * factor <= latest:
            return f"{value} is out of range: it looks like {unit}, milliseconds are expected"
    if latest < value <= LATEST_MS:
        return f"{value} is in the future"
    return f"{value} is out of range: milliseconds since 1970 are expected"
