"""``FILE.rejects.jsonl``: the rows that were not taken, each with its line and the reason."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from content_store.errors import ImportFileError
from content_store.transfer.batches import Reject

_LONGEST_SHOWN = 10_000


class RejectsFile:
    """Written beside the imported file under another name and put in its place at the end.

    Without rejects there is no file, and one of an earlier run is removed. ``close`` is called once.
    """

    def __init__(self, imported: Path) -> None:
        self.path = imported.with_name(imported.name + ".rejects.jsonl")
        self.count = 0
        self._part = imported.with_name(f".{imported.name}.rejects.{os.getpid()}.part")
        self._file: IO[bytes] | None = None

    def add(self, rejects: Iterable[Reject]) -> None:
        """Write ``rejects``. Raises ImportFileError where the folder cannot be written to."""
        for reject in rejects:
            if self._file is None:
                self._file = self._open()
            line = {"line": reject.line, "reason": reject.reason, "row": _shown(reject.row)}
            self._file.write(json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")
            self.count += 1

    def close(self) -> Path | None:
        """Put the file in its place; returns its path, None where there were no rejects."""
        if self._file is None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            return None
        self._file.close()
        self._part.replace(self.path)
        return self.path

    def _open(self) -> IO[bytes]:
        try:
            return self._part.open("wb")
        except OSError as error:
            raise ImportFileError(
                f"rejected rows cannot be written to {self.path}: {error.strerror}",
                hint="import from a folder that can be written to",
            ) from error


def _shown(value: Any) -> Any:
    """``value`` with overlong texts cut."""
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return f"{value[:_LONGEST_SHOWN]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {str(name): _shown(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_shown(entry) for entry in value[:1000]]
    return value
