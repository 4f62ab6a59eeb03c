"""CSV (RFC 4180) with a header: commas, semicolons or tabs; quoted fields may hold line ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from content_store.errors import ImportFileError
from content_store.transfer import encoding
from content_store.transfer.batches import LARGEST_BATCH, LONGEST_FIELD, Batch, Reject

_CHECK_SIZE_EVERY = 256


class CsvReader:
    """A CSV file as a ``Reader``; its units are bytes."""

    unit = "B"

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self._file = file
        start = file.peek(2**16) if isinstance(file, io.BufferedReader) else b""
        found = encoding.detect(path, file, start)
        self.notes = [found.note] if found.note else []
        self._text = io.TextIOWrapper(file, found.codec, errors=found.errors, newline="")
        self.total = path.stat().st_size if file.seekable() else 0
        header = self._header()
        self.names: list[str] | None = header
        self._width = len(header)

    def _header(self) -> list[str]:
        # The limit belongs to the whole process; nothing else of ours reads CSV.
        csv.field_size_limit(LONGEST_FIELD)
        first = self._text.readline(LONGEST_FIELD)
        if not first.strip("\ufeff\r\n\x00 "):
            raise ImportFileError(f"{self.path} is empty: a header is expected in its first line")
        delimiter = max(",;\t", key=first.count)
        lines = _Lines(first, self._text)
        self._rows = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(self._rows)]
        except csv.Error as error:
            raise ImportFileError(f"the header of {self.path} cannot be read: {error}") from error
        if twice := sorted({name for name in header if header.count(name) > 1}):
            raise ImportFileError(f"{self.path} has several columns {', '.join(map(repr, twice))}")
        return header

    def batches(self, wanted: Collection[str], size: int) -> Iterator[Batch]:
        """See ``Reader``."""
        more = True
        while more:
            rows: list[list[str]] = []
            lines: list[int] = []
            rejects: list[Reject] = []
            more = self._collect(size, rows, lines, rejects)
            if rows or rejects:
                yield self._batch(wanted, rows, lines, rejects)

    def _collect(self, size: int, rows: list[list[str]], lines: list[int], rejects: list[Reject]) -> bool:
        """Read on until there are ``size`` rows or very many bytes; False at the end of the file."""
        reader, width, start = self._rows, self._width, self._position()
        while len(rows) + len(rejects) < size:
            line = reader.line_num + 1
            try:
                for row in reader:
                    if len(row) == width:
                        rows.append(row)
                        lines.append(line)
                    elif row:
                        rejects.append(Reject(line, f"has {len(row)} fields, the header {width}", self._named(row)))
                    line = reader.line_num + 1
                    if len(rows) + len(rejects) >= size:
                        return True
                    if not len(rows) % _CHECK_SIZE_EVERY and self._position() - start > LARGEST_BATCH:
                        return True
                return False
            except csv.Error as error:
                rejects.append(Reject(line, f"is no CSV: {error}", None))
        return True

    def _batch(self, wanted: Collection[str], rows: list[list[str]], lines: list[int], rejects: list[Reject]) -> Batch:
        assert self.names is not None
        columns = dict(zip(self.names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(self.names, ())
        taken = {name: column for name, column in columns.items() if name in wanted}
        try:
            arrays = {name: pa.array(column, pa.large_string()) for name, column in taken.items()}
        except UnicodeEncodeError:
            return self._batch(wanted, *self._without_broken(rows, lines, rejects))
        numbers = np.array(lines, np.int64)
        return Batch(numbers, arrays, lambda at: self._named(rows[at]), rejects, self.names, self._position())

    def _without_broken(
        self, rows: list[list[str]], lines: list[int], rejects: list[Reject]
    ) -> tuple[list[list[str]], list[int], list[Reject]]:
        """The rows without those that hold bytes outside the encoding; these are added to ``rejects``."""
        good: list[list[str]] = []
        numbers: list[int] = []
        for row, line in zip(rows, lines, strict=True):
            if _encodable(row):
                good.append(row)
                numbers.append(line)
            else:
                rejects.append(Reject(line, f"has bytes that are not {self._text.encoding}", self._named(row)))
        return good, numbers, rejects

    def _named(self, row: list[str]) -> Any:
        assert self.names is not None
        return dict(zip(self.names, row, strict=True)) if len(row) == self._width else row

    def _position(self) -> int:
        return self._file.tell() if self.total else 0


class _Lines:
    """The lines of a text, the first of which was read already; one longer than a field may be is cut."""

    def __init__(self, first: str, text: io.TextIOWrapper) -> None:
        self._first: str | None = first
        self._text = text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if line := self._text.readline(LONGEST_FIELD):
            return line
        raise StopIteration


def _encodable(row: list[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True
