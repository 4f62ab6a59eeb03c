"""What every endpoint does with a request before its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from web.api.endpoint import Endpoint, Input, Output, Query, add
from web.api.openapi import document
from web.app import LARGEST_BODY
from web.services import Services


class Echo(Output):
    """What came in."""

    name: str = ""
    limit: int = 0
    number: int = 0
    share: float = 0.0


class Asked(Query):
    """A query."""

    limit: int = Field(default=20, ge=1, le=50)


class Sent(Input):
    """A body."""

    number: int = Field(ge=-(2**53), le=2**53)
    share: float = Field(default=0.0, ge=0, le=1)
    rest: object = None


def read(services: Services, name: str, query: Asked) -> Echo:
    return Echo(name=name, limit=query.limit)


def send(services: Services, body: Sent) -> Echo:
    return Echo(number=body.number, share=body.share)


READ = Endpoint(method="GET", path="/api/t/{name}/x", name="read", summary="", handle=read, answer=Echo, query=Asked)
SEND = Endpoint(method="POST", path="/api/t", name="send", summary="", handle=send, answer=Echo, body=Sent)


@pytest.fixture
def browser(make_app: Callable[..., Flask]) -> FlaskClient:
    """A browser of an app with two more endpoints."""
    app = make_app()
    for endpoint in (READ, SEND):
        add(app, endpoint)
    return app.test_client()


def post(browser: FlaskClient, data: bytes) -> tuple[int, str]:
    """Status and code of sending ``data`` as JSON."""
    answer = browser.post("/api/t", data=data, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.get_json().get("code", "")


@pytest.mark.parametrize("name", ["a", "a/b", "a//b", "阿依", "a%2Fb", "a b?&#"])
def test_a_part_of_the_path_may_be_any_id(browser: FlaskClient, name: str) -> None:
    answer = browser.get(f"/api/t/{quote(name, safe='')}/x")
    assert answer.get_json()["name"] == name


@pytest.mark.parametrize(("query", "limit"), [("", 20), ("limit=1", 1), ("limit=50", 50)])
def test_a_query_is_read_with_its_defaults(browser: FlaskClient, query: str, limit: int) -> None:
    assert browser.get(f"/api/t/a/x?{query}").get_json()["limit"] == limit


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("limit=0", "query.limit"),
        ("limit=51", "query.limit"),
        ("limit=" + "9" * 5000, "query.limit"),
        ("limit=x", "query.limit"),
        ("limit=", "query.limit"),
        ("limit=1e1", "query.limit"),
        ("limit=nan", "query.limit"),
        ("limit=%ff", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("limt=5", "query.limt"),
        ("%00=5", "query.\x00"),
    ],
)
def test_a_query_that_is_not_as_documented_is_refused(browser: FlaskClient, query: str, at: str) -> None:
    answer = browser.get(f"/api/t/a/x?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
    assert [found["at"] for found in answer.get_json()["errors"]] == [at]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nul",
        b"{'number': 1}",
        b'{"number": 1,}',
        b'{"number": NaN}',
        b'{"number": 1, "share": Infinity}',
        b'{"number": 1, "rest": NaN}',
        b'{"number": 1, "rest": "\xff"}',
        b'{"number": 1, "rest": "\\ud800"}',
        b'\xef\xbb\xbf{"number": 1}',
        '{"number": 1}'.encode("utf-16"),
        b'{"number": 1, "rest": ' + b"[" * 300 + b"]" * 300 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"number": 1, "rest": ' + b"9" * 5000 + b"}",
        b'{"number": 1, "rest": 1e999}',
    ],
)
def test_what_is_no_json_that_everyone_reads_alike_is_refused(browser: FlaskClient, data: bytes) -> None:
    assert post(browser, data) == (400, "bad_json")


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b'"number"',
        b'{"number": "1"}',
        b'{"number": 1.5}',
        b'{"number": true}',
        b'{"number": null}',
        b'{"number": 123456789012345678901234567890}',
        b'{"number": 1e300}',
        b'{"number": 1, "share": 1.01}',
        b'{"number": 1, "share": "0.5"}',
        b'{"number": 1, "numbr": 2}',
    ],
)
def test_json_of_another_form_is_refused(browser: FlaskClient, data: bytes) -> None:
    assert post(browser, data) == (422, "invalid_request")


def test_of_many_mistakes_the_first_are_told_and_no_value_repeated(browser: FlaskClient) -> None:
    data = orjson.dumps({"number": 1} | {f"geheim{number}": "secret" for number in range(100)})
    answer = browser.post("/api/t", data=data, headers={"Content-Type": "application/json; charset=utf-8"})
    assert len(answer.get_json()["errors"]) == 20
    assert "secret" not in answer.text


def test_a_body_may_be_as_large_as_said_and_no_larger(browser: FlaskClient) -> None:
    frame = len(b'{"number": 1, "rest": ""}')
    assert post(browser, b'{"number": 1, "rest": "%s"}' % (b"x" * (LARGEST_BODY - frame))) == (200, "")
    assert post(browser, b'{"number": 1, "rest": "%s"}' % (b"x" * (LARGEST_BODY - frame + 1))) == (413, "too_large")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.from_regex(rb'\{"number": ?[^}]{0,9}\}')
)
def test_no_body_makes_the_server_fail(browser: FlaskClient, data: bytes) -> None:
    assert post(browser, data)[0] in {200, 400, 422}


def test_the_document_tells_parts_query_and_body() -> None:
    told = document([READ, SEND])
    read_op, send_op = told["paths"]["/api/t/{name}/x"]["get"], told["paths"]["/api/t"]["post"]
    assert [(found.get("name"), found.get("in")) for found in read_op["parameters"][:2]] == [
        ("name", "path"),
        ("limit", "query"),
    ]
    assert read_op["parameters"][1]["schema"] == {
        "default": 20,
        "maximum": 50,
        "minimum": 1,
        "title": "Limit",
        "type": "integer",
    }
    assert send_op["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Sent"}
    assert told["components"]["schemas"]["Sent"]["additionalProperties"] is False
    assert "Asked" not in told["components"]["schemas"]
    assert {"400", "413", "415", "422"} <= set(send_op["responses"])
    assert {"400", "413", "415"}.isdisjoint(read_op["responses"])


@pytest.mark.parametrize("id", ["%0A", "a%0Ab"])
def test_an_id_with_a_line_break_is_answered_as_documented(client: FlaskClient, id: str) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    for path in (path for path in document["paths"] if "{id}" in path):
        for method, operation in document["paths"][path].items():
            answer = client.open(path.replace("{id}", id), method=method.upper())
            assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
