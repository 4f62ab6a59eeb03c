"""Whom and what the law keeps out of personal profiles."""

from __future__ import annotations

from content_store import citizens, contents, news
from content_store.db import Database
from content_store.profiling import Switches, switches, uninferred_contents, unprofiled_citizens


def test_minors_and_those_who_switched_it_off_have_no_profile(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="grown", birth_year=2006)
        citizens.create(connection, id="unknown age")
        citizens.create(connection, id="maybe not 18", birth_year=2007)
        citizens.create(connection, id="said so", minor=True)
        citizens.create(connection, id="off", personalised=False)

        assert unprofiled_citizens(connection) == {"maybe not 18", "said so", "off"}


def test_the_rule_for_one_citizen_and_for_all_is_the_same(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        made = [citizens.create(connection, birth_year=year) for year in range(1990, 2020)]

        assert unprofiled_citizens(connection) == {citizen.id for citizen in made if citizen.minor}


def test_switches_tell_of_whom_there_is_no_profile_and_where_people_live(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="guest")
        citizens.create(connection, id="grown", birth_year=1980, prefecture="成都")
        citizens.create(connection, id="off", personalised=False)
        citizens.create(connection, id="young", birth_year=2007, prefecture="510700")
        told = {"grown": Switches(True, "510100"), "off": Switches(False), "young": Switches(False, "510700")}

        assert switches(connection) == told
        assert switches(connection, ["guest", "off", "young"]) == {"off": told["off"], "young": told["young"]}
        assert switches(connection, ["nobody"]) == {"nobody": Switches(False)}
        for name in ("guest", "grown", "off", "young"):
            assert news.of(connection, name, 0).switches == switches(connection, [name]).get(name, Switches())
        assert news.of(connection, "nobody", 0).switches is None
        assert switches(connection, []) == {}


def test_health_and_psychology_are_never_inferred(database: Database) -> None:
    with database.begin() as connection:
        for topic in ("health", "psychology", "nutrition_food", None):
            contents.create(connection, id=str(topic), title="题", topic=topic)

        assert uninferred_contents(connection) == {"health", "psychology"}
