"""``covisit``: walks along what others read, compared with walking by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.models.base import load, save
from recsys.models.covisit import STEPS, Covisit, Walk

Contact = tuple[int, int, float]
CONTACTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), unique=True, max_size=40)


def covisit_of(contacts: list[Contact]) -> Covisit:
    model = Covisit()
    model.grow(8, 6)
    for user, item, hour in contacts:
        model.update(user, item, hour)
    return model


def timed(pairs: list[tuple[int, int]]) -> list[Contact]:
    return [(user, item, 100.0 + place * 0.75) for place, (user, item) in enumerate(pairs)]


def steps(walk: Walk) -> list[tuple[int, int, int, float]]:
    """Every step as plain numbers, sorted: item, start, distance, hour."""
    columns = (walk.item, walk.start, walk.distance, walk.hour)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def steps_by_hand(
    contacts: list[Contact], user: int, recent: list[int], *, forward: bool
) -> list[tuple[int, int, int, float]]:
    """For each recent item, each other reader of it, and each of the ten contacts they had next (or before)."""
    found = []
    for start, item in enumerate(recent):
        for other in range(6):
            chain = [contact for contact in contacts if contact[0] == other]
            if not forward:
                chain.reverse()
            at = next((place for place, contact in enumerate(chain) if contact[1] == item), None)
            if at is None or other == user:
                continue
            for distance, (_, reached, hour) in enumerate(chain[at + 1 : at + 1 + STEPS], 1):
                found.append((reached, start, distance, hour))
    return sorted(found)


@given(CONTACTS, st.integers(0, 7), st.integers(1, 5))
def test_the_latest_contacts_of_a_citizen_come_in_their_order(
    pairs: list[tuple[int, int]], user: int, most: int
) -> None:
    model = covisit_of(timed(pairs))
    assert model.contacts(user, most).tolist() == np.flatnonzero(model.user[: model.size] == user)[-most:].tolist()


@settings(max_examples=100)
@given(CONTACTS, st.booleans(), st.integers(0, 6))
def test_a_walk_takes_the_steps_that_other_readers_took(pairs: list[tuple[int, int]], forward: bool, user: int) -> None:
    contacts = timed(pairs)
    model = covisit_of(contacts)
    recent = model.item[model.contacts(user)][::-1]
    walk = model.walks(user, recent)[0 if forward else 1]
    assert steps(walk) == steps_by_hand(contacts, user, recent.tolist(), forward=forward)
    read = np.bincount([item for _, item, _ in contacts], minlength=8)
    assert walk.weight.tolist() == pytest.approx((1 / np.sqrt(1 + read[recent])).tolist())


@settings(max_examples=60)
@given(CONTACTS, st.lists(st.booleans(), min_size=48, max_size=48), st.integers(0, 5))
def test_citizens_are_in_common_who_met_both_where_it_counts(
    pairs: list[tuple[int, int]], counts: list[bool], besides: int
) -> None:
    contacts = timed(pairs)
    model = covisit_of(contacts)
    counting = np.array(counts)
    readers = [
        {user for place, (user, item, _) in enumerate(contacts) if item == one and counts[place]} - {besides}
        for one in range(8)
    ]
    mine, others = np.array([0, 3, 5], np.int32), np.array([1, 3, 7, 2], np.int32)
    for _ in range(2):  # nothing is left over from the first time
        found = model.shared(mine, others, counting, besides)
        assert found.tolist() == [[len(readers[one] & readers[other]) for one in mine] for other in others]


@settings(max_examples=60)
@given(CONTACTS, st.integers(0, 5))
def test_neighbours_share_items_and_nobody_is_their_own(pairs: list[tuple[int, int]], user: int) -> None:
    contacts = timed(pairs)
    model = covisit_of(contacts)
    everyone = np.arange(6, dtype=np.int32)
    recent = model.item[model.contacts(user)][::-1]
    near = model.neighbours(user, recent, everyone)
    assert model.neighbours(user, recent, everyone[::-1]).tolist() == near[::-1].tolist()
    own = {item for who, item, _ in contacts if who == user}
    readers = {item: sum(other == item for _, other, _ in contacts) for item in range(8)}
    for other in range(6):
        theirs = {item for who, item, _ in contacts if who == other}
        shared = sum(1 / np.log(2 + readers[item]) for item in own & theirs) if other != user else 0.0
        assert near[other] == pytest.approx(shared / np.sqrt(5 + len(theirs)))


def test_contacts_come_oldest_first_and_only_the_latest() -> None:
    model = covisit_of(timed([(0, 1), (1, 1), (0, 2), (0, 3)]))
    assert model.item[model.contacts(0)].tolist() == [1, 2, 3]
    assert model.item[model.contacts(0, most=2)].tolist() == [2, 3]
    assert model.contacts(99).tolist() == []


def test_a_restored_log_walks_alike_and_goes_on(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    pairs = list(
        dict.fromkeys(zip(random.integers(0, 6, 60).tolist(), random.integers(0, 8, 60).tolist(), strict=True))
    )
    contacts = timed(pairs)
    model = covisit_of(contacts[:-1])
    save(model, tmp_path / "kept")
    restored = load(Covisit, tmp_path / "kept")
    for log in (model, restored):
        log.update(*contacts[-1])
    for user in range(6):
        recent = model.item[model.contacts(user)][::-1]
        for forward in (True, False):
            ours, theirs = (log.walks(user, recent)[0 if forward else 1] for log in (model, restored))
            assert steps(ours) == steps(theirs)
        everyone = np.arange(6, dtype=np.int32)
        near = [log.neighbours(user, recent, everyone).tolist() for log in (model, restored)]
        assert near[0] == near[1]
