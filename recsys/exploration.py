"""Which of a ranked pool comes next: variety first, and now and then a lot drawn so that others can be learnt about.

At every place from ``FIRST`` on, with probability ``SHARE`` the item is drawn evenly from the pool beyond its best
``SPARED``; otherwise it is the best one that variety allows. The probability of what was chosen, given the places
before it, goes into the log as its propensity, so that another policy can be judged by what this one showed (Horvitz
and Thompson, 1952; Bottou et al., *Counterfactual reasoning and learning systems*, 2013).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.diversity import NO_LOT, arranged

SHARE = 0.08
FIRST = 3
SPARED = 20


class Choice(NamedTuple):
    """An item that was chosen: its place in the pool, the probability of that, and whether a lot decided."""

    place: int
    propensity: float
    drawn: bool


def choose(
    codes: NDArray[np.int32],
    last: NDArray[np.int32],
    most: NDArray[np.int64],
    wanted: range,
    dice: random.Random | None,
    least: int = 0,
) -> Iterator[Choice]:
    """Fill the places ``wanted`` of a list from a pool, best first, with these ``codes`` of topics and authors (2 × n).

    ``last`` and ``most`` are the rules of variety, and ``least`` where to end early, see ``recsys.diversity.arranged``.
    Without ``dice`` no lot is drawn.
    """
    rolls, lots = np.full(len(wanted), NO_LOT), np.zeros(len(wanted))
    if dice is not None:
        for index, at in enumerate(wanted):
            if at >= FIRST:
                rolls[index], lots[index] = dice.random(), dice.random()
    place, chance, drawn = arranged(codes, last, most, rolls, lots, SHARE, SPARED, least)
    return map(Choice, place.tolist(), chance.tolist(), drawn.tolist())
