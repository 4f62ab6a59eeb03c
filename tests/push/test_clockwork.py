"""The clock with real processes: many workers, stopped, killed and with their clocks set, and every occurrence once."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from content_store import clock, jobs
from content_store.db import Database
from tests.support.clockwork import Clockwork, Spec, until

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


def test_two_workers_share_thousands_of_occurrences_and_each_is_done_once(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    names = [f"job{number}" for number in range(40)]
    # No lease runs out here: whatever is done twice was claimed twice.
    works = clockwork(*(Spec(name, lane=("short", "long")[name[-1] < "5"]) for name in names), lease_s=60.0)
    wanted = due(database, names, 50)
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
    stopped.send_signal(signal.SIGSTOP)
    works.start()
    until(lambda: works.begun().total() == 2, "the second worker to take over")
    works.go()
    until(works.effects, "the effect")
    stopped.send_signal(signal.SIGCONT)
    until(lambda: any(line[0] == "refused" for line in works.runs()), "the first worker to try")
    assert works.effects() == dict.fromkeys(wanted, 1)
    [refused] = [line for line in works.runs() if line[0] == "refused"]
    assert refused[4] == str(stopped.pid)
    assert works.all_done()


def test_a_worker_stopped_inside_its_transaction_has_its_effect_once_or_not_at_all(
    clockwork: Callable[..., Clockwork], database: Database
) -> None:
    works = clockwork(Spec("slow", waits="inside"), lease_s=0.6)
    wanted = due(database, ["slow"], 1)
    stopped = works.start()
    until(lambda: any(line[0] == "inside" for line in works.runs()), "the first worker to be in its transaction")
    stopped.send_signal(signal.SIGSTOP)
    works.go()
    works.start()
    # PostgreSQL lets the second worker take over; on SQLite it waits for the writer that was stopped.
    patience = time.monotonic() + 2.0
    until(lambda: works.effects() or time.monotonic() > patience, "the second worker")
    stopped.send_signal(signal.SIGCONT)
    until(works.all_done, "the occurrence to be done")
    until(
        lambda: len([line for line in works.runs() if line[0] == "refused"]) == works.begun().total() - 1, "the loser"
    )
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

    def pulses(after: int) -> int:
        return sum(name == "pulse" and at >= after for name, at in works.effects())

    def settled(offset_s: int) -> None:
        """The planner has looked at its clock after it was set, and everything it wrote is done."""
        since = clock.now_ms() + offset_s * 1000
        until(lambda: pulses(since) >= 1 and works.all_done(), f"pulses at an offset of {offset_s} s")

    first = works.start()
    settled(0)
    for offset in (7_200, 0, -7_200, 7_200):
        works.set_clock(first, offset)
        settled(offset)
    assert works.stop(first) == 0
    for offset in (-7_200, 0):
        works.start(offset)
        settled(offset)

    assert set(works.effects().values()) == {1}
    assert works.begun() == works.effects()
    each, newest = (sorted(at for name, at in works.effects() if name == job) for job in ("each", "newest"))
    steps = {later - earlier for earlier, later in itertools.pairwise(each)}
    # From the first start to two hours ahead nothing is missing; what lies before it was due only where a clock stood.
    forward = [at for at in each if at > each[-1] - 120 * MINUTE]
    assert len(forward) == 12
    assert min(steps) == 10 * MINUTE
    assert len(newest) < len(each)
    assert set(newest) <= set(each)
