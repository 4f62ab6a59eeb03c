"""What a citizen reads of their own reading, and what they want forgotten of it."""

from __future__ import annotations

import pytest

from content_store import changes, clock, events, history, ledger_audit, news
from content_store.db import Database
from content_store.events import Event
from content_store.history import Met
from content_store.intake import Caller, Incoming, Intake
from content_store.profiling import Switches, switches
from content_store.vocabulary import EventKind
from tests.support.readers import KEY, articles, people, read

NOON = 1_735_704_000_000
MINUTE = 60_000
CALLER = Caller(citizen_id="李雷")


@pytest.fixture
def records(database: Database, fixed_clock: int) -> Database:
    """Two readers: the one opened two articles, read one of them, liked a third and refused a fourth."""
    people(database)
    articles(database, ["熊猫", "火箭", "茶", "地震"])
    told = [("熊猫", EventKind.CLICK), ("熊猫", EventKind.READ), ("火箭", EventKind.CLICK), ("茶", EventKind.LIKE)]
    told += [("地震", EventKind.NOT_INTERESTED), ("茶", EventKind.IMPRESSION)]
    with database.begin() as connection:
        rows = [
            Event(id=f"e{place}", citizen_id="李雷", content_id=what, kind=kind, at=NOON - (9 - place) * MINUTE)
            for place, (what, kind) in enumerate(told)
        ]
        other = Event(id="o", citizen_id="韩梅梅", content_id="熊猫", kind=EventKind.READ, at=NOON - MINUTE)
        events.append(connection, [*rows, other])
    return database


def latest(database: Database, citizen: str = "李雷", limit: int = 50) -> list[Met]:
    with database.connect() as connection:
        return history.latest(connection, citizen, limit)


def forget(database: Database, content: str | None = None) -> int:
    with database.begin() as connection:
        return history.forget(connection, "李雷", content)


def forgotten(database: Database) -> frozenset[str]:
    with database.connect() as connection:
        found = news.of(connection, "李雷", 0).switches
        assert found == switches(connection, ["李雷"]).get("李雷", Switches())
        assert found == switches(connection).get("李雷", Switches())
    assert found
    return found.forgotten


def test_each_content_is_listed_once_by_its_last_reading(records: Database) -> None:
    assert latest(records) == [Met("火箭", NOON - 7 * MINUTE), Met("熊猫", NOON - 8 * MINUTE)]
    assert latest(records, limit=1) == [Met("火箭", NOON - 7 * MINUTE)]
    assert latest(records, "nobody") == []


def test_what_is_forgotten_is_not_listed_and_may_not_speak(records: Database) -> None:
    assert forgotten(records) == frozenset()
    assert forget(records, "熊猫") == 1
    assert [met.content_id for met in latest(records)] == ["火箭"]
    assert forgotten(records) == {"熊猫"}
    assert latest(records, "韩梅梅") == [Met("熊猫", NOON - MINUTE)]


def test_forgetting_again_or_what_never_was_changes_nothing(records: Database) -> None:
    assert [forget(records, content) for content in ("熊猫", "熊猫", "地震", "没有这一篇")] == [1, 0, 0, 0]
    assert forgotten(records) == {"熊猫"}


def test_forgetting_everything_concerns_every_sign_of_interest_and_no_refusal(records: Database) -> None:
    forget(records, "火箭")
    assert forget(records) == 2
    assert forgotten(records) == {"熊猫", "火箭", "茶"}
    assert latest(records) == []
    with records.begin() as connection:
        assert history.forget(connection, "nobody") == 0


def test_the_log_and_the_ledger_keep_what_was_rendered(records: Database) -> None:
    intake = Intake(records, KEY)
    read(intake, "李雷", "茶", NOON)
    with records.connect() as connection:
        before = events.count(connection), ledger_audit.verify(connection)
    assert before[1].counted == 1
    forget(records)
    with records.connect() as connection:
        assert (events.count(connection), ledger_audit.verify(connection)) == before


def test_what_is_read_again_afterwards_is_known_again(records: Database) -> None:
    forget(records)
    intake = Intake(records, KEY)
    with clock.fixed(NOON + MINUTE):
        rows = [Incoming(f"n{content}", "click", content, NOON + MINUTE) for content in ("熊猫", "茶")]
        assert intake.receive(rows, CALLER).accepted == 2
        assert forgotten(records) == {"火箭"}
        assert [met.content_id for met in latest(records)] == ["熊猫", "茶"]


@pytest.mark.parametrize(
    "row",
    [
        Incoming("late", "read", "熊猫", NOON - 20 * MINUTE),
        Incoming("no", "not_interested", "熊猫", NOON + MINUTE),
        Incoming("seen", "impression", "熊猫", NOON + MINUTE),
        Incoming("e1", "read", "熊猫", NOON + MINUTE, 90_000, 1.0),
        Incoming("other", "read", "茶", NOON + MINUTE),
    ],
    ids=lambda row: row.id,
)
def test_what_happened_before_or_says_no_takes_nothing_back(records: Database, row: Incoming) -> None:
    forget(records, "熊猫")
    with clock.fixed(NOON + 2 * MINUTE):
        assert Intake(records, KEY).receive([row], CALLER).accepted == 1
    assert forgotten(records) == {"熊猫"}


def test_somebody_elses_reading_takes_nothing_back(records: Database) -> None:
    forget(records, "熊猫")
    with clock.fixed(NOON + MINUTE):
        row = Incoming("hers", "read", "熊猫", NOON + MINUTE)
        Intake(records, KEY).receive([row], Caller(citizen_id="韩梅梅"))
    assert forgotten(records) == {"熊猫"}


def test_followers_hear_of_it_and_of_its_end(records: Database) -> None:
    with records.connect() as connection:
        cursor = changes.now(connection)
    forget(records, "熊猫")
    with records.connect() as connection:
        told = changes.since(connection, cursor)
    assert told.citizens == {"李雷"}
    with clock.fixed(NOON + MINUTE):
        Intake(records, KEY).receive([Incoming("n", "click", "熊猫", NOON + MINUTE)], CALLER)
    with records.connect() as connection:
        assert changes.since(connection, told.cursor).citizens == {"李雷"}
