"""Occurrences: unique by job and due time, claimed by one, ended by its holder alone."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from content_store import clock, jobs
from content_store.db import Connection, Database, open_database
from content_store.errors import LeaseLost
from content_store.jobs import Claim
from content_store.leases import Watch
from content_store.settings import load_settings
from content_store.vocabulary import JobState
from tests.support.clockwork import until

NOON = 1_735_704_000_000
MINUTE = 60_000
DAY = clock.DAY_MS

pytestmark = pytest.mark.usefixtures("fixed_clock")


class Elapsed:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def ensure(database: Database, *due: int, job: str = "tidy", instead: bool = False) -> int:
    with database.begin() as connection:
        return jobs.ensure(connection, job, due, instead=instead)


def claim(database: Database, *names: str, worker: str = "w", watch: Watch[int] | None = None) -> Claim | None:
    with database.begin() as connection:
        wanted = names or ("tidy",)
        return jobs.claim(connection, worker, wanted, lease_ms=1000, watch=watch or Watch())


def claimed(database: Database, *names: str, watch: Watch[int] | None = None) -> Claim:
    found = claim(database, *names, watch=watch)
    assert found is not None
    return found


def finish(database: Database, found: Claim, note: str = "") -> None:
    with database.begin() as connection:
        jobs.finish(connection, found, note)


def fail(database: Database, found: Claim, retry_at: int | None) -> None:
    with database.begin() as connection:
        jobs.fail(connection, found, "broken", retry_at=retry_at)


def states(database: Database, job: str = "tidy") -> list[tuple[int, JobState]]:
    with database.connect() as connection:
        return [(found.due_at, found.state) for found in jobs.history(connection, job, limit=99)][::-1]


def test_a_due_time_is_stored_once(database: Database) -> None:
    assert ensure(database, NOON, NOON - MINUTE) == 2
    assert ensure(database, NOON, NOON - 2 * MINUTE) == 1
    assert ensure(database) == 0
    assert ensure(database, NOON, job="other") == 1
    assert states(database) == [(NOON - ago * MINUTE, JobState.WAITING) for ago in (2, 1, 0)]


def test_a_newer_due_time_takes_the_place_of_those_that_wait(database: Database) -> None:
    ensure(database, NOON - 2 * MINUTE)
    running = claimed(database)
    ensure(database, NOON - MINUTE)
    ensure(database, NOON, instead=True)
    assert [state for _, state in states(database)] == [JobState.RUNNING, JobState.SKIPPED, JobState.WAITING]
    assert ensure(database, NOON, instead=True) == 0
    finish(database, running)
    assert [state for _, state in states(database)] == [JobState.DONE, JobState.SKIPPED, JobState.WAITING]


def test_the_one_that_is_due_for_longest_is_taken_first(database: Database) -> None:
    ensure(database, NOON, NOON - 2 * MINUTE)
    ensure(database, NOON - MINUTE, job="other")
    taken = []
    while found := claim(database, "tidy", "other"):
        taken.append((found.job, found.due_at))
        finish(database, found)
    assert taken == [("tidy", NOON - 2 * MINUTE), ("other", NOON - MINUTE), ("tidy", NOON)]


def test_only_what_is_due_and_wanted_is_taken(database: Database) -> None:
    ensure(database, NOON + 1)
    ensure(database, NOON, job="other")
    assert claim(database) is None
    with clock.fixed(NOON + 1):
        assert claimed(database).due_at == NOON + 1


def test_of_one_job_one_occurrence_runs_at_a_time(database: Database) -> None:
    ensure(database, NOON - MINUTE, NOON)
    first = claimed(database)
    assert claim(database) is None
    finish(database, first)
    assert claimed(database).due_at == NOON


def test_the_database_itself_refuses_a_second_running_one(database: Database) -> None:
    ensure(database, NOON - MINUTE, NOON)
    with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
        connection.execute(sa.text("UPDATE occurrences SET state = 'running'"))


def test_there_is_something_to_do_when_there_is_something_to_take(database: Database) -> None:
    elapsed = Elapsed()
    watch: Watch[int] = Watch(elapsed)

    def anything() -> bool:
        with database.connect() as connection:
            return jobs.anything(connection, ["tidy"], watch)

    assert not anything()
    ensure(database, NOON)
    assert anything()
    claimed(database)
    assert not anything()
    elapsed.now += 1
    assert anything()


def test_a_finished_occurrence_is_over(database: Database) -> None:
    ensure(database, NOON)
    found = claimed(database)
    finish(database, found, "tidied 3")
    assert claim(database) is None
    with database.connect() as connection:
        [stored] = jobs.history(connection, limit=9)
        assert jobs.done(connection, found)
    assert (stored.state, stored.note, stored.attempts, stored.worker) == (JobState.DONE, "tidied 3", 1, "w")
    assert (stored.started_at, stored.ended_at, stored.error) == (NOON, NOON, None)


def test_what_a_silent_worker_held_is_taken_over_and_its_own_end_refused(database: Database) -> None:
    elapsed = Elapsed()
    watch: Watch[int] = Watch(elapsed)
    ensure(database, NOON)
    silent = claimed(database)
    assert claim(database, watch=watch) is None
    elapsed.now += 1
    second = claimed(database, watch=watch)
    assert (second.id, second.token, second.attempt) == (silent.id, silent.token + 1, 2)
    endings: list[Callable[[Connection], None]] = [
        lambda connection: jobs.finish(connection, silent),
        lambda connection: jobs.require(connection, silent),
        lambda connection: jobs.release(connection, silent),
        lambda connection: jobs.fail(connection, silent, "x", retry_at=None),
    ]
    for end in endings:
        with pytest.raises(LeaseLost), database.begin() as connection:
            end(connection)
    with database.begin() as connection:
        assert not jobs.renew(connection, silent)
        assert not jobs.done(connection, silent)
        assert jobs.renew(connection, second)
    finish(database, second)


def test_a_sign_of_life_keeps_others_away(database: Database) -> None:
    elapsed = Elapsed()
    watch: Watch[int] = Watch(elapsed)
    ensure(database, NOON)
    held = claimed(database)
    for _ in range(4):
        assert claim(database, watch=watch) is None
        elapsed.now += 0.75
        with database.begin() as connection:
            assert jobs.renew(connection, held)
    finish(database, held)


def test_an_effect_that_may_not_be_finished_is_undone(database: Database) -> None:
    elapsed = Elapsed()
    watch: Watch[int] = Watch(elapsed)
    ensure(database, NOON)
    silent = claimed(database)
    claim(database, watch=watch)
    elapsed.now += 1
    claimed(database, watch=watch)
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effects (n INTEGER)"))
    with pytest.raises(LeaseLost), database.begin() as connection:
        connection.execute(sa.text("INSERT INTO effects VALUES (1)"))
        jobs.finish(connection, silent)
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM effects")) == 0


def test_a_failed_attempt_is_repeated_when_its_time_has_come(database: Database) -> None:
    ensure(database, NOON)
    fail(database, claimed(database), retry_at=NOON + MINUTE)
    assert claim(database) is None
    with clock.fixed(NOON + MINUTE):
        again = claimed(database)
        assert again.attempt == 2
        finish(database, again)
        with database.connect() as connection:
            failed = jobs.last_failure(connection, "tidy")
    assert failed is not None
    assert (failed.error, failed.state) == ("broken", JobState.DONE)


@pytest.mark.parametrize("said", ["a\0b", "\ud800", "长" * 5_000])
def test_whatever_an_error_says_is_kept_as_far_as_it_can_be(database: Database, said: str) -> None:
    ensure(database, NOON)
    with database.begin() as connection:
        found = jobs.claim(connection, "w", ["tidy"], lease_ms=1000, watch=Watch())
        assert found is not None
        jobs.fail(connection, found, said, retry_at=None)
        failed = jobs.last_failure(connection, "tidy")
    assert failed is not None
    assert failed.error in {"ab", "?", "长" * 2_000}


def test_a_retry_does_not_wait_for_a_clock_that_was_set_back(database: Database) -> None:
    ensure(database, NOON)
    with clock.fixed(NOON + 120 * MINUTE):
        fail(database, claimed(database), retry_at=NOON + 121 * MINUTE)
    assert claimed(database).attempt == 2


def test_after_the_last_attempt_it_is_dead_until_a_person_revives_it(database: Database) -> None:
    ensure(database, NOON)
    fail(database, claimed(database), retry_at=None)
    assert [state for _, state in states(database)] == [JobState.DEAD]
    assert claim(database) is None
    with database.begin() as connection:
        assert jobs.revive(connection, "other") == 0
        assert jobs.revive(connection, "tidy") == 1
    assert claimed(database).attempt == 1


def test_what_is_given_back_is_as_if_it_had_never_been_taken(database: Database) -> None:
    ensure(database, NOON)
    first = claimed(database)
    with database.begin() as connection:
        jobs.release(connection, first)
    second = claimed(database)
    assert (second.attempt, second.token) == (1, first.token + 1)


def test_old_occurrences_go_but_never_a_jobs_newest_nor_what_is_not_over(database: Database) -> None:
    for ago in (9, 8, 7):
        with clock.fixed(NOON - ago * DAY):
            ensure(database, NOON - ago * DAY)
            finish(database, claimed(database))
    with clock.fixed(NOON - 9 * DAY):
        ensure(database, NOON - 9 * DAY, job="stuck")
        fail(database, claimed(database, "stuck"), retry_at=NOON)
        ensure(database, NOON - 8 * DAY, job="stuck")
    with database.begin() as connection:
        assert jobs.forget(connection, NOON - 7 * DAY) == 2
        assert jobs.forget(connection, NOON) == 0
    assert [due for due, _ in states(database)] == [NOON - 7 * DAY]
    assert len(states(database, "stuck")) == 2


def test_the_newest_due_time_is_told_up_to_an_instant(database: Database) -> None:
    ensure(database, NOON - MINUTE, NOON + MINUTE)
    with database.connect() as connection:
        found = [jobs.newest_due(connection, "tidy", NOON + minutes * MINUTE) for minutes in (-2, -1, 0, 1)]
        assert jobs.names(connection) == ["tidy"]
    assert found == [None, NOON - MINUTE, NOON - MINUTE, NOON + MINUTE]


def test_two_that_reach_for_one_job_at_the_same_moment_do_not_both_get_it(database: Database) -> None:
    ensure(database, NOON - 2 * MINUTE, NOON - MINUTE)
    ensure(database, NOON, job="other")
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            first = jobs.claim(connection, "a", ["tidy", "other"], lease_ms=1000, watch=Watch())
            # It sees the second occurrence waiting and no running one, as long as this transaction is open.
            second = pool.submit(claim, database, "tidy", "other")
            until(lambda: second.running() and (database.dialect == "sqlite" or _waits(database)), "the second one")
        found = second.result(60)
    assert first is not None
    assert found is not None
    assert (first.job, first.due_at, found.job) == ("tidy", NOON - 2 * MINUTE, "other")


def _waits(database: Database) -> bool:
    """Whether somebody waits for a lock on PostgreSQL."""
    with database.connect() as connection:
        return bool(connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_many_processes_claim_and_none_gets_what_another_got(database: Database, database_url: str) -> None:
    names = [f"job{number}" for number in range(20)]
    for name in names:
        ensure(database, NOON, job=name)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.starmap(_claim_all, [(database_url, names)] * 4, chunksize=1)
    assert Counter(name for taken in found for name in taken) == dict.fromkeys(names, 1)


def _claim_all(url: str, names: list[str]) -> list[str]:
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    taken = []
    with clock.fixed(NOON):
        while found := claim(database, *names):
            taken.append(found.job)
    database.close()
    return taken
