"""Parquet, read a batch at a time whatever the size of its row groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from content_store.errors import ImportFileError
from content_store.transfer.batches import Batch


class ParquetReader:
    """A Parquet file as a ``Reader``; its units, and what its rejects call lines, are rows."""

    unit = "row"

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self.notes: list[str] = []
        try:
            # Not memory-mapped and not pre-buffered: a large row group would come into memory as a whole.
            self._file = pq.ParquetFile(file, pre_buffer=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken(path, error) from error
        self.names: list[str] | None = list(self._file.schema_arrow.names)
        self.total = self._file.metadata.num_rows

    def batches(self, wanted: Collection[str], size: int) -> Iterator[Batch]:
        """See ``Reader``."""
        assert self.names is not None
        names = [name for name in self.names if name in wanted]
        read = 0
        stream = self._file.iter_batches(batch_size=size, columns=names, use_threads=False)
        while True:
            try:
                batch = next(stream, None)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise _broken(self.path, error, read) from error
            if batch is None:
                return
            lines = np.arange(read + 1, read + batch.num_rows + 1)
            read += batch.num_rows
            columns = dict(zip(names, batch.columns, strict=True))
            yield Batch(lines, columns, _Rows(batch), [], self.names, read)


class _Rows:
    """Gives the row at a position of a batch."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __call__(self, at: int) -> dict[str, object]:
        row = self._batch.slice(at, 1)
        return {name: _plain(column) for name, column in zip(row.schema.names, row.columns, strict=True)}


def _plain(column: pa.Array) -> object:
    """The only value of ``column``; text that is not UTF-8 as its bytes."""
    try:
        return column[0].as_py()
    except UnicodeDecodeError:
        return repr(column.cast(pa.binary(), safe=False)[0].as_py())


def _broken(path: Path, error: Exception, read: int = 0) -> ImportFileError:
    where = f" after row {read}" if read else ""
    return ImportFileError(
        f"{path} cannot be read as Parquet{where}: {str(error).splitlines()[0]}",
        hint="it is damaged or was cut off: write or copy it again",
    )
