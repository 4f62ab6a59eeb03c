"""The audit log: a chain that no writer can fork and nobody can alter unseen."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from content_store import audit, schema
from content_store.audit import Change, Entry
from content_store.db import Database, open_database
from content_store.errors import BadRecord
from content_store.settings import load_settings

ACTOR = "cli:tests"


def write(database: Database, number: int, *, start: int = 0) -> list[Entry]:
    """So many changes, each in a transaction of its own."""
    made = []
    for at in range(start, start + number):
        with database.begin() as connection:
            made.append(audit.record(connection, ACTOR, "thing.change", "thing", f"t{at}", {"n": at}, {"n": at + 1}))
    return made


def verified(database: Database, expect: str | None = None) -> audit.Verification:
    with database.snapshot() as connection:
        return audit.verify(connection, expect)


def test_a_row_tells_who_what_when_from_and_to(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        audit.record(
            connection, "system:clock", "content.publish", "content", "c1", {"status": "draft"}, {"b": 1, "a": "中"}
        )
        [found] = audit.entries(connection, limit=5)
    assert (found.seq, found.at, found.actor, found.action) == (1, fixed_clock, "system:clock", "content.publish")
    assert (found.object_kind, found.object_id) == ("content", "c1")
    assert (found.before, found.after) == ('{"status":"draft"}', '{"a":"中","b":1}')


def test_the_hash_can_be_computed_by_anyone(database: Database, fixed_clock: int) -> None:
    first, second = write(database, 2)
    said = [audit.START, 1, fixed_clock, ACTOR, "thing.change", "thing", "t0", '{"n":0}', '{"n":1}']
    text = json.dumps(said, separators=(",", ":"))
    assert first.hash == hashlib.sha256(text.encode()).hexdigest()
    assert second.previous == first.hash


def test_an_empty_log_is_in_order(database: Database) -> None:
    assert verified(database) == audit.Verification(0, audit.Head(0, audit.START), ())
    assert verified(database, audit.START).flaws == ()


def test_what_is_rolled_back_is_not_in_the_log(database: Database) -> None:
    write(database, 1)
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        audit.record(connection, ACTOR, "thing.change", "thing", "t", None, None)
        raise ZeroDivisionError
    write(database, 1)
    found = verified(database)
    assert (found.rows, found.flaws) == (2, ())


def test_several_changes_of_one_transaction_are_chained_in_their_order(database: Database) -> None:
    with database.begin() as connection:
        audit.record_all(connection, ACTOR, [Change("a", "thing", str(at), None, {"n": at}) for at in range(5)])
        found = audit.entries(connection, limit=9)
    assert [entry.object_id for entry in found] == ["4", "3", "2", "1", "0"]
    assert verified(database).flaws == ()


def test_rows_are_found_by_actor_object_and_page(database: Database) -> None:
    write(database, 3)
    with database.begin() as connection:
        audit.record(connection, "somebody", "x", "other", "t1", None, None)
        assert [entry.seq for entry in audit.entries(connection, limit=2)] == [4, 3]
        assert [entry.seq for entry in audit.entries(connection, limit=2, below=3)] == [2, 1]
        assert [entry.seq for entry in audit.entries(connection, limit=9, actor="somebody")] == [4]
        assert [entry.seq for entry in audit.entries(connection, limit=9, object_kind="thing", object_id="t1")] == [2]


STATEMENTS = (
    "UPDATE audit_log SET after = NULL",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE seq = 2",
    "INSERT INTO audit_log SELECT 9, at, actor, action, object_kind, object_id, before, after, 'x', 'y' FROM audit_log"
    " WHERE seq = 1",
    "INSERT INTO audit_log SELECT 3, at, actor, action, object_kind, object_id, before, after, 'x', 'y' FROM audit_log"
    " WHERE seq = 1",
)


def test_the_database_takes_no_other_statement_than_the_next_row(database: Database) -> None:
    write(database, 2)
    for statement in STATEMENTS:
        with pytest.raises(sa.exc.DBAPIError, match="audit log"), database.begin() as connection:
            connection.execute(sa.text(statement))
    found = verified(database)
    assert (found.rows, found.flaws) == (2, ())


def test_sqlite_replaces_no_row_either(sqlite_database: Database) -> None:
    write(sqlite_database, 2)
    with pytest.raises(sa.exc.IntegrityError, match="chain"), sqlite_database.begin() as connection:
        connection.execute(sa.text("INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE seq = 1"))


def test_postgresql_empties_no_append_only_table(postgresql_database: Database) -> None:
    write(postgresql_database, 2)
    for table in ("audit_log", "events CASCADE", "ledger_entries"):
        with pytest.raises(sa.exc.DBAPIError, match="not emptied"), postgresql_database.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {table}"))
    assert verified(postgresql_database).rows == 2


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("UPDATE audit_log SET after = '{}' WHERE seq = 3", {"altered"}),
        ("UPDATE audit_log SET at = at + 1 WHERE seq = 1", {"altered"}),
        ("UPDATE audit_log SET actor = 'me' WHERE seq = 5", {"altered"}),
        ("DELETE FROM audit_log WHERE seq = 3", {"gap", "link"}),
        ("DELETE FROM audit_log WHERE seq = 1", {"gap", "link"}),
        ("DELETE FROM audit_log WHERE seq > 3", {"anchor"}),
        ("DELETE FROM audit_log", {"anchor"}),
        ("UPDATE audit_log SET seq = seq + 10 WHERE seq > 2", {"gap", "altered"}),
    ],
)
def test_damage_by_one_who_owns_the_file_is_found(sqlite_database: Database, damage: str, codes: set[str]) -> None:
    head = write(sqlite_database, 5)[-1].hash
    assert sqlite_database.engine.url.database
    with sqlite3.connect(sqlite_database.engine.url.database) as owner:
        for trigger in ("audit_log_never_changes", "audit_log_never_goes"):
            owner.execute(f"DROP TRIGGER {trigger}")
        owner.execute(damage)
    assert {flaw.code for flaw in verified(sqlite_database, head).flaws} >= codes


def chain(number: int) -> list[Entry]:
    """A log of so many rows that is in order."""
    rows: list[Entry] = []
    for at in range(1, number + 1):
        previous = rows[-1].hash if rows else audit.START
        draft = Entry(at, 1000 + at, ACTOR, "thing.change", "thing", f"t{at}", None, f'{{"n":{at}}}', previous, "")
        rows.append(replace(draft, hash=draft.hashed()))
    return rows


def rehashed(rows: list[Entry]) -> list[Entry]:
    """The same rows as a forger would leave them, numbers and links put right."""
    made: list[Entry] = []
    for at, row in enumerate(rows, 1):
        draft = replace(row, seq=at, previous=made[-1].hash if made else audit.START)
        made.append(replace(draft, hash=draft.hashed()))
    return made


def changed(rows: list[Entry], at: int, other: int) -> list[Entry]:
    return [*rows[:at], replace(rows[at], after=f'{{"n":{-1 - other}}}'), *rows[at + 1 :]]


def deleted(rows: list[Entry], at: int, other: int) -> list[Entry]:
    return [*rows[:at], *rows[at + 1 :]]


def inserted(rows: list[Entry], at: int, other: int) -> list[Entry]:
    return [*rows[:at], replace(rows[other], object_id="forged"), *rows[at:]]


def swapped(rows: list[Entry], at: int, other: int) -> list[Entry]:
    made = list(rows)
    made[at], made[other] = made[other], made[at]
    return made


def cut(rows: list[Entry], at: int, other: int) -> list[Entry]:
    return rows[:at]


DAMAGES = (changed, deleted, inserted, swapped, cut)


@given(
    number=st.integers(1, 8),
    data=st.data(),
    damage=st.sampled_from(DAMAGES),
    forger=st.booleans(),
)
def test_no_damage_goes_unseen_by_who_kept_the_newest_hash(
    number: int, data: st.DataObject, damage: Callable[[list[Entry], int, int], list[Entry]], forger: bool
) -> None:
    rows = chain(number)
    assert audit.examine(rows, rows[-1].hash).flaws == ()
    at, other = (data.draw(st.integers(0, number - 1)) for _ in range(2))
    spoilt = damage(rows, at, other)
    if spoilt != rows:
        made = rehashed(spoilt) if forger else spoilt
        assert audit.examine(made, rows[-1].hash).flaws


@given(number=st.integers(2, 8), data=st.data(), damage=st.sampled_from((changed, deleted, inserted, swapped)))
def test_damage_within_the_chain_needs_no_hash_to_be_seen(
    number: int, data: st.DataObject, damage: Callable[[list[Entry], int, int], list[Entry]]
) -> None:
    rows = chain(number)
    at, other = (data.draw(st.integers(0, number - 2)) for _ in range(2))
    spoilt = damage(rows, at, other)
    if spoilt != rows:
        assert audit.examine(spoilt).flaws


def test_an_older_hash_still_stands_for_the_rows_up_to_it(database: Database) -> None:
    older = write(database, 3)[-1].hash
    write(database, 2, start=3)
    assert verified(database, older).flaws == ()
    [flaw] = verified(database, "f" * 64).flaws
    assert flaw.code == "anchor"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=JSON)
def test_canonical_json_means_the_same_and_is_the_only_one(value: object) -> None:
    text = audit.canonical(value)
    assert json.loads(text) == value
    assert audit.canonical(json.loads(text)) == text


def test_keys_are_in_the_order_of_utf_16() -> None:
    # The example of RFC 8785, section 3.2.3.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(audit.canonical(dict.fromkeys(keys, 0)))) == ordered


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, b"x", {1: 2}, {"a": {"b": object()}}, "\ud800", {"\ud800": 1}]
)
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(BadRecord):
        audit.canonical(value)


def test_what_calls_itself_a_secret_is_refused(database: Database) -> None:
    for word in ("password", "Token", "secret", "digest"):
        with database.begin() as connection, pytest.raises(BadRecord, match="secrets"):
            audit.record(connection, ACTOR, "x", "thing", "t", None, {"deep": [{word: "x"}]})


def test_many_writers_at_once_make_one_chain(database: Database, database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_write_some, [(database_url, name) for name in ("a", "b", "c")], chunksize=1)
    found = verified(database)
    assert (found.rows, found.flaws) == (60, ())


def _write_some(given: tuple[str, str]) -> None:
    url, name = given
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    try:
        for at in range(20):
            with database.begin() as connection:
                audit.record(connection, f"cli:{name}", "thing.change", "thing", str(at), None, {"n": at})
    finally:
        database.close()


def test_the_columns_are_all_in_the_hash() -> None:
    row = chain(1)[0]
    for column in schema.audit_log.c:
        if column.name != "hash":
            spoilt: Any = {column.name: 99 if isinstance(getattr(row, column.name), int) else "other"}
            other = replace(row, **spoilt)
            assert other.hashed() != row.hash, column.name
