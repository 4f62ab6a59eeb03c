"""``kepu ledger`` as a person at a terminal meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from content_store import clock, schema
from content_store.db import Database
from content_store.intake import Caller, Intake
from content_store.settings import load_settings
from tests.support.readers import KEY, articles, people, read, sent, token
from web.cli.ledger import ledger

AT = 1_735_704_000_000

Run = Callable[..., Result]


@pytest.fixture
def kepu(database: Database, database_url: str) -> Iterator[Run]:
    """``kepu("progress")`` runs the command on the database, at noon of 2025-01-02."""
    settings = load_settings({"KEPU_DATABASE_URL": database_url, "KEPU_TARGET_GOAL": "1000"})

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(ledger, list(arguments), obj=settings)

    with clock.fixed(AT + clock.DAY_MS):
        yield run


@pytest.fixture
def counted(database: Database) -> None:
    """Three services, one too many of a day, and one that was too short."""
    people(database)
    articles(database, ["熊猫", "火箭"])
    intake = Intake(database, KEY)
    for content, at in (("熊猫", AT), ("熊猫", AT), ("火箭", AT), ("熊猫", AT + clock.DAY_MS)):
        read(intake, "李雷", content, at)
    short = sent(token("韩梅梅", "熊猫", AT), "熊猫", AT, dwell_ms=3_000)
    intake.receive([short], Caller(citizen_id="韩梅梅"), AT + 60_000)


def _tamper(database: Database) -> None:
    on = " ON ledger_entries" if database.dialect == "postgresql" else ""
    with database.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER ledger_entries_keep{on}")
        entries = schema.ledger_entries
        cheat = sa.update(entries).where(entries.c.reason == "too_short").values(counted_as="read", reason=None)
        connection.execute(cheat)


@pytest.mark.usefixtures("counted")
def test_progress_tells_how_far_the_target_is(kepu: Run) -> None:
    done = kepu("progress")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "services (人次) from 2024-08-26 to 2025-12-31, 493 days",
        "  counted  3 of 1,000 (0.30%)",
        "  today    1; the goal is 2 a day",
        "  in all   1,400,000,003, with the 1,400,000,000 of before",
        "last days with services:",
        "  2025-01-01  2",
        "  2025-01-02  1",
        "quality items (优质内容), by rule 1",
        "  counted  0 of 5,000",
    ]
    with clock.fixed(AT + 60_000):
        told = kepu("progress", "--days", "0").stdout.splitlines()[4:7]
    assert told == [
        "not counted today, by the reason why not:",
        "  already_counted 当天已经计过一次  1",
        "  too_short 阅读时间太短  1",
    ]
    assert kepu("progress", "--days", "1").stdout.splitlines()[5:6] == ["  2025-01-02  1"]
    assert "last days" not in kepu("progress", "--days", "0").stdout


@pytest.mark.usefixtures("counted")
def test_progress_as_json_has_every_day(kepu: Run) -> None:
    assert json.loads(kepu("progress", "--json").stdout) == {
        "baseline": 1_400_000_000,
        "goal": 1_000,
        "first": "2024-08-26",
        "last": "2025-12-31",
        "days": 493,
        "counted": 3,
        "total": 1_400_000_003,
        "today": 1,
        "items_goal": 5_000,
        "items_quality": 0,
        "items_young": 0,
        "items_no_quality": {},
        "per_day": {"2025-01-01": 2, "2025-01-02": 1},
        "excluded_today": {},
    }


def test_a_new_user_is_told_why_nothing_counts_yet(kepu: Run) -> None:
    done = kepu("progress")
    assert done.exit_code == 0
    *_, told, heading, items = done.stdout.splitlines()
    assert told.startswith("nothing counts yet: readings count as citizens send them")
    assert (heading, items) == ("quality items (优质内容), by rule 1", "  counted  0 of 5,000")


@pytest.mark.usefixtures("counted")
def test_a_recount_by_the_same_rule_gives_the_same_number(kepu: Run) -> None:
    done = kepu("recount")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["counted 3; by the rules of their own time 3 (+0)", "not a single verdict differs"],
    )
    assert kepu("recount", "--rule", "1").stdout.splitlines()[0] == "counted 3; by rule 1 3 (+0)"
    told = json.loads(kepu("recount", "--rule", "1", "--json").stdout)
    assert told == {"rule": 1, "stored": 3, "recounted": 3, "changes": [], "same": True}


@pytest.mark.usefixtures("counted")
def test_a_recount_explains_what_differs_and_fails(kepu: Run, database: Database) -> None:
    _tamper(database)
    done = kepu("recount")
    assert done.exit_code == 1
    first, second = done.stdout.splitlines()
    assert first == "counted 4; by the rules of their own time 3 (-1)"
    assert second.startswith("  1  counted → too_short 阅读时间太短; such as ")
    told = json.loads(kepu("recount", "--json").stdout)
    assert (told["same"], told["changes"][0]["after"], told["changes"][0]["number"]) == (False, "too_short", 1)
    assert kepu("recount", "--rule", "1").exit_code == 0


def test_a_rule_that_there_is_not_is_named(kepu: Run) -> None:
    done = kepu("recount", "--rule", "9")
    assert "the ledger has no rule 9" in str(done.exception)


@pytest.mark.usefixtures("counted")
def test_verify_finds_nothing_where_nobody_meddled(kepu: Run) -> None:
    done = kepu("verify")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            "5 entries, 3 of them count; 0 days are final",
            "0 readings were never asked to count (imported, or stored by other roads)",
            "no problems found",
        ],
    )
    told = json.loads(kepu("verify", "--json").stdout)
    assert told == {"entries": 5, "counted": 3, "final_days": 0, "without_entry": 0, "problems": []}


@pytest.mark.usefixtures("counted")
def test_verify_tells_what_cannot_be_and_fails(kepu: Run, database: Database) -> None:
    _tamper(database)
    done = kepu("verify")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[2] == "verdict: 1 entries that are stored as counted and come out as too_short"
    assert lines[3].startswith("    such as ")
    assert json.loads(kepu("verify", "--json").stdout)["problems"][0]["code"] == "verdict"
