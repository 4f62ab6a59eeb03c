"""A reading over the API: opened, told, told again, counted once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import citizens, clock, contents, events
from content_store.vocabulary import ContentStatus
from tests.web.conftest import Service, opened

TEXT = "科学" * 100
MINUTE = 60_000


@pytest.fixture(autouse=True)
def _contents(app: Flask, fixed_clock: int) -> None:
    with opened(app).database.begin() as connection:
        for id in ("a", "b/c", "阿"):
            given: Any = {"title": f"标题{id}", "body": TEXT, "topic": "space", "published_at": fixed_clock - MINUTE}
            contents.create(connection, id=id, status=ContentStatus.PUBLISHED, **given)
        contents.create(connection, id="draft", title="草稿")
        contents.create(connection, id="gone", title="下架", status=ContentStatus.WITHDRAWN)
        later: Any = {"title": "明天", "published_at": fixed_clock + 1}
        contents.create(connection, id="later", status=ContentStatus.PUBLISHED, **later)
        over: Any = {"title": "已过期", "expires_at": fixed_clock}
        contents.create(connection, id="over", status=ContentStatus.PUBLISHED, **over)


def told(client: FlaskClient, *rows: Any, **given: Any) -> Any:
    """The answer to these events."""
    # Not by the app's own JSON, which writes no number beyond 64 bits.
    given.setdefault("headers", {})["Content-Type"] = "application/json"
    answer = client.post("/api/v1/events", data=json.dumps({"events": list(rows)}), **given)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def reading(page: Any, **given: Any) -> dict[str, Any]:
    """The event of reading an opened ``page``."""
    row = {"id": page["reading_id"], "kind": "read", "content_id": page["id"], "at": clock.now_ms()}
    return row | {"reading_token": page["reading_token"]} | given


def counted(client: FlaskClient) -> int:
    """How many services were counted today."""
    return int(client.get("/api/v1/progress").get_json()["today"])


@pytest.mark.parametrize(("path", "id"), [("a", "a"), ("b/c", "b/c"), ("b%2Fc", "b/c"), ("%E9%98%BF", "阿")])
def test_a_content_is_told_whole_with_a_token(client: FlaskClient, path: str, id: str) -> None:
    page = client.get(f"/api/v1/contents/{path}").get_json()
    assert (page["id"], page["title"], page["body"], page["topic"]) == (id, f"标题{id}", TEXT, "space")
    assert page["reading_id"]
    assert page["reading_token"]


@pytest.mark.parametrize("id", ["nothing", "draft", "gone", "later", "over", "%00", "x" * 201, "%0A"])
def test_what_may_not_be_read_now_is_as_if_it_were_not_there(client: FlaskClient, id: str) -> None:
    answer = client.get(f"/api/v1/contents/{id}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_content")
    assert "Set-Cookie" not in answer.headers


def test_each_opening_is_a_reading_of_its_own(client: FlaskClient) -> None:
    first, second = (client.get("/api/v1/contents/a").get_json() for _ in range(2))
    assert first["reading_id"] != second["reading_id"]


def test_a_reading_counts_once_however_often_it_is_told(client: FlaskClient, fixed_clock: int) -> None:
    page, again = (client.get("/api/v1/contents/a").get_json() for _ in range(2))
    with clock.fixed(fixed_clock + MINUTE):
        row = reading(page, dwell_ms=MINUTE, scroll=1.0)
        assert told(client, row) == {"accepted": 1, "duplicate": 0, "rejected": []}
        for _ in range(3):
            assert told(client, row) == {"accepted": 0, "duplicate": 1, "rejected": []}
        assert told(client, reading(again, dwell_ms=MINUTE, scroll=1.0))["accepted"] == 1
        assert counted(client) == 1


def test_a_short_look_does_not_count_until_it_has_become_a_reading(client: FlaskClient, fixed_clock: int) -> None:
    page = client.get("/api/v1/contents/a").get_json()
    with clock.fixed(fixed_clock + 3_000):
        told(client, reading(page, dwell_ms=3_000, scroll=0.2))
        assert counted(client) == 0
    with clock.fixed(fixed_clock + MINUTE):
        assert told(client, reading(page, dwell_ms=MINUTE, scroll=0.9))["accepted"] == 1
        assert counted(client) == 1


def test_no_more_dwell_counts_than_time_has_passed(client: FlaskClient, fixed_clock: int) -> None:
    page = client.get("/api/v1/contents/a").get_json()
    with clock.fixed(fixed_clock + 3_000):
        told(client, reading(page, dwell_ms=10 * MINUTE, scroll=1.0))
        assert counted(client) == 0


def test_the_token_of_one_citizen_does_not_count_for_another(app: Flask, client: FlaskClient, fixed_clock: int) -> None:
    page = client.get("/api/v1/contents/a").get_json()
    other = app.test_client()
    with clock.fixed(fixed_clock + MINUTE):
        assert told(other, reading(page, dwell_ms=MINUTE, scroll=1.0))["accepted"] == 1
        assert counted(other) == 0


def test_a_bad_event_keeps_no_other_out(client: FlaskClient, fixed_clock: int) -> None:
    good = {"id": "e1", "kind": "like", "content_id": "a", "at": fixed_clock, "mood": "glad"}
    bad: list[Any] = [
        None,
        [],
        {},
        good | {"id": 5},
        good | {"id": "e2", "kind": "stare"},
        good | {"id": "e3", "content_id": "no"},
    ]
    bad += [good | {"id": "e4", "at": fixed_clock + 300_001}, good | {"id": "e5", "at": 10**30}]
    answer = told(client, *bad, good)
    assert answer["accepted"] == 1
    assert [(row["id"], row["code"]) for row in answer["rejected"]] == [
        ("", "bad_id"),
        ("", "bad_id"),
        ("", "bad_id"),
        ("", "bad_id"),
        ("e2", "unknown_kind"),
        ("e3", "unknown_content"),
        ("e4", "in_the_future"),
        ("e5", "in_the_future"),
    ]


def test_the_events_are_the_citizens_whom_another_programme_acts_for(
    app: Flask, service: Service, fixed_clock: int
) -> None:
    row = {"id": "e1", "kind": "click", "content_id": "a", "at": fixed_clock}
    assert told(service.client, row, headers=service.headers("u-1"))["accepted"] == 1
    assert told(service.client, row, headers=service.headers("u-2"))["rejected"] == [{"id": "e1", "code": "not_yours"}]
    with opened(app).database.connect() as connection:
        assert [event.id for event in events.history(connection, "u-1")] == ["e1"]
        assert citizens.known(connection, ["u-1", "u-2"]) == {"u-1", "u-2"}


def test_another_programme_without_a_citizen_may_look_but_not_tell(service: Service) -> None:
    page = service.client.get("/api/v1/contents/a", headers=service.headers()).get_json()
    assert (page["reading_id"], page["reading_token"]) == (None, None)
    answer = service.client.post("/api/v1/events", json={"events": [{}]}, headers=service.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def test_telling_nothing_leaves_nothing(app: Flask, client: FlaskClient) -> None:
    assert told(client) == {"accepted": 0, "duplicate": 0, "rejected": []}
    with opened(app).database.connect() as connection:
        assert citizens.count(connection) == 0


@pytest.mark.parametrize(
    "body", [{}, {"events": None}, {"events": {}}, {"events": [], "more": 1}, {"events": [{}] * 501}]
)
def test_what_is_no_list_of_events_is_refused_whole(client: FlaskClient, body: Any) -> None:
    answer = client.post("/api/v1/events", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")


def test_guests_of_one_network_share_what_counts(app: Flask, fixed_clock: int) -> None:
    readers = [app.test_client() for _ in range(32)]
    for reader in readers:
        page = reader.get("/api/v1/contents/a").get_json()
        with clock.fixed(fixed_clock + MINUTE):
            told(reader, reading(page, dwell_ms=MINUTE, scroll=1.0))
    with clock.fixed(fixed_clock + MINUTE):
        assert counted(readers[0]) == 30


def test_progress_tells_the_target_and_its_days(client: FlaskClient, fixed_clock: int) -> None:
    found = client.get("/api/v1/progress").get_json()
    assert (found["baseline"], found["goal"], found["items_goal"]) == (1_400_000_000, 90_000_000, 5_000)
    assert (found["first"], found["last"], found["days"]) == ("2024-08-26", "2025-12-31", 493)
    assert (found["counted"], found["total"], found["per_day"]) == (0, 1_400_000_000, [])
    page = client.get("/api/v1/contents/a").get_json()
    with clock.fixed(fixed_clock + MINUTE):
        told(client, reading(page, dwell_ms=MINUTE, scroll=1.0))
        found = client.get("/api/v1/progress").get_json()
    assert (found["counted"], found["total"]) == (1, 1_400_000_001)
    assert found["per_day"] == [{"day": "2025-01-01", "counted": 1}]
