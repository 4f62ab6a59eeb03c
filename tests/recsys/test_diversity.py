"""Variety: nothing is lost or added, and no stretch is of one kind while the rest allows it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.diversity import PER_AUTHOR, PER_TOPIC, SPAN, diversified

ENTRIES = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 5)), max_size=60)


def order_of(entries: list[tuple[int, int]]) -> list[int]:
    topic, author = (np.array([entry[part] for entry in entries], np.int32) for part in (0, 1))
    return [int(place) for place in diversified(topic, author)]


def fits(entry: tuple[int, int], before: list[tuple[int, int]]) -> bool:
    """Whether ``entry`` keeps the rules after the last four of ``before``."""
    last = before[1 - SPAN :]
    topics = sum(other[0] == entry[0] >= 0 for other in last)
    authors = sum(other[1] == entry[1] >= 0 for other in last)
    return topics < PER_TOPIC and authors < PER_AUTHOR


@settings(max_examples=200)
@given(ENTRIES)
def test_every_entry_comes_once(entries: list[tuple[int, int]]) -> None:
    assert sorted(order_of(entries)) == list(range(len(entries)))


@settings(max_examples=200)
@given(ENTRIES)
def test_the_best_entry_that_keeps_the_rules_comes_next(entries: list[tuple[int, int]]) -> None:
    order = order_of(entries)
    for place, chosen in enumerate(order):
        before = [entries[earlier] for earlier in order[:place]]
        waiting = [entry for entry in range(len(entries)) if entry not in order[:place]]
        allowed = [entry for entry in waiting if fits(entries[entry], before)]
        assert chosen == (allowed or waiting)[0]


def test_five_neighbours_hold_two_of_a_topic_and_one_of_an_author() -> None:
    random = np.random.default_rng(3)
    topic, author = random.integers(0, 6, 60).astype(np.int32), random.permutation(60).astype(np.int32) // 2
    order = diversified(topic, author)
    for start in range(40):  # before the pool thins out
        window = order[start : start + SPAN]
        assert np.bincount(topic[window]).max() <= PER_TOPIC
        assert np.bincount(author[window]).max() <= PER_AUTHOR


def test_unknown_topics_and_authors_are_never_too_many() -> None:
    assert order_of([(-1, -1)] * 9) == list(range(9))


def test_a_list_of_one_kind_keeps_its_order() -> None:
    assert order_of([(2, 1)] * 9) == list(range(9))


def test_nothing_gives_nothing() -> None:
    assert order_of([]) == []
