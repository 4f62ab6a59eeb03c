"""Which of a ranked pool comes next: variety first, and now and then a lot drawn so that others can be learnt about.

At every place from ``FIRST`` on, with probability ``SHARE`` the item is drawn evenly from the pool beyond its best
``SPARED``; otherwise it is the best one that variety allows. The probability of what was chosen, given the places
before it, goes into the log as its propensity, so that another policy can be judged by what this one showed (Horvitz
and Thompson, 1952; Bottou et al., *Counterfactual reasoning and learning systems*, 2013).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from recsys.diversity import Variety

SHARE = 0.08
FIRST = 3
SPARED = 20


class Choice(NamedTuple):
    """An item that was chosen: its position in the pool, the probability of that, whether a lot decided, and whether
    variety allows it."""

    place: int
    propensity: float
    drawn: bool
    allowed: bool


def choose(
    topics: Sequence[int], authors: Sequence[int], variety: Variety, at: int, dice: random.Random | None
) -> Choice:
    """The next of a pool (best first) with these ``topics`` and ``authors``, for place ``at`` of the list.

    ``variety`` knows the places before it. Without ``dice`` nothing is drawn. The pool must not be empty.
    """
    best = variety.first(topics, authors)
    strict = variety.allows(topics[best], authors[best])
    if dice is None or at < FIRST or not _any_other(topics, authors, variety, best, strict):
        return Choice(best, 1.0, False, strict)
    if dice.random() >= SHARE:
        return Choice(best, 1 - SHARE, False, strict)
    others = [
        place
        for place in range(SPARED, len(topics))
        if place != best and (not strict or variety.allows(topics[place], authors[place]))
    ]
    return Choice(dice.choice(others), SHARE / len(others), True, True)


def _any_other(topics: Sequence[int], authors: Sequence[int], variety: Variety, best: int, strict: bool) -> bool:
    """Whether a lot could fall on anything but ``best``."""
    for place in range(SPARED, len(topics)):
        if place != best and (not strict or variety.allows(topics[place], authors[place])):
            return True
    return False
