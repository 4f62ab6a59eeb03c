"""Citizens: declared facts only, checked against the vocabulary."""

from __future__ import annotations

import pytest

from content_store import citizens, clock
from content_store.db import Database
from content_store.errors import BadRecord, UnknownCitizen
from content_store.vocabulary import CitizenKind, Prefecture, Topic


def test_a_new_citizen_is_a_personalised_guest_of_whom_nothing_is_known(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        made = citizens.create(connection)
        assert citizens.get(connection, made.id) == made
    assert made.kind is CitizenKind.GUEST
    assert made.personalised
    assert (made.prefecture, made.birth_year, made.minor, made.interests) == (None, None, False, frozenset())
    assert made.created_at == fixed_clock


def test_what_a_citizen_declares_is_kept(database: Database) -> None:
    with database.begin() as connection:
        made = citizens.create(
            connection,
            id="李雷",
            kind=CitizenKind.REGISTERED,
            prefecture="绵阳市",
            birth_year=1950,
            interests=["space", "农业"],
            personalised=False,
        )
        assert citizens.get(connection, "李雷") == made
    assert made.prefecture is Prefecture.MIANYANG
    assert made.interests == {Topic.SPACE, Topic.AGRICULTURE}
    assert not made.personalised


def test_interests_are_replaced_and_the_rest_is_left_as_it_was(database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="a", prefecture="510100", interests=["space"])
        changed = citizens.update(connection, "a", interests=["ecology", "energy"])
    assert changed.interests == {Topic.ECOLOGY, Topic.ENERGY}
    assert changed.prefecture is Prefecture.CHENGDU


def test_a_declared_fact_can_be_forgotten(database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="a", prefecture="510100", birth_year=1990, interests=["space"])
        changed = citizens.update(connection, "a", prefecture=None, birth_year=None, interests=[])
    assert (changed.prefecture, changed.birth_year, changed.interests) == (None, None, frozenset())


@pytest.mark.parametrize(("age_by_year", "minor"), [(0, True), (17, True), (18, True), (19, False), (80, False)])
def test_one_who_may_not_be_eighteen_yet_is_a_minor(
    database: Database, fixed_clock: int, age_by_year: int, minor: bool
) -> None:
    with database.begin() as connection:
        made = citizens.create(connection, birth_year=clock.today().year - age_by_year)
    assert made.minor is minor


def test_a_minor_grows_up_without_anyone_touching_the_record(database: Database) -> None:
    with database.begin() as connection:
        made = citizens.create(connection, id="a", birth_year=clock.today().year - 10)
    with clock.fixed(clock.now_ms() + 10 * 366 * clock.DAY_MS):
        assert not made.minor


def test_who_is_said_to_be_a_minor_is_one_whatever_the_birth_year(database: Database) -> None:
    with database.begin() as connection:
        assert citizens.create(connection, minor=True, birth_year=1980).minor


@pytest.mark.parametrize(
    "given",
    [{"prefecture": "北京"}, {"birth_year": 1492}, {"birth_year": 9999}, {"interests": ["ufo"]}, {"kind": "robot"}],
    ids=lambda given: next(iter(given)),
)
def test_a_value_outside_the_vocabulary_is_refused_and_nothing_stored(
    database: Database, given: dict[str, object]
) -> None:
    with database.begin() as connection:
        with pytest.raises(BadRecord):
            citizens.create(connection, **given)  # type: ignore[arg-type]
        assert citizens.count(connection) == 0


@pytest.mark.parametrize("identifier", ["", "x" * 201, "a\x00b", "a\nb", "\ud800"])
def test_an_id_that_cannot_be_kept_is_refused(database: Database, identifier: str) -> None:
    with database.begin() as connection, pytest.raises(BadRecord):
        citizens.create(connection, id=identifier)


def test_an_id_belongs_to_one_citizen_and_the_transaction_goes_on(database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="a")
        with pytest.raises(BadRecord, match="has the id a already"):
            citizens.create(connection, id="a")
        citizens.create(connection, id="b")
    with database.connect() as connection:
        assert citizens.count(connection) == 2


def test_an_unknown_citizen_is_named(database: Database) -> None:
    with database.begin() as connection:
        with pytest.raises(UnknownCitizen, match="nobody"):
            citizens.get(connection, "nobody")
        with pytest.raises(UnknownCitizen, match="nobody"):
            citizens.update(connection, "nobody", personalised=False)


def test_guests_are_made_for_unknown_ids_only(database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="a", kind=CitizenKind.REGISTERED)
        assert citizens.ensure(connection, ["b", "a", "c", "b"]) == 2
        assert citizens.ensure(connection, ["b", "a", "c"]) == 0
        assert citizens.known(connection, ["a", "b", "c", "d"]) == {"a", "b", "c"}
        assert citizens.get(connection, "a").kind is CitizenKind.REGISTERED
        assert citizens.get(connection, "b").kind is CitizenKind.GUEST


def test_all_citizens_come_once_in_small_batches(database: Database) -> None:
    with database.begin() as connection:
        citizens.ensure(connection, [f"c{number:02}" for number in range(25)])
        citizens.update(connection, "c13", interests=["space"])
        found = list(citizens.every(connection, batch=10))
    assert [citizen.id for citizen in found] == [f"c{number:02}" for number in range(25)]
    assert [citizen.id for citizen in found if citizen.interests] == ["c13"]
