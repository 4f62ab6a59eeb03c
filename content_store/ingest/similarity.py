"""How much two texts have in common, whatever was cut, added, moved or slightly edited, and what that makes them.

Two traces are aligned: passages that occur in both, in the same order and with no more than small differences between
them, make a *run*; short runs are chance (a name, a phrase) and do not count. Each text then has a *share*: how much
of it lies in runs. The runs also tell what sheer overlap cannot. In a series, and in what one author writes above one
footer, the parts around are the same, and something else stands in the one than in the other: *replaced*. In a
bulletin all is the same but the *numbers*.

The thresholds were chosen by ``python -m bench.dedup`` on one half of its data and are measured on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from content_store.ingest.traces import NUMBERS, passages, trace

_Bytes = npt.NDArray[np.uint8]
_Longs = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]

_SEED = 4
"""Words of a passage from which a run may begin."""
_GAP = 14
"""Words that may be different between two passages of a run, and by how much their places may shift."""
_SHORTEST_RUN = 4
_ANCHOR = 8
"""Words of a run that is no chance, by which what stands before, between and after is told."""
_FEW = 6
"""Fewer numbers than these say nothing."""
_SOME = 0.25
"""Where less of the numbers differ they were edited."""
_SLACK = 2
"""Words by which a number may be off its place."""
_NUMBERS_TO_WORDS = 4
"""By how much more often numbers differ than words where not the text was edited but the numbers are others."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ROOM_BITS = 4  # so many times more places in the table than passages: two in one place are rare


class Relation(StrEnum):
    """What a text is to another one."""

    SAME = "same"
    CONTAINED = "contained"
    CONTAINING = "containing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on two texts are the same work; shares of their words."""

    larger: float = 0.78
    """One of them must be in the other by this share,"""
    smaller: float = 0.4
    """and the other in the one by this."""
    contained: float = 0.85
    """A text that is in a longer one by this share is contained in it."""
    replaced: float = 0.1
    """Texts in which other words stand in the same place, by this share of the shorter, are two of a series;"""
    ending: float = 0.2
    """or by this share where that place is the end, at which copies are cut and added to."""
    exchanged: float = 0.2
    """Texts that both have so much of their own are two that quote the same."""
    numbers: float = 0.6
    """Texts of which this share of the numbers differ are two bulletins."""


CHOSEN = Thresholds()
OF_ONE_TITLE = Thresholds(larger=0.7, replaced=0.12, exchanged=0.27)
"""Those for texts that have the same title: what two authors, or one above his footer, write has two."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts have in common; ``mine`` and ``theirs`` are the shares of their words that are in the other."""

    mine: float
    theirs: float
    replaced: float
    """The largest share of words, of the shorter text, that stand at the begin or between the same neighbours,"""
    ending: float
    """and at the end, where others stand in the other text."""
    exchanged: float
    """The share of words, of the shorter text, that each has and the other has not."""
    numbers: float
    """The share of numbers in common parts that differ, where they differ more than words do and are not few; or 0."""

    @property
    def similarity(self) -> float:
        """0 to 1: the mean of both shares."""
        return (self.mine + self.theirs) / 2

    def relation(self, bounds: Thresholds = CHOSEN) -> Relation:
        """What the first text is to the second."""
        if self.numbers >= bounds.numbers:
            return Relation.OTHER
        larger, smaller = max(self.mine, self.theirs), min(self.mine, self.theirs)
        kept = self.replaced < bounds.replaced and self.ending < bounds.ending and self.exchanged < bounds.exchanged
        if larger >= bounds.larger and smaller >= bounds.smaller and kept:
            return Relation.SAME
        if larger >= bounds.contained and smaller < bounds.smaller:
            return Relation.CONTAINED if self.mine > self.theirs else Relation.CONTAINING
        return Relation.OTHER


IDENTICAL = Likeness(1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
UNLIKE = Likeness(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def similarity(one: str, other: str) -> Likeness:
    """What two texts have in common. Texts without words are like nothing, not even each other."""
    return compare(trace(one), trace(other))


def compare(one: bytes, other: bytes) -> Likeness:
    """The same of two traces. ``compare(a, b)`` and ``compare(b, a)`` tell the same, with mine and theirs exchanged."""
    if not one or not other:
        return UNLIKE
    if one == other:
        return IDENTICAL
    if min(len(one), len(other)) < _SEED:
        return UNLIKE
    ours, others = _Passages.of(one), _Passages.of(other)
    forth, back = _Alignment.of(ours, others), _Alignment.of(others, ours)
    mine, theirs = forth.share, back.share
    if not mine or not theirs:
        return UNLIKE
    # A passage that a text has twice may be found in the wrong place from one side, seldom from both.
    replaced, ending = np.minimum(forth.replaced(back), back.replaced(forth)) / min(len(one), len(other))
    numbers = forth.numbers()
    own = min((1 - mine) * len(one), (1 - theirs) * len(other))
    return Likeness(
        mine,
        theirs,
        replaced=float(replaced),
        ending=float(ending),
        exchanged=own / min(len(one), len(other)),
        numbers=min(numbers, back.numbers()) if numbers else 0.0,
    )


@dataclass(frozen=True, slots=True)
class _Passages:
    """The passages of a trace, and a table of where each was last."""

    trace: bytes
    numbers: _Longs
    table: npt.NDArray[np.int32]
    shift: np.uint64

    @classmethod
    def of(cls, trace: bytes) -> _Passages:
        """The passages of a trace that has one at least."""
        numbers = passages(trace, _SEED)
        shift = np.uint64(64 - len(numbers).bit_length() - _ROOM_BITS)
        table = np.full(1 << (64 - int(shift)), -1, np.int32)
        table[(numbers * _SPREAD) >> shift] = np.arange(len(numbers), dtype=np.int32)
        return cls(trace, numbers, table, shift)

    def find(self, numbers: _Longs) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Of each passage where it would be last, and whether it is there."""
        found = self.table.take((numbers * _SPREAD) >> self.shift)
        return found, (found >= 0) & (self.numbers.take(found, mode="clip") == numbers)

    def once(self) -> npt.NDArray[np.bool_]:
        """Of each word whether no passage further on repeats the one that begins with it."""
        found, there = self.find(self.numbers)
        made = np.ones(len(self.trace), bool)
        made[: len(self.numbers)] = ~(there & (found != np.arange(len(self.numbers))))
        return made


@dataclass(frozen=True, slots=True)
class _Alignment:
    """Where parts of one trace are in another. A run is a row: its begin and end here, its begin and end there."""

    here: _Bytes
    there: _Bytes
    places: _Places
    """Of the passages here that are there, their places here,"""
    found: _Places
    """and there."""
    runs: _Places
    inside: npt.NDArray[np.bool_]
    """Of each word here whether it lies in a run."""
    once: npt.NDArray[np.bool_]
    """And whether no passage further on repeats the one that begins with it."""

    @classmethod
    def of(cls, ours: _Passages, others: _Passages) -> _Alignment:
        """The parts of ours that are in the others."""
        one, other = ours.trace, others.trace
        places, found = _meetings(ours.numbers, others)
        step, moved = np.diff(places), np.diff(found)
        broken = (step > _GAP + _SEED) | (np.abs(moved - step) > _GAP) | (moved < 1)
        begins = np.flatnonzero(np.concatenate(([True], broken)))[: len(places)]
        ends = np.concatenate((begins[1:], [len(places)])).astype(np.int64)[: len(begins)] - 1
        runs = np.stack((places[begins], places[ends] + _SEED, found[begins], found[ends] + _SEED), axis=1)
        runs = runs[runs[:, 1] - runs[:, 0] >= min(_SHORTEST_RUN, len(one), len(other))]
        steps = np.zeros(len(one) + 1, np.int32)
        np.add.at(steps, runs[:, 0], 1)
        np.add.at(steps, runs[:, 1], -1)
        inside = np.cumsum(steps[:-1]) > 0
        words = np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)
        return cls(*words, places, found, runs, inside, ours.once())

    @property
    def share(self) -> float:
        """How much of what is here lies in runs; what is repeated counts once."""
        return float(self.inside[self.once].mean())

    def replaced(self, back: _Alignment) -> tuple[int, int]:
        """How many words stand here, and others there, at the begin or between two runs; and how many at the end."""
        runs = self.runs[self.runs[:, 1] - self.runs[:, 0] >= _ANCHOR]
        outside = np.concatenate(([0], np.cumsum(~back.inside)))
        begins = np.concatenate((runs[:, 0], [len(self.here)]))
        ends = np.concatenate(([0], runs[:, 1]))
        there = np.concatenate((outside[runs[:, 2]], [outside[-1]])) - np.concatenate(([0], outside[runs[:, 3]]))
        *between, end = np.minimum(begins - ends, there).tolist()
        return max(between, default=0), max(end, 0)

    def numbers(self) -> float:
        """The share of numbers in runs that have others in their places; 0 where it is no sign of a bulletin."""
        numbers = self.here < NUMBERS
        places = np.flatnonzero(numbers & self.inside)
        if len(places) < _FEW:
            return 0.0
        differing = self._differing(places)
        if differing < _SOME:
            return 0.0
        words = np.flatnonzero(~numbers & self.inside)
        return differing if differing > _NUMBERS_TO_WORDS * self._differing(words) else 0.0

    def _differing(self, places: _Places) -> float:
        """The share of the words at ``places``, which are in runs, that are not in their places there."""
        if not len(places):
            return 0.0
        last = np.searchsorted(self.places, places, "right") - 1
        there = self.found[last] + places - self.places[last]
        same = np.zeros(len(places), bool)
        for shift in range(-_SLACK, _SLACK + 1):
            same |= self.there.take(there + shift, mode="clip") == self.here[places]
        return 1 - np.count_nonzero(same) / len(places)


def _meetings(ours: _Longs, others: _Passages) -> tuple[_Places, _Places]:
    """The places of the passages of ours that are among the others, in their order, and where they are there."""
    last, there = others.find(ours)
    places = np.flatnonzero(there)
    found = last[places].astype(np.int64)
    # A passage that occurs again elsewhere there is no end of a run that goes on after it.
    offset = found - places
    moved = np.abs(np.diff(offset)) > _GAP
    stray = moved[1:] & moved[:-1] & (np.abs(offset[2:] - offset[:-2]) <= _GAP)
    kept = np.ones(len(places), bool)
    kept[1:-1] = ~stray
    return places[kept], found[kept]
