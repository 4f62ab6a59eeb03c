"""Who met what: for each citizen the items they had to do with, so that none is shown to them or counted twice."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

# What is known of a citizen and an item that have no place in the log of first contacts.
UNMET, REFUSED, BEFORE = -3, -2, -1

# An entry holds the item in its upper half and place + 2 in its lower one, so that it sorts by item.
_SHIFT = 32
_PLACE = (1 << _SHIFT) - 1


class Met:
    """Per citizen a sorted array: a citizen of thousands of contacts costs a search and not a scan."""

    def __init__(self) -> None:
        self._rows: list[array[int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def grow(self, users: int) -> None:
        """Make room for citizens ``0 … users - 1``."""
        self._rows.extend(array("q") for _ in range(users - len(self._rows)))

    def find(self, user: int, item: int) -> int:
        """The place of the first contact in the log; ``UNMET``, ``REFUSED`` (and not met) or ``BEFORE`` the log."""
        row = self._rows[user]
        where = bisect_left(row, item << _SHIFT)
        if where == len(row):
            return UNMET
        entry = row[where]
        return (entry & _PLACE) - 2 if entry >> _SHIFT == item else UNMET

    def add(self, user: int, item: int, place: int) -> None:
        """Note what ``find`` is to say of two that are ``UNMET``."""
        insort(self._rows[user], (item << _SHIFT) + place + 2)

    def change(self, user: int, item: int, place: int) -> None:
        """Note what ``find`` is to say of two that are not ``UNMET``."""
        row = self._rows[user]
        row[bisect_left(row, item << _SHIFT)] = (item << _SHIFT) + place + 2

    def fill(self, user: Ints, item: Ints, refused: NDArray[np.bool_]) -> None:
        """Note pairs from ``BEFORE`` the log, or ``REFUSED``, of citizens of whom nothing is known yet.

        The pairs are sorted by citizen and item, each there once.
        """
        entries = (item.astype(np.int64) << _SHIFT) + np.where(refused, REFUSED, BEFORE) + 2
        starts = np.flatnonzero(np.diff(user, prepend=-1))
        ends = np.append(starts, user.size)[1:]
        for citizen, start, end in zip(user[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            self._rows[citizen].frombytes(entries[start:end].tobytes())

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All entries, citizen by citizen (int64), and how many each citizen has (int32)."""
        entries = np.frombuffer(b"".join(self._rows), np.int64)
        return entries, np.fromiter(map(len, self._rows), np.int32, len(self._rows))

    @classmethod
    def restore(cls, entries: NDArray[np.int64], sizes: NDArray[np.int32]) -> Self:
        """What gave ``entries`` and ``sizes``."""
        met = cls()
        met.grow(sizes.size)
        ends = np.cumsum(sizes)
        for row, start, end in zip(met._rows, (ends - sizes).tolist(), ends.tolist(), strict=True):
            row.frombytes(entries[start:end].tobytes())
        return met

    @staticmethod
    def moved(entries: NDArray[np.int64], cut: int) -> NDArray[np.int64]:
        """``entries`` for a log without its first ``cut`` places."""
        place = (entries & _PLACE) - 2
        place = np.where(place >= cut, place - cut, np.where(place >= 0, BEFORE, place))
        return (entries >> _SHIFT << _SHIFT) + place + 2

    def items(self, user: int) -> NDArray[np.int64]:
        """What ``user`` met or refused (int64, sorted); nothing of a citizen who is not there."""
        if not 0 <= user < len(self._rows):
            return np.zeros(0, np.int64)
        found: NDArray[np.int64] = np.frombuffer(self._rows[user], np.int64) >> _SHIFT
        return found
