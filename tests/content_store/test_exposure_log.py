"""The log of pages shown: nothing waits for it, nothing is lost without a count."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from content_store import citizens, events, exposures, schema
from content_store.db import Connection, Database
from content_store.exposure_log import Dropped, ExposureLog, Figures, Placed
from content_store.exposures import Showing
from content_store.vocabulary import CitizenKind, EventKind
from tests.support.clockwork import until
from tests.support.outages import be_impatient, outage
from tests.support.readers import articles, people

AT = 1_735_704_000_000
ITEMS = [Placed("熊猫", 0, 1.0), Placed("火箭", 1, 0.25), Placed("茶", 2, 0.05)]
NONE_DROPPED = dict.fromkeys(Dropped, 0)


@pytest.fixture
def records(database: Database) -> Database:
    """A database with a citizen and three articles."""
    people(database)
    articles(database, ["熊猫", "火箭", "茶"])
    return database


@pytest.fixture
def opening(records: Database) -> Iterator[Callable[..., ExposureLog]]:
    """Opens logs that are closed in the end."""
    made: list[ExposureLog] = []

    def make(most_waiting: int = 1_000, linger_s: float = 0.0) -> ExposureLog:
        made.append(ExposureLog(records, most_waiting=most_waiting, linger_s=linger_s))
        return made[-1]

    yield make
    for log in made:
        log.close()


def page(citizen: str = "李雷", slate: str = "s") -> Showing:
    return Showing(citizen, AT, slate, "0007")


def stored(database: Database, citizen: str = "李雷") -> list[tuple[str, str, int, float]]:
    """What was shown to a citizen: content, slate, position, probability."""
    table, event = schema.event_exposures.c, schema.events.c
    query = (
        sa.select(event.content_id, table.slate, table.position, table.propensity)
        .join_from(schema.events, schema.event_exposures)
        .where(event.citizen_id == citizen, event.kind == EventKind.IMPRESSION.value)
        .order_by(event.seq)
    )
    with database.connect() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def shown(slate: str = "s") -> list[tuple[str, str, int, float]]:
    return [(item.content_id, slate, item.position, item.propensity) for item in ITEMS]


def test_pages_are_logged_in_their_order_with_an_id_for_each_impression(
    opening: Callable[..., ExposureLog], records: Database
) -> None:
    log = opening()
    assert log.put(page(), ITEMS)
    assert log.put(page(slate="t"), ITEMS)
    assert log.put(page(), [])
    log.close()
    assert stored(records) == shown() + shown("t")
    assert log.figures() == Figures(6, 0, NONE_DROPPED)
    with records.connect() as connection:
        found = events.history(connection, "李雷")
    assert len({event.id for event in found}) == 6
    assert {event.at for event in found} == {AT}


def test_it_writes_without_being_closed(opening: Callable[..., ExposureLog], records: Database) -> None:
    opening().put(page(), ITEMS)
    until(lambda: stored(records) == shown(), "the impressions")


def test_who_did_nothing_yet_becomes_a_guest_with_the_usual_switches(
    opening: Callable[..., ExposureLog], records: Database
) -> None:
    log = opening()
    log.put(page("新来的"), ITEMS)
    log.put(page("李雷"), ITEMS)
    log.put(page("新来的", "t"), ITEMS)
    log.close()
    assert stored(records, "新来的") == shown() + shown("t")
    with records.connect() as connection:
        made, old = (citizens.get(connection, id) for id in ("新来的", "李雷"))
    assert (made.kind, made.personalised) == (CitizenKind.GUEST, True)
    assert old.kind is CitizenKind.REGISTERED


def test_a_page_that_the_records_refuse_keeps_no_other_out(
    opening: Callable[..., ExposureLog], records: Database
) -> None:
    log = opening(linger_s=60.0)  # all of them are there before the first is written
    log.put(page(), ITEMS)
    log.put(page(), [Placed("熊猫", 0, 1.0), Placed("没有这一篇", 1, 1.0)])
    log.put(page(), [Placed("熊猫", 0, 1.5)])
    log.put(page("新来的", "t"), ITEMS)
    log.close()
    assert stored(records) == shown()
    assert stored(records, "新来的") == shown("t")
    assert log.figures() == Figures(6, 0, NONE_DROPPED | {Dropped.REFUSED: 3})


def test_pages_wait_for_a_database_that_fails_and_are_logged_once_it_is_back(
    opening: Callable[..., ExposureLog],
    records: Database,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    be_impatient(records)
    log = opening()
    with outage(records, request):
        log.put(page(), ITEMS)
        until(lambda: "impressions wait" in caplog.text, "the failure")
        log.put(page(slate="t"), ITEMS)
        assert log.figures() == Figures(0, 6, NONE_DROPPED)
    until(lambda: log.figures().logged == 6, "the impressions")
    assert stored(records) == shown() + shown("t")
    assert log.figures() == Figures(6, 0, NONE_DROPPED)


def test_an_attempt_that_was_stored_though_it_failed_is_not_stored_twice(
    opening: Callable[..., ExposureLog], records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, failed = Database.begin, threading.Event()

    def lost(database: Database, **given: bool) -> Iterator[Connection]:
        # The connection breaks while the commit is being confirmed.
        with begin(database, **given) as connection:
            yield connection
        if not failed.is_set():
            failed.set()
            raise sa.exc.OperationalError("COMMIT", {}, OSError("the server closed the connection"))

    monkeypatch.setattr(Database, "begin", contextlib.contextmanager(lost))
    log = opening()
    log.put(page(), ITEMS)
    until(lambda: log.figures().waiting == 0, "the second attempt")
    assert failed.is_set()
    assert stored(records) == shown()


def test_what_finds_no_room_is_turned_away_and_counted(
    opening: Callable[..., ExposureLog], records: Database, request: pytest.FixtureRequest
) -> None:
    be_impatient(records)
    log = opening(most_waiting=8)
    with outage(records, request):
        assert [log.put(page(slate=str(number)), ITEMS) for number in range(4)] == [True, True, False, False]
        assert log.figures() == Figures(0, 6, NONE_DROPPED | {Dropped.QUEUE_FULL: 6})
    until(lambda: log.figures().waiting == 0, "the impressions")
    assert log.put(page(slate="4"), ITEMS)
    log.close()
    assert stored(records) == shown("0") + shown("1") + shown("4")


def test_what_cannot_be_written_before_the_end_is_counted_and_told(
    opening: Callable[..., ExposureLog],
    records: Database,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    be_impatient(records)
    log = opening()
    with outage(records, request):
        log.put(page(), ITEMS)
        log.close(grace_s=0.1)
        assert log.put(page(), ITEMS) is False
    assert log.figures() == Figures(0, 0, NONE_DROPPED | {Dropped.CLOSING: 6})
    assert "3 impressions could not be logged before the end" in caplog.text
    log.close()
    assert log.figures().dropped[Dropped.CLOSING] == 6


def test_many_threads_lose_nothing(opening: Callable[..., ExposureLog], records: Database) -> None:
    log = opening()

    def serve(thread: int) -> None:
        for number in range(50):
            assert log.put(page(slate=f"{thread}.{number}"), ITEMS)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = stored(records)
    assert len(found) == 600
    assert sorted(found) == sorted(row for t in range(4) for n in range(50) for row in shown(f"{t}.{n}"))


def test_a_batch_of_pages_is_logged_as_its_pages_one_by_one_would_be(records: Database) -> None:
    pages = [
        (page("李雷"), [exposures.Shown(f"i{place}", *item) for place, item in enumerate(ITEMS)]),
        (page("韩梅梅", "t"), [exposures.Shown(f"j{place}", *item) for place, item in enumerate(ITEMS)]),
    ]
    with records.begin() as connection:
        assert exposures.append_many(connection, pages) == (6, 0)
        assert exposures.append_many(connection, pages) == (0, 6)
        assert exposures.append_many(connection, []) == (0, 0)
    assert stored(records) == shown()
    assert stored(records, "韩梅梅") == shown("t")
