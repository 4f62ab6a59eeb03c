"""What holds in whatever order, company and number readings are sent, and whenever the programme is killed."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection as Pipe
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store import ledger_audit, schema
from content_store.db import Database, open_database
from content_store.intake import Caller, Incoming, Intake
from content_store.ledger_rules import CURRENT, Rule
from content_store.reading_tokens import issue
from content_store.settings import load_settings
from tests.support.readers import ENOUGH_MS, KEY, articles, people, sent, token

NOW = 1_735_704_000_000
DAY = "2025-01-01"
ARTICLES = ("熊猫", "火箭", "茶")

_names = itertools.count()
_entries = schema.ledger_entries.c


@dataclass(frozen=True)
class Sending:
    """One sending of the reading with this number; ``dwell`` in seconds."""

    reading: int
    dwell: int
    scroll: float
    with_token: bool


@dataclass(frozen=True)
class Plan:
    """Readings (citizen 0 or 1, article, kind, seconds since the page was served) and how they are sent."""

    readings: list[tuple[int, str, str, int]]
    sendings: list[Sending]
    order: list[int]
    cuts: list[bool]


readings = st.tuples(
    st.integers(0, 1),
    st.sampled_from(ARTICLES),
    st.sampled_from(["read", "click"]),
    st.sampled_from([10, 29, 30, 3_600]),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any readings, each sent any number of times, in any order, in any batches."""
    chosen = draw(st.lists(readings, min_size=1, max_size=6))
    sending = st.builds(
        Sending,
        st.integers(0, len(chosen) - 1),
        st.sampled_from([0, 10, 29, 30, 500]),
        st.sampled_from([0.0, 0.49, 0.5, 1.0]),
        st.sampled_from([True, True, True, False]),
    )
    sendings = draw(st.lists(sending, max_size=14))
    repeats = draw(st.lists(st.integers(0, max(0, len(sendings) - 1)), max_size=4 if sendings else 0))
    order = draw(st.permutations([*range(len(sendings)), *repeats]))
    return Plan(chosen, sendings, order, draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order))))


def _expected(plan: Plan) -> set[tuple[int, str]]:
    """Citizen and article of what counts: by the largest of all that was sent, whatever the order."""
    counted = set()
    for number, (citizen, article, _, ago) in enumerate(plan.readings):
        mine = [sending for sending in plan.sendings if sending.reading == number]
        dwell = min(ago, max((sending.dwell for sending in mine), default=0)) * 1_000
        scroll = max((sending.scroll for sending in mine), default=0.0)
        if any(sending.with_token for sending in mine) and dwell >= ENOUGH_MS and scroll >= 0.5:
            counted.add((citizen, article))
    return counted


def _send(intake: Intake, plan: Plan, citizens: list[str]) -> None:
    tokens = [
        issue(KEY, citizen_id=citizens[citizen], content_id=article, issued_at=NOW - ago * 1_000)
        for citizen, article, _, ago in plan.readings
    ]
    batch: list[tuple[str, Incoming]] = []
    for place, cut in zip(plan.order, plan.cuts, strict=True):
        sending = plan.sendings[place]
        citizen, article, kind, _ = plan.readings[sending.reading]
        row = sent(
            tokens[sending.reading], article, NOW, kind=kind, dwell_ms=sending.dwell * 1_000, scroll=sending.scroll
        )
        batch.append((citizens[citizen], row if sending.with_token else row._replace(reading_token=None)))
        if cut:
            _flush(intake, batch)
    _flush(intake, batch)


def _flush(intake: Intake, batch: list[tuple[str, Incoming]]) -> None:
    for citizen in dict.fromkeys(citizen for citizen, _ in batch):
        received = intake.receive([row for name, row in batch if name == citizen], Caller(citizen_id=citizen), NOW)
        assert received.rejected == []
    batch.clear()


def _counted(database: Database, citizens: list[str]) -> list[tuple[str, str]]:
    query = sa.select(_entries.citizen_id, _entries.object_id).where(
        _entries.counted_as.is_not(None), _entries.citizen_id.in_(citizens)
    )
    with database.connect() as connection:
        return [(row.citizen_id, row.object_id) for row in connection.execute(query)]


def _new_citizens(database: Database) -> list[str]:
    """Two of whom nothing was ever sent."""
    names = [f"市民{next(_names)}" for _ in range(2)]
    people(database, names[:1], names[1:])
    return names


@pytest.fixture
def records(database: Database) -> Iterator[Database]:
    """A database with articles."""
    articles(database, ARTICLES)
    yield database


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(plan=plans())
def test_whatever_the_order_and_the_batches_the_same_counts_and_no_key_twice(records: Database, plan: Plan) -> None:
    citizens = _new_citizens(records)
    _send(Intake(records, KEY), plan, citizens)
    found = _counted(records, citizens)
    assert len(set(found)) == len(found)
    assert set(found) == {(citizens[citizen], article) for citizen, article in _expected(plan)}
    with records.snapshot() as connection:
        assert ledger_audit.verify(connection).problems == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(plan=plans())
def test_whatever_the_order_a_cap_lets_as_many_through_and_a_recount_says_the_same(
    records: Database, plan: Plan
) -> None:
    citizens = _new_citizens(records)
    capped = replace(CURRENT, per_citizen=1)
    _send(Intake(records, KEY, rule=capped), plan, citizens)
    valid = Counter(citizen for citizen, _ in _expected(plan))
    found = Counter(citizen for citizen, _ in _counted(records, citizens))
    assert found == {citizens[citizen]: min(1, number) for citizen, number in valid.items()}
    with records.snapshot() as connection:
        assert ledger_audit.recount(connection, capped).same


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    plan=plans(),
    other=st.builds(
        replace,
        st.just(CURRENT),
        version=st.just(2),
        share=st.sampled_from([0.1, 0.5, 0.9]),
        scroll=st.sampled_from([0.0, 0.5, 1.0]),
        shortest_ms=st.sampled_from([5_000, 15_000]),
    ),
)
def test_a_recount_by_another_rule_is_what_that_rule_would_have_counted(
    records: Database, plan: Plan, other: Rule
) -> None:
    with records.snapshot() as connection:
        before = ledger_audit.recount(connection, other).recounted
    _send(Intake(records, KEY), plan, _new_citizens(records))
    with records.snapshot() as connection:
        found = ledger_audit.recount(connection, other).recounted - before
    citizens = _new_citizens(records)
    _send(Intake(records, KEY, rule=other), plan, citizens)
    assert found == len(_counted(records, citizens))


def _sendings(writer: int) -> list[tuple[int, list[tuple[str, str, int]]]]:
    """What a writer sends, the same whenever it is asked: batches of (article, kind, dwell in seconds)."""
    drawn = random.Random(writer)
    kinds = ("read", "read", "like", "impression")
    return [
        (batch, [(drawn.choice(ARTICLES), drawn.choice(kinds), drawn.choice((5, 40))) for _ in range(5)])
        for batch in range(60)
    ]


def _rows(writer: int, batch: int, drawn: list[tuple[str, str, int]], tokens: dict[str, str]) -> list[Incoming]:
    """The rows of a batch; a reading is the writer's one of that article."""
    rows = []
    for place, (article, kind, seconds) in enumerate(drawn):
        if kind == "read":
            rows.append(sent(tokens[article], article, NOW, dwell_ms=seconds * 1_000 + batch))
        else:
            rows.append(Incoming(f"{writer}-{batch}-{place}", kind, article, NOW))
    return rows


def _write(url: str, tokens: list[dict[str, str]], begin: list[int], acknowledged: Pipe) -> None:
    """In a process of its own, that is killed: send everything from the batches ``begin`` on, one thread per writer."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    intake, pen = Intake(database, KEY), threading.Lock()

    def write(writer: int) -> None:
        for batch, drawn in _sendings(writer)[begin[writer] :]:
            rows = _rows(writer, batch, drawn, tokens[writer])
            received = intake.receive(rows, Caller(citizen_id=f"写{writer}"), NOW)
            assert received.accepted + received.duplicate == len(rows)
            with pen:
                acknowledged.send((writer, batch))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    acknowledged.send(None)


def _life(url: str, tokens: list[dict[str, str]], begin: list[int], kill_after: int | None) -> tuple[set[Any], bool]:
    """Let a process write and kill it after ``kill_after`` acknowledgements; those heard, and whether it finished."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_write, args=(url, tokens, begin, theirs))
    process.start()
    theirs.close()
    heard: set[Any] = set()
    try:
        while True:
            message = ours.recv()
            if message is None:
                return heard, True
            heard.add(message)
            if len(heard) == kill_after:
                process.kill()
    except (EOFError, OSError):
        return heard, False
    finally:
        process.join(60)
        assert process.exitcode is not None


def test_whenever_the_programme_is_killed_what_it_acknowledged_is_there_once(
    records: Database, database_url: str
) -> None:
    writers = [f"写{writer}" for writer in range(3)]
    people(records, writers)
    tokens = [{article: token(writer, article, NOW - 60_000) for article in ARTICLES} for writer in writers]
    begin = [0, 0, 0]
    drawn = random.Random(7)
    finished = False
    for kill_after in [*(drawn.randint(1, 25) for _ in range(4)), None]:
        heard, finished = _life(database_url, tokens, begin, kill_after)
        _all_are_there(records, heard)
        # The batch that was under way is sent again, and the last acknowledged one too.
        begin = [max([0, begin[w], *(batch for writer, batch in heard if writer == w)]) for w in range(3)]
        with records.snapshot() as connection:
            assert ledger_audit.verify(connection).problems == ()
    assert finished
    _all_are_there(records, {(writer, batch) for writer in range(3) for batch in range(60)})
    assert sorted(_counted(records, writers)) == sorted((writer, article) for writer in writers for article in ARTICLES)


def _all_are_there(database: Database, acknowledged: set[tuple[int, int]]) -> None:
    wanted = {
        f"{writer}-{batch}-{place}"
        for writer in range(3)
        for batch, drawn in _sendings(writer)
        if (writer, batch) in acknowledged
        for place, (_, kind, _) in enumerate(drawn)
        if kind != "read"
    }
    with database.connect() as connection:
        found = Counter(connection.scalars(sa.select(schema.events.c.id)))
    assert {id: found[id] for id in wanted} == dict.fromkeys(wanted, 1)
