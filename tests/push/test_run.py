"""One attempt: its effect and its end are one, and it ends in one of a few ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from content_store import clock, jobs
from content_store.db import Database
from content_store.errors import DataMissing, LeaseLost
from content_store.jobs import Occurrence
from content_store.leases import Watch
from content_store.schedule import Schedule
from content_store.vocabulary import JobState
from push.jobs.base import Job, Missed
from push.run import Run, Stopped
from push.scheduler import perform

Work = Callable[[Run], None]


@pytest.fixture
def run(database: Database, fixed_clock: int) -> Run:
    """The first attempt at an occurrence of the job ``test`` that is due at noon."""
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effects (n INTEGER)"))
        jobs.ensure(connection, "test", [fixed_clock])
    return attempt(database)


def attempt(database: Database, *, watch: Watch[int] | None = None) -> Run:
    with database.begin() as connection:
        claim = jobs.claim(connection, "w", ["test"], lease_ms=1, watch=watch or Watch())
    assert claim is not None
    return Run(database, claim)


def taken_over(run: Run) -> Run:
    """The next attempt, by somebody who saw the first one silent."""
    seconds = iter((0.0, 9.0))
    watch: Watch[int] = Watch(lambda: next(seconds))
    with run.database.connect() as connection:
        jobs.anything(connection, ["test"], watch)
    return attempt(run.database, watch=watch)


def job(work: Work, backoff_s: tuple[int, ...] = (60,)) -> Job:
    return Job(name="test", schedule=Schedule.parse("off"), missed=Missed.EACH, work=work, backoff_s=backoff_s)


def stored(run: Run) -> Occurrence:
    with run.database.connect() as connection:
        [found] = jobs.history(connection, limit=9)
    return found


def effects(run: Run) -> int:
    with run.database.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM effects")) or 0)


def effect(run: Run) -> None:
    with run.finish() as connection:
        connection.execute(sa.text("INSERT INTO effects VALUES (1)"))
        run.note = "one effect"


def test_work_and_end_are_written_together(run: Run) -> None:
    perform(job(effect), run)
    assert (stored(run).state, stored(run).note, effects(run)) == (JobState.DONE, "one effect", 1)


def test_work_without_an_effect_of_its_own_is_ended_too(run: Run) -> None:
    perform(job(lambda run: None), run)
    assert (stored(run).state, stored(run).note) == (JobState.DONE, None)


def test_an_effect_that_fails_leaves_nothing_and_is_tried_again(run: Run, fixed_clock: int) -> None:
    def broken(run: Run) -> None:
        effect_and_error(run, ZeroDivisionError("by zero"))

    perform(job(broken), run)
    found = stored(run)
    assert (found.state, found.error, found.retry_at) == (
        JobState.WAITING,
        "ZeroDivisionError: by zero",
        fixed_clock + 60_000,
    )
    assert effects(run) == 0
    with clock.fixed(fixed_clock + 60_000):
        perform(job(effect), attempt(run.database))
    assert (stored(run).state, stored(run).attempts, effects(run)) == (JobState.DONE, 2, 1)


def effect_and_error(run: Run, error: Exception) -> None:
    with run.finish() as connection:
        connection.execute(sa.text("INSERT INTO effects VALUES (1)"))
        raise error


def test_an_error_of_ours_is_kept_as_it_speaks(run: Run) -> None:
    perform(job(lambda run: effect_and_error(run, DataMissing("nothing there", hint="look elsewhere"))), run)
    assert stored(run).error == "nothing there"


def test_after_the_last_attempt_it_is_dead(run: Run) -> None:
    perform(job(lambda run: effect_and_error(run, ValueError("no")), backoff_s=()), run)
    assert (stored(run).state, stored(run).error) == (JobState.DEAD, "ValueError: no")


def test_work_that_was_taken_over_has_no_effect(run: Run) -> None:
    second = taken_over(run)
    perform(job(effect), run)
    assert (stored(run).state, effects(run)) == (JobState.RUNNING, 0)
    perform(job(effect), second)
    assert (stored(run).state, effects(run)) == (JobState.DONE, 1)


def test_a_failure_of_what_was_taken_over_changes_nothing(run: Run) -> None:
    taken_over(run)
    perform(job(lambda run: effect_and_error(run, ValueError("no"))), run)
    assert (stored(run).state, stored(run).error) == (JobState.RUNNING, None)


def test_work_whose_workers_fell_silent_too_often_is_dead(run: Run) -> None:
    third = taken_over(taken_over(run))
    perform(job(effect), third)
    assert (stored(run).state, effects(run)) == (JobState.DEAD, 0)
    assert stored(run).error == "its worker fell silent in each of 2 attempts"


def test_a_worker_that_ends_gives_the_work_back(run: Run) -> None:
    run.stop()

    def long(run: Run) -> None:
        run.pause(60)
        run.check()

    perform(job(long), run)
    assert (stored(run).state, stored(run).attempts) == (JobState.WAITING, 0)
    perform(job(effect), attempt(run.database))
    assert effects(run) == 1


def test_what_is_lost_is_known_from_the_next_sign_of_life_on(run: Run) -> None:
    run.beat()
    run.check()
    taken_over(run)
    run.check()
    run.beat()
    run.pause(60)
    with pytest.raises(LeaseLost):
        run.check()


def test_what_somebody_else_ended_with_our_claim_is_not_lost(run: Run) -> None:
    effect(Run(run.database, run.claim))
    run.beat()
    run.check()


def test_a_stopped_worker_is_told_before_anything_else_happens(run: Run) -> None:
    run.stop()
    with pytest.raises(Stopped):
        run.check()


def test_nobody_can_have_an_effect_twice_with_one_claim(run: Run) -> None:
    effect(run)
    with pytest.raises(LeaseLost):
        effect(run)
    assert effects(run) == 1
