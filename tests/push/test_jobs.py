"""The jobs one by one: what each does when it is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from content_store import clock, contents, jobs, suggestions
from content_store.db import Connection, Database
from content_store.leases import Watch
from content_store.schedule import Schedule
from content_store.settings import Settings
from content_store.uploads import store
from content_store.uploads.shapes import Picture
from content_store.vocabulary import ContentStatus, JobState, Topic
from push.jobs import expire, facts_of_the_day, publish_when_due, retention, suggest_topics
from push.jobs.base import Job, Lane, Missed
from push.jobs.table import table
from push.run import Run
from push.scheduler import perform
from tests.support import review_desk

DAY = clock.DAY_MS


def do(database: Database, job: Job, due_at: int) -> str:
    """Do ``job`` for the due time; the state it comes to and its note."""
    with database.begin() as connection:
        jobs.ensure(connection, job.name, [due_at])
        claim = jobs.claim(connection, "w", [job.name], lease_ms=1000, watch=Watch())
    assert claim is not None
    perform(job, Run(database, claim))
    with database.connect() as connection:
        [found] = jobs.history(connection, job.name, limit=1)
    return f"{found.state} {found.note or ''}".strip()


def status(database: Database, id: str) -> ContentStatus:
    with database.connect() as connection:
        return contents.get(connection, id).status


def test_publish_when_due_publishes_and_tells_how_many(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    job = publish_when_due.job(settings_factory())
    with database.begin() as connection:
        for id, at in (("a", fixed_clock), ("b", fixed_clock + 1)):
            contents.create(connection, id=id, title="t", status=ContentStatus.SCHEDULED, published_at=at)
    assert do(database, job, fixed_clock - 1) == "done published 1"
    assert (status(database, "a"), status(database, "b")) == (ContentStatus.PUBLISHED, ContentStatus.SCHEDULED)
    assert do(database, job, fixed_clock) == "done"


def test_expire_ends_and_tells_how_many(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", title="t", status=ContentStatus.PUBLISHED, expires_at=fixed_clock)
    assert do(database, expire.job(settings_factory()), fixed_clock) == "done expired 1"
    assert status(database, "a") is ContentStatus.EXPIRED


class Facts:
    """Notes what is asked of it; each rebuilt day leaves a content."""

    def __init__(self) -> None:
        self.rebuilt: list[date] = []
        self.broken = False

    def due(self, _connection: Connection, /) -> list[date]:
        return [date(2024, 12, 31), date(2024, 12, 5), date(2024, 12, 4)]

    def rebuild(self, connection: Connection, day: date, /) -> None:
        self.rebuilt.append(day)
        contents.create(connection, id=f"{day} {len(self.rebuilt)}", title="t")
        if self.broken and day == date(2024, 12, 31):
            raise ZeroDivisionError


def test_the_facts_of_the_day_before_and_of_earlier_days_are_rebuilt(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    facts = Facts()
    job = facts_of_the_day.job(settings_factory(), facts)
    # Due at noon on New Year's day.
    assert do(database, job, fixed_clock) == "done 2024-12-31 and 2 earlier days"
    assert facts.rebuilt == [date(2024, 12, 4), date(2024, 12, 5), date(2024, 12, 31)]


def test_facts_that_cannot_be_rebuilt_leave_nothing_and_are_tried_again(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    facts = Facts()
    facts.broken = True
    job = facts_of_the_day.job(settings_factory(), facts)
    assert do(database, job, fixed_clock) == "waiting"
    with database.connect() as connection:
        assert [content.id for content in contents.every(connection)] == ["2024-12-04 1", "2024-12-05 2"]


def test_retention_deletes_what_has_been_over_for_long_enough(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    job = publish_when_due.job(settings_factory())
    for days in (182, 181, 180, 1):
        with clock.fixed(fixed_clock - days * DAY):
            do(database, job, fixed_clock - days * DAY)
    assert do(database, retention.job(settings_factory()), fixed_clock) == "done deleted 2 old occurrences"
    with database.connect() as connection:
        kept = [one.due_at for one in jobs.history(connection, job.name, limit=9, states=[JobState.DONE])]
    assert kept == [fixed_clock - DAY, fixed_clock - 180 * DAY]


def test_suggest_topics_suggests_once_for_what_waits(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    job = suggest_topics.job(settings_factory())
    review_desk.staff(database)
    with database.begin() as connection:
        review_desk.draft(connection, "a", topic=None)
        review_desk.draft(connection, "b", topic=None, title="周末", body="出门走走。")
    assert do(database, job, fixed_clock - 1) == "done suggested for 2, 1 of them without a topic"
    assert do(database, job, fixed_clock) == "done"
    with database.connect() as connection:
        found = suggestions.some(connection, ["a", "b"])
    assert {key: one.topic for key, one in found.items()} == {("a", 1): Topic.LIFE_SCI, ("b", 1): None}


def test_retention_deletes_uploaded_pictures_that_nobody_showed_in_time(
    database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    for days in (31, 29):
        with clock.fixed(fixed_clock - days * DAY), database.begin() as connection:
            store.keep_pictures(connection, [Picture(b"x", "image/png", 9, 9, str(days), ())])
    job = retention.job(settings_factory())
    assert do(database, job, fixed_clock) == "done deleted 1 pictures that nobody showed"
    with database.connect() as connection:
        assert set(store.sizes(connection, ["31", "29"])) == {"29"}


def test_every_job_has_a_name_of_its_own_and_the_schedule_of_its_setting(
    settings_factory: Callable[..., Settings],
) -> None:
    settings = settings_factory(
        publish_schedule="every 2m",
        expire_schedule="every 3m",
        facts_schedule="00:04",
        claims_schedule="every 5m",
        corrections_schedule="every 6m",
        suggest_schedule="every 8m",
        retrain_schedule="00:05",
        retention_schedule="off",
    )
    found = {job.name: job for job in table(settings, facts=Facts())}
    assert {name: str(job.schedule) for name, job in found.items()} == {
        "publish_when_due": "every 2m",
        "expire": "every 3m",
        "facts_of_the_day": "00:04",
        "ingest": "every 5m",
        "release_claims": "every 5m",
        "retrain": "00:05",
        "suggest_topics": "every 8m",
        "tell_corrections": "every 6m",
        "retention": "off",
    }
    assert [name for name, job in found.items() if job.missed is Missed.EACH] == ["facts_of_the_day"]
    assert [name for name, job in found.items() if job.lane is Lane.LONG] == ["retrain"]
    assert "facts_of_the_day" not in {job.name for job in table(settings)}


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 5), (2, 7), (3, None)])
def test_a_failed_attempt_is_repeated_after_the_seconds_of_the_table(attempt: int, wait_s: int | None) -> None:
    never = Schedule.parse("off")
    job = Job(name="x", schedule=never, missed=Missed.EACH, work=lambda run: None, backoff_s=(5, 7))
    assert job.attempts == 3
    assert job.retry_at(attempt, 1_000) == (None if wait_s is None else 1_000 + wait_s * 1_000)
