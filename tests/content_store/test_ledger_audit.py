"""The ledger counted again and verified: what was done to it by hand is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from content_store import clock, events, facts, ledger_audit, ledger_rules, schema
from content_store.db import Database
from content_store.errors import UnknownRule
from content_store.intake import Caller, Incoming, Intake
from content_store.ledger_audit import Change, Recount, Verification
from content_store.ledger_rules import CURRENT, Rule
from content_store.vocabulary import EventKind
from tests.support.readers import ENOUGH_MS, KEY, articles, people, read, sent, token

AT = 1_735_704_000_000
LILEI = Caller(citizen_id="李雷")

_entries, _shares = schema.ledger_entries, schema.ledger_shares


@pytest.fixture
def records(database: Database) -> Iterator[Database]:
    """A database with 33 readings of one citizen, one too short, three of guests, one twice, and imported history."""
    people(database, guests=["游客1", "游客2"])
    articles(database, [f"文章{number}" for number in range(40)])
    intake = Intake(database, KEY)
    for number in range(33):
        read(intake, "李雷", f"文章{number}", AT + number)
    for guest, number in (("游客1", 1), ("游客1", 2), ("游客2", 1), ("游客2", 1)):
        read(intake, guest, f"文章{number}", AT, device="d", network="n")
    intake.receive(
        [sent(token("韩梅梅", "文章1", AT), "文章1", AT, dwell_ms=20_000)], Caller(citizen_id="韩梅梅"), AT + 20_000
    )
    imported = events.Event(id="old", citizen_id="李雷", content_id="文章1", kind=EventKind.READ, at=AT, dwell_ms=10**6)
    with database.begin() as connection:
        events.append(connection, [imported])
    yield database


def _recount(database: Database, rule: Rule | None = None) -> Recount:
    with database.snapshot() as connection:
        return ledger_audit.recount(connection, rule)


def _verify(database: Database) -> Verification:
    with database.snapshot() as connection:
        return ledger_audit.verify(connection)


def _unguarded(database: Database, *statements: sa.Update | sa.Delete | sa.Insert) -> None:
    """What somebody could do who has the database and takes the guards off first."""
    on = " ON ledger_entries" if database.dialect == "postgresql" else ""
    with database.begin() as connection:
        for trigger in ("ledger_entries_keep", "ledger_entries_never_go"):
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}{on}")
        for statement in statements:
            connection.execute(statement)


def test_counted_again_by_the_same_rule_nothing_differs(records: Database) -> None:
    for rule in (None, CURRENT):
        assert _recount(records, rule) == Recount(None if rule is None else 1, 33, 33, ())
    assert _recount(records).same


def test_an_empty_ledger_is_counted_and_verified(database: Database) -> None:
    assert _recount(database) == Recount(None, 0, 0, ())
    assert _verify(database) == Verification(0, 0, 0, 0, ())


def test_another_rule_tells_the_difference_by_reason(records: Database) -> None:
    lenient = replace(CURRENT, version=2, share=0.2, per_citizen=31)
    found = _recount(records, lenient)
    assert (found.rule, found.stored, found.recounted) == (2, 33, 35)
    assert [(change.before, change.after, change.number) for change in found.changes] == [
        ("citizen_cap", "counted", 1),
        ("too_short", "counted", 1),
    ]
    assert all(len(change.examples) == 1 for change in found.changes)
    strict = replace(CURRENT, version=3, share=0.6, per_device=1)
    found = _recount(records, strict)
    assert (found.stored, found.recounted) == (33, 0)
    assert found.changes[0] == Change("counted", "too_short", 33, found.changes[0].examples)
    assert len(found.changes[0].examples) == 5


def test_under_a_smaller_cap_as_many_lose_as_must(records: Database) -> None:
    found = _recount(records, replace(CURRENT, version=2, per_citizen=20, per_device=2))
    assert found.recounted == 22
    assert [(change.before, change.after, change.number) for change in found.changes] == [
        ("counted", "citizen_cap", 10),
        ("counted", "device_cap", 1),
        ("already_counted", "device_cap", 1),
    ]


def test_entries_of_two_rules_are_each_judged_by_their_own(records: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    second = replace(CURRENT, version=2, per_citizen=32, scroll=0.1)
    monkeypatch.setitem(ledger_rules.RULES, 2, second)
    intake = Intake(records, KEY, rule=second)
    for number in range(34, 38):
        read(intake, "李雷", f"文章{number}", AT + ENOUGH_MS + number)
    assert _recount(records) == Recount(None, 35, 35, ())
    assert _verify(records).problems == ()


def test_a_rule_that_this_programme_does_not_know_is_named(records: Database) -> None:
    read(Intake(records, KEY, rule=replace(CURRENT, version=77)), "韩梅梅", "文章9", AT)
    with pytest.raises(UnknownRule, match="77"):
        _recount(records)


def test_a_ledger_that_nobody_touched_has_no_problems(records: Database) -> None:
    with clock.fixed(AT + 10 * clock.DAY_MS):
        with records.begin() as connection:
            for day in facts.due(connection):
                facts.rebuild(connection, day)
        assert _verify(records) == Verification(38, 33, 1, 1, ())


def _change(values: dict[str, object], **where: object) -> sa.Update:
    return sa.update(_entries).where(_where(**where)).values(values)


def _where(**values: object) -> sa.ColumnElement[bool]:
    return sa.and_(*(_entries.c[name] == value for name, value in values.items()))


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("verdict", _change({"counted_as": "read", "reason": None}, reason="too_short")),
        ("verdict", _change({"counted_as": "read", "reason": None}, reason="citizen_cap", object_id="文章32")),
        ("verdict", _change({"counted_as": None, "reason": "not_scrolled"}, object_id="文章5")),
        ("verdict", _change({"counted_as": "opened"}, object_id="文章5")),
        ("verdict", _change({"length": 5_000}, object_id="文章5")),
        ("more_than_sent", _change({"dwell_ms": 29_999}, reason="too_short")),
        ("other_event", _change({"object_id": "文章39"}, object_id="文章5")),
        ("other_event", _change({"citizen_id": "韩梅梅"}, object_id="文章5")),
        ("no_event", _change({"source_id": "made up"}, object_id="文章5")),
        ("wrong_day", _change({"day": "2025-01-02"}, object_id="文章5")),
        ("shares", sa.update(_shares).where(_shares.c.scope == "device").values(used=2)),
        ("shares", sa.delete(_shares).where(_shares.c.scope == "network")),
        (
            "shares",
            sa.delete(_entries).where(_where(guest=True, reason="already_counted") | _where(citizen_id="游客2")),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_done_by_hand_is_found(records: Database, code: str, statement: sa.Update | sa.Delete) -> None:
    _unguarded(records, statement)
    problems = _verify(records).problems
    assert code in {problem.code for problem in problems}
    assert all(problem.number and problem.examples and problem.text for problem in problems)


def test_a_wrong_fact_is_found(records: Database) -> None:
    with clock.fixed(AT + 10 * clock.DAY_MS):
        with records.begin() as connection:
            for day in facts.due(connection):
                facts.rebuild(connection, day)
            connection.execute(sa.update(schema.daily_facts).values(number=1))
        (problem,) = _verify(records).problems
    assert (problem.code, problem.number) == ("facts", 2)
    assert "2025-01-01 read counted: 1 for 33" in problem.examples


def test_a_moment_is_examined_while_others_write(records: Database) -> None:
    with records.snapshot() as connection:
        before = ledger_audit.recount(connection)
        read(Intake(records, KEY), "韩梅梅", "文章20", AT)
        Intake(records, KEY).receive([Incoming("late", "read", "文章1", AT)], LILEI, AT)
        assert ledger_audit.recount(connection) == before
        found = ledger_audit.verify(connection)
    assert (found.entries, found.counted, found.problems) == (38, 33, ())
    assert _verify(records).entries == 40
