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
def mark_best_by_column(values: Any, columns: Any, items: Any, open_items: Any, most: Any, marked: Any) -> None:
    """The same for ``columns`` of ``values``, whose rows belong to ``items``."""
    best, where = np.empty((columns.size, most.max())), np.empty((columns.size, most.max()), np.int64)
    size, worst = np.zeros(columns.size, np.int64), np.zeros(columns.size)
    for row in range(items.size):
        if open_items[items[row]]:
            line = values[row]
            for index in range(columns.size):
                value = line[columns[index]]
                # Most are no better than the worst of those found: one comparison is all that they get.
                if value >= worst[index] and value > 0:
                    size[index] = _offer(best[index], where[index], size[index], most[index], value, items[row])
                    if size[index] == most[index]:
                        worst[index] = best[index, 0]
    for index in range(columns.size):
        for place in range(size[index]):
            marked[where[index, place]] = True


@compiled
def _before(mass: Any, item: int, other: int) -> bool:
    """Whether ``item`` comes before ``other``: the larger mass first, of equal ones the smaller item."""
    return bool(mass[item] > mass[other] or (mass[item] == mass[other] and item < other))


@compiled
def promote(mass: Any, leaders: Any, count: Any, read: Any) -> None:
    """Put every item of ``read`` (each once), whose masses have grown, among the leaders of each row of ``mass``.

    ``leaders`` (rows × most) are in order; ``count`` tells how many each row has. Where a row is full its last items
    give way.
    """
    for row in range(leaders.shape[0]):
        order, masses, size = leaders[row], mass[row], 0
        for at in range(count[row]):
            stays = True
            for item in read:
                stays = stays and order[at] != item
            if stays:
                order[size] = order[at]
                size += 1
        for item in read:
            if size < order.size:
                size += 1
            elif not _before(masses, item, order[size - 1]):
                continue
            at = size - 1
            while at > 0 and _before(masses, item, order[at - 1]):
                order[at] = order[at - 1]
                at -= 1
            order[at] = item
        count[row] = size


@compiled
def mark_first(mass: Any, leaders: Any, count: Any, rows: Any, most: Any, open_items: Any, marked: Any) -> Any:
    """For each of ``rows`` mark the first ``most`` leaders that are open and have a mass above 0.

    Returns for which rows there may be more than the leaders tell (bool): too few are open, and all have a mass.
    """
    short = np.zeros(rows.size, np.bool_)
    for index in range(rows.size):
        order, masses = leaders[rows[index]], mass[rows[index]]
        size, missing = count[rows[index]], most[index]
        for at in range(size):
            item = order[at]
            if missing == 0 or not masses[item] > 0:
                break
            if open_items[item]:
                marked[item] = True
                missing -= 1
        short[index] = missing > 0 and size == order.size and masses[order[size - 1]] > 0
    return short


def leading_rows(mass: Any, most: int) -> tuple[Any, Any]:
    """In each row of ``mass`` (without NaN) the ``most`` largest in order (int64), and how many these are (int64)."""
    found = np.zeros((len(mass), most), np.int64)
    for row, values in enumerate(mass):
        chosen = np.arange(values.size)
        if values.size > most:
            chosen = np.flatnonzero(values >= np.partition(values, values.size - most)[values.size - most])
        order = chosen[np.argsort(-values[chosen], kind="stable")][:most]
        found[row, : order.size] = order
    return found, np.full(len(mass), min(most, mass.shape[1]))


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
def nearest(common: Any, readers: Any, least: int) -> Any:
    """For each row of ``common`` the column of the largest number over the root of 1 + its ``readers``, and the number.

    Of equal ones the first; only numbers of at least ``least`` count, and 0 is told where there is none.
    """
    best, number = np.zeros(common.shape[0], np.int64), np.zeros(common.shape[0], np.int64)
    for row in range(common.shape[0]):
        most = 0.0
        for column in range(common.shape[1]):
            if common[row, column] >= least:
                near = common[row, column] / np.sqrt(1 + readers[column])
                if near > most:
                    most, best[row], number[row] = near, column, common[row, column]
    return best, number


@compiled
def leading(count: Any, least: int, most: int) -> Any:
    """Places of the ``most`` largest of ``count`` (integers) of at least ``least``: largest first, then by place."""
    found = np.empty(most, np.int64)
    size = 0
    for begin in range(0, count.size, _BLOCK):
        end = min(begin + _BLOCK, count.size)
        wanted = least if size < most else count[found[most - 1]] + 1
        reaching = 0
        for place in range(begin, end):  # without branches, as in ``mark_best_scores``
            reaching += count[place] >= wanted
        if reaching == 0:
            continue
        for place in range(begin, end):
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
