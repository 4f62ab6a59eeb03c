"""Every address is documented, and what is answered there is what the documents say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from content_store import keys
from content_store.settings import load_settings
from web import creators, editor, portal, staff
from web.api import DOCUMENT_PATH, ENDPOINTS
from web.api.openapi import document
from web.app import create_app
from web.errors import every_kind
from web.services import services_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = frozenset(page.rule for page in (*portal.PAGES, *staff.PAGES, *creators.PAGES, *editor.PAGES))
"""The routes that are pages for people."""
OTHERS = frozenset({"/static/<path:filename>", "/metrics", DOCUMENT_PATH})
"""The routes that are neither pages nor operations of the document."""

CODES = {kind.code for kind in every_kind()}
_ROW = re.compile(r"^\| `([A-Z]+) ([^`]+)` \| .+ \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app over empty records, for callers in a hurry."""
    folder = str(tmp_path_factory.mktemp("routes"))
    made = create_app(load_settings({"KEPU_DATA_DIR": folder, "KEPU_RATE_PER_NETWORK": "0"}))
    yield made
    services_of(made).close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that was never here before."""
    return app.test_client()


def operations() -> list[tuple[str, str]]:
    """Method and path of every operation in the document."""
    paths = document(ENDPOINTS)["paths"]
    return [(method.upper(), path) for path, found in paths.items() for method in found]


def test_every_route_is_in_the_document_or_listed_as_something_else(app: Flask) -> None:
    documented = {(endpoint.method, endpoint.rule) for endpoint in ENDPOINTS}
    for rule in app.url_map.iter_rules():
        if rule.rule not in PAGES | OTHERS:
            assert {(method, rule.rule) for method in (rule.methods or set()) - {"HEAD"}} <= documented, rule.rule
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == set(operations())
    assert {rule.rule for rule in app.url_map.iter_rules()} >= PAGES | OTHERS


def test_the_page_about_the_api_lists_every_operation_and_no_other() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    told = _ROW.findall(page)
    assert sorted(told) == sorted([*operations(), ("GET", "/metrics"), ("GET", DOCUMENT_PATH)])


def test_the_page_about_the_api_explains_every_code_that_the_api_gives() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    given = {kind.code for endpoint in ENDPOINTS for kind in endpoint.every_failure()}
    explained = set(re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", page, re.MULTILINE))
    assert given | {"not_found", "method_not_allowed", "request_timeout"} <= explained
    assert explained <= CODES


def test_the_document_is_served_as_it_is_made(client: FlaskClient) -> None:
    assert client.get(DOCUMENT_PATH).get_json() == document(ENDPOINTS)


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_operation_has_a_summary_a_name_and_answers(method: str, path: str) -> None:
    operation = document(ENDPOINTS)["paths"][path][method.lower()]
    assert operation["summary"]
    assert re.fullmatch(r"[a-z_]+", operation["operationId"])
    assert "500" in operation["responses"]
    assert any(status.startswith("2") for status in operation["responses"])


@pytest.mark.parametrize(("method", "path"), [*operations(), ("GET", "/api/v1/nothing"), ("DELETE", "/api/v1/me")])
def test_the_body_of_every_error_is_a_problem_with_a_code_of_the_tree(
    client: FlaskClient, method: str, path: str
) -> None:
    for headers in ({"Authorization": "Bearer wrong"}, {"X-Citizen": "a"}, {"Content-Type": "text/plain"}):
        answer = client.open(path, method=method, headers=headers, data=b"x" if method != "GET" else None)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"
            told = answer.get_json()
            assert {"type", "title", "status", "detail", "code", "request_id"} <= set(told)
            assert told["status"] == answer.status_code
            assert told["code"] in CODES


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@pytest.fixture(scope="module")
def service_headers(app: Flask) -> dict[str, str]:
    """The headers of another programme; for which citizen it acts is made up by each test."""
    with services_of(app).database.begin() as connection:
        _, token = keys.create(connection, role="service")
    return {"Authorization": f"Bearer {token}"}


DESCRIBED: Any = schemathesis.openapi.from_dict(document(ENDPOINTS))
LENIENT = {"receive_events"}
"""The operations that judge what they are sent one by one, and answer what they refused with 200."""
BOUNDED = settings(max_examples=30, suppress_health_check=list(HealthCheck))


@DESCRIBED.parametrize()  # type: ignore[untyped-decorator]
@BOUNDED
def test_nobody_can_make_the_api_fail_or_answer_otherwise_than_documented(case: Any, app: Flask) -> None:
    case.call_and_validate(app=app, checks=CHECKS, excluded_checks=excluded(case))


@DESCRIBED.parametrize()  # type: ignore[untyped-decorator]
@BOUNDED
def test_no_programme_can_make_the_api_fail_or_answer_otherwise_than_documented(
    case: Any, app: Flask, service_headers: dict[str, str]
) -> None:
    case.call_and_validate(app=app, headers=service_headers, checks=CHECKS, excluded_checks=excluded(case))


def excluded(case: Any) -> list[Any]:
    """The checks that do not hold for an operation."""
    return [negative_data_rejection] if case.operation.definition.raw["operationId"] in LENIENT else []
