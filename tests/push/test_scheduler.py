"""The threads of a scheduler: what is due gets done, whatever hinders one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from content_store import clock, jobs, leases
from content_store.db import Database
from content_store.jobs import Occurrence
from content_store.schedule import Schedule
from content_store.vocabulary import JobState
from push.agenda import LEADER
from push.jobs.base import Job, Lane, Missed
from push.run import Run
from push.scheduler import Scheduler
from tests.support.clockwork import until

pytestmark = pytest.mark.usefixtures("fixed_clock")

Make = Callable[..., Scheduler]


@pytest.fixture
def scheduler(database: Database) -> Iterator[Make]:
    """``scheduler(*jobs)``: not started; stopped when the test ends."""
    made: list[Scheduler] = []

    def make(*table: Job, lease_s: float = 60.0) -> Scheduler:
        made.append(Scheduler(database, table, lease_s=lease_s, tick_s=0.02, worker=f"w{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        one.stop(grace_s=10)


def job(work: Callable[[Run], object], name: str = "noon", lane: Lane = Lane.SHORT) -> Job:
    return Job(name=name, schedule=Schedule.parse("12:00"), missed=Missed.EACH, work=work, lane=lane, backoff_s=(0,))


def stored(database: Database) -> dict[str, Occurrence]:
    with database.connect() as connection:
        return {found.job: found for found in jobs.history(connection, limit=9)}


def state(database: Database, name: str = "noon") -> JobState | None:
    found = stored(database).get(name)
    return found.state if found else None


def done(database: Database, name: str = "noon") -> bool:
    return state(database, name) is JobState.DONE


def leader(database: Database) -> str | None:
    with database.connect() as connection:
        return leases.holder(connection, LEADER)


def test_what_is_due_is_done(scheduler: Make, database: Database, fixed_clock: int) -> None:
    scheduler(job(lambda run: None)).start()
    until(partial(done, database), "the job")
    assert (stored(database)["noon"].due_at, stored(database)["noon"].worker) == (fixed_clock, "w0")


def test_a_long_job_does_not_keep_a_short_one_waiting(scheduler: Make, database: Database) -> None:
    gate = threading.Event()
    try:
        scheduler(job(lambda run: gate.wait(60), "long", Lane.LONG), job(lambda run: None)).start()
        until(lambda: state(database, "long") is JobState.RUNNING, "the long job to begin")
        until(partial(done, database), "the short job")
        assert state(database, "long") is JobState.RUNNING
    finally:
        gate.set()


def test_a_job_that_fails_is_tried_again(scheduler: Make, database: Database) -> None:
    tries: list[int] = []

    def work(run: Run) -> None:
        tries.append(run.claim.attempt)
        if len(tries) == 1:
            raise ZeroDivisionError

    scheduler(job(work)).start()
    until(partial(done, database), "the second attempt")
    assert tries == [1, 2]


def test_a_database_in_trouble_is_waited_for(scheduler: Make, database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE occurrences RENAME TO elsewhere"))
    one = scheduler(job(lambda run: None))
    one.start()
    until(lambda: leader(database) == "w0", "the first turn")
    with database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO occurrences"))
    until(partial(done, database), "the job")


def test_a_silent_bell_is_not_waited_for(scheduler: Make, database: Database) -> None:
    one = scheduler(job(lambda run: None))
    one.start()
    until(partial(done, database), "the first day")
    # As when the machine's clock was set back: the next tick lies far ahead.
    far = datetime(2999, 1, 1, tzinfo=UTC)
    one._ticker.modify_job("tick", next_run_time=far)
    with clock.fixed(clock.now_ms() + clock.DAY_MS):
        until(lambda: len(due_times(database)) == 2, "the next day")
    until(lambda: one._ticker.get_job("tick").next_run_time < far, "the bell to be rung in again")


def due_times(database: Database) -> list[int]:
    with database.connect() as connection:
        return [found.due_at for found in jobs.history(connection, limit=9, states=[JobState.DONE])]


def test_a_lease_is_renewed_while_the_work_lasts(scheduler: Make, database: Database) -> None:
    gate = threading.Event()
    try:
        scheduler(job(lambda run: gate.wait(60)), lease_s=0.5).start()
        until(lambda: state(database) is JobState.RUNNING, "the job to begin")
        until(lambda: beats(database) >= 3, "signs of life")
    finally:
        gate.set()
    until(partial(done, database), "the end")
    assert stored(database)["noon"].attempts == 1


def beats(database: Database) -> int:
    with database.connect() as connection:
        return int(connection.scalar(sa.text("SELECT beat FROM occurrences")) or 0)


def test_stopping_waits_for_what_ends_by_itself(scheduler: Make, database: Database) -> None:
    begun = threading.Event()

    def work(run: Run) -> None:
        begun.set()
        run.pause(60)

    one = scheduler(job(work))
    one.start()
    assert begun.wait(60)
    one.stop(grace_s=60)
    assert done(database)
    assert leader(database) is None


def test_stopping_gives_back_what_heeds_it(scheduler: Make, database: Database) -> None:
    begun = threading.Event()

    def work(run: Run) -> None:
        begun.set()
        run.pause(60)
        run.check()

    one = scheduler(job(work))
    one.start()
    assert begun.wait(60)
    one.stop(grace_s=60)
    assert (state(database), stored(database)["noon"].attempts) == (JobState.WAITING, 0)


def test_stopping_gives_back_what_does_not_end_in_time_and_refuses_its_end(scheduler: Make, database: Database) -> None:
    begun, gate, over = threading.Event(), threading.Event(), threading.Event()

    def stubborn(run: Run) -> None:
        begun.set()
        gate.wait(60)
        try:
            with run.finish():
                pass
        finally:
            over.set()

    first = scheduler(job(stubborn))
    first.start()
    assert begun.wait(60)
    first.stop(grace_s=0)
    assert state(database) is JobState.WAITING
    gate.set()
    assert over.wait(60)
    assert state(database) is JobState.WAITING
    scheduler(job(lambda run: None)).start()
    until(partial(done, database), "the second worker")


def test_when_the_leader_stops_another_leads_at_once(scheduler: Make, database: Database) -> None:
    first, second = scheduler(job(lambda run: None)), scheduler(job(lambda run: None))
    first.start()
    until(lambda: leader(database) == "w0", "the first to lead")
    second.start()
    first.stop()
    until(lambda: leader(database) == "w1", "the second to lead")


def test_two_jobs_of_one_name_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="share a name"):
        Scheduler(database, [job(lambda run: None), job(lambda run: None)])


def test_stopping_what_never_began_is_no_error(scheduler: Make) -> None:
    one = scheduler(job(lambda run: None))
    one.stop()
    one.stop()
