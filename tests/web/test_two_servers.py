"""Two ``kepu serve`` on one PostgreSQL and one Redis: what happens through one is so through the other."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from content_store import citizens, clock, events
from content_store.db import open_database
from content_store.events import Event
from content_store.settings import load_settings
from content_store.vocabulary import EventKind
from tests.support.servers import Postgres, Valkey
from tests.support.serving import Server, serving
from tests.support.shelves import shelved

pytestmark = [pytest.mark.backend("postgresql"), pytest.mark.backend("redis")]

FEED = "/api/v1/feed"
READ, ALSO_READ = "a044", "a041"
"""An old article that nothing brings to the front, and what its readers read, too."""

OTHERS = 6


@dataclass
class Visitor:
    """A browser that keeps its cookie, whichever server it is sent to."""

    cookie: str = ""

    def ask(self, server: Server, method: str, path: str, body: Any = None) -> Any:
        """The JSON that ``server`` answers, which must be a success."""
        given = {"Cookie": self.cookie} if self.cookie else {}
        sent = None if body is None else json.dumps(body).encode()
        status, headers, text = server.request(method, path, sent, Content_Type="application/json", **given)
        assert status == 200, text
        if "Set-Cookie" in headers:
            self.cookie = headers["Set-Cookie"].partition(";")[0]
        return json.loads(text)

    def feed(self, server: Server, cursor: str | None = None) -> Any:
        """A page of ten."""
        return self.ask(server, "GET", f"{FEED}?limit=10" + (f"&cursor={cursor}" if cursor else ""))

    def read(self, server: Server, id: str, *, opened_at: Server | None = None) -> None:
        """Open ``id`` at one server and tell ``server`` of the reading."""
        page = self.ask(opened_at or server, "GET", f"/api/v1/contents/{id}")
        event = {"id": page["reading_id"], "kind": "read", "content_id": id, "at": clock.now_ms(), "dwell_ms": 1}
        event["reading_token"] = page["reading_token"]
        answer = self.ask(server, "POST", "/api/v1/events", {"events": [event]})
        assert answer == {"accepted": 1, "duplicate": 0, "rejected": []}


@pytest.fixture(scope="module")
def settings(
    migrated_postgresql: str, postgres_server: Postgres, valkey_server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """The variables of the scaled profile, over a shelf on which ``OTHERS`` read ``READ`` and then ``ALSO_READ``."""
    name = postgres_server.database(migrated_postgresql)
    valkey_server.empty()
    given = {
        "KEPU_DATABASE_URL": postgres_server.url(name),
        "KEPU_REDIS_URL": valkey_server.url,
        "KEPU_DATA_DIR": str(tmp_path_factory.mktemp("shared")),
        "KEPU_RATE_PER_CITIZEN": "0",
        "KEPU_RATE_PER_NETWORK": "0",
    }
    database = open_database(load_settings(given))
    shelved(database)
    begun = clock.now_ms() - 5 * clock.DAY_MS
    with database.begin() as connection:
        citizens.ensure(connection, [f"other{number}" for number in range(OTHERS)])
        rows = [
            Event(
                id=f"{number} {content}",
                citizen_id=f"other{number}",
                content_id=content,
                kind=EventKind.READ,
                at=begun + 2 * number + place,
            )
            for number in range(OTHERS)
            for place, content in enumerate((READ, ALSO_READ))
        ]
        events.append(connection, rows)
    database.close()
    yield given
    postgres_server.drop(name)


@pytest.fixture(scope="module")
def pair(settings: Mapping[str, str]) -> Iterator[tuple[Server, Server]]:
    """Two servers that listen."""
    with serving(settings) as one, serving(settings) as other:
        yield one, other


def ids(*pages: Any) -> list[str]:
    return [item["id"] for page in pages for item in page["items"]]


def turned(visitor: Visitor, *servers: Server) -> list[Any]:
    """All pages, each asked of the next of ``servers``."""
    pages = [visitor.feed(servers[0])]
    while pages[-1]["cursor"] is not None:
        pages.append(visitor.feed(servers[len(pages) % len(servers)], pages[-1]["cursor"]))
    return pages


def test_a_read_told_to_one_acts_in_the_next_request_to_the_other(pair: tuple[Server, Server]) -> None:
    one, other = pair
    visitor = Visitor()
    assert visitor.feed(other)["items"][0]["reason"]["code"] != "because_read"

    visitor.read(one, READ, opened_at=other)

    first = visitor.feed(other)["items"][0]
    assert first["id"] == ALSO_READ
    assert first["reason"]["refs"] == [READ]
    assert first["reason"]["text"] == f"因为你读过《第44篇文章》（近来有 {OTHERS} 位读者两篇都读了）"


def test_what_was_read_through_one_is_hidden_on_every_page_of_the_other(pair: tuple[Server, Server]) -> None:
    one, other = pair
    visitor = Visitor()
    newest = ids(visitor.feed(one))[0]
    visitor.read(one, newest)
    shown = ids(*turned(visitor, other))
    assert newest not in shown
    assert len(set(shown)) == len(shown) == 44


def test_a_cursor_of_one_is_continued_by_the_other_without_repeats(pair: tuple[Server, Server]) -> None:
    pages = turned(Visitor(), *pair)
    assert len(pages) >= 5
    assert sorted(ids(*pages)) == [f"a{number:03d}" for number in range(45)]
    assert [item["position"] for page in pages for item in page["items"]] == list(range(45))


def test_what_is_read_between_two_pages_is_left_out_by_whoever_answers(pair: tuple[Server, Server]) -> None:
    one, other = pair
    visitor = Visitor()
    begun = visitor.feed(one)
    later = ids(visitor.feed(other, begun["cursor"]))
    visitor.read(one, later[0])
    assert later[0] not in ids(visitor.feed(other, begun["cursor"]))


def test_one_that_is_killed_leaves_the_other_serving(settings: Mapping[str, str], pair: tuple[Server, Server]) -> None:
    survivor = pair[1]
    visitor = Visitor()
    with serving(settings) as victim:
        begun = visitor.feed(victim)
        read = ids(begun)[3]
        visitor.read(victim, read)
        os.killpg(victim.process.pid, signal.SIGKILL)
        assert victim.ended() == -signal.SIGKILL
    rest = [visitor.feed(survivor, begun["cursor"])]
    while rest[-1]["cursor"] is not None:
        rest.append(visitor.feed(survivor, rest[-1]["cursor"]))
    assert sorted(ids(begun, *rest)) == [f"a{number:03d}" for number in range(45)]
    assert read not in ids(*turned(visitor, survivor))
    visitor.read(survivor, ids(begun)[0])
    assert visitor.ask(survivor, "GET", "/readyz")["hot"] == "ok"
