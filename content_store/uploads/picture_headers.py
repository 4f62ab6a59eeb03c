"""What a picture says of itself, read before anything is decoded: its kind by content, its size, how it is cut up.

PNG (RFC 2083), JPEG (ITU T.81, appendix B), GIF89a, WebP (RFC 9649). Whatever follows the picture is left off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem
from content_store.uploads import bounds

Kind = Literal["JPEG", "PNG", "GIF", "WEBP"]

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of a JPEG that tell the size (SOF)."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of a JPEG without a length."""
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"....ftyp(heic|heix|hevc|mif1|msf1)", re.DOTALL), "HEIC"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AVIF"),
    (re.compile(rb"BM"), "BMP"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb"8BPS"), "Photoshop"),
    (re.compile(rb"\xd7\xcd\xc6\x9a|\x01\0\x09\0|\x01\0\0\0.{36} EMF", re.DOTALL), "Windows metafile"),
    (re.compile(rb"%PDF-"), "PDF"),
)
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<")


@dataclass(frozen=True, slots=True)
class Header:
    """``data`` is the picture alone: what followed it, and all but the first picture of a GIF, are cut off."""

    kind: Kind
    width: int
    height: int
    animated: bool
    data: bytes


def read_header(data: bytes) -> Header:
    """What the picture in ``data`` says of itself. Raises UploadRefused for what is none, or is beyond the bounds."""
    found = _header(data)
    if not found.width or not found.height:
        raise _broken("the picture has no size")
    most = bounds.JPEG_PIXELS if found.kind == "JPEG" else bounds.PICTURE_PIXELS
    if found.width * found.height > most or max(found.width, found.height) > bounds.PICTURE_SIDE:
        raise UploadRefused(
            UploadProblem.TOO_MANY_PIXELS, f"the picture has {found.width} × {found.height} pixels, more than are taken"
        )
    return found


def is_picture(data: bytes) -> bool:
    """Whether it begins as a picture of the kinds that are taken, or of others that are well known."""
    known = data.startswith((_PNG, b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or _is_webp(data)
    return known or any(pattern.match(data) for pattern, name in _OTHERS if name != "PDF")


def _header(data: bytes) -> Header:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif(data)
    if _is_webp(data):
        return _webp(data)
    if _MARKUP.match(data[:200]) and re.search(rb"<\0?(?:svg|s\0v\0g)", data[:100_000], re.IGNORECASE):
        raise UploadRefused(UploadProblem.SVG, "the picture is SVG, which can carry scripts")
    name = next((name for pattern, name in _OTHERS if pattern.match(data)), "of no known kind")
    raise UploadRefused(UploadProblem.PICTURE_KIND, f"the picture is {name}")


def _jpeg(data: bytes) -> Header:
    size, scans, at = (0, 0), 0, 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise _broken("the JPEG has no marker where one must be")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            break
        if marker in _ALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        if marker in _FRAMES:
            if size != (0, 0):
                raise _broken("the JPEG tells its size twice")
            size = int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + max(length, 2)
        if marker == 0xDA:
            scans += 1
            if scans > bounds.JPEG_SCANS:
                raise UploadRefused(UploadProblem.TOO_COMPLEX, "the JPEG has more passes than any programme makes")
            found = _NEXT_MARKER.search(data, at)
            at = found.start() if found else len(data)
    if not scans:
        raise _broken("the JPEG has no picture in it")
    return Header("JPEG", *size, False, data[: at + 2])


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise _broken("the PNG does not begin with its size")
    size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    at, animated = len(_PNG), False
    for _ in range(bounds.PNG_CHUNKS):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        at += 12 + length
        if at > len(data):
            raise _broken("the PNG is cut off")
        animated = animated or name == b"acTL"
        if name == b"IEND":
            return Header("PNG", *size, animated, data[:at])
    raise UploadRefused(UploadProblem.TOO_COMPLEX, f"the PNG has more than {bounds.PNG_CHUNKS} pieces")


def _gif(data: bytes) -> Header:
    """Up to the end of the first picture, and whether a second one follows."""
    screen = _little(data, 6, 2), _little(data, 8, 2)
    at = 13 + _table(data, 10)
    first: tuple[int, int, int] | None = None
    left = bounds.GIF_BLOCKS
    while at < len(data) and data[at] in (0x21, 0x2C):
        if data[at] == 0x2C:
            if first is not None:
                return Header("GIF", first[0], first[1], True, data[: first[2]] + b";")
            width = max(screen[0], _little(data, at + 1, 2) + _little(data, at + 5, 2))
            height = max(screen[1], _little(data, at + 3, 2) + _little(data, at + 7, 2))
            at, left = _blocks(data, at + 11 + _table(data, at + 9), left)
            first = width, height, at
        else:
            at, left = _blocks(data, at + 2, left)
    if first is None:
        raise _broken("the GIF has no picture in it")
    return Header("GIF", first[0], first[1], False, data[: first[2]] + b";")


def _table(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at ``at`` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, at: int, left: int) -> tuple[int, int]:
    """Behind a row of blocks, and how many more may come."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
        left -= 1
        if left < 0:
            raise UploadRefused(UploadProblem.TOO_COMPLEX, f"the GIF has more than {bounds.GIF_BLOCKS} pieces")
    return at + 1, left


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _webp(data: bytes) -> Header:
    data = data[: 8 + _little(data, 4, 4)]
    form, animated = data[12:16], False
    if form == b"VP8X":
        width, height = 1 + _little(data, 24, 3), 1 + _little(data, 27, 3)
        animated = bool(data[20] & 2) if len(data) > 20 else False
    elif form == b"VP8L":
        packed = _little(data, 21, 4)
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    elif form == b"VP8 ":
        width, height = _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    else:
        raise _broken("the WebP has no picture in it")
    return Header("WEBP", width, height, animated, data)


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _broken(message: str) -> UploadRefused:
    return UploadRefused(UploadProblem.BROKEN, message)
