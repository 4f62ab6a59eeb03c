"""The encoding of a text file: UTF-8 as it should be, GB18030 as Chinese spreadsheets write it, UTF-16."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from content_store.errors import ImportFileError

_CHUNK = 2**20
_ENOUGH = 200_000
"""Characters beyond ASCII after which the verdict on UTF-8 does not change any more."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """``codec`` and how it meets bytes that do not fit; ``note`` is what a person should know, if anything."""

    codec: str
    errors: str = "surrogateescape"
    note: str = ""


def detect(path: Path, file: IO[bytes], start: bytes) -> Encoding:
    """The encoding of ``file``, standing at its beginning; ``start`` are its first bytes, all that is seen of a pipe.

    A file with a few broken places is still UTF-8: its broken rows are refused one by one. Raises ImportFileError
    where the file is in none of the encodings.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "replace", "the file is in UTF-16")
    whole = file.seekable()
    good, broken = _count(_chunks(file) if whole else [start])
    if broken == 0 or good > 10 * broken:
        return Encoding("utf-8-sig")
    if _is_gb18030(_chunks(file) if whole else [start], final=whole):
        return Encoding("gb18030", note="the file is not UTF-8; it was read as GB18030")
    if good:
        return Encoding("utf-8-sig")
    raise ImportFileError(f"{path} is neither UTF-8 nor GB18030 text", hint="save it as UTF-8 and import it again")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of ``file`` from its beginning, to which it is put back."""
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            yield chunk
    finally:
        file.seek(0)


def _count(chunks: Iterable[bytes]) -> tuple[int, int]:
    """How many characters beyond ASCII decode as UTF-8 and how many places do not; enough of them, not all."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = broken = 0
    for chunk in chunks:
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk)
        wrong = text.count("\ufffd")
        broken += wrong
        good += len(text) - len(text.encode("ascii", "ignore")) - wrong
        if good + broken > _ENOUGH:
            break
    return good, broken


def _is_gb18030(chunks: Iterable[bytes], *, final: bool) -> bool:
    decoder = codecs.getincrementaldecoder("gb18030")("strict")
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=final)
    except UnicodeDecodeError:
        return False
    return True
