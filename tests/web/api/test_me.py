"""``/api/v1/me``: seeing and changing what one says about oneself."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import citizens
from content_store.vocabulary import Topic
from tests.web.conftest import Service, opened

NOBODY: dict[str, object] = {
    "id": None,
    "kind": "guest",
    "personalised": True,
    "interests": [],
    "prefecture": None,
    "minor": False,
}


def test_a_visitor_sees_what_holds_for_everyone(client: FlaskClient) -> None:
    assert client.get("/api/v1/me").get_json() == NOBODY


def test_what_is_told_is_kept_and_what_is_left_out_stays(client: FlaskClient) -> None:
    first = client.patch(
        "/api/v1/me", json={"interests": ["space", "daily", "space"], "prefecture": "513400"}
    ).get_json()
    assert first == NOBODY | {"id": first["id"], "interests": ["daily", "space"], "prefecture": "513400"}
    second = client.patch("/api/v1/me", json={"personalised": False}).get_json()
    assert second == first | {"personalised": False}
    third = client.patch("/api/v1/me", json={"interests": [], "prefecture": None}).get_json()
    assert third == second | {"interests": [], "prefecture": None}
    assert client.get("/api/v1/me").get_json() == third


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"interests": ["ufo"]}, "body.interests.0"),
        ({"interests": "space"}, "body.interests"),
        ({"interests": None}, "body.interests"),
        ({"interests": [*list(Topic), "space"]}, "body.interests"),
        ({"prefecture": "成都"}, "body.prefecture"),
        ({"prefecture": 510100}, "body.prefecture"),
        ({"personalised": "yes"}, "body.personalised"),
        ({"personalised": 1}, "body.personalised"),
        ({"personalised": None}, "body.personalised"),
        ({"personalized": False}, "body.personalized"),
        ({"minor": False}, "body.minor"),
        ([], "body"),
        ("space", "body"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_nothing_is_changed(
    app: Flask, client: FlaskClient, body: object, at: str
) -> None:
    answer = client.patch("/api/v1/me", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [found["at"] for found in answer.get_json()["errors"]] == [at]
    with opened(app).database.connect() as connection:
        assert citizens.count(connection) == 0


def test_one_mistake_in_a_request_keeps_the_rest_of_it_from_being_stored(client: FlaskClient) -> None:
    before = client.patch("/api/v1/me", json={"interests": ["space"]}).get_json()
    client.patch("/api/v1/me", json={"interests": ["energy"], "prefecture": "1"})
    assert client.get("/api/v1/me").get_json() == before


def test_a_registered_minor_is_shown_as_such(app: Flask, service: Service) -> None:
    with opened(app).database.begin() as connection:
        citizens.create(connection, id="pupil", kind="registered", minor=True)  # type: ignore[arg-type]
    found = service.client.get("/api/v1/me", headers=service.headers("pupil")).get_json()
    assert (found["kind"], found["minor"]) == ("registered", True)
