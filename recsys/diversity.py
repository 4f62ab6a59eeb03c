"""Variety in a list: in any five neighbours at most two of a topic and one of an author, while the rest allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.kernels import compiled

Ints = NDArray[np.int32]

SPAN = 5
PER_TOPIC, PER_AUTHOR = 2, 1
NO_RULE = SPAN
"""So many of one kind are never among the last four."""
NO_LOT = 2.0
"""A roll that no share is above."""


def latest(before: Iterable[tuple[int, int]]) -> Ints:
    """What the rules look back at: topic and author of the last four of ``before`` (2 × 4, int32; -1 for none)."""
    found = np.full((2, SPAN - 1), -1, np.int32)
    for codes in list(before)[-(SPAN - 1) :]:
        found[:, :-1] = found[:, 1:]
        found[:, -1] = codes
    return found


def diversified(
    topic: NDArray[np.int32], author: NDArray[np.int32], *, per_topic: int = PER_TOPIC, per_author: int = PER_AUTHOR
) -> NDArray[np.intp]:
    """A new order (positions, int64) of a ranked list, given the ``topic`` and ``author`` code of each entry.

    Greedy: the first entry whose topic and author the last four still allow comes next; where none does, the first.
    """
    codes, most, rolls = (
        np.array([topic, author], np.int32),
        np.array([per_topic, per_author]),
        np.full(topic.size, NO_LOT),
    )
    order: NDArray[np.intp] = arranged(codes, latest(()), most, rolls, rolls, 0.0, 0, 0)[0]
    return order


@compiled
def arranged(
    codes: Any, last: Any, most: Any, rolls: Any, lots: Any, share: float, spared: int, least: int
) -> tuple[Any, Any, Any]:
    """Choose as many as ``rolls`` has from a pool, best first, with these ``codes`` (2 × n).

    The next is the first of which ``last`` (2 × 4, kept up here) has fewer than ``most`` (2), of topic and of author;
    where there is none, the first. Where its roll, from 0 to 1, is below ``share`` it is one of the others instead
    that the rules allow too, without the best ``spared``: that at ``lots`` (as a share) of them. Given are for each its
    place in the pool (int64), the probability of that choice, and whether a lot decided. With a ``least`` the choosing
    ends before fewer than that are left to choose from, and where the rules allow nothing.
    """
    place, chance, drawn = np.empty(rolls.size, np.int64), np.ones(rolls.size), np.zeros(rolls.size, np.bool_)
    size, free, begin, found = codes.shape[1], np.ones(codes.shape[1], np.bool_), 0, 0
    while found < min(rolls.size, size) and size - found >= least:
        while not free[begin]:
            begin += 1
        best, rules = _nth(codes, free, last, most, begin, 0, -1, 0), most
        if best < 0:
            if least > 0:
                break
            best, rules = begin, np.array([NO_RULE, NO_RULE])
        place[found] = best
        if rolls[found] <= 1 and _nth(codes, free, last, rules, begin, spared, best, 0) >= 0:
            chance[found] = 1 - share
            if rolls[found] < share:
                others = -1 - _nth(codes, free, last, rules, begin, spared, best, size)
                wanted = min(int(lots[found] * others), others - 1)
                place[found] = _nth(codes, free, last, rules, begin, spared, best, wanted)
                chance[found], drawn[found] = share / others, True
        free[place[found]] = False
        last[:, :-1] = last[:, 1:].copy()
        last[:, -1] = codes[:, place[found]]
        found += 1
    return place[:found], chance[:found], drawn[:found]


@compiled
def _nth(codes: Any, free: Any, last: Any, most: Any, begin: int, spared: int, but: int, wanted: int) -> int:
    """The place of the one that comes after ``wanted`` others, of those that are free, allowed, not among the first
    ``spared`` and not ``but``; where there are no more than n, -1 - n."""
    rank, passed = 0, 0
    for index in range(begin, free.size):
        if free[index]:
            if rank >= spared and index != but and _fits(codes, index, last, most):
                if passed == wanted:
                    return index
                passed += 1
            rank += 1
    return -1 - passed


@compiled
def _fits(codes: Any, index: int, last: Any, most: Any) -> bool:
    """Whether the rules allow this one next. What is unknown (-1) is never too many."""
    for kind in range(2):
        code, times = codes[kind, index], 0
        if code >= 0:
            for before in last[kind]:
                times += before == code
            if times >= most[kind]:
                return False
    return True
