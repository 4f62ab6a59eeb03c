"""Health and metrics, for machines that watch the server."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy.exc
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from recsys.snapshots import Draft
from tests.web.conftest import opened


def test_a_process_that_answers_lives(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_without_a_snapshot_it_is_ready_and_says_what_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    told = {"status": "degraded", "database": "ok", "hot": "ok", "snapshot": "absent", "jobs": "off"}
    assert (answer.status_code, answer.get_json()) == (200, told)


def test_with_a_snapshot_nothing_is_missing(app: Flask, client: FlaskClient) -> None:
    opened(app).snapshots.publish(Draft([], ["a"], {}))
    assert client.get("/readyz").get_json()["status"] == "ok"


def test_a_record_of_snapshots_that_cannot_be_read_is_told(app: Flask, client: FlaskClient) -> None:
    root = opened(app).snapshots.root
    root.mkdir(parents=True)
    (root / "active").write_text("{")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["snapshot"]) == (200, "unreadable")


def test_without_its_records_it_is_not_ready_but_lives(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_self: object) -> object:
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, OSError("secret-host refused"))

    monkeypatch.setattr("sqlalchemy.engine.Engine.connect", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database")
    assert "secret-host" not in answer.text
    assert client.get("/healthz").status_code == 200


def test_nobody_is_asked_who_they_are_there(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path, headers={"Authorization": "Bearer wrong", "X-Citizen": "a"}).status_code == 200


def metrics_of(client: FlaskClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    text = client.get("/metrics").get_data(as_text=True)
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def test_requests_are_counted_by_route_and_never_by_address(client: FlaskClient) -> None:
    for number in range(3):
        client.get(f"/nothing/{number}")
        client.open("/api/v1/me", method=f"BREW{number}")
    client.get("/api/v1/me")
    found = metrics_of(client)
    counted = {labels: value for (name, labels), value in found.items() if name == "kepu_http_requests_total"}
    assert counted == {
        frozenset({("method", "GET"), ("route", "unmatched"), ("status", "404")}): 3,
        frozenset({("method", "OTHER"), ("route", "unmatched"), ("status", "405")}): 3,
        frozenset({("method", "GET"), ("route", "/api/v1/me"), ("status", "200")}): 1,
    }
    timed = {labels: value for (name, labels), value in found.items() if name == "kepu_http_request_seconds_count"}
    assert sum(timed.values()) == 7


def test_two_apps_of_one_process_count_apart(make_app: Callable[..., Flask]) -> None:
    first, second = make_app().test_client(), make_app().test_client()
    first.get("/healthz")
    assert ("kepu_http_requests_total", frozenset({("method", "GET"), ("route", "/healthz"), ("status", "200")})) in (
        metrics_of(first)
    )
    assert not [name for name, _ in metrics_of(second) if name == "kepu_http_requests_total"]


def test_the_page_of_metrics_is_as_prometheus_reads_it(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert re.match(r"text/plain; version=", answer.headers["Content-Type"])
    assert [name for name, _ in metrics_of(client) if name.startswith("kepu_hot_")]
