"""Other sites may not act in a citizen's name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import clock
from tests.web.conftest import Service
from web import access, forgery
from web.access import Open


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 200),
    ],
)
def test_what_changes_something_must_come_from_our_own_pages(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    answer = client.patch("/api/v1/me", json={}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.get_json()["code"] == "cross_site"


def test_reading_is_open_to_links_from_other_sites(client: FlaskClient) -> None:
    assert client.get("/api/v1/me", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_token_is_no_cookie_that_a_browser_adds_by_itself(service: Service) -> None:
    headers = service.headers("a") | {"Origin": "http://elsewhere.example"}
    assert service.client.patch("/api/v1/me", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_what_a_foreign_form_could_send_is_no_json(client: FlaskClient, media: str) -> None:
    answer = client.patch("/api/v1/me", data=b"{}", headers={"Content-Type": media})
    assert (answer.status_code, answer.get_json()["code"]) == (415, "wrong_media_type")


@pytest.fixture
def form_app(make_app: Callable[..., Flask]) -> Flask:
    """An app with a page that has a form."""
    app = make_app()

    @app.get("/form")
    def form() -> str:
        return forgery.form_token()

    @app.post("/form")
    def take() -> str:
        return "taken"

    for route in ("form", "take"):
        access.declare(app, route, Open.EVERYONE)
    return app


def test_a_form_is_taken_with_the_token_of_its_page(form_app: Flask) -> None:
    browser = form_app.test_client()
    token = browser.get("/form").text
    assert browser.post("/form", data={forgery.FORM_FIELD: token}).text == "taken"
    assert browser.post("/form", headers={forgery.FORM_HEADER: token}).text == "taken"


def test_a_form_without_its_token_is_refused_with_a_page_in_chinese(form_app: Flask) -> None:
    browser = form_app.test_client()
    token = browser.get("/form").text
    for wrong in ("", "x", token[:-4], "A" * len(token), "á"):
        answer = browser.post("/form", data={forgery.FORM_FIELD: wrong})
        assert answer.status_code == 403
        assert "请刷新后再试" in answer.text


def test_the_token_of_another_citizen_is_no_good(form_app: Flask) -> None:
    mine, theirs = form_app.test_client(), form_app.test_client()
    mine.get("/form")
    assert mine.post("/form", data={forgery.FORM_FIELD: theirs.get("/form").text}).status_code == 403


def test_without_a_cookie_no_form_is_taken(form_app: Flask) -> None:
    token = form_app.test_client().get("/form").text
    assert form_app.test_client().post("/form", data={forgery.FORM_FIELD: token}).status_code == 403


def test_a_page_may_stay_open_for_days_but_not_for_ever(form_app: Flask, fixed_clock: int) -> None:
    browser = form_app.test_client()
    data = {forgery.FORM_FIELD: browser.get("/form").text}
    with clock.fixed(fixed_clock + forgery.FORM_LIFE_MS - 1):
        assert browser.post("/form", data=data).status_code == 200
    with clock.fixed(fixed_clock + forgery.FORM_LIFE_MS):
        assert browser.post("/form", data=data).status_code == 403
