"""ZIP files and pictures that no programme writes."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Mapping

from tests.support.uploads import photograph, zipped

_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def patched_entry(
    entries: Mapping[str, bytes], *, size: int | None = None, crc: int | None = None, flags: int | None = None
) -> bytes:
    """A ZIP file whose part ``word/document.xml`` says other things of itself, in both of its headers."""
    data = bytearray(zipped(entries))
    for signature, name_at, flags_at, crc_at in ((_LOCAL, 30, 6, 14), (_CENTRAL, 46, 8, 16)):
        at = -1
        while True:
            at = data.index(signature, at + 1)
            if data[at + name_at :].startswith(b"word/document.xml"):
                break
        if flags is not None:
            data[at + flags_at : at + flags_at + 2] = struct.pack("<H", flags)
        if crc is not None:
            data[at + crc_at : at + crc_at + 4] = struct.pack("<I", crc)
        if size is not None:
            data[at + crc_at + 8 : at + crc_at + 12] = struct.pack("<I", size)
    return bytes(data)


def disguised_entry(entries: Mapping[str, bytes], name: bytes) -> bytes:
    """A ZIP file with an entry of this name, as it is to be in the file."""
    stand_in = b"word/" + b"q" * (len(name) - 5)
    return zipped({**entries, stand_in.decode(): b"x"}).replace(stand_in, name)


def symbolic_link(entries: Mapping[str, bytes], name: str, target: str) -> bytes:
    """A ZIP file with a link in it."""
    written = io.BytesIO(zipped(entries))
    with zipfile.ZipFile(written, "a") as made:
        link = zipfile.ZipInfo(name)
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, target)
    return written.getvalue()


def overlapping(entries: Mapping[str, bytes], copies: int = 20) -> bytes:
    """A ZIP file in whose list one stretch of data has many names."""
    data = zipped({**entries, "word/big.bin": bytes(100_000)})
    start, size = struct.unpack("<I", data[-6:-2])[0], struct.unpack("<I", data[-10:-6])[0]
    directory = data[start : start + size]
    last = directory[directory.rindex(_CENTRAL) :]
    more = b"".join(last.replace(b"big.bin", b"b%02d.bin" % number) for number in range(copies))
    total = len(entries) + 1 + copies
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, total, total, size + len(more), start, 0)
    return data[: start + size] + more + end


def with_zip64_end(data: bytes) -> bytes:
    """A ZIP file with a second list of entries announced, hidden in the comment of its last entry."""
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)
    changed = bytearray(data[:-22])
    at = changed.rindex(_CENTRAL)
    changed[at + 32 : at + 34] = struct.pack("<H", len(locator))
    size, start = struct.unpack("<2L", data[-10:-2])
    return bytes(changed) + locator + data[-22:-10] + struct.pack("<2LH", size + len(locator), start, 0)


def jpeg_of_scans(number: int) -> bytes:
    """A progressive JPEG with its last pass again and again."""
    data = photograph(size=(64, 64), progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * number + b"\xff\xd9"
