"""The best few of many numbers, found in one pass over them, see ``recsys.kernels``.

The best so far lie in a heap whose root is the worst of them: most numbers are compared with the root and no more.
Of equal numbers those whose items come first are better.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.kernels import compiled

_BLOCK = 64


@compiled
def _offer(best: Any, where: Any, size: int, most: int, value: Any, item: int) -> int:
    """Take ``value`` of ``item`` into the heap of ``size`` numbers, ``most`` at most; its size then."""
    if size < most:
        at = size
        while at > 0:
            above = (at - 1) >> 1
            if best[above] < value or (best[above] == value and where[above] > item):
                break
            best[at], where[at] = best[above], where[above]
            at = above
        best[at], where[at] = value, item
        return size + 1
    if value < best[0] or (value == best[0] and item > where[0]):
        return size
    at = 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        right = below + 1
        if right < size and (best[right] < best[below] or (best[right] == best[below] and where[right] > where[below])):
            below = right
        if best[below] > value or (best[below] == value and where[below] < item):
            break
        best[at], where[at] = best[below], where[below]
        at = below
    best[at], where[at] = value, item
    return size


@compiled
def mark_best(values: Any, rows: Any, places: Any, items: Any, open_items: Any, most: Any, marked: Any) -> None:
    """For each of ``rows`` of ``values`` (float64) mark the ``most`` open items with the largest numbers above 0.

    Looked at are ``places`` of a row, which belong to ``items``.
    """
    for index in range(rows.size):
        row, wanted = values[rows[index]], most[index]
        best, where = np.empty(wanted), np.empty(wanted, np.int64)
        size = 0
        for place in range(places.size):
            value, item = row[places[place]], items[place]
            if value > 0 and open_items[item]:
                size = _offer(best, where, size, wanted, value, item)
        for place in range(size):
            marked[where[place]] = True


@compiled
def count_reaching(values: Any, rows: Any, places: Any, least: Any, open_items: Any) -> Any:
    """For each of ``rows`` of ``values`` how many of ``places`` are open and reach the row's ``least`` (int64)."""
    found = np.zeros(rows.size, np.int64)
    for index in range(rows.size):
        row = rows[index]
        for place in range(places.size):
            if open_items[places[place]] and values[row, places[place]] >= least[row]:
                found[index] += 1
    return found


@compiled
def mark_best_scores(scores: Any, open_items: Any, most: int, marked: Any) -> None:
    """Mark the ``most`` open items with the largest of ``scores`` (float32, one per item) that are not ``-inf``."""
    best, where = np.empty(most, np.float32), np.empty(most, np.int64)
    size = 0
    for begin in range(0, scores.size, _BLOCK):
        end = min(begin + _BLOCK, scores.size)
        if size == most:
            # Counting has no branches: the processor looks at several numbers at once.
            worst, reaching = best[0], 0
            for item in range(begin, end):
                reaching += scores[item] >= worst
            if reaching == 0:
                continue
        for item in range(begin, end):
            value = scores[item]
            if (size < most or value >= best[0]) and value > -np.inf and open_items[item]:
                size = _offer(best, where, size, most, value, item)
    for place in range(size):
        marked[where[place]] = True


@compiled
def leading(count: Any, least: int, most: int) -> Any:
    """Places of the ``most`` largest of ``count`` (integers) of at least ``least``: largest first, then by place."""
    found = np.empty(most, np.int64)
    size = 0
    for place in range(count.size):
        value = count[place]
        if value < least or (size == most and value <= count[found[most - 1]]):
            continue
        at = min(size, most - 1)
        while at > 0 and count[found[at - 1]] < value:
            found[at] = found[at - 1]
            at -= 1
        found[at] = place
        size = min(size + 1, most)
    return found[:size]
