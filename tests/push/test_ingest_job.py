"""The job ``ingest`` and ``kepu ingest``, each in a process of its own over real sockets, and killed at its worst."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from content_store import audit, clock, contents
from content_store.db import Database
from content_store.ingest import feeds
from content_store.ingest.pacing import Bounds
from content_store.ingest.sweeping import sweep
from content_store.leases import Watch
from content_store.settings import Settings, load_settings
from content_store.vocabulary import ContentStatus
from push.jobs import ingest
from tests.push.test_jobs import do
from tests.support.hostile import Hostile, page
from tests.support.staff import ROOT, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

TEXT = "旺苍的茶农在旱季里把茶园的草留着，让土里的水走得慢一些，根也不怕晒。这样过了三年，茶园的土又黑又松。"


@dataclass
class Site:
    """A feed that gives a taste, and the page that it leads to; at ``deadly`` it ends the process ``asks``."""

    port: int = 0
    deadly: str = ""
    asks: subprocess.Popen[str] | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: bytes) -> bytes:
        path = request.split(b" ")[1].decode()
        self.asked.append(path)
        if path == self.deadly and self.asks is not None:
            self.asks.send_signal(signal.SIGKILL)
            self.asks.wait(30)
        link = f"<link>http://localhost:{self.port}/tea</link>"
        item = f"<item><guid>1</guid><title>旺苍的茶</title>{link}<description>旺苍的茶农……</description></item>"
        answers = {
            "/feed": f"<rss version='2.0'><channel><title>茶</title>{item}</channel></rss>",
            "/tea": f"<html><body><article><h1>旺苍的茶</h1><p>{TEXT * 6}</p></article></body></html>",
        }
        if path not in answers:
            return page(b"", status="404 Not Found")
        return page(answers[path].encode(), "Content-Type: text/html; charset=utf-8")


@dataclass
class World:
    """Somebody's feed on a server of the loopback, and settings that let it be fetched."""

    database: Database
    settings: Settings
    env: dict[str, str]
    site: Site

    def drafts(self) -> list[str]:
        """The titles that are stored, all of which must be drafts with the whole text; the chain is whole."""
        with self.database.connect() as connection:
            found = list(contents.every(connection))
            assert audit.verify(connection).flaws == ()
        assert all(one.status is ContentStatus.DRAFT and TEXT in (one.body or "") for one in found)
        return [one.title for one in found]


@pytest.fixture
def world(database: Database, database_url: str, tmp_path: Path) -> Iterator[World]:
    site = Site()
    with Hostile(site) as server:
        site.port = server.port
        env = {"KEPU_DATABASE_URL": database_url, "KEPU_DATA_DIR": str(tmp_path / "data")}
        env["KEPU_FETCH_NAMED_HOSTS"] = f"localhost:{server.port}"
        settings = load_settings(env)
        with database.begin() as connection:
            found_organisations(connection)
            feeds.subscribe(
                connection,
                server.url(host="localhost"),
                account_id=somebody(connection, "li").id,
                organisation_id=ROOT,
                licence="CC BY 4.0",
                bounds=Bounds.of(settings),
            )
        yield World(database, settings, env, site)


def test_the_job_fetches_what_is_due_in_a_process_of_its_own(world: World) -> None:
    job = ingest.job(world.settings)
    assert do(world.database, job, clock.now_ms() - 1) == "done 1 feeds: 1 new, 0 copy, 0 changed, 0 unchanged"
    assert do(world.database, job, clock.now_ms()) == "done no feed was due"
    assert world.drafts() == ["旺苍的茶"]


def test_killed_between_fetch_and_store_nothing_is_stored_and_the_next_sweep_does_it_once(world: World) -> None:
    world.site.deadly = "/tea"
    # The server answers in its own thread, and must know whom to kill before it is asked.
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.readline(); from web import cli; cli.main(['ingest'])"],
        env={**os.environ, **world.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    world.site.asks = process
    process.communicate("go\n", timeout=60)
    assert (process.returncode, world.site.asked[0], world.site.asked[-1]) == (-signal.SIGKILL, "/feed", "/tea")
    assert world.drafts() == []
    world.site.asks = None
    minutes = itertools.count(0.0, 60.0)
    for counted in ("1 feeds: 1 new, 0 copy, 0 changed, 0 unchanged", "no feed was due"):
        tally = sweep(world.database, world.settings, watch=lambda: Watch(lambda: next(minutes)))
        assert tally.told() == counted
    assert world.drafts() == ["旺苍的茶"]
