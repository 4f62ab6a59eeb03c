"""A process that does the jobs of review each second, as ``kepu worker`` would; to be killed at any moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from content_store.db import open_database
from content_store.settings import load_settings
from push.jobs import expire, publish_when_due, release_claims
from push.scheduler import Scheduler


@contextmanager
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    """A list for the processes that ``start`` makes; those that are left at the end are killed."""
    made: list[subprocess.Popen[str]] = []
    try:
        yield made
    finally:
        for worker in made:
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream is not None:
                    stream.close()


def start(url: str, folder: Path, made: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """A new worker process, at work when this returns."""
    command = [sys.executable, "-m", "tests.support.review_worker", url]
    with (folder / "workers.log").open("ab") as log:
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    made.append(worker)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n", (folder / "workers.log").read_text()
    return worker


def main(url: str) -> None:
    """The process: works until its input ends."""
    every = {f"KEPU_{name}_SCHEDULE": "every 1s" for name in ("PUBLISH", "EXPIRE", "CLAIMS")}
    settings = load_settings({"KEPU_DATABASE_URL": url} | every)
    database = open_database(settings)
    jobs = [module.job(settings) for module in (publish_when_due, expire, release_claims)]
    scheduler = Scheduler(database, jobs, lease_s=0.6, tick_s=0.05)
    scheduler.start()
    print("ready", flush=True)
    sys.stdin.read()
    scheduler.stop()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1])
