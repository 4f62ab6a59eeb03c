"""The bridge between granian and the app, where a real connection cannot be made to misbehave on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from web.app import LARGEST_BODY
from web.rsgi import Bridge, environment


class Headers:
    """Headers as granian hands them over."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = list(pairs)

    def items(self) -> list[tuple[str, str]]:
        return self._pairs

    def get(self, name: str) -> str | None:
        return next((value for found, value in self._pairs if found == name), None)


class Connection:
    """What a client sends, and what it is answered."""

    def __init__(self, *parts: bytes, hangs: bool = False) -> None:
        self._parts = parts
        self._hangs = hangs
        self.taken = 0
        self.answer: tuple[int, list[tuple[str, str]], bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            self.taken += 1
            yield part
        if self._hangs:
            await asyncio.Event().wait()

    def response_bytes(self, *answer: Any) -> None:
        self.answer = answer


def scope(method: str = "POST", *headers: tuple[str, str], **given: str) -> Any:
    """A request as granian describes it."""
    told = {"path": "/", "query_string": "", "http_version": "1.1", "scheme": "http"}
    told |= {"server": "127.0.0.1:8000", "client": "203.0.113.9:5555"} | given
    return SimpleNamespace(method=method, headers=Headers(*headers), **told)


def reading(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """An app that answers with the thread that it runs in and the body."""
    body = environ["wsgi.input"].read()
    start("200 OK", [("X-Thread", threading.current_thread().name)])
    return [body]


def asked(bridge: Bridge, request: Any, connection: Connection) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request."""
    asyncio.run(bridge.__rsgi__(request, connection))
    assert connection.answer is not None
    status, headers, body = connection.answer
    return status, dict(headers), body


def test_a_body_is_gathered_before_the_app_is_called() -> None:
    assert asked(Bridge(reading), scope(), Connection(b"ab", b"", b"c"))[2] == b"abc"


def test_reads_are_answered_in_the_loops_thread_and_writes_in_others() -> None:
    assert asked(Bridge(reading), scope("GET"), Connection())[1]["x-thread"] == "MainThread"
    assert asked(Bridge(reading), scope("PATCH"), Connection())[1]["x-thread"].startswith("writer")


def test_a_body_that_does_not_come_in_time_is_refused() -> None:
    status, headers, body = asked(Bridge(reading, body_timeout_s=0), scope(), Connection(b"a", hangs=True))
    assert (status, headers["content-type"]) == (408, "application/problem+json")
    assert b'"code":"request_timeout"' in body


def test_of_a_body_that_is_too_large_no_more_is_taken_than_shows_it() -> None:
    endless = Connection(*[bytes(LARGEST_BODY // 4)] * 100)
    assert len(asked(Bridge(reading), scope(), endless)[2]) > LARGEST_BODY
    assert endless.taken == 5
    announced = Connection(b"x")
    asked(Bridge(reading), scope("POST", ("content-length", str(LARGEST_BODY + 1))), announced)
    assert announced.taken == 0


def test_an_answer_is_closed_also_when_it_breaks_off() -> None:
    closed = []

    class Broken:
        def __iter__(self) -> Any:
            raise OSError("disk")

        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start("200 OK", [])
        return Broken()

    with pytest.raises(OSError, match="disk"):
        asyncio.run(Bridge(app).__rsgi__(scope("GET"), Connection()))
    assert closed == [True]


def test_what_was_begun_ends_before_the_services_are_closed() -> None:
    order: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        started.set()
        go_on.wait(10)
        order.append("answered")
        start("200 OK", [])
        return []

    bridge = Bridge(app, close=lambda: order.append("closed"))

    async def run() -> None:
        task = asyncio.create_task(bridge.__rsgi__(scope(), Connection()))
        await asyncio.to_thread(started.wait, 10)
        threading.Timer(0.01, go_on.set).start()
        bridge.__rsgi_del__(None)
        await task

    asyncio.run(run())
    assert order == ["answered", "closed"]


def test_the_environment_is_as_pep_3333_wants_it() -> None:
    headers = [("host", "x"), ("content-type", "a/b"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-m", "1"), ("x-m", "2")]
    headers += [("x_m", "3"), ("transfer-encoding", "chunked")]
    environ = environment(scope("POST", *headers, path="/科", query_string="q=%E7", client="[::1]:9"), b"abc")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/科"
    told = {
        key: environ[key] for key in ("QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "CONTENT_LENGTH")
    }
    assert told == {
        "QUERY_STRING": "q=%E7",
        "REMOTE_ADDR": "::1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "CONTENT_LENGTH": "3",
    }
    assert (environ["CONTENT_TYPE"], environ["HTTP_COOKIE"], environ["HTTP_X_M"]) == ("a/b", "a=1; b=2", "1,2")
    assert "HTTP_TRANSFER_ENCODING" not in environ
