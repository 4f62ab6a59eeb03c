"""How much may be asked for, and what happens when hot state is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import clock, keys
from content_store.settings import Settings
from tests.web.conftest import opened
from web.app import create_app
from web.services import services_of


def statuses(client: FlaskClient, number: int, **given: object) -> list[int]:
    """The statuses of ``number`` requests."""
    return [client.get("/api/v1/me", **given).status_code for _ in range(number)]


def from_address(app: Flask, address: str) -> FlaskClient:
    """A browser at this address."""
    browser = app.test_client()
    browser.environ_base["REMOTE_ADDR"] = address
    return browser


@pytest.mark.usefixtures("fixed_clock")
def test_a_citizen_is_turned_away_after_the_burst_and_told_when_to_come_again(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_per_citizen=0.5)
    browser = app.test_client()
    browser.patch("/api/v1/me", json={})
    assert statuses(browser, 6) == [200] * 5 + [429]
    answer = browser.get("/api/v1/me")
    assert answer.headers["Retry-After"] == "2"
    assert answer.get_json()["code"] == "rate_limited"
    with clock.fixed(clock.now_ms() + 2_000):
        assert statuses(browser, 2) == [200, 429]


@pytest.mark.usefixtures("fixed_clock")
def test_a_network_is_limited_for_all_who_share_it_and_no_other(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_per_network=0.5)
    found = [status for _ in range(6) for status in statuses(from_address(app, "203.0.113.9"), 1)]
    assert found == [200] * 5 + [429]
    assert statuses(from_address(app, "203.0.113.10"), 1) == [200]


@pytest.mark.usefixtures("fixed_clock")
def test_guessing_tokens_is_limited_like_everything_else(make_app: Callable[..., Flask]) -> None:
    browser = make_app(rate_per_network=0.5).test_client()
    assert statuses(browser, 6, headers={"Authorization": "Bearer kepu_key_x_y"}) == [401] * 5 + [429]


@pytest.mark.usefixtures("fixed_clock")
def test_another_programme_is_exempt(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_per_network=0.1, rate_per_citizen=0.1)
    with opened(app).database.begin() as connection:
        _, token = keys.create(connection, role="service")
    headers = {"Authorization": f"Bearer {token}", "X-Citizen": "a"}
    assert statuses(app.test_client(), 5, headers=headers) == [200] * 5


@pytest.mark.usefixtures("fixed_clock")
def test_zero_means_no_limit_and_what_watches_the_server_has_none(make_app: Callable[..., Flask]) -> None:
    assert statuses(make_app(rate_per_network=0, rate_per_citizen=0).test_client(), 40) == [200] * 40
    browser = make_app(rate_per_network=0.1).test_client()
    assert [browser.get("/healthz").status_code for _ in range(5)] == [200] * 5


@pytest.mark.usefixtures("fixed_clock")
def test_a_page_says_it_in_chinese(make_app: Callable[..., Flask]) -> None:
    browser = make_app(rate_per_network=0.1).test_client()
    browser.get("/nowhere")
    answer = browser.get("/nowhere")
    assert answer.status_code == 429
    assert "操作太快了" in answer.text
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.usefixtures("fixed_clock")
def test_an_address_told_by_a_proxy_counts_only_if_the_proxy_is_ours(make_app: Callable[..., Flask]) -> None:
    trusting, wary = make_app(rate_per_network=0.1, trusted_proxies=1), make_app(rate_per_network=0.1)
    headers = [{"X-Forwarded-For": f"203.0.113.9, 198.51.100.{number}"} for number in range(2)]
    assert [statuses(trusting.test_client(), 1, headers=header) for header in headers] == [[200], [200]]
    assert [statuses(from_address(wary, "192.0.2.1"), 1, headers=header) for header in headers] == [[200], [429]]


def test_without_hot_state_everyone_is_served_and_the_metrics_say_so(settings_factory: Callable[..., Settings]) -> None:
    app = create_app(settings_factory(redis_url="redis://127.0.0.1:1/0", rate_per_network=0.1))
    try:
        browser = app.test_client()
        assert statuses(browser, 5) == [200] * 5
        assert browser.get("/readyz").get_json() | {"snapshot": ""} == {
            "status": "degraded",
            "database": "ok",
            "hot": "unavailable",
            "snapshot": "",
            "jobs": "off",
        }
        text = browser.get("/metrics").text
        assert 'kepu_without_hot_state_total{use="limits"} 5.0' in text
        assert "kepu_hot_circuit_open 1.0" in text
    finally:
        services_of(app).close()
