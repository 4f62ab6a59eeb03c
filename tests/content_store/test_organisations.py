"""Organisations: a tree, whatever is moved where, and by how many at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store import audit, organisations
from content_store.db import Database
from content_store.errors import BadRecord, UnknownOrganisation
from content_store.vocabulary import OrganisationKind, Prefecture
from tests.support.staff import CHENGDU, FUCHENG, HOUSE, MIANYANG, MUSEUM, ROOT, WENJIANG, found_organisations


def test_the_province_and_its_prefectures_are_made_once(database: Database) -> None:
    with database.begin() as connection:
        made = organisations.seed(connection, actor=HOUSE)
        assert organisations.seed(connection, actor=HOUSE) == []
        found = organisations.every(connection)
        assert len(audit.entries(connection, limit=99)) == 22
    assert len(made) == len(found) == 22
    assert (found[0].id, found[0].name, found[0].kind) == (ROOT, "四川省", OrganisationKind.PROVINCE)
    assert {entry.id for entry in found[1:]} == set(Prefecture)
    assert {entry.name for entry in found} >= {"成都市", "阿坝州", "凉山州"}
    assert {entry.parent_id for entry in found[1:]} == {ROOT}


def test_a_subtree_is_an_organisation_and_all_below_it(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        assert organisations.subtree(connection, CHENGDU) == {CHENGDU, WENJIANG, MUSEUM}
        assert organisations.subtree(connection, MUSEUM) == {MUSEUM}
        assert len(organisations.subtree(connection, ROOT)) == 25
        assert organisations.subtree(connection, "nowhere") == set()
        assert organisations.ancestors(connection, MUSEUM) == [MUSEUM, WENJIANG, CHENGDU, ROOT]
        assert organisations.ancestors(connection, "nowhere") == []
        assert [entry.id for entry in organisations.every(connection, CHENGDU)] == [CHENGDU, WENJIANG, MUSEUM]


def test_an_organisation_is_moved_with_all_below_it_and_the_log_tells(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        organisations.move(connection, WENJIANG, MIANYANG, actor="x")
        assert organisations.ancestors(connection, MUSEUM) == [MUSEUM, WENJIANG, MIANYANG, ROOT]
        [told] = audit.entries(connection, limit=1)
    assert (told.action, told.object_id, told.actor) == ("organisation.move", WENJIANG, "x")
    assert (told.before, told.after) == (f'{{"parent_id":"{CHENGDU}"}}', f'{{"parent_id":"{MIANYANG}"}}')


def test_an_organisation_is_renamed_and_the_log_tells(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        assert organisations.rename(connection, MUSEUM, " 温江科学馆 ", actor=HOUSE).name == "温江科学馆"
        [told] = audit.entries(connection, limit=1)
    assert (told.action, told.before, told.after) == (
        "organisation.rename",
        '{"name":"温江科技馆"}',
        '{"name":"温江科学馆"}',
    )


def test_a_new_organisation_has_its_parents_region(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        made = organisations.create(connection, actor=HOUSE, parent_id=FUCHENG, kind="society", name="涪城天文学会")
        other = organisations.create(
            connection, actor=HOUSE, parent_id=MIANYANG, kind="county", name="江油", region="510781"
        )
    assert (made.region, other.region) == (MIANYANG, "510781")


IMPOSSIBLE = (
    (ROOT, "province", "又一个省"),
    (CHENGDU, "prefecture", "市下面的市"),
    (ROOT, "county", "省直管县"),
    (MUSEUM, "society", "馆内学会"),
    (CHENGDU, "county", "温江区科协"),
    (CHENGDU, "county", ""),
    (CHENGDU, "county", "x" * 101),
    (CHENGDU, "county", "a\nb"),
    (CHENGDU, "club", "俱乐部"),
)


def test_what_cannot_be_there_is_refused(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        before = organisations.every(connection)
        for parent, kind, name in IMPOSSIBLE:
            with pytest.raises(BadRecord):
                organisations.create(connection, actor=HOUSE, parent_id=parent, kind=kind, name=name)
        assert organisations.every(connection) == before


def test_an_organisation_that_is_not_there_is_told(database: Database) -> None:
    with database.begin() as connection:
        for id in ("nowhere", "", "\x00", "a\x00b"):
            with pytest.raises(UnknownOrganisation):
                organisations.get(connection, id)
            with pytest.raises(UnknownOrganisation):
                organisations.find(connection, id)


def test_an_organisation_is_found_by_its_name_where_only_one_has_it(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        assert organisations.find(connection, "温江科技馆").id == MUSEUM
        assert organisations.find(connection, MUSEUM).id == MUSEUM
        organisations.create(connection, actor=HOUSE, parent_id=FUCHENG, kind="base", name="温江科技馆")
        with pytest.raises(BadRecord, match="2 organisations are called"):
            organisations.find(connection, "温江科技馆")


def bases(database: Database, number: int) -> list[str]:
    """The ids of so many bases below the province; of this kind one may be below another."""
    with database.begin() as connection:
        organisations.seed(connection, actor=HOUSE)
        return [
            organisations.create(connection, actor=HOUSE, id=f"b{at}", parent_id=ROOT, kind="base", name=f"基地{at}").id
            for at in range(number)
        ]


def rooted(database: Database, ids: list[str]) -> bool:
    """Whether each leads up to the province."""
    with database.connect() as connection:
        return all(organisations.ancestors(connection, id)[-1] == ROOT for id in ids)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_no_moves_make_a_ring(sqlite_database: Database, moves: list[tuple[int, int]]) -> None:
    ids = [f"b{at}" for at in range(5)]
    with sqlite_database.begin() as connection:
        there = bool(organisations.subtree(connection, ids[0]))
        for id in ids if there else []:
            organisations.move(connection, id, ROOT, actor=HOUSE)
    if not there:
        bases(sqlite_database, 5)
    for moved, to in moves:
        with sqlite_database.begin() as connection:
            ring = ids[moved] in organisations.ancestors(connection, ids[to])
            if ring:
                with pytest.raises(BadRecord):
                    organisations.move(connection, ids[moved], ids[to], actor=HOUSE)
            else:
                organisations.move(connection, ids[moved], ids[to], actor=HOUSE)
    assert rooted(sqlite_database, ids)


def test_no_moves_at_the_same_time_make_a_ring(database: Database) -> None:
    for turn in range(5):
        a, b, c = f"a{turn}", f"b{turn}", f"c{turn}"
        with database.begin() as connection:
            organisations.seed(connection, actor=HOUSE)
            for id in (a, b, c):
                organisations.create(connection, actor=HOUSE, id=id, parent_id=ROOT, kind="base", name=id)
        together = threading.Barrier(3)
        refused: list[str] = []

        def move(id: str, to: str, together: threading.Barrier = together, refused: list[str] = refused) -> None:
            together.wait()
            try:
                with database.begin() as connection:
                    organisations.move(connection, id, to, actor=HOUSE)
            except BadRecord:
                refused.append(id)

        threads = [threading.Thread(target=move, args=pair) for pair in ((a, b), (b, c), (c, a))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert rooted(database, [a, b, c])


AGAINST_THE_TREE = (
    "UPDATE organisations SET parent_id = 'museum' WHERE id = '510100'",
    "UPDATE organisations SET parent_id = id WHERE id = 'museum'",
    "INSERT INTO organisations VALUES ('x', 'x', 'base', 'x', NULL, 1)",
    "INSERT INTO organisations VALUES ('x', 'y', 'base', 'x', NULL, 1), ('y', 'x', 'base', 'y', NULL, 1)",
    "INSERT INTO organisations VALUES ('x', NULL, 'province', '又一个省', NULL, 1)",
    "INSERT INTO organisations VALUES ('x', NULL, 'base', 'x', NULL, 1)",
    "DELETE FROM organisations WHERE id = '510100'",
)


def test_the_database_itself_keeps_the_tree(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
    for statement in AGAINST_THE_TREE:
        with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
            connection.execute(sa.text(statement))
