"""The agenda: what is due by the grid is written once, whoever leads and however the clock is set."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from content_store import clock, jobs
from content_store.db import Database
from content_store.schedule import Schedule
from content_store.vocabulary import JobState
from push.agenda import MOST_MISSED, Agenda, plan
from push.jobs.base import Job, Missed
from push.run import Run
from tests.support.clockwork import until

HOUR = 3_600_000


def at(text: str) -> int:
    """The instant of a local time in Shanghai."""
    return round(datetime.fromisoformat(f"{text}+08:00").timestamp() * 1000)


def nothing(_run: Run) -> None:
    """A job without work."""


def job(name: str, schedule: str, missed: Missed) -> Job:
    return Job(name=name, schedule=Schedule.parse(schedule), missed=missed, work=nothing)


EACH = job("each", "every 10m", Missed.EACH)
NEWEST = job("newest", "every 10m", Missed.NEWEST)


def write(database: Database, now: int, *table: Job) -> int:
    with clock.fixed(now), database.begin() as connection:
        return plan(connection, table, now)


def due(database: Database, name: str, *states: JobState) -> list[int]:
    with database.connect() as connection:
        return [one.due_at for one in jobs.history(connection, name, limit=9_999, states=states or tuple(JobState))][
            ::-1
        ]


@pytest.mark.parametrize("table", [EACH, NEWEST], ids=lambda one: one.name)
def test_a_job_begins_with_the_newest_due_time(database: Database, table: Job) -> None:
    assert write(database, at("2025-01-01 12:34"), table) == 1
    assert write(database, at("2025-01-01 12:39"), table) == 0
    assert write(database, at("2025-01-01 12:40"), table) == 1
    assert due(database, table.name) == [at("2025-01-01 12:30"), at("2025-01-01 12:40")]


def test_missed_times_are_made_up_for_by_the_rule_of_the_job(database: Database) -> None:
    start = at("2025-01-01 12:00")
    write(database, start, EACH, NEWEST)
    assert write(database, start + 2 * HOUR, EACH, NEWEST) == 13
    assert due(database, "each") == [start + step * HOUR // 6 for step in range(13)]
    assert due(database, "newest", JobState.WAITING) == [start + 2 * HOUR]
    assert due(database, "newest", JobState.SKIPPED) == [start]


def test_a_clock_set_back_brings_nothing_back(database: Database) -> None:
    start = at("2025-01-01 12:00")
    for now in (start - 2 * HOUR, start, start - 2 * HOUR, start):
        write(database, now, EACH, NEWEST)
    assert due(database, "each") == [start + step * HOUR // 6 for step in range(-12, 1)]
    assert due(database, "newest") == [start - 2 * HOUR, start]


def test_a_clock_that_was_far_ahead_for_a_moment_stops_nothing(database: Database) -> None:
    start = at("2025-01-01 12:00")
    write(database, start, EACH, NEWEST)
    write(database, at("2031-01-01 12:00"), EACH, NEWEST)
    assert write(database, start + HOUR // 6, EACH, NEWEST) == 2


def test_of_too_many_missed_times_the_newest_are_made_up_for(database: Database) -> None:
    daily = job("daily", "03:30", Missed.EACH)
    write(database, at("2020-01-01 12:00"), daily)
    assert write(database, at("2025-01-01 12:00"), daily) == MOST_MISSED
    assert due(database, "daily")[-1] == at("2025-01-01 03:30")


def test_what_is_off_is_never_due(database: Database) -> None:
    assert write(database, at("2025-01-01 12:00"), job("off", "off", Missed.EACH)) == 0


def test_however_the_clock_walks_no_step_forward_leaves_a_gap(database: Database) -> None:
    chance = random.Random(7)
    now = at("2025-01-01 12:00")
    write(database, now, EACH)
    passed: set[int] = set()
    for _ in range(40):
        step = chance.randint(-2 * HOUR, 3 * HOUR)
        if step > 0:
            passed.update(EACH.schedule.newest(now, now + step, MOST_MISSED))
        now += step
        write(database, now, EACH)
    assert passed <= set(due(database, "each"))


def agenda(database: Database, worker: str, lease_ms: int = 60_000) -> Agenda:
    return Agenda(database, [EACH], worker, lease_ms)


def test_one_leads_and_another_follows_when_it_leaves(database: Database, fixed_clock: int) -> None:
    first, second = agenda(database, "a"), agenda(database, "b")
    assert first.turn() == 1
    assert first.turn() == second.turn() == 0
    assert (first.leads, second.leads) == (True, False)
    with clock.fixed(fixed_clock + HOUR):
        assert second.turn() == 0
        first.leave()
        assert second.turn() == 6
    assert (first.leads, second.leads) == (False, True)


@pytest.mark.usefixtures("fixed_clock")
def test_a_leader_that_was_silent_for_too_long_no_longer_plans(database: Database, fixed_clock: int) -> None:
    silent, second = agenda(database, "a", lease_ms=1), agenda(database, "b")
    silent.turn()
    until(lambda: second.turn() or second.leads, "the second one to lead")
    with clock.fixed(fixed_clock + HOUR):
        assert silent.turn() == 0
        assert not silent.leads
        assert second.turn() == 6
