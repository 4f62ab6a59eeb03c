"""Fetching from servers that mean well: conditions, redirects, codings, and what is told of them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import brotli
import pytest

from content_store.errors import FetchFailed
from content_store.ingest.addresses import Rules
from content_store.ingest.decoding import Body
from content_store.ingest.fetching import PAGES, Fetched, Fetcher
from content_store.ingest.limits import Limits
from content_store.problems import FetchProblem
from content_store.settings import Settings
from tests.support.hostile import HOST, Answer, Hostile, page, reach, redirect

TAG = '"33a64df5"'
DATE = "Wed, 01 Jan 2025 04:00:00 GMT"

pytestmark = pytest.mark.usefixtures("fixed_clock")


def fetch(answer: Answer, **options: str) -> tuple[Fetched, bytes]:
    """What came of one fetch, and what was asked."""
    with Hostile(answer) as server:
        return reach(server).get(server.url(), **options), server.requests[-1]  # type: ignore[arg-type]


def problem(answer: Answer) -> FetchFailed:
    with Hostile(answer) as server, pytest.raises(FetchFailed) as caught:
        reach(server).get(server.url())
    return caught.value


def test_a_document_comes_with_what_its_server_says_of_it() -> None:
    headers = ('Content-Type: Application/RSS+xml; charset="GBK"', f"ETag: {TAG}", f"Last-Modified: {DATE}")
    found, _ = fetch(page(b"<rss/>", *headers, "Cache-Control: public, max-age=600", "Age: 60", "Retry-After: 30"))
    assert found.body == b"<rss/>"
    assert (found.status, found.not_modified, found.moved_to, found.cut) == (200, False, None, False)
    assert (found.content_type, found.charset) == ("application/rss+xml", "gbk")
    assert (found.etag, found.last_modified) == (TAG, DATE)
    assert (found.fresh_s, found.retry_after_s) == (540, 30)
    assert found.wire_bytes >= 6


def test_a_server_that_says_nothing_is_taken_at_that() -> None:
    found, _ = fetch(b"HTTP/1.0 200 OK\r\n\r\n<rss/>")
    assert found.body == b"<rss/>"
    assert (found.content_type, found.charset, found.etag, found.last_modified) == ("", None, None, None)
    assert (found.fresh_s, found.retry_after_s) == (None, None)


def test_what_is_known_already_is_asked_for_on_condition() -> None:
    found, request = fetch(page(b"", f"ETag: {TAG}", status="304 Not Modified"), etag=TAG, last_modified=DATE)
    assert (found.not_modified, found.body, found.etag) == (True, b"", TAG)
    lines = request.decode().split("\r\n")
    assert f"If-None-Match: {TAG}" in lines
    assert f"If-Modified-Since: {DATE}" in lines


def test_requests_say_who_asks(settings_factory: Callable[..., Settings]) -> None:
    with Hostile(page()) as server:
        named = f"127.0.0.1:{server.port}"
        settings = settings_factory(fetch_contact="https://kepu.example/bot", fetch_named_hosts=named)
        fetcher = Fetcher.of(settings)
        fetcher.get(server.url("/a?b=科", host="127.0.0.1"), accept=PAGES)
        [request] = server.requests
    assert request.startswith(b"GET /a?b=%E7%A7%91 HTTP/1.1\r\n")
    lines = request.decode().split("\r\n")
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "User-Agent: tianfu-kepu (+https://kepu.example/bot)" in lines
    assert f"Accept: {PAGES}" in lines
    assert "Accept-Encoding: gzip, deflate, br" in lines


def raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


TEXT = "科普".encode() * 50_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 100),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw(TEXT)),
        ("br", brotli.compress(TEXT, quality=1)),
        ("br, gzip", gzip.compress(brotli.compress(TEXT, quality=1))),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_codings_are_undone_however_the_data_are_cut(coding: str, body: bytes) -> None:
    limits = Limits(ratio=10_000)
    for step in (1, 7, 4096, len(body)):
        if len(body) // step > 100_000:
            continue
        undone = Body(coding, limits)
        for start in range(0, len(body), step):
            undone.feed(body[start : start + step])
        assert undone.finish() == TEXT


def test_a_coded_document_arrives_as_it_was() -> None:
    body = gzip.compress(TEXT)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    chunked += b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 99]), body[at : at + 99]) for at in range(0, len(body), 99)
    )
    found, _ = fetch(chunked + b"0\r\n\r\n")
    assert found.body == TEXT
    found, _ = fetch(page(b"", "Content-Encoding: gzip"))
    assert found.body == b""


def moving(**ways: tuple[str, str]) -> Callable[[bytes], bytes]:
    """A server that leads from path to path, and ends at ``/end``."""

    def answer(request: bytes) -> bytes:
        path = request.split(b" ")[1].decode().strip("/")
        return page(b"<rss/>") if path not in ways else redirect(*ways[path])

    return answer


@pytest.mark.parametrize(
    ("first", "second", "moved_to"),
    [
        ("301 Moved", "308 Moved", "/end"),
        ("301 Moved", "302 Found", "/b"),
        ("307 Temporary", "301 Moved", None),
        ("303 See Other", "302 Found", None),
    ],
)
def test_only_what_is_permanent_from_the_beginning_moves_a_feed(first: str, second: str, moved_to: str | None) -> None:
    with Hostile(moving(a=("/b", first), b=("/end", second))) as server:
        found = reach(server).get(server.url("/a"))
        assert found.url == server.url("/end")
        assert found.moved_to == (moved_to and server.url(moved_to))
        assert len(server.requests) == 3


def test_a_host_is_entered_before_it_is_connected_to_and_left_afterwards() -> None:
    story: list[str] = []

    @contextmanager
    def gate(host: str) -> Iterator[None]:
        story.append(f"enter {host}")
        yield
        story.append(f"leave {host}")

    with Hostile(page()) as second, Hostile(redirect(second.url(host="127.0.0.1"))) as first:
        named = frozenset({(HOST, first.port), ("127.0.0.1", second.port)})
        fetcher = Fetcher(Rules(named=named), resolve=lambda name, port: ["127.0.0.1"])
        fetcher.get(first.url(), gate=gate)
    assert story == [f"enter {HOST}", f"leave {HOST}", "enter 127.0.0.1", "leave 127.0.0.1"]


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ("401 Unauthorized", FetchProblem.FORBIDDEN),
        ("403 Forbidden", FetchProblem.FORBIDDEN),
        ("404 Not Found", FetchProblem.NOT_FOUND),
        ("410 Gone", FetchProblem.GONE),
        ("429 Too Many", FetchProblem.RATE_LIMITED),
        ("500 Oops", FetchProblem.SERVER_ERROR),
        ("503 Busy", FetchProblem.SERVER_ERROR),
        ("204 No Content", FetchProblem.BAD_STATUS),
        ("206 Partial", FetchProblem.BAD_STATUS),
        ("302 Found", FetchProblem.BAD_STATUS),
        ("418 Teapot", FetchProblem.BAD_STATUS),
    ],
)
def test_a_status_without_a_document_is_a_problem_with_its_number(status: str, what: FetchProblem) -> None:
    error = problem(page(b"sorry", "Retry-After: 120", status=status))
    assert (error.problem, error.status, error.retry_after_s) == (what, int(status[:3]), 120)
    assert error.hint == what.label


@pytest.mark.parametrize(
    ("headers", "retry_after_s", "fresh_s"),
    [
        (["Retry-After: Wed, 01 Jan 2025 04:10:00 GMT"], 600, None),
        # The server's clock is an hour behind ours: what counts is the difference by its own.
        (["Date: Wed, 01 Jan 2025 03:00:00 GMT", "Retry-After: Wed, 01 Jan 2025 03:10:00 GMT"], 600, None),
        (["Date: Wed, 01 Jan 2025 03:00:00 GMT", "Expires: Wed, 01 Jan 2025 03:01:00 GMT"], None, 60),
        (["Expires: 0"], None, None),
        (["Expires: Wed, 01 Jan 2020 03:01:00 GMT"], None, 0),
        (["Cache-Control: no-cache, max-age=100"], None, None),
        (["Cache-Control: s-maxage=900"], None, None),
        (['Cache-Control: private,max-age="90"'], None, 90),
        (["Cache-Control: max-age=90", "Age: 100"], None, 0),
        (["Cache-Control: max-age=-1"], None, None),
        (["Retry-After: soon"], None, None),
    ],
)
def test_times_that_a_server_names_are_understood(
    headers: list[str], retry_after_s: int | None, fresh_s: int | None
) -> None:
    found, _ = fetch(page(b"<rss/>", *headers))
    assert (found.retry_after_s, found.fresh_s) == (retry_after_s, fresh_s)


def test_a_document_may_be_cut_instead_of_refused() -> None:
    with Hostile(page(b"0123456789" * 10_000)) as server:
        found = reach(server).get(server.url(), most_bytes=25, cut=True)
        assert (found.body, found.cut) == (b"0123456789012345678901234", True)
        assert not reach(server).get(server.url(), most_bytes=200_000, cut=True).cut


@pytest.mark.parametrize("port", [1])
def test_a_closed_port_is_told(port: int) -> None:
    fetcher = Fetcher(Rules(named=frozenset({(HOST, port)})), resolve=lambda name, port: ["127.0.0.1", "::1"])
    with pytest.raises(FetchFailed) as caught:
        fetcher.get(f"http://{HOST}:{port}/")
    assert caught.value.problem is FetchProblem.CONNECT


def test_of_many_addresses_those_that_do_not_answer_are_passed_over() -> None:
    with Hostile(page()) as server:
        named = frozenset({(HOST, server.port)})
        addresses = ["127.0.0.3", "127.0.0.1"]
        found = Fetcher(Rules(named=named), resolve=lambda name, port: addresses).get(server.url())
    assert found.body == b"<rss/>"


def test_a_name_that_stands_for_nothing_is_told() -> None:
    with pytest.raises(FetchFailed) as caught:
        reach().get("http://nobody.test/")
    assert caught.value.problem is FetchProblem.DNS


def test_every_problem_has_a_chinese_sentence() -> None:
    labels = {entry.label for entry in FetchProblem}
    assert len(labels) == len(FetchProblem)
    assert all("\u4e00" <= label[0] <= "\u9fff" for label in labels)
