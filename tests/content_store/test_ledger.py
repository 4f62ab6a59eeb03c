"""The ledger on a database: once per natural key, also among concurrent writers, and nothing is taken back."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import clock, ledger, schema
from content_store.db import Database, open_database
from content_store.intake import Caller, Intake
from content_store.ledger import Claim, Served
from content_store.ledger_rules import CURRENT, Rule
from content_store.readables import Readable
from content_store.reading_tokens import LIFETIME_MS
from content_store.settings import load_settings
from content_store.vocabulary import Exclusion, ServiceKind
from tests.support.readers import ENOUGH_MS, KEY, articles, people, read, sent, token

AT = 1_735_704_000_000
DAY = "2025-01-01"


@pytest.fixture
def records(database: Database) -> Iterator[Database]:
    """A database that knows two citizens, three guests and sixty articles."""
    people(database, guests=["游客1", "游客2", "游客3", "游客4"])
    articles(database, [f"文章{number}" for number in range(60)])
    yield database


def _record(database: Database, *claims: Claim, rule: Rule = CURRENT) -> dict[str, Exclusion | None]:
    with database.begin() as connection:
        return {id: entry.reason for id, entry in ledger.record(connection, claims, rule=rule).items()}


def _claim(source: str = "r1", citizen: str = "李雷", object_id: str = "文章1", **given: Any) -> Claim:
    claim = Claim(
        source_id=source,
        served=Served(citizen_id=citizen, guest=False),
        object_id=object_id,
        readable=Readable(500, True, None),
        received_at=AT + ENOUGH_MS,
        dwell_ms=ENOUGH_MS,
        scroll=1.0,
        issued_at=AT,
    )
    return claim._replace(**given)


def _opened(source: str, **given: Any) -> Claim:
    return _claim(source, kind=ServiceKind.OPENED, issued_at=None, dwell_ms=None, scroll=None, **given)


def _counted(database: Database) -> list[tuple[str, str, str, str]]:
    columns = schema.ledger_entries.c
    query = sa.select(columns.citizen_id, columns.object_id, columns.day, columns.counted_as)
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(query.where(columns.counted_as.is_not(None)))]


def test_a_reading_counts_once_for_its_citizen_object_and_day(records: Database) -> None:
    assert _record(records, _claim(), _claim("r2")) == {"r1": None, "r2": Exclusion.ALREADY_COUNTED}
    assert _record(records, _claim("r3"), _claim("r4", "韩梅梅"), _claim("r5", object_id="文章2")) == {
        "r3": Exclusion.ALREADY_COUNTED,
        "r4": None,
        "r5": None,
    }
    next_day = AT + clock.DAY_MS
    assert _record(records, _claim("r6", issued_at=next_day, received_at=next_day + ENOUGH_MS)) == {"r6": None}
    assert len(_counted(records)) == 4


def test_the_entry_keeps_all_that_a_judgement_rests_on(records: Database) -> None:
    served = Served(citizen_id="游客1", guest=True, device_key="d", network_key="n")
    _record(records, _claim(served=served, readable=Readable(480, True, "游客1")))
    with records.connect() as connection:
        (entry,) = ledger.verdicts(connection, ["r1", "unknown"]).values()
    assert (entry.source_id, entry.citizen_id, entry.object_id, entry.kind) == (
        "r1",
        "游客1",
        "文章1",
        ServiceKind.READ,
    )
    assert (entry.day, entry.issued_at, entry.seen_at) == (DAY, AT, AT + ENOUGH_MS)
    assert (entry.dwell_ms, entry.scroll, entry.length) == (ENOUGH_MS, 1.0, 480)
    assert (entry.live, entry.own, entry.guest, entry.device_key, entry.network_key) == (True, True, True, "d", "n")
    assert (entry.rule, entry.decided_at) == (1, AT + ENOUGH_MS)
    assert (entry.counted_as, entry.reason) == (None, Exclusion.OWN_CONTENT)


def test_a_rejected_reading_that_grows_comes_to_count_and_never_twice(records: Database) -> None:
    assert _record(records, _claim(dwell_ms=5_000, scroll=0.1)) == {"r1": Exclusion.TOO_SHORT}
    assert _record(records, _claim(scroll=0.1)) == {"r1": Exclusion.NOT_SCROLLED}
    assert _record(records, _claim()) == {"r1": None}
    assert _record(records, _claim(dwell_ms=90_000, received_at=AT + 90_000)) == {"r1": None}
    assert len(_counted(records)) == 1


def test_evidence_that_adds_nothing_is_not_written_down(records: Database) -> None:
    _record(records, _claim())
    assert _record(records, _claim(received_at=AT + 10**6)) == {}
    assert _record(records, _claim(dwell_ms=1, scroll=0.0)) == {}


def test_nothing_changes_a_reading_after_a_token_of_then_has_expired(records: Database) -> None:
    _record(records, _claim(dwell_ms=5_000))
    late = AT + LIFETIME_MS + 1
    assert _record(records, _claim(received_at=late, issued_at=None, problem=Exclusion.NO_TOKEN)) == {}
    with records.connect() as connection:
        assert ledger.verdicts(connection, ["r1"])["r1"].reason is Exclusion.TOO_SHORT


def test_what_only_adds_to_an_entry_opens_none(records: Database) -> None:
    assert _record(records, _claim(opens=False)) == {}
    assert _counted(records) == []


def test_the_reason_tells_what_is_wrong_with_the_token_and_forgets_it_when_one_is_proven(records: Database) -> None:
    without: dict[str, Any] = {"issued_at": None, "received_at": AT}
    assert _record(records, _claim(problem=Exclusion.NO_TOKEN, **without)) == {"r1": Exclusion.NO_TOKEN}
    assert _record(records, _claim(problem=Exclusion.BAD_TOKEN, **without)) == {"r1": Exclusion.BAD_TOKEN}
    assert _record(records, _claim(problem=Exclusion.NO_TOKEN, **without)) == {}
    assert _record(records, _claim()) == {"r1": None}


@pytest.mark.parametrize("together", [True, False])
def test_an_opening_and_a_reading_of_one_day_are_one_service_of_the_stronger_kind(
    records: Database, together: bool
) -> None:
    claims = [_opened("n1"), _claim("r1"), _opened("n2")]
    verdicts: dict[str, Exclusion | None] = {}
    for part in [claims] if together else [[claim] for claim in claims]:
        verdicts |= _record(records, *part)
    assert verdicts == {"n1": None, "r1": Exclusion.ALREADY_COUNTED, "n2": Exclusion.ALREADY_COUNTED}
    assert _counted(records) == [("李雷", "文章1", DAY, "read")]


def test_an_opening_after_a_reading_weakens_nothing(records: Database) -> None:
    _record(records, _claim("r1"))
    _record(records, _opened("n1"))
    assert _counted(records) == [("李雷", "文章1", DAY, "read")]


def test_a_citizens_cap_holds_from_call_to_call(records: Database) -> None:
    claims = [_claim(f"r{number}", object_id=f"文章{number}") for number in range(40)]
    verdicts = _record(records, *claims[:25]) | _record(records, *claims[25:])
    assert list(verdicts.values()) == [None] * 30 + [Exclusion.CITIZEN_CAP] * 10


@pytest.mark.parametrize(
    ("scope", "reason"), [("device_key", Exclusion.DEVICE_CAP), ("network_key", Exclusion.NETWORK_CAP)]
)
def test_guests_share_the_cap_of_their_device_and_of_their_network(
    records: Database, scope: str, reason: Exclusion
) -> None:
    rule = replace(CURRENT, per_device=4, per_network=4)
    verdicts: list[Exclusion | None] = []
    for number in range(6):
        guest = f"游客{number % 4 + 1}"
        label: dict[str, Any] = {scope: "label"}
        served = Served(citizen_id=guest, guest=True, **label)
        verdicts += _record(records, _claim(f"r{number}", object_id=f"文章{number}", served=served), rule=rule).values()
    assert verdicts == [None] * 4 + [reason] * 2
    other = Served(citizen_id="游客1", guest=True, device_key="new device", network_key="new network")
    registered = Served(citizen_id="李雷", guest=False, device_key="label", network_key="label")
    for source, served in (("a", other), ("b", registered)):
        assert _record(records, _claim(source, object_id="文章9", served=served), rule=rule) == {source: None}


def test_guests_of_whom_nothing_is_known_have_their_own_cap_only(records: Database) -> None:
    rule = replace(CURRENT, per_device=1, per_network=1)
    claims = [
        _claim(f"r{number}", object_id=f"文章{number}", served=Served(citizen_id="游客1", guest=True))
        for number in range(5)
    ]
    assert set(_record(records, *claims, rule=rule).values()) == {None}


def test_the_database_itself_counts_a_natural_key_once(records: Database) -> None:
    _record(records, _claim("r1"), _claim("r2"))
    cheat = sa.update(schema.ledger_entries).where(schema.ledger_entries.c.source_id == "r2")
    with pytest.raises(sa.exc.IntegrityError), records.begin() as connection:
        connection.execute(cheat.values(counted_as="read", reason=None))


@pytest.mark.parametrize(
    "change",
    [
        {"counted_as": None, "reason": "too_short"},
        {"citizen_id": "韩梅梅"},
        {"object_id": "文章2"},
        {"source_id": "r9"},
        {"day": "2025-01-02"},
        {"issued_at": AT - 1},
        {"issued_at": None},
        {"dwell_ms": 1},
        {"dwell_ms": None},
        {"scroll": 0.5},
        {"seen_at": AT},
        {"length": 1},
        {"own": True},
        {"guest": True},
        {"device_key": "x"},
        {"network_key": "x"},
        {"kind": "opened"},
        None,
    ],
    ids=str,
)
def test_the_database_itself_refuses_to_take_back_what_counts(
    records: Database, change: dict[str, object] | None
) -> None:
    _record(records, _claim())
    table = schema.ledger_entries
    statement = sa.delete(table) if change is None else sa.update(table).values(change)
    with pytest.raises(sa.exc.DatabaseError, match="ledger entr"), records.begin() as connection:
        connection.execute(statement)
    assert len(_counted(records)) == 1


def test_looking_up_a_citizens_day_does_not_read_everybodys(sqlite_database: Database) -> None:
    sql = f"EXPLAIN QUERY PLAN {ledger._COUNTED}"
    with sqlite_database.connect() as connection:
        (plan,) = connection.exec_driver_sql(sql, ("李雷", DAY)).fetchall()
    assert "uq_ledger_entries_counted (citizen_id=? AND day=?)" in plan[3]


def test_progress_counts_the_days_of_the_window_and_today(records: Database) -> None:
    settings = load_settings(
        {
            "KEPU_TARGET_BASELINE": "1_000",
            "KEPU_TARGET_GOAL": "40",
            "KEPU_TARGET_FROM": "2025-01-01",
            "KEPU_TARGET_UNTIL": "2025-01-02",
        }
    )
    days = [AT + shift * clock.DAY_MS for shift in (-1, 0, 0, 1, 2)]
    for number, day in enumerate(days):
        _record(records, _claim(f"r{number}", object_id=f"文章{number}", issued_at=day, received_at=day + ENOUGH_MS))
    _record(records, _claim("short", dwell_ms=1))
    with clock.fixed(days[-1]), records.connect() as connection:
        found = ledger.progress(connection, settings)
    assert (found.baseline, found.goal, found.days, found.items_goal) == (1_000, 40, 2, 5_000)
    assert (found.counted, found.total, found.today) == (3, 1_003, 1)
    assert found.per_day == {date(2025, 1, 1): 2, date(2025, 1, 2): 1}


def test_progress_of_an_empty_ledger_is_nothing(database: Database) -> None:
    with database.connect() as connection:
        found = ledger.progress(connection, load_settings({}))
    assert (found.counted, found.today, found.per_day) == (0, 0, {})
    assert (found.baseline, found.goal, found.days) == (1_400_000_000, 90_000_000, 493)


ONE = replace(CURRENT, per_citizen=1, per_device=1)
GUESTS = [Served(citizen_id=f"游客{number}", guest=True, device_key="d") for number in (1, 2)]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ((_claim("r1"), _claim("r2")), Exclusion.ALREADY_COUNTED),
        ((_claim("r1"), _claim("r2", object_id="文章2")), Exclusion.CITIZEN_CAP),
        ((_claim("r1", served=GUESTS[0]), _claim("r2", served=GUESTS[1])), Exclusion.DEVICE_CAP),
    ],
    ids=["natural key", "citizen cap", "device cap"],
)
def test_who_counts_waits_for_those_whose_counting_may_matter_to_it(
    postgresql_database: Database, claims: tuple[Claim, Claim], reason: Exclusion
) -> None:
    database = postgresql_database
    people(database, guests=["游客1", "游客2"])
    articles(database, ["文章1", "文章2"])
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as first:
            ledger.record(first, claims[:1], rule=ONE)
            second = pool.submit(_record, database, claims[1], rule=ONE)
            with database.connect() as looking:
                while not (second.done() or looking.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted"))):
                    looking.rollback()
        assert second.result(60) == {"r2": reason}
    assert len(_counted(database)) == 1


def test_who_counts_for_others_waits_for_nobody(postgresql_database: Database) -> None:
    people(postgresql_database)
    articles(postgresql_database, ["文章1"])
    with postgresql_database.begin() as first:
        ledger.record(first, [_claim("r1")])
        assert _record(postgresql_database, _claim("r2", "韩梅梅")) == {"r2": None}


def _many_at_once(url: str, job: list[tuple[str, str, str, str | None]]) -> list[str]:
    """In a process of its own: read each (citizen, article, token, device)."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    try:
        intake = Intake(database, KEY)
        for citizen, article, given, device in job:
            caller = Caller(citizen_id=citizen, device_key=device, network_key=device)
            intake.receive([sent(given, article, AT)], caller, AT + ENOUGH_MS)
        return [citizen for citizen, *_ in job]
    finally:
        database.close()


def _in_processes(url: str, jobs: Sequence[list[tuple[str, str, str, str | None]]]) -> None:
    with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
        pool.starmap(_many_at_once, [(url, job) for job in jobs], chunksize=1)


def test_processes_that_count_at_once_count_once_and_keep_the_caps(records: Database, database_url: str) -> None:
    shared = [("李雷", f"文章{number}") for number in range(10)]
    jobs = []
    for process in range(4):
        guest = f"游客{process + 1}"
        job = [("韩梅梅", f"文章{process * 15 + number}", None) for number in range(15)]
        job += [(citizen, article, None) for citizen, article in shared]
        mine = [(guest, f"文章{number}", "device") for number in range(12)]
        jobs.append([(c, a, token(c, a, AT), d) for c, a, d in [*job, *mine]])
    _in_processes(database_url, jobs)
    counted = Counter(citizen for citizen, *_ in _counted(records))
    guests = sum(number for citizen, number in counted.items() if citizen.startswith("游客"))
    assert (counted["李雷"], counted["韩梅梅"], guests) == (10, 30, 30)
    reasons = sa.select(schema.ledger_entries.c.reason, sa.func.count()).group_by(schema.ledger_entries.c.reason)
    with records.connect() as connection:
        found = {row.reason: row[1] for row in connection.execute(reasons)}
    assert found == {None: 70, "already_counted": 30, "citizen_cap": 30, "device_cap": 18}


def test_threads_that_count_at_once_count_once(records: Database) -> None:
    intake = Intake(records, KEY)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: read(intake, "李雷", f"文章{number % 5}", AT), range(80)))
    assert sorted(_counted(records)) == [("李雷", f"文章{number}", DAY, "read") for number in range(5)]
