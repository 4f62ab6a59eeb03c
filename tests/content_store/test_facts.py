"""Facts: counted from the ledger, again at any time, and never a second truth."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from content_store import clock, facts, schema
from content_store.db import Database
from content_store.facts import COUNTED, Difference, Fact
from content_store.intake import Caller, Intake
from content_store.vocabulary import ServiceKind
from tests.support.readers import KEY, articles, people, read, sent, token

AT = 1_735_704_000_000
DAY = date(2025, 1, 1)
FINAL = facts.final_at_ms(DAY)


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    """An intake with two counted readings, a repeated and a short one on ``DAY``, and one on the day after."""
    people(database)
    articles(database, ["熊猫", "火箭", "茶"])
    intake = Intake(database, KEY)
    for citizen, content, at in (("李雷", "熊猫", AT), ("李雷", "熊猫", AT), ("韩梅梅", "熊猫", AT)):
        read(intake, citizen, content, at)
    intake.receive(
        [sent(token("李雷", "火箭", AT), "火箭", AT, dwell_ms=1_000)], Caller(citizen_id="李雷"), AT + 60_000
    )
    read(intake, "李雷", "熊猫", AT + clock.DAY_MS)
    yield intake


def _rebuild(database: Database, day: date = DAY) -> list[Fact]:
    with database.begin() as connection:
        return facts.rebuild(connection, day)


def _per_day(database: Database) -> dict[date, int]:
    with database.connect() as connection:
        return facts.counted_per_day(connection)


EXPECTED = [
    Fact(DAY, ServiceKind.READ, "already_counted", 1),
    Fact(DAY, ServiceKind.READ, COUNTED, 2),
    Fact(DAY, ServiceKind.READ, "too_short", 1),
]


def test_a_day_is_counted_by_kind_and_outcome(intake: Intake, database: Database) -> None:
    with clock.fixed(FINAL):
        assert _rebuild(database) == EXPECTED
        with database.connect() as connection:
            assert facts.of_day(connection, DAY) == EXPECTED
            assert facts.of_day(connection, date(2024, 1, 1)) == []


def test_building_again_gives_the_same_and_leaves_one_of_each(intake: Intake, database: Database) -> None:
    for _ in range(3):
        assert _rebuild(database) == EXPECTED
    with database.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.daily_facts)) == 3


def test_today_is_read_live_whatever_was_built(intake: Intake, database: Database) -> None:
    with clock.fixed(AT + 3_600_000):
        _rebuild(database)
        read(intake, "李雷", "茶", AT)
        assert _per_day(database)[DAY] == 3
        with database.connect() as connection:
            assert facts.of_day(connection, DAY)[1] == Fact(DAY, ServiceKind.READ, COUNTED, 3)
            assert facts.check(connection) == []


def test_a_final_day_is_told_by_its_facts(intake: Intake, database: Database) -> None:
    with clock.fixed(FINAL):
        _rebuild(database)
        with database.begin() as connection:
            counted = schema.daily_facts.c.outcome == COUNTED
            connection.execute(sa.update(schema.daily_facts).where(counted).values(number=7))
        assert _per_day(database) == {DAY: 7, date(2025, 1, 2): 1}
        with database.connect() as connection:
            assert facts.check(connection) == [Difference(DAY, ServiceKind.READ, COUNTED, 7, 2)]
        _rebuild(database)
        assert _per_day(database) == {DAY: 2, date(2025, 1, 2): 1}
        with database.connect() as connection:
            assert facts.check(connection) == []


def test_a_fact_that_is_missing_or_made_up_is_found(intake: Intake, database: Database) -> None:
    with clock.fixed(FINAL):
        _rebuild(database)
        table = schema.daily_facts
        with database.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.outcome == "too_short"))
            connection.execute(
                sa.insert(table).values(day="2025-01-01", kind="opened", outcome="counted", number=1, built_at=FINAL)
            )
        with database.connect() as connection:
            assert facts.check(connection) == [
                Difference(DAY, ServiceKind.OPENED, COUNTED, 1, 0),
                Difference(DAY, ServiceKind.READ, "too_short", 0, 1),
            ]


def test_due_are_the_days_before_today_until_they_were_built_when_final(intake: Intake, database: Database) -> None:
    def due() -> list[date]:
        with database.connect() as connection:
            return facts.due(connection)

    with clock.fixed(AT):
        assert due() == []
    with clock.fixed(AT + clock.DAY_MS):
        assert due() == [DAY]
        _rebuild(database)
        assert due() == [DAY]
    with clock.fixed(FINAL + clock.DAY_MS):
        assert due() == [DAY, date(2025, 1, 2)]
        for day in due():
            _rebuild(database, day)
        assert due() == []
        with database.connect() as connection:
            assert facts.final_days(connection) == [DAY, date(2025, 1, 2)]


def test_nothing_that_arrives_changes_a_final_day(intake: Intake, database: Database) -> None:
    last = clock.start_of_day_ms(date(2025, 1, 2)) - 1
    row = sent(token("韩梅梅", "火箭", last), "火箭", last)
    short = sent(token("韩梅梅", "茶", last), "茶", last, dwell_ms=1_000)
    intake.receive([short], Caller(citizen_id="韩梅梅"), last + 1_000)
    with clock.fixed(FINAL):
        before = _rebuild(database)
        intake.receive([row, short._replace(dwell_ms=90_000)], Caller(citizen_id="韩梅梅"), FINAL)
        with database.connect() as connection:
            assert facts.check(connection) == []
            assert facts.of_day(connection, DAY) == before


def test_an_empty_ledger_has_no_days(database: Database) -> None:
    assert _per_day(database) == {}
    assert _rebuild(database) == []
    with database.connect() as connection:
        assert (facts.days(connection), facts.due(connection), facts.check(connection)) == ([], [], [])


def test_a_day_that_many_build_at_once_is_built(intake: Intake, database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: _rebuild(database), range(12)))
    assert built == [EXPECTED] * 12
