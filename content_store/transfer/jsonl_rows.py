"""JSON lines: an object per line, whose keys are the columns."""

from __future__ import annotations

import codecs
import io
from collections.abc import Collection, Iterator
from itertools import repeat
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
import pyarrow as pa

from content_store.transfer import encoding
from content_store.transfer.batches import LARGEST_BATCH, LONGEST_FIELD, Batch, Reject
from content_store.transfer.values import NOT_A_VALUE, TEXT

_SHOWN = 200


class JsonlReader:
    """A JSONL file as a ``Reader``; its units are bytes."""

    unit = "B"
    names: list[str] | None = None

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self._file = file
        start = file.peek(2**16) if isinstance(file, io.BufferedReader) else b""
        found = encoding.detect(path, file, start)
        self.notes = [found.note] if found.note else []
        self._codec = None if found.codec == "utf-8-sig" else found.codec
        self.total = path.stat().st_size if file.seekable() else 0
        self._line = 0
        self._seen: dict[str, None] = {}

    def batches(self, wanted: Collection[str], size: int) -> Iterator[Batch]:
        """See ``Reader``."""
        lines = self._lines()
        more = True
        while more:
            rows: list[dict[str, Any]] = []
            numbers: list[int] = []
            rejects: list[Reject] = []
            more = self._collect(lines, size, rows, numbers, rejects)
            if rows or rejects:
                arrays = {name: _array([row.get(name) for row in rows]) for name in wanted if name in self._seen}
                position = self._file.tell() if self.total else 0
                yield Batch(np.array(numbers, np.int64), arrays, rows.__getitem__, rejects, list(self._seen), position)

    def _collect(
        self,
        lines: Iterator[tuple[int, bytes]],
        size: int,
        rows: list[dict[str, Any]],
        numbers: list[int],
        rejects: list[Reject],
    ) -> bool:
        read = 0
        for number, line in lines:
            read += len(line)
            try:
                row = orjson.loads(self._utf8(line))
            except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
                rejects.append(Reject(number, f"is no JSON: {error}", _text(line)))
            else:
                if isinstance(row, dict):
                    rows.append(row)
                    numbers.append(number)
                    self._seen.update(zip(row, repeat(None)))
                else:
                    rejects.append(Reject(number, "is no JSON object", row))
            if len(rows) + len(rejects) >= size or read > LARGEST_BATCH:
                return True
        return False

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank with their numbers; an overlong one is cut, so that it cannot be JSON."""
        while line := self._file.readline(LONGEST_FIELD):
            self._line += 1
            if self._line == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) == LONGEST_FIELD:
                self._skip_line()
            if not line.isspace() and line:
                yield self._line, line

    def _skip_line(self) -> None:
        while (rest := self._file.readline(LONGEST_FIELD)) and not rest.endswith(b"\n"):
            pass

    def _utf8(self, line: bytes) -> bytes:
        return line if self._codec is None else line.decode(self._codec).encode()


def _text(line: bytes) -> str:
    return line[:_SHOWN].decode("utf-8", "replace").rstrip("\n")


def _array(values: list[Any]) -> pa.Array:
    """Values as an arrow array; of mixed types as text."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError):
        return pa.array([_as_text(value) for value in values], TEXT)
    if pa.types.is_floating(array.type) and any(isinstance(value, int) for value in values):
        # A whole number beyond 2^53 would silently lose digits beside a fraction.
        return pa.array([_as_text(value) for value in values], TEXT)
    return array


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOT_A_VALUE if not isinstance(value, list) else orjson.dumps(value).decode()
    return str(value)
