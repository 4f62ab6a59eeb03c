"""Ids for rows that bring none: a hash of the row and its occurrence number among equal rows.

Both depend on the file alone, so reading it again gives the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_DIGEST = 10
_BETWEEN = pa.scalar(
    "\x1f", pa.large_string()
)  # no label may hold control characters, so joined rows differ where rows do
_NONE = "\x1e"
_NOTHING = pa.scalar("", pa.large_string())
_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], "S2")

Keys = NDArray[np.uint64]


class Occurrences:
    """How often each key has come so far.

    Keeps 8 bytes per row (24 MB for 3 M rows) and as much again for a moment while merging. Two different rows with
    the same 64 bits are counted as one row: that gives the later one a higher number than it need have, the same
    number in each run, and so does no harm.
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def number(self, keys: Keys) -> NDArray[np.int64]:
        """For each of ``keys``, in order, its occurrence number counted from 1 over all calls."""
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        first = np.searchsorted(ordered, ordered)
        numbers = np.arange(1, keys.size + 1) - first
        for run in self._runs:
            start = np.searchsorted(run, ordered)
            hit = np.flatnonzero(run[np.minimum(start, run.size - 1)] == ordered)
            if hit.size:
                numbers[hit] += np.searchsorted(run, ordered[hit], side="right") - start[hit]
        self._keep(ordered)
        result = np.empty(keys.size, np.int64)
        result[order] = numbers
        return result

    def _keep(self, ordered: Keys) -> None:
        """Add a sorted run; runs of like size are merged, so that there are few and each key is moved seldom."""
        if ordered.size:
            self._runs.append(ordered)
        while len(self._runs) > 1 and self._runs[-2].size <= 2 * self._runs[-1].size:
            merged = np.concatenate([self._runs.pop(), self._runs.pop()])
            merged.sort(kind="stable")
            self._runs.append(merged)


def row_ids(columns: Sequence[pa.Array], at: NDArray[np.int64], occurrences: Occurrences) -> pa.Array:
    """Ids (large_string, n) for rows of labels without control characters and of numbers.

    An id is 12 hexadecimal digits of ``at`` (epoch ms, so that ids of a log sorted by time go into an index in order),
    20 of BLAKE2b (RFC 7693) over the row, and ``-2``, ``-3`` … for the second and later ones of equal rows.
    """
    texts = [column if pa.types.is_large_string(column.type) else column.cast(pa.large_string()) for column in columns]
    joined = pc.binary_join_element_wise(*texts, _BETWEEN, null_handling="replace", null_replacement=_NONE)
    # As bytes from the start: made into texts only to be encoded again, the rows would take half as long again.
    encoded = joined.cast(pa.large_binary()).to_numpy(zero_copy_only=False).tolist()
    digests = b"".join([blake2b(row, digest_size=_DIGEST).digest() for row in encoded])
    rows = np.empty((at.size, 6 + _DIGEST), np.uint8)
    rows[:, :6] = at.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    rows[:, 6:] = np.frombuffer(digests, np.uint8).reshape(-1, _DIGEST)
    numbers = occurrences.number(np.ascontiguousarray(rows[:, 6:14]).view(np.uint64).ravel())
    ids = _hexadecimal(rows)
    later = numbers > 1
    if not later.any():
        return ids
    suffix = np.where(later, np.char.add("-", numbers.astype(str)), "")
    return pc.binary_join_element_wise(ids, pa.array(suffix.tolist(), pa.large_string()), _NOTHING)


def _hexadecimal(rows: NDArray[np.uint8]) -> pa.Array:
    width = 2 * rows.shape[1]
    text = np.ascontiguousarray(_HEX[rows])
    offsets = np.arange(rows.shape[0] + 1, dtype=np.int64) * width
    return pa.LargeStringArray.from_buffers(rows.shape[0], pa.py_buffer(offsets), pa.py_buffer(text))
