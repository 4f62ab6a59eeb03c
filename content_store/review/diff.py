"""What differs between two texts: by paragraphs, then by sentences, then by characters, as far as the work stays small.

``difflib`` finds the longest common part again and again; what one search costs is known beforehand (how often each
sign of one side stands in the other), so that a text made to be slow is told coarsely and not slowly.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

MOST_WORK = 300_000
"""Pairs of equal parts that are looked at for one text, at most: about a tenth of a second."""

_LEVELS = (
    re.compile(r"[^\n]*\n+|[^\n]+"),
    re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+"),
    re.compile(r"(?s)."),
)
_MOST_PARTS = 4_000


class Piece(NamedTuple):
    """A part of the old text that is gone, of the new one that is new, or of both."""

    kind: Literal["same", "removed", "added"]
    text: str


class _Budget:
    def __init__(self, work: int) -> None:
        self.left = work

    def allows(self, old: Sequence[str], new: Sequence[str]) -> bool:
        """Whether comparing the two is within what is left, which it then takes."""
        if max(len(old), len(new)) > _MOST_PARTS:
            return False
        counts = Counter(new)
        # Each match found may make two more searches necessary, over what lies left and right of it.
        pairs = sum(counts[part] for part in old)
        work = pairs + (pairs * pairs) // (len(old) + len(new) + 1) // 8
        if work > self.left:
            return False
        self.left -= work
        return True


def compare(old: str | None, new: str | None, *, work: int = MOST_WORK) -> list[Piece]:
    """How ``old`` becomes ``new``: pieces in order; same and removed make up ``old``, same and added ``new``."""
    pieces = _compare(old or "", new or "", 0, _Budget(work))
    return [
        Piece(kind, "".join(piece.text for piece in run)) for kind, run in groupby(pieces, lambda piece: piece.kind)
    ]


def size(pieces: Sequence[Piece]) -> int:
    """How many characters were removed and added."""
    return sum(len(piece.text) for piece in pieces if piece.kind != "same")


def _compare(old: str, new: str, level: int, budget: _Budget) -> Iterator[Piece]:
    if not old or not new or level == len(_LEVELS):
        yield from _told("removed", old)
        yield from _told("added", new)
        return
    was, now = (_LEVELS[level].findall(text) for text in (old, new))
    begin = _common(was, now)
    end = _common(was[begin:][::-1], now[begin:][::-1])
    middle = was[begin : len(was) - end], now[begin : len(now) - end]
    yield from _told("same", "".join(was[:begin]))
    if budget.allows(*middle):
        yield from _matched(*middle, level, budget)
    else:
        yield from _told("removed", "".join(middle[0]))
        yield from _told("added", "".join(middle[1]))
    yield from _told("same", "".join(was[len(was) - end :]))


def _matched(was: list[str], now: list[str], level: int, budget: _Budget) -> Iterator[Piece]:
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        before, after = "".join(was[a:b]), "".join(now[c:d])
        if kind == "equal":
            yield Piece("same", before)
        else:
            yield from _compare(before, after, level + 1, budget)


def _common(was: Sequence[str], now: Sequence[str]) -> int:
    """How many parts the two begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))


def _told(kind: Literal["same", "removed", "added"], text: str) -> Iterator[Piece]:
    if text:
        yield Piece(kind, text)
