"""What of a text is compared with others: its trace, and the prints by which copies find each other.

A *trace* has one byte for each word of the text, where a word is a Chinese character, a run of letters or a run of
digits. Case, width, punctuation, spaces and whether characters are traditional or simplified leave no trace.
Of a trace come its *prints*: hashes of short passages, of which each window has at least one (winnowing: Schleimer,
Wilkerson and Aiken, SIGMOD 2003). The longer the text the wider the window, so that there are never many prints; those
of a wider window are among those of a narrower one.

Traces and prints are stored: what makes them may change only together with ``FORM``.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata

import numpy as np
import numpy.typing as npt

from content_store.ingest.traditional import SIMPLIFIED

FORM = 1
"""The version of how traces and prints are made; those of different forms cannot be compared."""

LONGEST = 65_535
"""Words of a text that leave a trace; what comes after them leaves none."""

NUMBERS = 64
"""Bytes below this are numbers, those from here on other words."""

PASSAGE = 5
"""Words of which a print is the hash."""

_Bytes = npt.NDArray[np.uint8]
_Longs = npt.NDArray[np.uint64]

_LETTER, _DIGIT, _WORD, _COMPOUND = 1, 2, 3, 4
_CODE_POINTS = 0x32400
"""From here on there are no characters of a script."""
_WORDS = (
    (0x3040, 0x3100),
    (0x3400, 0x4DC0),
    (0x4E00, 0xA4D0),
    (0xAC00, 0xD7A4),
    (0x20000, _CODE_POINTS),
)
"""Kana, Chinese, Yi and Hangul: each character is a word of its own."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NARROWEST, _WIDEST, _PARTS, _MOST_PARTS = 4, 192, 12, 256
_PRINT_BITS = 48  # what SQLite stores in six bytes


def trace(text: str) -> bytes:
    """The trace of ``text``, at most ``LONGEST`` bytes; empty where it has no words."""
    kinds, hashes = _tables()
    points = _points(text)
    found = kinds.take(points)
    if _COMPOUND in found:
        # Rare, and a tenth of the speed.
        points = _points(unicodedata.normalize("NFKC", text))
        found = np.minimum(kinds.take(points), _WORD)
    first = found != 0
    # A letter goes on the word of the letter before it, a digit that of the digit.
    first[1:] &= (found[1:] == _WORD) | (found[1:] != found[:-1])
    kept = np.flatnonzero(found)
    first = first[kept]
    starts = np.flatnonzero(first)
    if not len(starts):
        return b""
    if len(starts) > LONGEST:
        end = starts[LONGEST]
        kept, first, starts = kept[:end], first[:end], starts[:LONGEST]
    values = hashes.take(points[kept])
    following = np.flatnonzero(~first)
    # The order of letters matters, hence also each letter with the one before it.
    values[following] += (values[following - 1] * _ODD ^ values[following]) * _MIX
    return _bytes(np.add.reduceat(values, starts), found[kept[starts]]).tobytes()


def _points(text: str) -> npt.NDArray[np.uint32]:
    found: npt.NDArray[np.uint32] = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    return np.minimum(found, np.uint32(_CODE_POINTS))


def _bytes(words: _Longs, kinds: _Bytes) -> _Bytes:
    """One byte a word, from the words' hashes."""
    mixed = ((words ^ (words >> np.uint64(31))) * _MIX) >> np.uint64(40)
    # The upper bits of a product, not a remainder, which is slow.
    digits = kinds == _DIGIT
    spread = (mixed * (np.uint64(256 - NUMBERS)) >> np.uint64(24)).astype(np.uint8) + np.uint8(NUMBERS)
    if digits.any():
        spread[digits] = mixed[digits] >> np.uint64(18)
    return spread


@functools.cache
def _tables() -> tuple[_Bytes, _Longs]:
    """Of each code point its kind, 0 where it leaves no trace, and a hash that is the same for its equals."""
    kinds = np.zeros(_CODE_POINTS + 1, np.uint8)
    folded = np.arange(_CODE_POINTS + 1, dtype=np.uint64)
    for point in range(0x10000):
        kinds[point], folded[point] = _meaning(chr(point))
    for begin, end in _WORDS:
        letters = kinds[begin:end]
        letters[(letters == _LETTER) | (begin >= 0x10000)] = _WORD
    for traditional, simplified in SIMPLIFIED.items():
        folded[ord(traditional)] = ord(simplified)
    hashes = (folded + np.uint64(1)) * _ODD
    return kinds, (hashes ^ (hashes >> np.uint64(29))) * _MIX


def _meaning(character: str) -> tuple[int, int]:
    """The kind of a character and the code point that stands for it."""
    parts = [part for part in unicodedata.normalize("NFKC", character) if unicodedata.category(part)[0] in "LMN"]
    if not parts:
        return 0, 0
    category = unicodedata.category(parts[0])
    if len(parts) > 1 or category[0] == "M" or "\u1100" <= character < "\u1200":
        return _COMPOUND, ord(parts[0].lower()[0])
    if category[0] == "N":
        return _DIGIT, ord("0") + int(unicodedata.numeric(parts[0], 0))
    return _LETTER, ord(parts[0].lower()[0])


def passages(trace: bytes, words: int) -> _Longs:
    """Of each ``words`` (at most 8) consecutive words one number, in their order; equal only for equals."""
    codes = np.frombuffer(trace, np.uint8).astype(np.uint64)
    count = max(len(codes) - words + 1, 0)
    found = codes[:count].copy()
    for place in range(1, words):
        found |= codes[place : place + count] << np.uint64(8 * place)
    return found


def prints(trace: bytes) -> list[int]:
    """The prints of ``trace``, sorted: 48-bit numbers; none where it has fewer than ``PASSAGE`` words."""
    found = passages(trace, PASSAGE) + np.uint64(1)
    if not len(found):
        return []
    found *= _ODD
    found ^= found >> np.uint64(32)
    found *= _MIX
    least = _least(found >> np.uint64(64 - _PRINT_BITS), min(window(len(trace)), len(found)))
    changes = np.flatnonzero(least[1:] != least[:-1]) + 1
    return sorted({int(least[0]), *least[changes].tolist()})


def whole(trace: bytes) -> int:
    """One number for all of ``trace``, of the same kind as prints."""
    return int.from_bytes(hashlib.blake2b(trace, digest_size=_PRINT_BITS // 8).digest(), "big")


def window(words: int) -> int:
    """In how many consecutive passages of a text of so many words there is a print at least."""
    return max(_NARROWEST, min(words // _PARTS, _WIDEST), words // _MOST_PARTS)


def _least(values: _Longs, width: int) -> _Longs:
    """The least of each ``width`` consecutive ``values``."""
    reached = 1
    while reached < width:
        step = min(reached, width - reached)
        values = np.minimum(values[:-step], values[step:])
        reached += step
    return values
