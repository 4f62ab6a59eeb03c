"""What the feed showed is in the records, as the answers told it; over each profile."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from content_store import citizens, schema
from content_store.vocabulary import CitizenKind, EventKind
from tests.support.clockwork import until
from tests.support.shelves import shelved
from tests.web.api.test_health import metrics_of
from tests.web.conftest import Service, opened

PATH = "/api/v1/feed"


@pytest.fixture
def shelf(app: Flask) -> list[str]:
    """Ids of articles that the app serves."""
    ids = shelved(opened(app).database)
    opened(app).recommender.follower.catch_up()
    return ids


def impressions(app: Flask) -> list[Any]:
    """All rows, in the order of storing, once everything that was shown is stored."""
    until(lambda: opened(app).exposures.figures().waiting == 0, "the impressions")
    event, place = schema.events.c, schema.event_exposures.c
    columns = (event.citizen_id, event.content_id, event.kind, place.slate, place.snapshot)
    query = sa.select(*columns, place.position, place.propensity).join_from(schema.events, schema.event_exposures)
    with opened(app).database.connect() as connection:
        return list(connection.execute(query.order_by(event.seq)))


def test_each_page_is_logged_with_the_places_and_probabilities_that_it_told(
    app: Flask, service: Service, shelf: list[str]
) -> None:
    headers = service.headers("wang")
    first = service.client.get(f"{PATH}?limit=15", headers=headers).get_json()
    query = {"cursor": first["cursor"], "limit": 15}
    second = service.client.get(PATH, headers=headers, query_string=query).get_json()
    rows = impressions(app)
    told = [(item["id"], item["position"], item["propensity"]) for item in first["items"] + second["items"]]
    assert [(row.content_id, row.position, row.propensity) for row in rows] == told
    assert [row.position for row in rows] == list(range(30))
    assert {(row.citizen_id, row.kind, row.snapshot) for row in rows} == {("wang", EventKind.IMPRESSION.value, None)}
    assert len({row.slate for row in rows}) == 1
    assert rows[0].slate


def test_pages_for_people_are_logged_as_those_for_programmes(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    client.get("/?topic=space")
    assert {row.content_id for row in impressions(app)} == set(shelf[::4])


def test_a_page_that_is_asked_for_again_is_shown_again_and_the_cursor_keeps_its_slate(
    app: Flask, client: FlaskClient, shelf: list[str]
) -> None:
    for _ in range(2):
        client.get(f"{PATH}?limit=5")
    rows = impressions(app)
    assert len(rows) == 10
    assert len({row.slate for row in rows}) == 2


def test_what_was_shown_is_not_hidden(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    client.get(f"{PATH}?limit=50")
    impressions(app)
    opened(app).recommender.follower.catch_up()
    again = client.get(f"{PATH}?limit=50").get_json()["items"]
    assert {item["id"] for item in again} == set(shelf)


def test_a_visitor_becomes_a_guest_with_the_first_page_that_is_shown(
    app: Flask, client: FlaskClient, shelf: list[str]
) -> None:
    client.get(PATH)
    (citizen,) = {row.citizen_id for row in impressions(app)}
    with opened(app).database.connect() as connection:
        found = citizens.get(connection, citizen)
    assert (found.kind, found.personalised) == (CitizenKind.GUEST, True)
    assert client.get("/api/v1/me").get_json()["id"] == citizen


def test_what_nobody_looks_at_is_not_shown(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    client.head("/")
    client.get("/", headers={"Sec-Purpose": "prefetch"})
    client.get(f"{PATH}?cursor=nonsense")
    assert impressions(app) == []


def test_without_a_profile_pages_are_logged_and_shape_nothing(
    app: Flask, client: FlaskClient, shelf: list[str]
) -> None:
    client.patch("/api/v1/me", json={"personalised": False})
    page = client.get(PATH).get_json()
    assert len(impressions(app)) == len(page["items"]) == 20
    opened(app).recommender.follower.catch_up()
    live = opened(app).recommender.follower.live
    assert live.covisit.size == 0


def test_the_metrics_tell_what_became_of_them(app: Flask, client: FlaskClient, shelf: list[str]) -> None:
    client.get(PATH)
    impressions(app)
    found = metrics_of(client)
    assert found["kepu_impressions_logged_total", frozenset()] == 20
    assert found["kepu_impressions_waiting", frozenset()] == 0
    for reason in ("queue_full", "refused", "closing"):
        assert found["kepu_impressions_dropped_total", frozenset({("reason", reason)})] == 0
