"""``/api/v1/feed``: its form, its pages and what a read does, over each profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import changes, citizens, clock, contents, events
from content_store.errors import DatabaseRefused
from content_store.events import Event
from content_store.vocabulary import ContentStatus, EventKind
from recsys.reasons import ReasonCode
from tests.support.outages import cut_off
from tests.support.shelves import shelved
from tests.web.conftest import Service, opened
from web.api.feed_page import FeedPage

PATH = "/api/v1/feed"


@pytest.fixture
def shelf(app: Flask) -> list[str]:
    """Ids of articles that the app serves."""
    ids = shelved(opened(app).database)
    opened(app).recommender.follower.catch_up()
    return ids


def turned(client: FlaskClient, path: str = PATH) -> list[dict[str, Any]]:
    """All pages from the one at ``path`` to the last."""
    pages = [client.get(path).get_json()]
    while pages[-1]["cursor"] is not None:
        pages.append(client.get(PATH, query_string={"cursor": pages[-1]["cursor"]}).get_json())
    return pages


def ids_of(pages: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for page in pages for item in page["items"]]


def read(app: Flask, citizen: str, content: str, kind: EventKind = EventKind.READ) -> None:
    with opened(app).database.begin() as connection:
        citizens.ensure(connection, [citizen])
        event = Event(
            id=f"{citizen} {content}", citizen_id=citizen, content_id=content, kind=kind, at=clock.now_ms() - 1
        )
        events.append(connection, [event])


def test_a_page_has_the_form_that_is_agreed(client: FlaskClient, shelf: list[str]) -> None:
    page = client.get(PATH).get_json()
    assert set(page) == {"items", "cursor", "snapshot", "personalised"}
    assert (len(page["items"]), page["snapshot"], page["personalised"]) == (20, None, True)
    for position, item in enumerate(page["items"]):
        wanted = {"id", "title", "summary", "topic", "source", "published_at", "reason", "position", "propensity"}
        assert set(item) == wanted
        assert set(item["reason"]) == {"code", "text", "refs"}
        assert item["reason"]["code"] in set(ReasonCode)
        number = int(item["id"].removeprefix("a"))
        assert (item["title"], item["summary"]) == (f"第{number}篇文章", f"第{number}篇的提要。")
        assert item["position"] == position
        assert 0 < item["propensity"] <= 1


def test_a_page_is_written_as_its_model_says(client: FlaskClient, shelf: list[str]) -> None:
    body = client.get("/api/v1/feed").data
    told = FeedPage.model_validate_json(body)
    assert len(told.items) > 2
    assert orjson.loads(told.model_dump_json()) == orjson.loads(body)


def test_the_pages_together_are_the_whole_shelf_each_article_once(client: FlaskClient, shelf: list[str]) -> None:
    pages = turned(client)
    assert sorted(ids_of(pages)) == sorted(shelf)
    assert [item["position"] for page in pages for item in page["items"]] == list(range(len(shelf)))


def test_a_topic_goes_on_over_its_pages(client: FlaskClient, shelf: list[str]) -> None:
    pages = turned(client, f"{PATH}?topic=space&limit=5")
    assert {item["topic"] for page in pages for item in page["items"]} == {"space"}
    assert sorted(ids_of(pages)) == sorted(shelf[::4])


@pytest.mark.parametrize("kind", [EventKind.CLICK, EventKind.READ, EventKind.NOT_INTERESTED])
def test_what_is_in_the_records_changes_the_very_next_request(
    app: Flask, service: Service, shelf: list[str], kind: EventKind
) -> None:
    headers = service.headers("wang")
    first = service.client.get(PATH, headers=headers).get_json()["items"][0]["id"]
    read(app, "wang", first, kind)
    pages = [service.client.get(PATH, headers=headers, query_string={"limit": 50}).get_json()]
    assert set(ids_of(pages)) == set(shelf) - {first}


def test_a_withdrawn_article_is_gone_at_once(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    gone = client.get(PATH).get_json()["items"][0]["id"]
    with opened(app).database.begin() as connection:
        contents.set_status(connection, gone, ContentStatus.WITHDRAWN)
    assert sorted(ids_of(turned(client))) == sorted(set(shelf) - {gone})


def test_without_personalisation_the_feed_says_so(client: FlaskClient, shelf: list[str]) -> None:
    client.patch("/api/v1/me", json={"personalised": False})
    page = client.get(PATH).get_json()
    assert (page["personalised"], len(page["items"])) == (False, 20)


def test_who_says_where_they_live_is_told_at_once_what_is_read_there(
    app: Flask, client: FlaskClient, shelf: list[str]
) -> None:
    near = shelf[-1]
    with opened(app).database.begin() as connection:
        citizens.ensure(connection, ["li", "zhao", "chen"])
        for place, citizen in enumerate(("li", "zhao", "chen")):
            at = clock.now_ms() - 60_000 + place
            event = Event(id=citizen, citizen_id=citizen, content_id=near, kind=EventKind.READ, at=at, region="513400")
            events.append(connection, [event])
    opened(app).recommender.follower.catch_up()
    told = {item["id"]: item["reason"]["text"] for page in turned(client) for item in page["items"]}
    assert told[near] == "近1小时热读（3 人）"
    client.patch("/api/v1/me", json={"prefecture": "513400"})
    told = {item["id"]: item["reason"]["text"] for page in turned(client) for item in page["items"]}
    assert told[near] == "凉山州近1小时热读（3 人）"


def test_a_cursor_of_one_process_is_good_in_another(
    make_app: Callable[..., Flask], app: Flask, service: Service, shelf: list[str]
) -> None:
    headers = service.headers("wang")
    begun = service.client.get(PATH, headers=headers).get_json()
    other = make_app().test_client(use_cookies=False)
    later = other.get(PATH, headers=headers, query_string={"cursor": begun["cursor"]})
    assert later.status_code == 200
    if opened(app).settings.redis_url:
        assert not set(ids_of([begun])) & set(ids_of([later.get_json()]))


@pytest.mark.parametrize("cursor", ["", "nonsense", "e30", "x" * 5000, "成都"])
def test_a_cursor_that_nobody_was_given_is_a_mistake_with_a_code(client: FlaskClient, cursor: str) -> None:
    answer = client.get(PATH, query_string={"cursor": cursor})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json()["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "query", ["topic=ufo", "limit=0", "limit=51", "limit=x", "limit=", "page=2", "limit=5&limit=6"]
)
def test_what_is_asked_otherwise_than_documented_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")


def test_the_largest_page_has_fifty_articles(app: Flask, client: FlaskClient) -> None:
    shelved(opened(app).database, 60)
    opened(app).recommender.follower.catch_up()
    assert len(client.get(f"{PATH}?limit=50").get_json()["items"]) == 50
    assert len(client.get(f"{PATH}?limit=1").get_json()["items"]) == 1


def test_an_empty_house_has_an_empty_feed(client: FlaskClient) -> None:
    answer = client.get(PATH)
    assert (answer.status_code, answer.get_json()["items"], answer.get_json()["cursor"]) == (200, [], None)


def test_a_programme_must_say_for_whom_it_asks(service: Service) -> None:
    assert service.client.get(PATH, headers=service.headers()).status_code == 403


def test_what_a_page_did_without_is_counted_by_name(client: FlaskClient, shelf: list[str]) -> None:
    client.get(PATH)
    told = client.get("/metrics").get_data(as_text=True)
    assert 'kepu_feed_fallbacks_total{name="snapshot"} 1.0' in told
    assert 'kepu_feed_seconds_count{page="first"} 1.0' in told


def test_a_feed_goes_on_while_the_records_are_out_of_reach(
    app: Flask, client: FlaskClient, shelf: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        cut_off(outage)
        assert client.get(PATH).status_code == 503  # no title was read before
    first = client.get(PATH).get_json()
    known = opened(app).cards.kept().keys()
    cut_off(monkeypatch)
    for path in (PATH, f"{PATH}?cursor={first['cursor']}"):
        answer = client.get(path)
        assert answer.status_code == (200 if path == PATH else 503)  # of the next page no title is known yet
    again = client.get(PATH).get_json()
    # What is passed over would be missing from the pages after it: there are none.
    assert (set(ids_of([again])), again["cursor"]) == (set(known), None)
    assert 'kepu_feed_fallbacks_total{name="records"} 2.0' in client.get("/metrics").text


def test_records_that_refuse_what_is_asked_are_no_outage(
    client: FlaskClient, shelf: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseRefused("no such table: changes")

    assert client.get(PATH).status_code == 200
    monkeypatch.setattr(changes, "since", refuse)
    assert client.get(PATH).status_code >= 500


def test_related_articles_leave_out_the_article_itself_and_what_was_met(
    app: Flask, service: Service, shelf: list[str]
) -> None:
    headers = service.headers("wang")
    path = "/api/v1/contents/a000/related?limit=20"
    before = service.client.get(path, headers=headers).get_json()["items"]
    assert len(before) == 20
    assert {item["topic"] for item in before[:5]} == {"space"}
    read(app, "wang", before[0]["id"])
    service.client.get(PATH, headers=headers)
    after = [item["id"] for item in service.client.get(path, headers=headers).get_json()["items"]]
    assert not {"a000", before[0]["id"]} & set(after)


@pytest.mark.parametrize("id", ["nothing", "withdrawn"])
def test_nothing_is_near_an_article_that_may_not_be_shown(app: Flask, client: FlaskClient, id: str) -> None:
    with opened(app).database.begin() as connection:
        contents.create(connection, id="withdrawn", title="旧文", status=ContentStatus.WITHDRAWN)
    answer = client.get(f"/api/v1/contents/{id}/related")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_content")
