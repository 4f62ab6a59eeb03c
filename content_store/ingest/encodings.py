"""Bytes of a feed or a page → text, whatever they declare.

A byte order mark is believed; then UTF-8 where the bytes are UTF-8, which no other text is by chance; then the most likely
of the declared and the usual encodings (see ``likelihood``), a declared one having the benefit of the doubt.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import NamedTuple

from content_store.ingest.likelihood import likelihood

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_USUAL = {
    "gb18030": 5.0, "big5hkscs": 4.0, "utf-16-le": 0.0, "utf-16-be": 0.0, "euc_jp": 0.0, "cp932": 0.0, "cp949": -3.0,
    "cp1252": 0.0, "cp1251": -6.0, "koi8-r": -6.0, "cp1255": -9.0, "cp874": -9.0, "iso8859-2": -3.0,
}  # fmt: skip
"""What is tried, and by how much (nats) it is more usual here than the others."""
_READ_AS = {
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs",
    "latin_1": "cp1252", "iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "euc_kr": "cp949",
    "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874", "utf-8-sig": "utf-8", "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}  # fmt: skip
"""What is declared is often a subset of what is meant (WHATWG Encoding, labels)."""
_REFUSED = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined", "mbcs", "oem"})
"""UTF-7 turns harmless ASCII into markup; the others are no encodings of documents."""
_SCRIPTS = frozenset({"cp1251", "koi8-r", "cp1255", "cp874", "cp1253", "cp1256"})
"""A byte a letter, and whole words of letters outside ASCII."""
_ALPHABETS = {"gb18030": "simplified", "big5hkscs": "traditional"}

_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']\s*([\w.:-]{1,40})|<meta[^>]{0,200}?\bcharset\s*=\s*["']?\s*([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_ASCII = bytes(range(0x80))
_HEAD = 2_048
_SAMPLE = 24_000
"""Bytes outside ASCII that are judged."""
_SEGMENT = re.compile(rb"[^<\x00-\x1f]*[\x80-\xff][^<\x00-\x1f]*")
_BENEFIT = 1.2
"""Nats per byte outside ASCII that a declared encoding is believed to be better than it looks."""
_MOST_ERRORS = 0.02
"""Of the signs outside ASCII; with more of them the text is in another encoding."""
_ERROR = -25.0
_TORN = re.compile(rb"[\x80-\xff](?=[@-~][\x80-\xff])")
"""An ASCII letter between others: often the second byte of a character, hardly ever a letter of a word."""
_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff]{1,2}(?![\x80-\xff])")
_TEAR, _LONE_LETTER = -4.0, -4.0


class Decoded(NamedTuple):
    """The text, and the encoding (Python's name) that it was found to be in."""

    text: str
    encoding: str


def decode(data: bytes, charset: str | None = None) -> Decoded:
    """The text of ``data``; ``charset`` is what was declared outside of it, as in an HTTP header. Never fails: bytes that
    are wrong in the encoding found become U+FFFD."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(name, "replace"), name)
    if (wide := _wide(data)) is not None:
        return Decoded(data.decode(wide, "replace"), wide)
    declared = _declarations(data, charset)
    if data.isascii():
        return _from_ascii(data, declared)
    name = _best(_sample(data), declared)
    return Decoded(data.decode(name, "replace"), name)


def python_name(label: str | None) -> str | None:
    """Python's name for a declared encoding, the superset that is meant by it; None for what is none."""
    if not label:
        return None
    try:
        found = codecs.lookup(label.strip().strip("\"'").lower().replace("x-gbk", "gbk").replace("x-sjis", "cp932"))
    except (LookupError, ValueError):
        return None
    # The flag is how Python itself keeps rot13, hex and the like from str.encode.
    if not getattr(found, "_is_text_encoding", True) or found.name.replace("_", "-") in _REFUSED:
        return None
    return _READ_AS.get(found.name, found.name)


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, known by the zero bytes of its tags (XML 1.0, appendix F)."""
    head = data[:_HEAD]
    if len(head) < 4 or not head.count(0):
        return None
    if head[:3] == b"\0\0\0":
        return "utf-32-be"
    if head[1:4] == b"\0\0\0":
        return "utf-32-le"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 20 or max(even, odd) < 8 * min(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _declarations(data: bytes, charset: str | None) -> list[str]:
    found = _DECLARED.search(data, 0, _HEAD)
    inside = (found[1] or found[2]).decode("ascii", "replace") if found else None
    names = (python_name(label) for label in (charset, inside))
    return list(dict.fromkeys(name for name in names if name))


def _from_ascii(data: bytes, declared: Iterable[str]) -> Decoded:
    """Bytes below 0x80 only: what they say, unless an encoding is declared that hides its text in them."""
    shifting = [name for name in declared if name == "hz" or name.startswith("iso2022")]
    for name in shifting:
        try:
            return Decoded(data.decode(name), name)
        except UnicodeDecodeError:
            continue
    return Decoded(data.decode("ascii"), "utf-8")


def _sample(data: bytes) -> bytes:
    """Whole stretches of text with bytes outside ASCII, enough to judge by; no encoding of the list uses ``<`` or a
    control character as the end of another character."""
    if len(data) <= _SAMPLE:
        return data
    taken, size = [], 0
    for found in _SEGMENT.finditer(data):
        taken.append(found[0])
        size += len(found[0])
        if size > _SAMPLE:
            break
    return b"<".join(taken)


def _best(sample: bytes, declared: list[str]) -> str:
    if _is_utf_8(sample):
        return "utf-8"
    benefit = _BENEFIT * len(sample.translate(None, _ASCII))
    torn, lone = len(_TORN.findall(sample)), len(_LONE.findall(sample))
    rated = {}
    for name in dict.fromkeys((*declared, *_USUAL)):
        rating = _rating(sample, name)
        if rating is None:
            continue
        if name in declared:
            rating += benefit
        else:
            rating += lone * _LONE_LETTER if name in _SCRIPTS else 0.0
        if name in _SCRIPTS or name.startswith(("cp125", "iso8859")):
            rating += torn * _TEAR
        rated[name] = rating + _USUAL.get(name, 0.0)
    return max(rated, key=lambda name: rated[name]) if rated else "utf-8"


def _is_utf_8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8, but for a few characters cut in two as shortened summaries have them."""
    text = sample.decode("utf-8", "replace")
    wide = sum(sign >= "\x80" for sign in text)
    return text.count("\ufffd") <= wide * _MOST_ERRORS


def _rating(sample: bytes, name: str) -> float | None:
    try:
        text = sample.decode(name, "replace")
    except (LookupError, ValueError):
        return None
    wide = sum(sign >= "\x80" for sign in text)
    errors = text.count("\ufffd")
    if errors > max(1, wide * _MOST_ERRORS) or not wide:
        return None
    if name.startswith(("utf-16", "utf-32")) and "<" in sample.decode("latin-1") and "<" not in text:
        return None
    return likelihood(text, alphabet=_ALPHABETS.get(name, "")) + errors * _ERROR
