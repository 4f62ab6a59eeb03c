"""A worker of the clock in a process of its own, whose jobs leave traces; to be stopped and killed.

Every run appends a line to ``runs`` (one write to a file opened for appending: whole lines, whatever happens to the
process) and has one effect in the database: a row of ``effects``, which no key keeps from being there twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from content_store import clock
from content_store.db import Database, open_database
from content_store.errors import LeaseLost
from content_store.schedule import Schedule
from content_store.settings import load_settings
from push.jobs.base import Job, Lane, Missed
from push.run import Run
from push.scheduler import Scheduler

DEADLINE_S = 120.0
"""After this long something has gone wrong, however busy the machine is."""


@dataclass(frozen=True)
class Spec:
    """A job of the test: ``waits`` to be let go nowhere, ``before`` its transaction or ``inside`` of it."""

    name: str
    schedule: str = "off"
    missed: str = "each"
    lane: str = "short"
    waits: str = "nowhere"
    takes_s: float = 0.0


@dataclass(frozen=True)
class Works:
    """What a worker process is told; ``offset_s`` moves its clock."""

    url: str
    folder: str
    jobs: list[Spec]
    lease_s: float = 1.0
    offset_s: float = 0.0


@dataclass
class Clockwork:
    """A database and a folder with the traces of its workers."""

    database: Database
    url: str
    folder: Path
    jobs: list[Spec]
    lease_s: float = 1.0
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the table of effects."""
        with self.database.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE effects (job TEXT, due_at BIGINT, pid BIGINT)")

    def start(self, offset_s: float = 0.0) -> subprocess.Popen[str]:
        """A new worker process, at work when this returns."""
        works = Works(self.url, str(self.folder), self.jobs, self.lease_s, offset_s)
        command = [sys.executable, "-m", "tests.support.clockwork", json.dumps(asdict(works))]
        log = (self.folder / "workers.log").open("ab")
        with log:
            worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", (self.folder / "workers.log").read_text()
        return worker

    def set_clock(self, worker: subprocess.Popen[str], offset_s: float) -> None:
        """Set the clock of a running ``worker``."""
        assert worker.stdin is not None
        worker.stdin.write(f"offset {offset_s}\n")
        worker.stdin.flush()

    def freeze(self, worker: subprocess.Popen[str]) -> None:
        """Stop ``worker`` where it holds no lock of the database: frozen inside a transaction, it would keep it."""
        deadline = time.monotonic() + DEADLINE_S
        worker.send_signal(signal.SIGSTOP)
        while not self._unlocked():
            assert time.monotonic() < deadline, "it was in a transaction each time"
            worker.send_signal(signal.SIGCONT)
            time.sleep(0.01)
            worker.send_signal(signal.SIGSTOP)

    def _unlocked(self) -> bool:
        wait = "PRAGMA busy_timeout = 200" if self.database.dialect == "sqlite" else "SET lock_timeout = 200"
        engine = sa.create_engine(self.database.engine.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(wait)
            try:
                connection.exec_driver_sql("UPDATE occurrences SET beat = beat WHERE state = 'running'")
            except sa.exc.OperationalError:
                return False
        return True

    def stop(self, worker: subprocess.Popen[str]) -> int:
        """Let ``worker`` end as it should; its exit code."""
        assert worker.stdin is not None
        worker.stdin.close()
        return worker.wait(DEADLINE_S)

    def go(self, worker: subprocess.Popen[str]) -> None:
        """Let the waiting jobs of ``worker`` go on."""
        (self.folder / f"go{worker.pid}").touch()

    def refused(self) -> list[str]:
        """The processes whose end of an occurrence was refused."""
        return [line[4] for line in self.runs() if line[0] == "refused"]

    def runs(self) -> list[list[str]]:
        """The lines that the runs left: what, job, due time, attempt, process, monotonic and programme's clock (ms)."""
        path = self.folder / "runs"
        return [line.split() for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def begun(self) -> Counter[tuple[str, int]]:
        """How often each occurrence was begun."""
        return Counter((line[1], int(line[2])) for line in self.runs() if line[0] == "begun")

    def effects(self) -> Counter[tuple[str, int]]:
        """How often each occurrence had its effect."""
        with self.database.connect() as connection:
            rows = connection.exec_driver_sql("SELECT job, due_at FROM effects").fetchall()
        return Counter((row[0], row[1]) for row in rows)

    def states(self) -> Counter[str]:
        """How many occurrences are in each state."""
        with self.database.connect() as connection:
            rows = connection.exec_driver_sql("SELECT state, count(*) FROM occurrences GROUP BY state").fetchall()
        return Counter({row[0]: row[1] for row in rows})

    def all_done(self) -> bool:
        """Whether there are occurrences and nothing is left to do."""
        states = self.states()
        return bool(states["done"]) and not states["waiting"] and not states["running"]

    def end(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream is not None:
                    stream.close()


def until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for ``condition``; fails with ``what`` when it takes too long."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def _job(spec: Spec, folder: Path) -> Job:
    traces = os.open(folder / "runs", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def trace(what: str, run: Run) -> None:
        claim = run.claim
        told = [what, claim.job, claim.due_at, claim.attempt, os.getpid(), time.monotonic_ns() // 10**6, clock.now_ms()]
        os.write(traces, (" ".join(map(str, told)) + "\n").encode())

    def wait(where: str) -> None:
        while spec.waits == where and not (folder / f"go{os.getpid()}").exists():
            time.sleep(0.01)

    def work(run: Run) -> None:
        trace("begun", run)
        time.sleep(spec.takes_s)
        wait("before")
        try:
            with run.finish() as connection:
                effect = {"job": run.claim.job, "due_at": run.due_at, "pid": os.getpid()}
                connection.execute(sa.text("INSERT INTO effects VALUES (:job, :due_at, :pid)"), effect)
                trace("inside", run)
                wait("inside")
        except LeaseLost:
            trace("refused", run)
            raise

    return Job(
        name=spec.name,
        schedule=Schedule.parse(spec.schedule),
        missed=Missed(spec.missed),
        lane=Lane(spec.lane),
        work=work,
        backoff_s=(0,) * 1_000,
    )


def _works(given: dict[str, Any]) -> Works:
    return Works(**given | {"jobs": [Spec(**spec) for spec in given["jobs"]]})


def main(arguments: Sequence[str]) -> None:
    """The process: works until its input ends; a line ``offset SECONDS`` moves its clock."""
    works = _works(json.loads(arguments[0]))
    clock.set_offset(works.offset_s)
    database = open_database(load_settings({"KEPU_DATABASE_URL": works.url}))
    jobs = [_job(spec, Path(works.folder)) for spec in works.jobs]
    scheduler = Scheduler(database, jobs, lease_s=works.lease_s, tick_s=0.1)
    scheduler.start()
    print("ready", flush=True)
    for line in sys.stdin:
        clock.set_offset(float(line.split()[1]))
    scheduler.stop()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
