"""What two texts have in common: copies of each kind of edit, and texts that only look like copies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.ingest.similarity import (
    IDENTICAL,
    UNLIKE,
    Likeness,
    Relation,
    Thresholds,
    compare,
    similarity,
)
from content_store.ingest.traces import trace
from tests.support import copies

FIRST = (
    "tail cut 20 %",
    "boilerplate 10 %",
    "paragraphs reordered",
    "light edits 3 %",
    "traditional",
    "width, punctuation",
)
LENGTHS = (150, 400, 2_000)

PARTS = st.lists(
    st.sampled_from([b"abcdefghijklmnop", b"qrstuvwxyz123456", b"ABCDEFGHIJKLMNOP", b"aaaaaaaa", b"xy"]), max_size=8
)
TRACES = st.one_of(st.binary(max_size=200), PARTS.map(b"".join))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", FIRST)
def test_an_edited_text_is_the_same_work(name: str, length: int) -> None:
    drawn = random.Random(f"{name} {length}")
    write = copies.Writer(drawn)
    texts = [write.text(length) for _ in range(20)]
    found = [similarity(copies.EDITS[name](text, drawn), text).relation() for text in texts]
    assert found.count(Relation.SAME) >= 19


@pytest.mark.parametrize("share", [0.3, 0.5, 0.6])
@pytest.mark.parametrize("kind", ["series", "footed", "carrying"])
def test_texts_that_share_a_frame_are_two(kind: str, share: float) -> None:
    drawn = random.Random(f"{kind} {share}")
    write = copies.Writer(drawn)
    for length in (200, 1_000):
        bodies, frame = [write.text(length) for _ in range(4)], write.text(4_000)
        made = {
            "series": lambda bodies=bodies, frame=frame: copies.series(bodies, frame, share),
            "footed": lambda bodies=bodies, frame=frame: copies.footed(bodies, frame, share),
            "carrying": lambda bodies=bodies, frame=frame: copies.carrying(bodies, frame, share, drawn),
        }[kind]()
        pairs = [(one, other) for one in made for other in made if one is not other]
        assert all(similarity(one, other).relation() is Relation.OTHER for one, other in pairs)


def test_bulletins_that_differ_in_their_numbers_are_two() -> None:
    made = copies.bulletins(7, random.Random(3))
    assert {similarity(one, other).relation() for one in made for other in made if one != other} == {Relation.OTHER}


def test_texts_of_one_language_have_nothing_in_common() -> None:
    write = copies.Writer(random.Random(4))
    texts = [write.text(400) for _ in range(12)]
    assert all(similarity(one, other).similarity < 0.2 for one in texts for other in texts if one is not other)


def test_an_excerpt_is_contained_and_its_whole_contains_it() -> None:
    write = copies.Writer(random.Random(5))
    part, whole = copies.excerpt([write.text(300), *(write.text(2_000) for _ in range(4))], random.Random(6), 5_000)
    assert similarity(part, whole).relation() is Relation.CONTAINED
    assert similarity(whole, part).relation() is Relation.CONTAINING


@settings(max_examples=60)
@given(TRACES, TRACES)
def test_comparing_is_symmetric_and_tells_shares(one: bytes, other: bytes) -> None:
    forth, back = compare(one, other), compare(other, one)
    assert (forth.mine, forth.theirs) == (back.theirs, back.mine)
    assert forth.similarity == back.similarity
    assert (forth.replaced, forth.ending, forth.exchanged, forth.numbers) == (
        back.replaced,
        back.ending,
        back.exchanged,
        back.numbers,
    )
    for value in (forth.mine, forth.theirs, forth.replaced, forth.ending, forth.exchanged, forth.numbers):
        assert 0 <= value <= 1
    opposite = {Relation.CONTAINED: Relation.CONTAINING, Relation.CONTAINING: Relation.CONTAINED}
    assert back.relation() is opposite.get(forth.relation(), forth.relation())


@given(st.binary(min_size=1, max_size=300))
def test_a_text_is_the_same_as_itself_and_like_nothing_if_it_has_no_words(one: bytes) -> None:
    assert compare(one, one) == IDENTICAL
    assert compare(one, b"") == compare(b"", b"") == UNLIKE


def test_thresholds_decide() -> None:
    likeness = Likeness(0.9, 0.5, replaced=0.05, ending=0.05, exchanged=0.1, numbers=0.0)
    assert likeness.relation() is Relation.SAME
    assert likeness.relation(Thresholds(smaller=0.6)) is Relation.CONTAINED
    assert likeness.relation(Thresholds(replaced=0.04)) is Relation.OTHER
    assert likeness.relation(Thresholds(numbers=0.0)) is Relation.OTHER


def test_what_is_repeated_counts_once() -> None:
    write = copies.Writer(random.Random(7))
    one, other, chorus = write.text(600), write.text(600), write.text(100)
    assert similarity(one + chorus * 30, other + chorus * 30).relation() is Relation.OTHER
    assert trace(chorus) != trace(one)
