"""Opens a file to import with the reader that its name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from content_store.errors import ImportFileError
from content_store.transfer.batches import Reader
from content_store.transfer.csv_rows import CsvReader
from content_store.transfer.jsonl_rows import JsonlReader
from content_store.transfer.parquet_rows import ParquetReader

READERS: dict[str, Callable[[Path, IO[bytes]], Reader]] = {
    ".csv": CsvReader,
    ".jsonl": JsonlReader,
    ".parquet": ParquetReader,
}


def extension(path: Path) -> str:
    """The extension of ``path`` in lower case. Raises ImportFileError where it is none of ours."""
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ImportFileError(
            f"{path} has the extension {suffix!r}" if suffix else f"{path} has no extension",
            hint=f"the extension tells the format: {', '.join(READERS)}",
        )
    return suffix


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """A reader of ``path``. Raises ImportFileError where there is no such file or it cannot be read."""
    reader = READERS[extension(path)]
    try:
        file = path.open("rb")
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        # JSON lines have no header: a table without rows is an empty file.
        if file.seekable() and path.stat().st_size == 0 and reader is not JsonlReader:
            raise ImportFileError(f"{path} is empty")
        yield reader(path, file)
