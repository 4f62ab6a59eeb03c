"""The signals of the fast layer in one walk over the log, see ``recsys.kernels`` and ``recsys.features.signals``."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.kernels import compiled

# Columns: first those of the walk, then those of the latest contacts.
AHEAD = ("after_15m", "after_1h", "next_6h", "next", "after_latest", "after_6h", "after", "around")
LATEST = ("alike_3h", "alike_1d", "alike", "here_1h", "here_6h", "device_1h", "point_15m", "point_1h", "point_6h")
# What a contact is worth at most that lies ahead, of a clock that was: its powers must stay finite.
_MOST = 2.0
_AFTER, _AROUND, _FIRST, _ALL = 6, 7, len(AHEAD), len(AHEAD) + len(LATEST)


@compiled
def _seat(slot: Any, seated: Any, values: Any, count: int, what: Any, size: int) -> int:
    """Put the rows of the first ``size`` items of ``what`` in their place, new ones all zeros; how many there are."""
    for index in range(size):
        item = what[index]
        row = slot[item]
        if row < 0:
            row = count
            slot[item], seated[count] = row, item
            values[count] = 0.0
            count += 1
        what[index] = row
    return count


@compiled
def _step(chain: Any, item: Any, at: Any, start: Any, what: Any, walking: int) -> int:
    """Move the first ``walking`` walkers one step on, those whose chain ends drop out; how many walk on, and to what.

    All walk at once, and one array is looked at after the other, so that the processor waits for many of their places
    together.
    """
    left = 0
    for index in range(walking):
        reached = chain[at[index]]
        if reached >= 0:
            at[left], start[left] = reached, start[index]
            left += 1
    for index in range(left):
        what[index] = item[at[index]]
    return left


@compiled
def _ahead(
    following: Any, item: Any, weight: Any, place: Any, start: Any, rarity: Any, worth: Any, factor: float, seats: Any
) -> int:
    """Add what is read after the recent items; how many items have a row."""
    slot, seated, values = seats
    at, begun, now, what = place.copy(), start.copy(), np.empty(place.size), np.empty(place.size, np.int32)
    count, walking = 0, place.size
    for far in range(1, worth.shape[1]):
        walking = _step(following, item, at, begun, what, walking)
        for index in range(walking):
            now[index] = min(weight[at[index]] * factor, _MOST)
        count = _seat(slot, seated, values, count, what, walking)
        for index in range(walking):
            of = begun[index]
            row, value = values[what[index]], worth[of, far]
            six = (now[index] * now[index]) ** 2
            one = (six * six) ** 3
            row[0] += value * (one * one) ** 2
            row[1] += value * one
            if of == 0:
                if far == 1:
                    row[2] += six
                    row[3] += 1.0
                row[4] += 1.0 / far
            row[5] += value * six
            row[_AFTER] += value * rarity[of]
    return count


@compiled
def _around(
    before: Any, item: Any, place: Any, start: Any, rarity: Any, worth: Any, common: Any, count: int, seats: Any
) -> int:
    """Add what is read before the recent items to what is read after them; how many items have a row."""
    slot, seated, values = seats
    at, begun, what = place.copy(), start.copy(), np.empty(place.size, np.int32)
    walking = place.size
    for far in range(1, worth.shape[1]):
        walking = _step(before, item, at, begun, what, walking)
        count = _seat(slot, seated, values, count, what, walking)
        for index in range(walking):
            of = begun[index]
            values[what[index], _AROUND] += worth[of, far] * rarity[of]
    for row in range(count):
        around = values[row, _AFTER] + 0.5 * values[row, _AROUND]
        values[row, _AROUND] = around / common[seated[row]]
    return count


@compiled
def _latest(item: Any, weight: Any, factor: float, window: Any, place: Any, mine: Any, count: int, seats: Any) -> int:
    """Add the contacts of the window; how many items have a row.

    What does not count is added as 0: the processor would guess in vain whether to pass it over.
    """
    slot, seated, values = seats
    first, last, near = window
    region, device, begins_visit = place
    my_region, my_device, i_begin = mine
    what = item[first:last].copy()
    count = _seat(slot, seated, values, count, what, what.size)
    for at in range(first, last):
        row, alike = values[what[at - first], _FIRST:], near[at - first]
        day = min(weight[at] * factor, _MOST)
        six = (day * day) ** 2
        three = six * six
        one = three**3
        here = 1.0 if region[at] == my_region else 0.0
        same = 1.0 if device[at] == my_device else 0.0
        point = 1.0 if begins_visit[at] == i_begin else 0.0
        row[0] += alike * three
        row[1] += alike * day
        row[2] += alike
        row[3] += here * one
        row[4] += here * six
        row[5] += same * one
        row[6] += point * (one * one) ** 2
        row[7] += point * one
        row[8] += point * six
    return count


@compiled
def walked(chains: Any, begun: Any, factor: float, window: Any, place: Any, mine: Any, common: Any) -> Any:
    """What is read after and before, and what the latest contacts tell.

    ``chains``: of every contact the citizen's next and previous one, its item and its weight, which times ``factor`` is
    what it is worth now with a half-life of a day. ``begun``: contacts of others with the recent items, which of these
    each is of, the rarity of each of these, and the worth of a step (recent items × distances, from 0): from each the
    chains are walked as far as the worth has columns. ``common``: what the sum around each item is divided by.

    The contacts of the ``window`` (from a place to before another one, and how near whoever made each is) count as they
    are, and where their ``place`` (region, device, whether it begins a visit; one entry per contact) is ``mine``.

    Returns the row of each item (int32, -1: none), the items that have one, and their values (float64, rows × columns).
    """
    following, before, item, weight = chains
    starts, start, rarity, worth = begun
    items = common.size
    most = min(items, 2 * starts.size * (worth.shape[1] - 1) + window[1] - window[0])
    slot, seated = np.full(items, -1, np.int32), np.empty(most, np.int64)
    values = np.empty((most, _ALL))
    seats = (slot, seated, values)
    count = _ahead(following, item, weight, starts, start, rarity, worth, factor, seats)
    count = _around(before, item, starts, start, rarity, worth, common, count, seats)
    count = _latest(item, weight, factor, window, place, mine, count, seats)
    return slot, seated[:count], values[:count]


@compiled
def taken(slot: Any, values: Any, chosen: Any, out: Any) -> None:
    """The ``values`` of the ``chosen`` items, one column each; 0 for those without a row."""
    for index in range(chosen.size):
        row = slot[chosen[index]]
        for column in range(values.shape[1]):
            out[column, index] = values[row, column] if row >= 0 else 0.0


@compiled
def sums(values: Any) -> Any:
    """The sum of each column (float64), added up row by row as NumPy does it, which takes three times as long."""
    found = np.zeros(values.shape[1])
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            found[column] += values[row, column]
    return found
