"""What a reader of files gives and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LONGEST_FIELD = 16 * 2**20
"""Characters of a field, or bytes of a JSON line, beyond which a row is rejected."""

LARGEST_BATCH = 64 * 2**20
"""Bytes of the file after which a batch ends early."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: its line in the file (its row in Parquet), counted from 1, and why."""

    line: int
    reason: str
    row: Any


@dataclass(frozen=True, slots=True)
class Batch:
    """n rows of a file as columns in the file's own types; ``original`` gives the row at a position for a reject.

    ``lines`` are int64 line numbers, ``rejects`` the rows that could not even be read, ``seen`` all columns met so far,
    ``position`` how far the file has been read, in the reader's units.
    """

    lines: NDArray[np.int64]
    columns: dict[str, pa.Array]
    original: Callable[[int], Any]
    rejects: list[Reject]
    seen: Collection[str]
    position: int

    def __len__(self) -> int:
        return int(self.lines.size)


class Reader(Protocol):
    """A file to import. ``names`` are its columns (None where each row names its own), ``total`` its size in the units
    of ``Batch.position`` (0 where unknown), ``notes`` what a person should know of it."""

    path: Path
    names: list[str] | None
    total: int
    unit: str
    notes: list[str]

    def batches(self, wanted: Collection[str], size: int) -> Iterator[Batch]:
        """The rows, at most ``size`` at a time, with those of ``wanted`` that the file has. Raises ImportFileError."""
        ...


@dataclass(slots=True)
class Verdicts:
    """Which rows of a batch are refused; the first reason of a row stands."""

    batch: Batch
    bad: Mask = field(init=False)
    reasons: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.batch), bool)

    def refuse(self, mask: Mask, reason: str | Callable[[int], str]) -> None:
        """Refuse the rows of ``mask``; ``reason`` may depend on the row's position."""
        for position in np.flatnonzero(mask & ~self.bad).tolist():
            self.reasons[position] = reason if isinstance(reason, str) else reason(position)
        self.bad |= mask

    def rejects(self) -> list[Reject]:
        """The refused rows with those that the reader could not read, by line."""
        batch = self.batch
        found = [
            Reject(int(batch.lines[position]), reason, batch.original(position))
            for position, reason in self.reasons.items()
        ]
        return sorted([*batch.rejects, *found], key=lambda reject: reject.line)


def to_list(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of ``array`` as Python objects, several times as fast as its ``to_pylist`` where it has the chance."""
    if array.null_count == len(array):
        return [None] * len(array)
    if array.null_count and not pa.types.is_large_string(array.type):
        return list(array.to_pylist())
    values = array.to_numpy() if isinstance(array, pa.ChunkedArray) else array.to_numpy(zero_copy_only=False)
    return list(values.tolist())


def mask_of(array: pa.Array) -> Mask:
    """An arrow array of truth values as numpy, null as false."""
    result: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return result
