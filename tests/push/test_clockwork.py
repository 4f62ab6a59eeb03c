"""The clock with real processes: many workers, stopped, killed and with their clocks set, and every occurrence once."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from content_store import clock, jobs
from content_store.db import Database
from content_store.schedule import Schedule
from tests.support.clockwork import DEADLINE_S, Clockwork, Spec, until

MINUTE = 60_000


@pytest.fixture
def clockwork(database: Database, database_url: str, tmp_path: Path) -> Iterator[Callable[..., Clockwork]]:
    """``clockwork(*jobs, lease_s=…)``: what its workers left is there until the test ends, they are not."""
    made: list[Clockwork] = []

    def make(*specs: Spec, lease_s: float = 1.0) -> Clockwork:
        made.append(Clockwork(database, database_url, tmp_path, list(specs), lease_s))
        return made[-1]

    yield make
    for one in made:
        one.end()


def due(database: Database, names: list[str], count: int) -> set[tuple[str, int]]:
    """Write ``count`` past due times for each job; returns all of them."""
    newest = clock.now_ms() - MINUTE
    times = [newest - number * MINUTE for number in range(count)]
    with database.begin() as connection:
        for name in names:
            jobs.ensure(connection, name, times)
    return {(name, at) for name in names for at in times}


def test_two_workers_share_a_thousand_occurrences_and_each_is_done_once(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    names = [f"job{number}" for number in range(40)]
    # No lease runs out here: whatever is done twice was claimed twice.
    works = clockwork(*(Spec(name, lane=("short", "long")[name[-1] < "5"]) for name in names), lease_s=60.0)
    wanted = due(database, names, 25)
    for _ in range(2):
        works.start()
    until(works.all_done, "all occurrences to be done")
    assert works.begun() == works.effects() == dict.fromkeys(wanted, 1)
    shares = {line[4] for line in works.runs()}
    assert len(shares) == 2, "both workers took part"


def test_a_worker_stopped_past_its_lease_cannot_finish_what_another_took_over(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    works = clockwork(Spec("slow", waits="before"), lease_s=0.6)
    wanted = due(database, ["slow"], 1)
    stopped = works.start()
    until(works.runs, "the first worker to begin")
    works.freeze(stopped)
    second = works.start()
    until(lambda: works.begun().total() == 2, "the second worker to take over")
    stopped.send_signal(signal.SIGCONT)
    works.go(stopped)
    until(works.refused, "the first worker to try, while the second is still at it")
    assert not works.effects()
    works.go(second)
    until(works.all_done, "the second worker")
    assert works.effects() == dict.fromkeys(wanted, 1)
    assert works.refused() == [str(stopped.pid)]


def test_a_worker_stopped_inside_its_transaction_has_its_effect_once_or_not_at_all(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    works = clockwork(Spec("slow", waits="inside"), lease_s=0.6)
    wanted = due(database, ["slow"], 1)
    stopped = works.start()
    until(lambda: any(line[0] == "inside" for line in works.runs()), "the first worker to be in its transaction")
    stopped.send_signal(signal.SIGSTOP)
    second = works.start()
    # PostgreSQL lets the second worker take over; on SQLite it waits for the writer that was stopped.
    patience = time.monotonic() + (2.0 if database.dialect == "sqlite" else DEADLINE_S)
    until(lambda: works.begun().total() == 2 or time.monotonic() > patience, "the second worker")
    taken_over = works.begun().total() == 2
    assert taken_over or database.dialect == "sqlite"
    stopped.send_signal(signal.SIGCONT)
    works.go(stopped)
    until(lambda: works.refused() or works.effects(), "the first worker")
    assert bool(works.refused()) == taken_over
    works.go(second)
    until(works.all_done, "the occurrence to be done")
    assert works.effects() == dict.fromkeys(wanted, 1)


def test_workers_killed_at_random_moments_lose_nothing_and_do_nothing_twice(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    names = [f"job{number}" for number in range(6)]
    works = clockwork(*(Spec(name, takes_s=0.01) for name in names), lease_s=0.6)
    wanted = due(database, names, 40)
    chance = random.Random(0)
    survivor, victim = works.start(), works.start()
    for _ in range(5):
        done = works.effects().total()
        until(lambda done=done: works.effects().total() > done or works.all_done(), "progress")  # type: ignore[misc]
        time.sleep(chance.random() * 0.05)
        victim.kill()
        survivor, victim = works.start(), survivor
    until(works.all_done, "all occurrences to be done")
    assert works.effects() == dict.fromkeys(wanted, 1)
    assert set(works.begun()) == wanted


def test_clocks_set_by_two_hours_leave_every_occurrence_done_once(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    works = clockwork(
        Spec("each", "every 10m"),
        Spec("newest", "every 10m", missed="newest"),
        Spec("pulse", "every 1s", missed="newest"),
    )

    def settled(offset_s: int) -> None:
        """The planner has looked at its clock after it was set, and everything it wrote is done."""
        since = clock.now_ms() + offset_s * 1000
        window = range(since, since + round(DEADLINE_S * 1000))

        def looked() -> bool:
            return any(name == "pulse" and at in window for name, at in works.effects()) and works.all_done()

        until(looked, f"a pulse at an offset of {offset_s} s")

    begun = clock.now_ms()
    first = works.start()
    settled(0)
    for offset in (7_200, 0, -7_200, 7_200):
        works.set_clock(first, offset)
        settled(offset)
    assert works.stop(first) == 0
    # Two at once whose clocks differ by four hours; the one that leads is killed.
    behind = works.start(-7_200)
    settled(-7_200)
    # Nothing was begun twice for a clock that was set; what the killed one has just begun may be.
    assert works.begun() == works.effects()
    works.start(7_200)
    behind.kill()
    settled(7_200)

    assert set(works.effects().values()) == {1}
    each, newest = ({at for name, at in works.effects() if name == job} for job in ("each", "newest"))
    grid = Schedule.parse("every 10m")
    assert set(grid.newest(begun, begun + 120 * MINUTE, 99)) <= each
    assert {grid.last(at) for at in each | newest} == each | newest
    assert len(newest) < len(each)
