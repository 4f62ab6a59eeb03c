"""``kepu jobs`` and ``kepu worker`` as a person and a service manager see them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from content_store import clock, contents, jobs
from content_store.db import Database
from content_store.leases import Watch
from content_store.vocabulary import ContentStatus
from tests.support.clockwork import until
from web.cli import main

NOON = 1_735_704_000_000
MINUTE = 60_000


@pytest.fixture
def kepu(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command at noon; its exit code and what it said."""
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str]:
        with clock.fixed(NOON), pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out + captured.err

    return run


def attempt(database: Database, job: str, due_at: int, seconds: int = 3, **outcome: object) -> None:
    """An attempt at ``job`` that ended well with a note, or badly with an error and perhaps a time to try again."""
    with clock.fixed(due_at), database.begin() as connection:
        jobs.ensure(connection, job, [due_at])
        claim = jobs.claim(connection, "w", [job], lease_ms=1000, watch=Watch())
    assert claim is not None
    with clock.fixed(due_at + seconds * 1000), database.begin() as connection:
        if "error" in outcome:
            jobs.fail(connection, claim, str(outcome["error"]), retry_at=outcome.get("retry_at"))  # type: ignore[arg-type]
        else:
            jobs.finish(connection, claim, str(outcome["note"]))


def test_before_anything_ran_it_says_what_is_due_and_who_does_it(kepu: Callable[..., tuple[int, str]]) -> None:
    code, text = kepu("jobs")
    assert code == 0
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert lines["publish_when_due"].split()[1:6] == ["every", "1m", "2025-01-01", "12:01", "–"]
    assert lines["retrain"].split()[1:4] == ["03:30", "2025-01-02", "03:30"]
    assert "no worker leads the clock: `kepu worker` starts one" in text
    assert "`kepu worker` runs the clock" in kepu("jobs", "--last", "5")[1]


def test_what_ran_what_came_of_it_and_what_went_wrong_is_told(
    kepu: Callable[..., tuple[int, str]], database: Database
) -> None:
    attempt(database, "retrain", NOON - 10 * MINUTE, seconds=72, note="published 000007-20250101T115112")
    attempt(database, "expire", NOON - 5 * MINUTE, error="the disk is full", retry_at=NOON + MINUTE)
    attempt(database, "retention", NOON - 4 * MINUTE, error="no", retry_at=None)
    _, text = kepu("jobs")
    lines = {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line}
    assert lines["retrain"].endswith("2025-01-01 11:50 done 72.0 s published 000007-20250101T115112")
    assert "expire of 2025-01-01 11:55, 1 of 5 attempts made; tried again at 2025-01-01 12:01" in text
    assert "    the disk is full" in text
    assert "retention of 2025-01-01 11:56, 1 of 6 attempts made; given up; `kepu jobs --retry retention`" in text

    newest = [line.split() for line in kepu("jobs", "--last", "2")[1].splitlines()]
    assert [line[0] for line in newest] == ["job", "retention", "expire"]
    assert newest[1][3] == "dead"
    assert newest[2][-4:] == ["the", "disk", "is", "full"]


def test_the_dead_are_tried_again_when_asked_for(kepu: Callable[..., tuple[int, str]], database: Database) -> None:
    attempt(database, "retention", NOON - MINUTE, error="no", retry_at=None)
    assert kepu("jobs", "--retry", "retention") == (0, "retention: 1 will be tried again\n")
    assert kepu("jobs", "--retry", "retention") == (0, "retention: nothing of it is dead\n")
    assert "tried again at 2025-01-01 11:59" in kepu("jobs")[1]


def test_an_unknown_job_is_a_mistake_that_names_the_known_ones(kepu: Callable[..., tuple[int, str]]) -> None:
    code, text = kepu("jobs", "--retry", "retian")
    assert code == 2
    assert "no job is called retian" in text
    assert (
        "the jobs are expire, facts_of_the_day, ingest, publish_when_due, release_claims, retention, retrain,"
        " suggest_topics, tell_corrections" in text
    )


def test_a_worker_does_what_is_due_until_it_is_told_to_stop(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", title="t", status=ContentStatus.SCHEDULED, published_at=clock.now_ms())
    given = {
        "KEPU_DATA_DIR": str(tmp_path / "data"),
        "KEPU_DATABASE_URL": database_url,
        "KEPU_PUBLISH_SCHEDULE": "every 1s",
        "KEPU_RETRAIN_SCHEDULE": "off",
    }
    command = [sys.executable, "-m", "web.cli", "worker"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **given}, text=True
    ) as worker:
        try:
            until(partial(_published, database, "a"), "the publication")
            worker.send_signal(signal.SIGTERM)
            said, told = worker.communicate(timeout=60)
        finally:
            worker.kill()
    assert worker.returncode == 0
    first, last = said.splitlines()
    assert first.endswith("is at work")
    assert last.endswith("ends: SIGTERM")
    assert "INFO publish_when_due of " in told
    assert "published 1" in told
    assert "Traceback" not in told


def _published(database: Database, id: str) -> bool:
    with database.connect() as connection:
        return contents.get(connection, id).status is ContentStatus.PUBLISHED
