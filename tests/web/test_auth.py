"""Who calls: cookies, citizens' tokens, service tokens, and nobody yet."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from content_store import citizens, clock, keys
from content_store.vocabulary import CitizenKind, Topic
from tests.web.conftest import Service, opened
from web import auth, citizen_tokens
from web.auth import network_of

KEY = b"k" * 32


def cookie_of(client: FlaskClient) -> Any:
    """Our cookie as the browser keeps it."""
    return client.get_cookie(auth.COOKIE)


def stored(app: Flask) -> int:
    """How many citizens have a row."""
    with opened(app).database.connect() as connection:
        return citizens.count(connection)


def test_who_only_looks_is_nobody_and_leaves_nothing(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/api/v1/me")
    assert answer.get_json()["id"] is None
    assert cookie_of(client) is None
    assert stored(app) == 0


def test_a_visitor_becomes_a_guest_when_there_is_something_to_store_and_stays_the_same(
    app: Flask, client: FlaskClient
) -> None:
    first = client.patch("/api/v1/me", json={"interests": ["space"]}).get_json()
    assert first["kind"] == "guest"
    assert client.get("/api/v1/me").get_json() == first
    client.patch("/api/v1/me", json={"personalised": False})
    assert client.get("/api/v1/me").get_json() == first | {"personalised": False}
    assert stored(app) == 1


def test_two_browsers_are_two_guests(app: Flask) -> None:
    told = [app.test_client().patch("/api/v1/me", json={}).get_json()["id"] for _ in range(2)]
    assert told[0] != told[1]


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    client.patch("/api/v1/me", json={})
    cookie = cookie_of(client)
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "Lax", "/", False)


def test_over_https_the_cookie_is_for_https_only(client: FlaskClient) -> None:
    answer = client.patch("/api/v1/me", json={}, base_url="https://localhost")
    assert cookie_of(client).secure
    assert answer.headers["Strict-Transport-Security"]


def test_two_processes_with_one_secret_know_the_same_citizen(make_app: Callable[..., Flask]) -> None:
    first, second = make_app(), make_app()
    browser = first.test_client()
    told = browser.patch("/api/v1/me", json={"prefecture": "510100"}).get_json()
    other = second.test_client()
    other.set_cookie(auth.COOKIE, cookie_of(browser).value)
    assert other.get("/api/v1/me").get_json() == told


@pytest.mark.parametrize("spoil", [lambda text: text[:-2], lambda text: "B" + text[1:], lambda _: "x", lambda _: "á"])
def test_a_cookie_that_is_not_ours_is_nobodys(client: FlaskClient, spoil: Callable[[str], str]) -> None:
    client.patch("/api/v1/me", json={})
    client.set_cookie(auth.COOKIE, spoil(cookie_of(client).value))
    assert client.get("/api/v1/me").get_json()["id"] is None


def test_a_cookie_that_is_used_never_ends_and_one_that_is_not_does(client: FlaskClient, fixed_clock: int) -> None:
    id = client.patch("/api/v1/me", json={}).get_json()["id"]
    with clock.fixed(fixed_clock + citizen_tokens.RENEW_MS):
        before = cookie_of(client).value
        client.get("/api/v1/me")
        assert cookie_of(client).value != before
    with clock.fixed(fixed_clock + citizen_tokens.LIFE_MS + citizen_tokens.RENEW_MS - 1):
        assert client.get("/api/v1/me").get_json()["id"] == id
    with clock.fixed(fixed_clock + 3 * citizen_tokens.LIFE_MS):
        assert client.get("/api/v1/me").get_json()["id"] is None


def test_a_citizens_token_speaks_for_the_citizen_without_a_cookie(app: Flask, client: FlaskClient) -> None:
    told = client.patch("/api/v1/me", json={"interests": ["energy"]}).get_json()
    made = client.post("/api/v1/me/token")
    assert made.status_code == 201
    other = app.test_client()
    answer = other.get("/api/v1/me", headers={"Authorization": f"Bearer {made.get_json()['token']}"})
    assert answer.get_json() == told
    assert "Set-Cookie" not in answer.headers


def test_a_cookie_is_no_token_and_a_token_no_cookie(app: Flask, client: FlaskClient) -> None:
    token = client.post("/api/v1/me/token").get_json()["token"]
    wrong = auth.TOKEN_PREFIX + cookie_of(client).value
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    other = app.test_client()
    other.set_cookie(auth.COOKIE, token.removeprefix(auth.TOKEN_PREFIX))
    assert other.get("/api/v1/me").get_json()["id"] is None


def test_a_citizens_token_ends_when_it_says(client: FlaskClient, fixed_clock: int) -> None:
    made = client.post("/api/v1/me/token").get_json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    with clock.fixed(made["expires_at"] - 1):
        assert client.get("/api/v1/me", headers=headers).status_code == 200
    with clock.fixed(made["expires_at"]):
        assert client.get("/api/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer kepu_citizen_",
        "Bearer kepu_key_",
        "x",
        "Bearer á",
    ],
)
def test_credentials_that_are_none_are_refused_and_not_passed_over(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.get_json()["code"] in {"unauthenticated", "bad_key"}


def test_another_programme_acts_for_a_citizen_who_is_made_where_new(app: Flask, service: Service) -> None:
    headers = service.headers("u-17")
    assert service.client.get("/api/v1/me", headers=headers).get_json()["id"] == "u-17"
    assert stored(app) == 1
    service.client.patch("/api/v1/me", json={"interests": ["space"]}, headers=headers)
    with opened(app).database.connect() as connection:
        found = citizens.get(connection, "u-17")
    assert (found.kind, found.interests) == (CitizenKind.GUEST, frozenset({Topic.SPACE}))


def test_an_id_beyond_ascii_is_percent_encoded(app: Flask, service: Service) -> None:
    answer = service.client.get("/api/v1/me", headers=service.headers("%E9%98%BF%E4%BE%9D%2F1"))
    assert answer.get_json()["id"] == "阿依/1"


@pytest.mark.parametrize("named", ["%00", "x" * 201, "a%0Ab", "", "a b", "阿", "%41" * 801])
def test_an_id_that_cannot_be_kept_is_refused(app: Flask, service: Service, named: str) -> None:
    answer = service.client.get("/api/v1/me", headers=service.headers(named))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "bad_record")
    assert stored(app) == 0


def test_another_programme_must_say_for_whom_where_it_matters(service: Service) -> None:
    answer = service.client.patch("/api/v1/me", json={}, headers=service.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    assert "X-Citizen" in answer.get_json()["hint"]


def test_another_programme_gets_no_cookie(service: Service) -> None:
    answer = service.client.patch("/api/v1/me", json={}, headers=service.headers("a"))
    assert "Set-Cookie" not in answer.headers


def test_a_citizen_may_not_act_for_another(client: FlaskClient) -> None:
    answer = client.get("/api/v1/me", headers={"X-Citizen": "u-17"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


def test_a_revoked_service_token_opens_nothing_from_then_on(app: Flask, service: Service) -> None:
    assert service.client.get("/api/v1/me", headers=service.headers("a")).status_code == 200
    with opened(app).database.begin() as connection:
        keys.revoke(connection, service.key.id)
    answer = service.client.get("/api/v1/me", headers=service.headers("a"))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_key")


def test_the_use_of_a_service_token_is_noted(app: Flask, service: Service, fixed_clock: int) -> None:
    service.client.get("/api/v1/me", headers=service.headers("a"))
    with opened(app).database.connect() as connection:
        [found] = keys.every(connection)
    assert found.last_used_at == fixed_clock


@given(citizen=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), at=st.integers(0, 2**53))
def test_a_signed_text_says_what_was_signed(citizen: str, at: int) -> None:
    text = citizen_tokens.issue(KEY, citizen, at)
    assert citizen_tokens.read(KEY, text, at) == (citizen, at)
    assert citizen_tokens.read(b"j" * 32, text, at) is None


@given(text=st.text(max_size=80))
def test_no_text_that_was_not_signed_says_anything(text: str) -> None:
    assert citizen_tokens.read(KEY, text, 0) is None


@given(place=st.integers(0, 32), flip=st.integers(1, 255))
def test_no_signed_text_can_be_altered(place: int, flip: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(citizen_tokens.issue(KEY, "citizen1", 5) + "=="))
    data[place] ^= flip
    assert citizen_tokens.read(KEY, base64.urlsafe_b64encode(data).decode(), 5) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_half_of_an_ipv6_one(address: str | None, network: str) -> None:
    assert network_of(address) == network
