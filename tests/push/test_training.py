"""The retraining: in a process of its own, published once for its due time and only by who holds the lease."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from content_store import clock, jobs
from content_store.db import Connection, Database
from content_store.errors import DatabaseError, LeaseLost
from content_store.jobs import Claim, Occurrence
from content_store.leases import Watch
from content_store.settings import Settings
from content_store.vocabulary import JobState
from push import children, training
from push.jobs import retrain
from push.run import Run, Stopped
from push.scheduler import perform
from push.training import learn_topics, train
from recsys import suggesting
from recsys.gate import Verdict
from recsys.snapshots import Draft, Snapshot, SnapshotStore, TakingOver, store_of
from tests.support.clockwork import until
from tests.support.reading import DAY, START, record, town

NOW = START + 31 * DAY


@pytest.fixture
def settings(settings_factory: Callable[..., Settings], database_url: str) -> Settings:
    return settings_factory(database_url=database_url, clock_offset_s=1.5)


@pytest.fixture
def store(settings: Settings) -> SnapshotStore:
    return store_of(settings)


@pytest.fixture
def claim(database: Database) -> Iterator[Claim]:
    """The first attempt at a retraining that is due, with the clock stopped at its due time."""
    with clock.fixed(NOW):
        with database.begin() as connection:
            jobs.ensure(connection, "retrain", [NOW])
            found = jobs.claim(connection, "w", ["retrain"], lease_ms=1, watch=Watch())
        assert found is not None
        yield found


def taken_over(database: Database) -> Claim:
    """The next attempt, by somebody who saw the first one silent."""
    seconds = iter((0.0, 9.0))
    watch: Watch[int] = Watch(lambda: next(seconds))
    with database.begin() as connection:
        jobs.anything(connection, ["retrain"], watch)
        found = jobs.claim(connection, "v", ["retrain"], lease_ms=60_000, watch=watch)
    assert found is not None
    return found


def stored(database: Database) -> Occurrence:
    with database.connect() as connection:
        [found] = jobs.history(connection, limit=9)
    return found


@dataclass
class Trained:
    """As much of a training's result as is looked at."""

    snapshot: Snapshot | None
    verdict: Verdict = Verdict(False, ("worse than before",))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that learns nothing and publishes; the real one takes its time."""

    def refit(_database: Database, store: SnapshotStore, *, occasion: str, taking_over: TakingOver) -> Trained:
        return Trained(store.publish(Draft([], ["a"], {"occasion": occasion}), taking_over))

    monkeypatch.setattr(training, "refit", refit)


@pytest.mark.usefixtures("quick")
def test_what_is_published_and_the_end_of_the_due_time_are_one(
    database: Database, store: SnapshotStore, claim: Claim
) -> None:
    note = train(database, store, claim)
    [version] = store.versions()
    assert store.open(version).facts["occasion"] == f"retrain of 2024-02-01 00:00 ({NOW})"
    assert (stored(database).state, stored(database).note) == (JobState.DONE, note)
    assert note == f"published {version}"


def test_without_anything_to_learn_from_the_due_time_is_over_all_the_same(
    database: Database, store: SnapshotStore, claim: Claim
) -> None:
    assert train(database, store, claim) == "nothing to learn from yet: there are no events to learn from"
    assert stored(database).state is JobState.DONE
    assert store.versions() == []


def test_what_the_gate_refuses_is_no_failure(
    database: Database, store: SnapshotStore, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "refit", lambda *_, **__: Trained(None))
    assert train(database, store, claim) == "not published: worse than before"
    assert stored(database).state is JobState.DONE


@pytest.mark.usefixtures("quick")
def test_a_training_that_was_taken_over_publishes_nothing(
    database: Database, store: SnapshotStore, claim: Claim
) -> None:
    second = taken_over(database)
    with pytest.raises(LeaseLost):
        train(database, store, claim)
    assert store.versions() == []
    train(database, store, second)
    assert len(store.versions()) == 1
    assert (stored(database).state, stored(database).attempts) == (JobState.DONE, 2)


@pytest.mark.usefixtures("quick")
def test_whoever_died_between_the_publication_and_the_end_is_not_followed_by_a_second_publication(
    database: Database, store: SnapshotStore, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(Run):
        """Its transaction is lost after everything in it was done."""

        @contextmanager
        def finish(self) -> Iterator[Connection]:
            with self.database.begin() as connection:
                jobs.require(connection, self.claim)
                yield connection
                raise DatabaseError("the connection is gone")

    with monkeypatch.context() as patch:
        patch.setattr(training, "Run", Dying)
        with pytest.raises(DatabaseError):
            train(database, store, claim)
    [version] = store.versions()
    assert stored(database).state is JobState.RUNNING
    assert train(database, store, taken_over(database)) == f"published {version}"
    assert store.versions() == [version]
    assert stored(database).state is JobState.DONE


def test_a_process_of_its_own_trains_and_ends_the_due_time(
    database: Database, settings: Settings, store: SnapshotStore, claim: Claim
) -> None:
    record(database, town())
    perform(retrain.job(settings), Run(database, claim))
    [version] = store.versions()
    assert (stored(database).state, stored(database).note) == (JobState.DONE, f"published {version}")


def test_the_process_of_a_claim_that_was_lost_publishes_nothing(
    database: Database, settings: Settings, store: SnapshotStore, claim: Claim
) -> None:
    taken_over(database)
    perform(retrain.job(settings), Run(database, claim))
    assert store.versions() == []
    assert (stored(database).state, stored(database).error) == (JobState.RUNNING, None)


def test_what_goes_wrong_in_the_process_is_told(
    database: Database, settings_factory: Callable[..., Settings], claim: Claim, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    elsewhere = settings_factory(database_url=f"sqlite:///{tmp_path / 'file' / 'kepu.sqlite3'}")
    perform(retrain.job(elsewhere), Run(database, claim))
    found = stored(database)
    assert (found.state, found.retry_at) == (JobState.WAITING, NOW + 600_000)
    assert "cannot be used" in str(found.error)


@pytest.mark.parametrize("end", ["stopped", "lost", "killed"])
def test_the_process_does_not_outlive_what_it_was_for(
    database: Database, settings: Settings, claim: Claim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    # A child that waits for its input to end, and tells who it is.
    told = tmp_path / "pid"
    script = f"import os,sys; open({str(told)!r},'w').write(str(os.getpid())); sys.stdin.read()"
    monkeypatch.setattr(children, "_STARTED", (*children._STARTED[:1], "-c", script))
    run = Run(database, claim)
    raised: list[BaseException] = []

    def work() -> None:
        try:
            retrain.job(settings).work(run)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: told.exists() and told.read_text(), "the child")
    child = int(told.read_text())
    if end == "stopped":
        run.stop()
    elif end == "lost":
        taken_over(database)
        run.beat()
    else:
        os.kill(child, signal.SIGKILL)
    thread.join(60)
    [error] = raised
    expected = {"stopped": (Stopped, ""), "lost": (LeaseLost, "taken over"), "killed": (Exception, "code -9")}[end]
    assert isinstance(error, expected[0])
    assert expected[1] in str(error)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_the_process_ends_with_its_parent() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.dup2(reading, 0)
        children._end_with_parent()
    os.close(reading)
    try:
        os.write(writing, b"still here")
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    finally:
        os.close(writing)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_topics_that_cannot_be_learnt_are_told_and_hinder_nothing(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    learn_topics(database, SnapshotStore(tmp_path / "classifier"))
    monkeypatch.setattr(suggesting, "LEAST_REVIEWED", 0)
    (tmp_path / "classifier").write_text("in the way")
    learn_topics(database, SnapshotStore(tmp_path / "classifier"))
    told, failed = [record.getMessage() for record in caplog.records if record.getMessage().startswith("topics: ")]
    assert told == "topics: 0 reviewed contents, 100 are needed: the lists of words are used"
    assert failed
