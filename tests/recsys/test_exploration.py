"""What comes next in a list, and with what probability, told again in a plainer way."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.diversity import NO_RULE, PER_AUTHOR, PER_TOPIC, SPAN, latest
from recsys.exploration import FIRST, SHARE, SPARED, Choice, choose

ENTRIES = st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 30)), max_size=50)
Entries = list[tuple[int, int]]


def chosen(
    entries: Entries, before: Entries, wanted: range, dice: random.Random | None, least: int = 0
) -> list[Choice]:
    codes = np.array(entries, np.int32).reshape(-1, 2).T
    return list(choose(codes, latest(before), np.array([PER_TOPIC, PER_AUTHOR]), wanted, dice, least))


def allowed(entry: tuple[int, int], before: Entries) -> bool:
    last = before[1 - SPAN :]
    topics = sum(other[0] == entry[0] >= 0 for other in last)
    authors = sum(other[1] == entry[1] >= 0 for other in last)
    return topics < PER_TOPIC and authors < PER_AUTHOR


def by_the_rules(entries: Entries, before: Entries, at: int) -> dict[int, float]:
    """What may come at ``at``, and how probable each is."""
    fitting = [place for place, entry in enumerate(entries) if allowed(entry, before)] or list(range(len(entries)))
    best, others = fitting[0], [place for place in fitting[1:] if place >= SPARED]
    if at < FIRST or not others:
        return {best: 1.0}
    return {best: 1 - SHARE} | dict.fromkeys(others, SHARE / len(others))


@settings(max_examples=200)
@given(ENTRIES, st.integers(0, 40), st.integers(0, 12), st.integers(0, 2**32))
def test_each_choice_has_the_probability_that_the_rules_give_it(
    entries: Entries, shown: int, number: int, seed: int
) -> None:
    found = chosen(entries, [], range(shown, shown + number), random.Random(seed))
    assert len(found) == min(number, len(entries))
    taken: list[int] = []
    for at, choice in enumerate(found, shown):
        waiting = [place for place in range(len(entries)) if place not in taken]
        told = by_the_rules([entries[place] for place in waiting], [entries[place] for place in taken], at)
        assert choice.propensity == told[waiting.index(choice.place)]
        taken.append(choice.place)


def test_lots_fall_as_often_as_is_told_and_evenly() -> None:
    entries, dice = [(-1, -1)] * 40, random.Random(4)
    drawn = [each for _ in range(5000) if (each := chosen(entries, [], range(FIRST, FIRST + 1), dice)[0]).drawn]
    assert abs(len(drawn) / 5000 - SHARE) < 0.012
    assert np.bincount([each.place for each in drawn], minlength=40)[SPARED:].min() > 5
    assert min(each.place for each in drawn) == SPARED


def test_without_dice_the_best_comes_for_certain() -> None:
    assert chosen([(-1, -1)] * 40, [], range(10, 13), None) == [Choice(place, 1.0, False) for place in range(3)]


def test_choosing_ends_before_the_pool_is_small_and_where_nothing_is_allowed() -> None:
    assert len(chosen([(-1, -1)] * 10, [], range(20), None, least=8)) == 3
    assert len(chosen([(1, -1)] * 10, [], range(20), None, least=1)) == PER_TOPIC
    assert len(chosen([(1, -1)] * 10, [(1, 2), (1, 3)], range(20), None, least=1)) == 0


def test_a_rule_that_is_off_forbids_nothing() -> None:
    codes = np.array([[1] * 9, [-1] * 9], np.int32)
    found = choose(codes, latest([]), np.array([NO_RULE, PER_AUTHOR]), range(9), None, 1)
    assert [each.place for each in found] == list(range(9))
