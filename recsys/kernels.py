"""The loops that a request runs over tens of thousands of numbers, compiled by Numba when they are first called.

NumPy makes an array of every step on the way, which costs a request more than the arithmetic. What is here has no idea
of citizens and items; its callers say what the numbers mean. Compiled code is kept beside this file, or in the user's
cache folder, so that only the first process of an installation waits for it. Everything runs on one thread, in an order
that does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

_LOWEST = np.zeros(32, np.int64)
for _bit in range(32):
    _LOWEST[((1 << _bit) * 0x077CB531 & 0xFFFFFFFF) >> 27] = _bit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` compiled; other threads of the interpreter go on while it runs."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no folder that can be written to: each process compiles for itself
        return cast(F, numba.njit(**options)(function))


@compiled
def steps(chain: Any, place: Any, start: Any, most: int) -> Any:
    """Walk along ``chain`` from each of ``place`` (int32), at most ``most`` steps.

    The places reached, the ``start`` of the walk that reached them, and the distance (int32, all of one length).
    """
    reached = np.empty(place.size * most, np.int32)
    origin = np.empty(place.size * most, np.int32)
    distance = np.empty(place.size * most, np.int32)
    found = 0
    for index in range(place.size):
        at = place[index]
        for step in range(1, most + 1):
            at = chain[at]
            if at < 0:
                break
            reached[found], origin[found], distance[found] = at, start[index], step
            found += 1
    return reached[:found], origin[:found], distance[:found]


@compiled
def chained(previous: Any, last: int, most: int) -> Any:
    """The places of a chain that ends at ``last`` (int32, first one first), its last ``most``; none where it is -1."""
    found = np.empty(most, np.int32)
    at, size = last, 0
    while at >= 0 and size < most:
        size += 1
        found[most - size] = at
        at = previous[at]
    return found[most - size :]


@compiled
def weighed(item: Any, start: Any, distance: Any, worth: Any, weight: Any, out: Any) -> None:
    """Add the worth of each step, times the weight of its start, to ``out`` (float64, one per item)."""
    for index in range(item.size):
        out[item[index]] += worth[start[index], distance[index]] * weight[start[index]]


@compiled
def tally(slot: Any, item: Any, first: int, last: int, out: Any) -> None:
    """Count what was met from place ``first`` to before ``last`` in ``out``; ``slot`` is -1 for what is not asked."""
    for index in range(first, last):
        at = slot[item[index]]
        if at >= 0:
            out[at] += 1.0


@compiled
def front(slot: Any, item: Any, day: Any, first: int, last: int, out: Any) -> None:
    """Add what was met from place ``first`` to before ``last`` to ``out``, by the share of it in those that were.

    Decayed with a half-life of half an hour before ``last``; ``day`` is what each is worth with one of a day (any
    factor), ``slot`` -1 for what is not asked about.
    """
    # Of a visit three years before the newest contact nothing is left in these numbers, and nothing is told.
    total, now = 0.0, 1 / day[last] if day[last] > 1e-300 else 0.0
    for index in range(first, last):
        three = (day[index] * now) ** 3
        six = three * three
        weight = ((six * six) ** 2) ** 2
        total += weight
        at = slot[item[index]]
        if at >= 0:
            out[at] += weight
    for at in range(out.size):
        out[at] /= 1 + total


SHIFT = 32
_WHOSE = (1 << SHIFT) - 1
"""A contact is told by its place in the upper half of an entry (int64) and by whose it is in the lower one."""


@compiled
def of_others(entries: Any, size: Any, besides: int) -> tuple[Any, Any]:
    """Places of the contacts that are not ``besides``'s, and which thing each is with (int32 both).

    The entries of one thing lie together, ``size`` of them.
    """
    place, thing = np.empty(entries.size, np.int32), np.empty(entries.size, np.int32)
    at, found = 0, 0
    for which in range(size.size):
        for index in range(at, at + size[which]):
            place[found], thing[found] = entries[index] >> SHIFT, which
            found += (entries[index] & _WHOSE) != besides
        at += size[which]
    return place[:found], thing[:found]


@compiled
def near_sums(sums: Any, entries: Any, size: Any, weight: Any, others: Any, besides: int, activity: Any) -> Any:
    """For each of ``others`` the ``weight`` of what it shares (float64), over the root of 5 + activity; 0 ``besides``.

    The entries of one thing lie together, ``size`` of them. ``sums`` (float64, one per user) must be zero, and is again
    afterwards.
    """
    at = 0
    for thing in range(size.size):
        for index in range(at, at + size[thing]):
            sums[entries[index] & _WHOSE] += weight[thing]
        at += size[thing]
    found = np.zeros(others.size)
    for index in range(others.size):
        other = others[index]
        if other != besides and sums[other] > 0:
            found[index] = sums[other] / np.sqrt(5 + activity[other])
    for index in range(entries.size):
        sums[entries[index] & _WHOSE] = 0.0
    return found


@compiled
def in_common(marks: Any, entries: Any, size: Any, others: Any, other_size: Any, wanted: Any, besides: int) -> Any:
    """How many users of the entries of each other are among those of each of mine: others × mine (int64).

    The entries of one lie together, ``size`` of them; only ``wanted`` places count, and no user ``besides``. At most 32
    are mine. ``marks`` (uint32, one per user and one more, which is nobody's) must be zero, and is again afterwards.
    """
    nobody = marks.size - 1
    mine = _users_of(entries, wanted, nobody)
    at = 0
    for which in range(size.size):
        for index in range(at, at + size[which]):
            marks[mine[index]] |= np.uint32(1) << np.uint32(which)
        at += size[which]
    marks[besides], marks[nobody] = 0, 0
    theirs = _users_of(others, wanted, nobody)
    found = np.zeros((other_size.size, size.size), np.int64)
    at = 0
    for other in range(other_size.size):
        for index in range(at, at + other_size[other]):
            mark = marks[theirs[index]]
            if mark:
                for which in range(size.size):
                    found[other, which] += (mark >> np.uint32(which)) & np.uint32(1)
        at += other_size[other]
    for index in range(mine.size):
        marks[mine[index]] = 0
    return found


@compiled
def _users_of(entries: Any, wanted: Any, nobody: int) -> Any:
    """The user of each entry (int32), ``nobody`` of those that are not wanted; the processor looks at many at once."""
    found = np.empty(entries.size, np.int32)
    for index in range(entries.size):
        found[index] = entries[index] & _WHOSE if wanted[entries[index] >> SHIFT] else nobody
    return found


@compiled
def open_of(born: Any, withdrawn: Any, hour: float) -> Any:
    """Which items are out by ``hour`` and not withdrawn (bool)."""
    found = np.empty(born.size, np.bool_)
    for item in range(born.size):
        found[item] = (born[item] <= hour) & (born[item] < np.inf) & ~withdrawn[item]
    return found


@compiled
def counted_more(item: Any, hour: Any, wanted: Any, after: float, first: int, last: int, out: Any) -> None:
    """Count in ``out`` how often each item comes from place ``first`` to before ``last``, later than ``after``."""
    for index in range(first, last):
        if wanted[index] and hour[index] > after:
            out[item[index]] += 1


@compiled
def counted_there(
    item: Any, hour: Any, wanted: Any, place: Any, there: int, after: float, first: int, last: int, items: int
) -> Any:
    """The same for each of ``items`` (int64), of those whose ``place`` is ``there``."""
    found = np.zeros(items, np.int64)
    for index in range(first, last):
        if place[index] == there and wanted[index] and hour[index] > after:
            found[item[index]] += 1
    return found


@compiled
def counted(item: Any, hour: Any, wanted: Any, after: float, first: int, last: int, items: int) -> Any:
    """The same for each of ``items`` (int64)."""
    found = np.zeros(items, np.int64)
    counted_more(item, hour, wanted, after, first, last, found)
    return found


@compiled
def sum_of_rows(starts: Any, column: Any, value: Any, row: Any, weight: Any, columns: int) -> Any:
    """The sum of rows of a sparse matrix (CSR, float32), each times its ``weight`` (float32); added up in float64."""
    total = np.zeros(columns)
    for index in range(row.size):
        for place in range(starts[row[index]], starts[row[index] + 1]):
            total[column[place]] += value[place] * weight[index]
    return total.astype(np.float32)


@compiled
def whole_products(rows: Any, row: Any) -> Any:
    """The product of each of ``rows`` with ``row`` (int8 both, at most 133,000 columns), as float32."""
    found = np.empty(rows.shape[0], np.float32)
    for index in range(rows.shape[0]):
        total = np.int32(0)
        for column in range(row.size):
            total += np.int32(np.int16(rows[index, column]) * np.int16(row[column]))
        found[index] = total
    return found


@compiled
def spread(values: Any, inside: Any, places: Any, out: Any) -> None:
    """Write those of ``values`` that are ``inside`` to their ``places`` of ``out``."""
    for index in range(inside.size):
        out[places[index]] = values[inside[index]]


@compiled
def forest(
    table: Any, node: Any, threshold: Any, unknown_left: Any, kept: Any, first: Any, value: Any, leaf: Any
) -> Any:
    """The sum over trees of the leaf that each column of ``table`` (float32, features × rows) comes to (float64).

    QuickScorer (Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini, *QuickScorer: a fast algorithm to rank
    documents with additive ensembles of regression trees*, SIGIR 2015), with rows side by side instead of one by one.
    Inner nodes lie tree by tree, those of tree k from ``first[k]`` on, its leaves from ``leaf[k]`` on in ``value``.
    ``node``: the feature compared; what is above ``threshold`` (float32) goes right, NaN where not ``unknown_left``;
    then only the leaves in the bits of ``kept`` (uint32) remain, the lowest of which is reached.
    """
    rows = table.shape[1]
    found = np.zeros(rows)
    alive = np.empty(rows, np.uint32)
    for tree in range(first.size - 1):
        alive[:] = 0xFFFFFFFF
        for place in range(first[tree], first[tree + 1]):
            column, bound, mask = table[node[place]], threshold[place], kept[place]
            if unknown_left[place]:
                for row in range(rows):
                    alive[row] &= mask if column[row] > bound else np.uint32(0xFFFFFFFF)
            else:
                for row in range(rows):
                    alive[row] &= np.uint32(0xFFFFFFFF) if column[row] <= bound else mask
        start = leaf[tree]
        for row in range(rows):
            # The place of the lowest bit, by a product that moves another pattern to the top for each (de Bruijn).
            lowest = alive[row] & (np.uint32(0) - alive[row])
            found[row] += value[start + _LOWEST[np.uint32(lowest * np.uint32(0x077CB531)) >> np.uint32(27)]]
    return found
