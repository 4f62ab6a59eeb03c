"""The history over the API and on the page 我的: seen, deleted, and silent from the next request on."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import citizens, clock, events
from content_store.events import Event
from content_store.vocabulary import EventKind
from tests.support.shelves import shelved
from tests.web.conftest import Service, opened

PATH = "/api/v1/me/history"


@pytest.fixture
def shelf(app: Flask) -> list[str]:
    """Ids of articles that the app serves; eight readers read the first three of them together."""
    ids = shelved(opened(app).database)
    now = clock.now_ms()
    with opened(app).database.begin() as connection:
        readers = [f"r{number}" for number in range(8)]
        citizens.ensure(connection, readers)
        rows = [
            Event(
                id=f"{who}{id}", citizen_id=who, content_id=id, kind=EventKind.READ, at=now - 2 * clock.DAY_MS + place
            )
            for who in readers
            for place, id in enumerate(ids[:3])
        ]
        events.append(connection, rows)
    opened(app).recommender.follower.catch_up()
    return ids


def read(client: FlaskClient, headers: dict[str, str], id: str) -> None:
    row = {"id": f"wang {id}", "kind": "read", "content_id": id, "at": clock.now_ms() - 1}
    answer = client.post("/api/v1/events", json={"events": [row]}, headers=headers).get_json()
    assert answer["accepted"] == 1


def listed(client: FlaskClient, headers: dict[str, str]) -> list[str]:
    return [entry["id"] for entry in client.get(PATH, headers=headers).get_json()["items"]]


def feed(client: FlaskClient, headers: dict[str, str]) -> dict[str, Any]:
    """Reasons by id, of the whole shelf."""
    page = client.get("/api/v1/feed?limit=50", headers=headers).get_json()
    return {item["id"]: item["reason"] for item in page["items"]}


def test_a_deleted_reading_is_named_no_more_in_any_process_and_stays_hidden(
    app: Flask, make_app: Callable[..., Flask], service: Service, shelf: list[str]
) -> None:
    headers, client = service.headers("wang"), service.client
    other = make_app().test_client(use_cookies=False)
    read(client, headers, shelf[0])
    read(client, headers, shelf[40])
    for process in (client, other):
        told = feed(process, headers)
        assert told[shelf[1]]["code"] == "because_read"
        assert told[shelf[1]]["refs"] == [shelf[0]]
        assert listed(process, headers) == [shelf[40], shelf[0]]
    assert client.delete(f"{PATH}/{shelf[0]}", headers=headers).get_json() == {"forgotten": 1}
    for process in (other, client):
        told = feed(process, headers)
        assert shelf[0] not in told
        assert all(shelf[0] not in reason["refs"] for reason in told.values())
        assert told[shelf[1]]["code"] != "because_read"
        assert listed(process, headers) == [shelf[40]]
    assert client.delete(f"{PATH}/{shelf[0]}", headers=headers).get_json() == {"forgotten": 0}


def test_everything_is_deleted_at_once_and_others_keep_theirs(service: Service, shelf: list[str]) -> None:
    headers, client = service.headers("wang"), service.client
    for id in (shelf[0], shelf[5], shelf[40]):
        read(client, headers, id)
    assert client.delete(PATH, headers=headers).get_json() == {"forgotten": 3}
    assert listed(client, headers) == []
    assert len(listed(client, service.headers("r0"))) == 3
    assert not {"because_read", "usual_topic", "new_topic"} & {
        reason["code"] for reason in feed(client, headers).values()
    }


def test_what_was_counted_stays_counted(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    now = clock.now_ms()
    with clock.fixed(now):
        page = client.get(f"/api/v1/contents/{shelf[0]}").get_json()
    row = {"id": page["reading_id"], "kind": "read", "content_id": shelf[0], "at": now, "dwell_ms": 90_000, "scroll": 1}
    with clock.fixed(now + 90_000):
        client.post("/api/v1/events", json={"events": [row | {"reading_token": page["reading_token"]}]})
        before = client.get("/api/v1/progress").get_json()
        assert before["today"] == 1
        assert client.delete(PATH).get_json() == {"forgotten": 1}
        assert client.get("/api/v1/progress").get_json() == before


def test_who_has_none_has_nothing_to_delete(client: FlaskClient, shelf: list[str]) -> None:
    assert client.get(PATH).get_json() == {"items": []}
    assert client.delete(PATH).get_json() == {"forgotten": 0}
    assert client.delete(f"{PATH}/nothing").get_json() == {"forgotten": 0}
    assert client.delete(f"{PATH}/{'x' * 300}").status_code == 422


def test_another_site_deletes_nothing(client: FlaskClient, shelf: list[str]) -> None:
    answer = client.delete(PATH, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_site")


def test_the_page_deletes_one_and_then_all(client: FlaskClient, shelf: list[str]) -> None:
    client.get("/")
    for id in (shelf[3], shelf[7], shelf[9]):
        client.get(f"/contents/{id}")

    def seen(path: str = "/me") -> tuple[str, list[str]]:
        text = client.get(path).get_data(as_text=True)
        return text, re.findall(r'<li><a href="/contents/(\w+)">', text)

    def send(**fields: str) -> str:
        token = re.search(r'name="form_token" value="([^"]+)"', seen()[0])
        assert token
        answer = client.post("/me/history", data={"form_token": html.unescape(token[1]), **fields})
        assert answer.status_code == 303
        return str(answer.location)

    assert seen()[1] == [shelf[9], shelf[7], shelf[3]]
    text, left = seen(send(content=shelf[7]).partition("#")[0])
    assert left == [shelf[9], shelf[3]]
    assert "已从阅读记录中删除" in text
    text, left = seen(send().partition("#")[0])
    assert left == []
    assert "阅读记录已清空" in text
    assert "还没有读过的文章" in text
    assert client.post("/me/history", data={}).status_code == 403
    page = client.get("/api/v1/feed?limit=50").get_json()["items"]
    assert not {shelf[3], shelf[7], shelf[9]} & {item["id"] for item in page}
