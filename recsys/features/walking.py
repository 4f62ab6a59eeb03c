"""The signals of the fast layer in one walk over the log, see ``recsys.kernels`` and ``recsys.features.signals``."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.kernels import compiled

# Columns: first those of the walk, then those of the latest contacts.
AHEAD = ("after_15m", "after_1h", "next_6h", "next", "after_latest", "after_6h", "after", "around")
LATEST = ("alike_3h", "alike_1d", "alike", "here_1h", "here_6h", "device_1h", "point_15m", "point_1h", "point_6h")
_AFTER, _AROUND, _FIRST, _ALL = 6, 7, len(AHEAD), len(AHEAD) + len(LATEST)


@compiled
def _seat(slot: Any, seated: Any, values: Any, count: int, item: int) -> int:
    """Give ``item`` the next row, all zeros; how many have one then."""
    slot[item], seated[count] = count, item
    values[count] = 0.0
    return count + 1


@compiled
def _step(chain: Any, at: Any, start: Any, walking: int) -> int:
    """Move the first ``walking`` walkers one step on, those whose chain ends drop out; how many walk on.

    All walk at once, so that the processor waits for many of their places together and not for one after the other.
    """
    left = 0
    for index in range(walking):
        reached = chain[at[index]]
        if reached >= 0:
            at[left], start[left] = reached, start[index]
            left += 1
    return left


@compiled
def _ahead(
    following: Any, item: Any, weight: Any, place: Any, start: Any, rarity: Any, worth: Any, factor: float, seats: Any
) -> int:
    """Add what is read after the recent items; how many items have a row."""
    slot, seated, values = seats
    at, begun, now = place.copy(), start.copy(), np.empty(place.size)
    count, walking = 0, place.size
    for far in range(1, worth.shape[1]):
        walking = _step(following, at, begun, walking)
        for index in range(walking):
            now[index] = weight[at[index]] * factor
        for index in range(walking):
            reached, of = item[at[index]], begun[index]
            if slot[reached] < 0:
                count = _seat(slot, seated, values, count, reached)
            row, value = values[slot[reached]], worth[of, far]
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
    before: Any, item: Any, place: Any, start: Any, rarity: Any, worth: Any, contacts: Any, count: int, seats: Any
) -> int:
    """Add what is read before the recent items to what is read after them; how many items have a row."""
    slot, seated, values = seats
    at, begun = place.copy(), start.copy()
    walking = place.size
    for far in range(1, worth.shape[1]):
        walking = _step(before, at, begun, walking)
        for index in range(walking):
            reached, of = item[at[index]], begun[index]
            if slot[reached] < 0:
                count = _seat(slot, seated, values, count, reached)
            values[slot[reached], _AROUND] += worth[of, far] * rarity[of]
    for row in range(count):
        around = values[row, _AFTER] + 0.5 * values[row, _AROUND]
        values[row, _AROUND] = around / (1 + contacts[seated[row]]) ** 0.3
    return count


@compiled
def _latest(item: Any, weight: Any, factor: float, window: Any, place: Any, mine: Any, count: int, seats: Any) -> int:
    """Add the contacts of the window; how many items have a row."""
    slot, seated, values = seats
    first, last, near = window
    region, device, begins_visit = place
    my_region, my_device, i_begin = mine
    for at in range(first, last):
        if slot[item[at]] < 0:
            count = _seat(slot, seated, values, count, item[at])
        row, alike = values[slot[item[at]], _FIRST:], near[at - first]
        day = weight[at] * factor
        six = (day * day) ** 2
        three = six * six
        one = three**3
        if alike > 0:
            row[0] += alike * three
            row[1] += alike * day
            row[2] += alike
        if region[at] == my_region:
            row[3] += one
            row[4] += six
        if device[at] == my_device:
            row[5] += one
        if begins_visit[at] == i_begin:
            row[6] += (one * one) ** 2
            row[7] += one
            row[8] += six
    return count


@compiled
def walked(chains: Any, begun: Any, factor: float, window: Any, place: Any, mine: Any, contacts: Any) -> Any:
    """What is read after and before, and what the latest contacts tell.

    ``chains``: of every contact the citizen's next and previous one, its item and its weight, which times ``factor`` is
    what it is worth now with a half-life of a day. ``begun``: contacts of others with the recent items, which of these
    each is of, the rarity of each of these, and the worth of a step (recent items × distances, from 0): from each the
    chains are walked as far as the worth has columns. ``contacts``: how many every item has.

    The contacts of the ``window`` (from a place to before another one, and how near whoever made each is) count as they
    are, and where their ``place`` (region, device, whether it begins a visit; one entry per contact) is ``mine``.

    Returns the row of each item (int32, -1: none), the items that have one, and their values (float64, rows × columns).
    """
    following, before, item, weight = chains
    starts, start, rarity, worth = begun
    items = contacts.size
    most = min(items, 2 * starts.size * (worth.shape[1] - 1) + window[1] - window[0])
    slot, seated = np.full(items, -1, np.int32), np.empty(most, np.int64)
    values = np.empty((most, _ALL))
    seats = (slot, seated, values)
    count = _ahead(following, item, weight, starts, start, rarity, worth, factor, seats)
    count = _around(before, item, starts, start, rarity, worth, contacts, count, seats)
    count = _latest(item, weight, factor, window, place, mine, count, seats)
    return slot, seated[:count], values[:count]


@compiled
def taken(slot: Any, values: Any, chosen: Any, out: Any) -> None:
    """The ``values`` of the ``chosen`` items, one column each; 0 for those without a row."""
    for index in range(chosen.size):
        row = slot[chosen[index]]
        for column in range(values.shape[1]):
            out[column, index] = values[row, column] if row >= 0 else 0.0
