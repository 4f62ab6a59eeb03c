"""What is due is done by ``kepu serve`` where one process is all there is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from content_store import clock, contents, jobs
from content_store.db import Database, open_database
from content_store.settings import load_settings
from content_store.vocabulary import ContentStatus, JobState
from tests.support.clockwork import until
from tests.support.serving import Server, serving


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """The variables of an embedded installation that looks every second."""
    given = {"KEPU_DATA_DIR": str(tmp_path), "KEPU_PUBLISH_SCHEDULE": "every 1s", "KEPU_EXPIRE_SCHEDULE": "off"}
    return given | {"KEPU_LEASE_S": "600"}  # so long that nobody in a test waits for one to lapse


@contextmanager
def records(given: Mapping[str, str]) -> Iterator[Database]:
    """The records of an installation, with a content whose time had come a minute ago."""
    database = open_database(load_settings(given))
    due = clock.now_ms() - 60_000
    with database.begin() as connection:
        contents.create(connection, id="due", title="到点了", status=ContentStatus.SCHEDULED, published_at=due)
    yield database
    database.close()


def shown(server: Server) -> bool:
    """Whether the content is in the feed of a visitor."""
    page = json.loads(server.request("GET", "/api/v1/feed")[2])
    return "due" in [item["id"] for item in page["items"]]


def jobs_of(server: Server) -> str:
    told = json.loads(server.request("GET", "/readyz")[2])["jobs"]
    assert isinstance(told, str)
    return told


def done(database: Database) -> list[jobs.Occurrence]:
    with database.connect() as connection:
        return jobs.history(connection, "publish_when_due", limit=1_000, states=(JobState.DONE,))


def test_what_is_due_is_published_by_the_server_itself_and_it_ends_in_order(given: dict[str, str]) -> None:
    with records(given) as database, serving(given) as server:
        until(lambda: shown(server), "the publication")
        assert jobs_of(server) == "ok"
        told = server.request("GET", "/metrics")[2].decode()
        assert "kepu_clock_at_work 1.0" in told
        assert 'kepu_job_dead{job="publish_when_due"} 0.0' in told
        assert 'kepu_job_done_timestamp_seconds{job="publish_when_due"}' in told
        assert server.stop() == 0
        with database.connect() as connection:
            assert not jobs.history(connection, limit=10, states=(JobState.RUNNING,))
        with serving(given) as successor:
            before = len(done(database))
            # At once: who ended in order holds no lease that must lapse first.
            until(lambda: len(done(database)) > before, "the successor's first")
            successor.stop()
        assert not [line for line in server.messages.splitlines() if " INFO " not in line]


def test_two_servers_do_each_due_time_once(given: dict[str, str]) -> None:
    with records(given) as database, serving(given) as first, serving(given) as second:
        until(lambda: len(done(database)) >= 5, "some due times")
        assert [jobs_of(server) for server in (first, second)] == ["ok", "ok"]
        assert [server.stop() for server in (first, second)] == [0, 0]
        found = done(database)
        assert len({occurrence.due_at for occurrence in found}) == len(found)
        assert {occurrence.attempts for occurrence in found} == {1}
        assert [occurrence.note for occurrence in found if occurrence.note] == ["published 1"]


@pytest.mark.parametrize("how", ["option", "setting"])
def test_it_can_be_left_to_others(given: dict[str, str], how: str) -> None:
    option = ["--no-jobs"] if how == "option" else []
    setting = {} if how == "option" else {"KEPU_SERVE_JOBS": "off"}
    with records(given) as database, serving(given | setting, "--port", "0", *option) as server:
        assert jobs_of(server) == "off"
        assert "kepu_clock_at_work 0.0" in server.request("GET", "/metrics")[2].decode()
        assert server.stop() == 0
        with database.connect() as connection:
            assert jobs.names(connection) == []


def test_where_there_are_many_processes_it_is_left_to_workers_unless_it_is_asked_for(
    given: dict[str, str], postgresql_database: Database, redis_url: str
) -> None:
    url = postgresql_database.engine.url.render_as_string(hide_password=False)
    scaled = given | {"KEPU_DATABASE_URL": url, "KEPU_REDIS_URL": redis_url}
    with serving(scaled) as server:
        assert jobs_of(server) == "off"
    with serving(scaled, "--port", "0", "--jobs") as server:
        assert jobs_of(server) == "ok"
        assert server.stop() == 0
