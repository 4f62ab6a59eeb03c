"""Who met what: what is found is what was put, whatever the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.met import BEFORE, REFUSED, UNMET, Met

PLACES = st.one_of(st.sampled_from([REFUSED, BEFORE]), st.integers(0, 2**31 - 1))
PAIRS = st.tuples(st.integers(0, 2), st.integers(0, 2**31 - 1) | st.integers(0, 9))


@settings(max_examples=100)
@given(st.lists(st.tuples(PAIRS, PLACES), max_size=40))
def test_the_latest_word_on_a_pair_is_found(told: list[tuple[tuple[int, int], int]]) -> None:
    met = Met()
    met.grow(3)
    said: dict[tuple[int, int], int] = {}
    for (user, item), place in told:
        assert met.find(user, item) == said.get((user, item), UNMET)
        (met.change if (user, item) in said else met.add)(user, item, place)
        said[user, item] = place
    for (user, item), place in said.items():
        assert met.find(user, item) == place
    for user in range(3):
        assert met.items(user).tolist() == sorted(item for who, item in said if who == user)


def test_pairs_from_before_the_log_are_found() -> None:
    met = Met()
    met.grow(4)
    met.fill(np.array([0, 0, 3]), np.array([2, 7, 2]), np.array([False, True, False]))
    assert [met.find(user, 2) for user in range(4)] == [BEFORE, UNMET, UNMET, BEFORE]
    assert met.find(0, 7) == REFUSED
    met.add(0, 5, 11)
    assert met.items(0).tolist() == [2, 5, 7]


def test_nobody_met_anything() -> None:
    met = Met()
    met.grow(1)
    met.add(0, 3, 0)
    assert met.items(-1).size == met.items(1).size == 0
