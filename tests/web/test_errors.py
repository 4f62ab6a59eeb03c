"""Errors: one form for programmes, one for people, and nothing of our insides in either."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from content_store.errors import DatabaseError, KepuError
from web import access, errors, security
from web.access import Open
from web.errors import every_kind, status_of

CODES = {kind.code for kind in every_kind()}


def test_every_error_has_a_code_of_its_own() -> None:
    found = Counter(kind.code for kind in every_kind())
    assert {code for code, number in found.items() if number > 1} == set()
    assert all(re.fullmatch(r"[a-z][a-z_]*", code) for code in found)


def test_every_status_has_words_for_people() -> None:
    assert {status_of(kind) for kind in every_kind()} - set(errors._TO_PEOPLE) <= {408, 415, 422}


@pytest.fixture
def failing(make_app: Callable[..., Flask]) -> Flask:
    """An app in which everything fails."""
    app = make_app()

    def fail(how: str) -> str:
        if how == "crash":
            raise RuntimeError("the password is geheim")
        if how == "database":
            raise DatabaseError("postgresql://secret-host is gone", hint="look at secret-host")
        if how == "ours":
            raise KepuError("secret settings")
        abort(int(how))

    app.add_url_rule("/api/fail/<how>", "api_fail", fail)
    app.add_url_rule("/fail/<how>", "fail", fail)
    for route in ("api_fail", "fail"):
        access.declare(app, route, Open.EVERYONE)
    return app


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("crash", 500, "internal"),
        ("database", 503, "database"),
        ("ours", 500, "internal"),
        ("400", 400, "bad_request"),
        ("403", 403, "forbidden"),
        ("404", 404, "not_found"),
        ("409", 409, "bad_request"),
        ("413", 413, "too_large"),
        ("418", 418, "bad_request"),
        ("429", 429, "rate_limited"),
        ("500", 500, "internal"),
        ("502", 502, "internal"),
    ],
)
def test_a_failure_is_a_problem_for_programmes_and_a_chinese_page_for_people(
    failing: Flask, how: str, status: int, code: str
) -> None:
    answer = failing.test_client().get(f"/api/fail/{how}")
    assert answer.content_type == "application/problem+json"
    told = answer.get_json()
    assert (answer.status_code, told["status"], told["code"]) == (told["status"], told["status"], code)
    assert answer.status_code == (
        status if status in (400, 403, 404, 413, 429, 500, 503) else 500 if status > 499 else 400
    )
    assert code in CODES
    assert told["request_id"] == answer.headers["X-Request-ID"]
    page = failing.test_client().get(f"/fail/{how}")
    assert page.status_code == answer.status_code
    assert page.content_type == "text/html; charset=utf-8"
    assert re.search(r"<h1>[一-鿿，]+</h1>", page.text)
    for text in (answer.text, page.text):
        assert "geheim" not in text
        assert "secret" not in text
        assert "Traceback" not in text


def test_what_failed_is_logged_under_the_number_that_is_told(failing: Flask, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing.test_client().get("/api/fail/crash")
    [record] = [record for record in caplog.records if record.name == "web.errors"]
    assert answer.get_json()["request_id"] in record.getMessage()
    assert record.exc_info is not None
    assert "geheim" in caplog.text


def test_a_mistake_of_the_callers_is_not_logged_as_an_error(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/api/v1/nothing")
    assert [record for record in caplog.records if record.name == "web.errors"] == []


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/me")
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "PATCH"}


def test_every_answer_tells_browsers_what_they_may_do(client: FlaskClient) -> None:
    for path in ("/nothing", "/static/error.css", "/api/v1/me", "/healthz"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"https?:|\*", policy)


def test_answers_are_kept_by_nobody_pages_by_their_reader_and_files_by_anyone(client: FlaskClient) -> None:
    assert client.get("/api/v1/me").headers["Cache-Control"] == "private, no-store"
    assert client.get("/nothing").headers["Cache-Control"] == "private, no-cache"
    assert "no-store" not in client.get("/static/error.css").headers.get("Cache-Control", "")


def test_each_page_has_a_nonce_of_its_own_and_its_policy_names_it(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.add_url_rule("/page", "page", lambda: security.nonce())
    access.declare(app, "page", Open.EVERYONE)
    seen = set()
    for _ in range(3):
        answer = app.test_client().get("/page")
        assert f"script-src 'self' 'nonce-{answer.text}'" in answer.headers["Content-Security-Policy"]
        seen.add(answer.text)
    assert len(seen) == 3
