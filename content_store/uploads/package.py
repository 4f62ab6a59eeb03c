"""A ZIP file of a stranger, judged by its list of entries before anything is unpacked (APPNOTE 6.3.10; ISO/IEC 29500-2).

What is no plain ZIP file from its first to its last byte is refused: other programmes might find another file in it.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from io import BytesIO

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem
from content_store.uploads import bounds
from content_store.uploads.kinds import ZIP

_END = struct.Struct("<4s4H2LH")
_LOCAL_HEADER = 30
_ZIP64_LOCATOR = b"PK\x06\x07"
_ENCRYPTED_FLAGS = 0x01 | 0x40 | 0x2000
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ARCHIVES = (ZIP, b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_ARCHIVE_NAMES = re.compile(r".*\.(?:zip|docx|docm|xlsx|xlsm|pptx|pptm|jar|7z|rar|gz)", re.IGNORECASE)
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\:]|^/|(?:^|/)\.{1,2}(?:/|$)|//")
_PIECE = 64 * 1024


class Package:
    """The entries of a ZIP file. Made only of one that passed every check; raises UploadRefused otherwise."""

    def __init__(self, data: bytes) -> None:
        count = _judge_frame(data)
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise _broken(f"the ZIP file is broken: {error}") from error
        entries = self._zip.infolist()
        if len(entries) != count:
            raise _broken("the ZIP file does not have as many entries as it says")
        _judge_together(entries, len(data))
        for entry in entries:
            _judge(entry)
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}

    @property
    def names(self) -> list[str]:
        """The names of all entries that are files."""
        return list(self._entries)

    def read(self, name: str, most: int) -> bytes:
        """The entry unpacked. Raises UploadRefused where it is broken, an archive itself, or has more than ``most`` bytes,
        and KeyError where there is none."""
        entry = self._entries[name]
        if entry.file_size > most:
            raise UploadRefused(UploadProblem.BOMB, f"{name!r} unpacks to {entry.file_size:,} bytes")
        pieces, size = [], 0
        try:
            with self._zip.open(entry) as opened:
                while piece := opened.read(_PIECE):
                    size += len(piece)
                    if size > most:
                        raise UploadRefused(UploadProblem.BOMB, f"{name!r} unpacks to more than it says")
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as error:
            raise _broken(f"{name!r} in the ZIP file is broken: {error}") from error
        if size != entry.file_size:
            raise _broken(f"{name!r} in the ZIP file does not have the size that it says")
        unpacked = b"".join(pieces)
        if unpacked.startswith(_ARCHIVES):
            raise _nested(name)
        return unpacked


def _judge_frame(data: bytes) -> int:
    """The number of entries that the end of the file tells."""
    at = len(data) - _END.size
    if not data.startswith(ZIP) or at < _LOCAL_HEADER:
        raise _broken("the ZIP file is cut off")
    signature, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, at)
    if signature != b"PK\x05\x06":
        whole = data.rfind(b"PK\x05\x06") >= 0
        problem = UploadProblem.POLYGLOT if whole else UploadProblem.BROKEN
        raise UploadRefused(problem, "the ZIP file does not end where it must")
    if comment or disk or first_disk or here != count or data[max(at - 20, 0) :].startswith(_ZIP64_LOCATOR):
        raise UploadRefused(UploadProblem.POLYGLOT, "the ZIP file has parts that no document has")
    if start + size != at:
        raise UploadRefused(UploadProblem.POLYGLOT, "there is something before or within the ZIP file")
    if count > bounds.PACKAGE_ENTRIES or size > bounds.PACKAGE_DIRECTORY_BYTES:
        raise UploadRefused(UploadProblem.BOMB, f"the ZIP file has {count:,} entries")
    return int(count)


def _judge_together(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Entries one beside the other, each with a name of its own, that unpack to what can be held."""
    total = sum(entry.file_size for entry in entries)
    if total > bounds.PACKAGE_BYTES:
        raise UploadRefused(UploadProblem.BOMB, f"the ZIP file unpacks to {total:,} bytes")
    if len({entry.filename.casefold() for entry in entries}) < len(entries):
        raise UploadRefused(UploadProblem.BAD_NAME, "two entries of the ZIP file have the same name")
    free = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < free:
            raise UploadRefused(UploadProblem.BOMB, "entries of the ZIP file lie over one another")
        free = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if free > size:
        raise _broken("an entry of the ZIP file ends behind it")


def _judge(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if not name or len(name) > bounds.NAME_CHARACTERS or _BAD_NAME.search(name):
        raise UploadRefused(UploadProblem.BAD_NAME, f"an entry of the ZIP file is called {name[:60]!r}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UploadRefused(UploadProblem.BAD_NAME, f"{name!r} in the ZIP file is a link or a device")
    if entry.flag_bits & _ENCRYPTED_FLAGS:
        raise UploadRefused(UploadProblem.ENCRYPTED, f"{name!r} in the ZIP file is encrypted")
    if entry.compress_type not in _METHODS:
        raise _broken(f"{name!r} in the ZIP file is packed in a way that no document is")
    if entry.file_size > max(bounds.PACKAGE_RATIO_FROM, bounds.PACKAGE_RATIO * entry.compress_size):
        raise UploadRefused(UploadProblem.BOMB, f"{name!r} unpacks to {entry.file_size:,} bytes")
    if "vbaproject" in name.casefold() or "/activex/" in name.casefold():
        raise UploadRefused(UploadProblem.MACROS, f"the document has macros: {name!r}")
    if _ARCHIVE_NAMES.fullmatch(name):
        raise _nested(name)


def _nested(name: str) -> UploadRefused:
    return UploadRefused(UploadProblem.NESTED, f"there is an archive within the ZIP file: {name!r}")


def _broken(message: str) -> UploadRefused:
    return UploadRefused(UploadProblem.BROKEN, message)
