"""What hostile servers, name servers and creators may try, and what comes of it, as docs/security-fetching.md tells."""

from __future__ import annotations

import gzip
import random
import re
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import brotli
import pytest

from content_store.errors import FetchFailed
from content_store.ingest import pacing
from content_store.ingest.addresses import Rules, Url
from content_store.ingest.fetching import Fetcher
from content_store.ingest.limits import MIB, Limits
from content_store.ingest.pacing import Bounds, Wishes
from content_store.ingest.robots import MOST_BYTES, Robots
from content_store.problems import FetchProblem
from tests.support.certificates import Authority
from tests.support.hostile import HOST, Answer, Hostile, Said, Ticking, page, reach, redirect, silent, unending

PAGE = Path(__file__).resolve().parents[3] / "docs" / "security-fetching.md"
SMALL = Limits(silence_s=5, wire_bytes=12 * MIB, body_bytes=4 * MIB)
MOST_MEMORY = 24 * MIB
"""What any answer may take, with limits of 12 and 4 MiB: pieces, copies and the machinery around them."""

OUTCOMES: dict[str, str] = {}
"""Each attempt of this module and its outcome, in the order of the page."""


@dataclass(frozen=True)
class Attempt:
    """Something that is tried, and the problem that the fetcher tells."""

    told: str
    problem: FetchProblem
    answer: Answer = b""
    url: str = ""
    """Asked for in place of the server's own; ``{port}`` is its port."""

    def __str__(self) -> str:
        return self.told


def comes_to(told: str, outcome: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put an attempt that needs a test of its own on the list."""
    assert told not in OUTCOMES
    OUTCOMES[told] = outcome
    return lambda test: test


def blocks(size: int) -> bytes:
    """Bare deflate data that stand for ``size`` zero bytes, without an end; a thousandth of that."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (size // MIB)


GZIP_HEAD = gzip.compress(b"")[:10]
BOMB = GZIP_HEAD + blocks(10 << 30)
ZEROS = bytes(32 * MIB)


def coded(body: bytes, coding: str) -> bytes:
    return page(body, f"Content-Encoding: {coding}")


def chunks(*sizes: str, then: bytes = b"") -> bytes:
    """A chunked answer with chunks that say these sizes, each of five bytes, and no end."""
    body = b"".join(size.encode() + b"\r\nhello\r\n" for size in sizes)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + then


P = FetchProblem
ATTEMPTS = [
    Attempt("redirect to a cloud's metadata, 169.254.169.254", P.REFUSED_ADDRESS, redirect("http://169.254.169.254/")),
    Attempt("redirect to 127.0.0.1", P.REFUSED_ADDRESS, redirect("http://127.0.0.1/")),
    Attempt("redirect to [::1]", P.REFUSED_ADDRESS, redirect("http://[::1]/")),
    Attempt("redirect to [::ffff:127.0.0.1]", P.REFUSED_ADDRESS, redirect("http://[::ffff:127.0.0.1]/")),
    Attempt("redirect to [64:ff9b::a9fe:a9fe], metadata behind NAT64", P.REFUSED_ADDRESS,
            redirect("http://[64:ff9b::a9fe:a9fe]/")),
    Attempt("redirect to a private address, 10.0.0.8", P.REFUSED_ADDRESS, redirect("http://10.0.0.8/")),
    Attempt("redirect to 127.0.0.1 in full-width digits", P.REFUSED_ADDRESS,
            redirect("http://１２７.０.０.１/".encode().decode("latin-1"))),
    Attempt("redirect to a port of mail, 25", P.REFUSED_PORT, redirect("http://8.8.8.8:25/")),
    Attempt("redirect to file:///etc/passwd", P.BAD_URL, redirect("file:///etc/passwd")),
    Attempt("redirect to gopher://", P.BAD_URL, redirect("gopher://127.0.0.1:6379/_FLUSHALL")),
    Attempt("redirect to javascript:", P.BAD_URL, redirect("javascript:alert(1)")),
    Attempt("redirect to a URL with a user", P.BAD_URL, redirect("http://admin:secret@8.8.8.8/")),
    Attempt("redirect to itself", P.REDIRECT_LOOP, redirect("/feed")),
    Attempt("redirects without end", P.TOO_MANY_REDIRECTS,
            lambda request: redirect("/" + "x" * len(request.split(b" ")[1]))),
    Attempt("decimal host", P.BAD_URL, url="http://2130706433/"),
    Attempt("hexadecimal host", P.BAD_URL, url="http://0x7f000001/"),
    Attempt("octal host", P.BAD_URL, url="http://0177.0.0.1/"),
    Attempt("shortened host, 127.1", P.BAD_URL, url="http://127.1/"),
    Attempt("host 0", P.BAD_URL, url="http://0/"),
    Attempt("0.0.0.0", P.REFUSED_ADDRESS, url="http://0.0.0.0/"),
    Attempt("loopback with a dot at its end", P.REFUSED_ADDRESS, url="http://127.0.0.1./"),
    Attempt("IPv6 address with a zone", P.BAD_URL, url="http://[fe80::1%25lo]/"),
    Attempt("the host's own port under another name", P.REFUSED_PORT, url="http://127.0.0.1:{port}/"),
    Attempt("user and password in the URL", P.BAD_URL, url="http://a:b@hostile.test:{port}/"),
    Attempt("another host behind @", P.BAD_URL, url="http://hostile.test:{port}@127.0.0.1/"),
    Attempt("backslash in the URL", P.BAD_URL, url="http://hostile.test:{port}\\@127.0.0.1/"),
    Attempt("CR and LF in the URL", P.BAD_URL, url="http://hostile.test:{port}/ HTTP/1.1\r\nX-Evil: 1\r\n\r\n"),
    Attempt("tab in the scheme", P.BAD_URL, url="ht\ttp://127.0.0.1/"),
    Attempt("gzip bomb, 10 MB for 10 GB", P.BOMB, coded(BOMB, "gzip")),
    Attempt("deflate bomb, bare", P.BOMB, coded(blocks(1 << 30), "deflate")),
    Attempt("deflate bomb in its envelope", P.BOMB, coded(zlib.compress(ZEROS), "deflate")),
    Attempt("brotli bomb, 100 bytes for 32 MB", P.BOMB, coded(brotli.compress(ZEROS, quality=5), "br")),
    Attempt("gzip within gzip, 400 bytes for 32 MB", P.BOMB,
            coded(gzip.compress(gzip.compress(ZEROS)), "gzip, gzip")),
    Attempt("gzip bomb within brotli", P.BOMB, coded(brotli.compress(gzip.compress(ZEROS)), "gzip, br")),
    Attempt("empty gzip members, thousands", P.BAD_ENCODING, coded(gzip.compress(b"") * 50_000, "gzip")),
    Attempt("many codings", P.BAD_ENCODING, coded(b"x", "gzip, gzip, gzip, gzip")),
    Attempt("unknown coding", P.BAD_ENCODING, coded(b"x", "zstd")),
    Attempt("compressed data that are none", P.BAD_ENCODING, coded(b"<rss/>", "gzip")),
    Attempt("compressed data without their end", P.BAD_ENCODING, coded(gzip.compress(b"<rss/>")[:-4], "gzip")),
    Attempt("noise that unpacks to more than is allowed", P.TOO_LARGE,
            coded(gzip.compress(random.Random(1).randbytes(3 * MIB).hex().encode(), 1), "gzip")),
    Attempt("endless body without a length", P.TOO_LARGE,
            lambda _: unending(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65_536))),
    Attempt("endless chunks", P.TOO_LARGE, lambda _: unending(chunks(), b"400\r\n" + bytes(1024) + b"\r\n")),
    Attempt("endless trailer behind the chunks", P.TOO_LARGE,
            lambda _: unending(chunks(then=b"0\r\n"), b"X: " + b"y" * 1000 + b"\r\n")),
    Attempt("a length of a terabyte", P.TOO_LARGE, b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n"),
    Attempt("endless line of status", P.TOO_LARGE, lambda _: unending(b"HTTP/1.1 200 ", b"x" * 4096)),
    Attempt("endless header", P.TOO_LARGE, lambda _: unending(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096)),
    Attempt("endless headers", P.BROKEN, lambda _: unending(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")),
    Attempt("a hundred long headers", P.TOO_LARGE,
            lambda _: unending(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 8000 + b"\r\n")),
    Attempt("100 Continue without end", P.TOO_LARGE,
            lambda _: unending(b"", b"HTTP/1.1 100 Continue\r\nX: " + b"y" * 1000 + b"\r\n\r\n")),
    Attempt("no HTTP at all", P.BROKEN, b"SSH-2.0-OpenSSH_9.2\r\n"),
    Attempt("closed without a word", P.BROKEN, b""),
    Attempt("fewer bytes than Content-Length says", P.BROKEN, page(b"<rss/>").replace(b": 6", b": 600")),
    Attempt("truncated chunks", P.BROKEN, chunks("5", "5")),
    Attempt("chunk of a negative size", P.BROKEN, chunks("-5")),
    Attempt("chunk of no size", P.BROKEN, chunks("five")),
    Attempt("304 that was not asked for", P.BROKEN, page(b"", status="304 Not Modified")),
    Attempt("no TLS where it should be", P.TLS, page(), url="https://hostile.test:{port}/"),
]  # fmt: skip
OUTCOMES |= {attempt.told: f"`{attempt.problem}`" for attempt in ATTEMPTS}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
def test_an_attempt_is_refused_and_takes_little_memory(attempt: Attempt) -> None:
    with Hostile(attempt.answer) as server:
        fetcher = reach(server, limits=SMALL)
        tracemalloc.start()
        try:
            with pytest.raises(FetchFailed) as caught:
                fetcher.get(attempt.url.replace("{port}", str(server.port)) or server.url())
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert caught.value.problem is attempt.problem, caught.value.message
    assert caught.value.hint == attempt.problem.label
    assert peak < MOST_MEMORY
    if attempt.problem in (P.BAD_URL, P.REFUSED_ADDRESS, P.REFUSED_PORT) and attempt.url:
        assert server.requests == []


@dataclass(frozen=True)
class OneLoopback(Rules):
    """Lets 127.0.0.1 stand for a public address, and no other of the loopback."""

    def refusal(self, url: Url, address: str) -> str | None:
        return None if address == "127.0.0.1" else super().refusal(url, address)


def turning(*answers: list[str]) -> tuple[list[str], Callable[[str, int], list[str]]]:
    """A name server that says something else each time, and the names that it was asked for."""
    asked: list[str] = []

    def resolve(name: str, port: int) -> list[str]:
        asked.append(name)
        return answers[min(len(asked), len(answers)) - 1]

    return asked, resolve


@comes_to(
    "a name that is public when it is asked for and private a moment later (DNS rebinding)", "only the first is met"
)
def test_a_name_is_asked_for_once_and_what_it_stood_for_is_connected_to() -> None:
    with (
        Hostile(page(b"public")) as public,
        Hostile(page(b"private"), address="127.0.0.2", port=public.port) as private,
    ):
        asked, resolve = turning(["127.0.0.1"], ["127.0.0.2"])
        rules = OneLoopback(ports=frozenset({public.port}))
        found = Fetcher(rules, resolve=resolve).get(f"http://rebinding.test:{public.port}/")
        assert (found.body, asked, private.requests) == (b"public", ["rebinding.test"], [])


@comes_to("the same with a redirect to itself between the two", "`refused_address`")
def test_a_name_is_judged_anew_when_it_is_connected_to_anew() -> None:
    with Hostile(redirect("/again")) as public, Hostile(page(), address="127.0.0.2", port=public.port) as private:
        asked, resolve = turning(["127.0.0.1"], ["127.0.0.2"])
        rules = OneLoopback(ports=frozenset({public.port}))
        with pytest.raises(FetchFailed) as caught:
            Fetcher(rules, resolve=resolve).get(f"http://rebinding.test:{public.port}/")
        assert caught.value.problem is P.REFUSED_ADDRESS
        assert (len(asked), len(public.requests), private.requests) == (2, 1, [])


@comes_to("a name with a public and a private address", "only the public one is connected to")
def test_of_many_addresses_the_refused_are_left_out() -> None:
    with (
        Hostile(page(b"public")) as public,
        Hostile(page(b"private"), address="127.0.0.2", port=public.port) as private,
    ):
        _, resolve = turning(["127.0.0.2", "::1", "10.0.0.1", "127.0.0.1"])
        rules = OneLoopback(ports=frozenset({public.port}))
        found = Fetcher(rules, resolve=resolve).get(f"http://both.test:{public.port}/")
        assert (found.body, private.requests) == (b"public", [])


@comes_to("a host that is named in the settings and turns to 169.254.169.254", "`refused_address`")
@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_even_a_named_host_does_not_lead_to_metadata(address: str) -> None:
    fetcher = Fetcher(Rules(named=frozenset({("feeds.test", None)})), resolve=lambda name, port: [address])
    with pytest.raises(FetchFailed, match=r"metadata|link-local") as caught:
        fetcher.get("http://feeds.test/")
    assert caught.value.problem is P.REFUSED_ADDRESS


@comes_to("an answer that comes a byte at a time (slow drip): body, header, line of status", "`too_slow`")
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 "])
def test_a_drip_ends_with_the_time_of_the_whole_fetch(head: bytes) -> None:
    ticking = Ticking()
    with Hostile(lambda _: ticking.drip(head)) as server, pytest.raises(FetchFailed) as caught:
        reach(server, limits=Limits(total_s=40), elapsed=ticking).get(server.url())
    assert caught.value.problem is P.TOO_SLOW


@comes_to("redirects that each take their time", "`too_slow`")
def test_redirects_share_the_time() -> None:
    with Hostile(lambda request: redirect("/" + "x" * len(request.split(b" ")[1]))) as server:
        limits = Limits(total_s=40, redirects=1000)
        with pytest.raises(FetchFailed) as caught:
            reach(server, limits=limits, elapsed=Ticking()).get(server.url())
    assert caught.value.problem is P.TOO_SLOW
    assert len(server.requests) < 20


@comes_to("silence", "`too_slow`")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_silence_ends_a_fetch(scheme: str) -> None:
    over = threading.Event()
    with Hostile(lambda _: silent(over)) as server:
        with pytest.raises(FetchFailed) as caught:
            reach(server, limits=Limits(silence_s=0.05, connect_s=0.05)).get(server.url(scheme=scheme))
        over.set()
    assert caught.value.problem is P.TOO_SLOW


@comes_to("a name server that does not answer", "`dns`")
def test_a_silent_name_server_ends_a_fetch() -> None:
    over = threading.Event()

    def resolve(name: str, port: int) -> list[str]:
        over.wait(5)
        return ["127.0.0.1"]

    with pytest.raises(FetchFailed) as caught:
        Fetcher(limits=Limits(connect_s=0.05), resolve=resolve).get("http://silent.test/")
    over.set()
    assert caught.value.problem is P.DNS


@comes_to("headers that carry others in them", "kept out of what is sent next time")
@pytest.mark.parametrize(
    "header",
    [
        'ETag: "a"\r\n X-Evil: 1',
        'ETag: "a\rX-Evil: 1"',
        'ETag: "a\x00"',
        'ETag: "é"',
        f'ETag: "{"x" * 4000}"',
        "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n X-Evil: 1",
        "Last-Modified: yesterday",
    ],
)
def test_a_validator_that_is_no_plain_text_is_forgotten(header: str) -> None:
    with Hostile(page(b"<rss/>", header)) as server:
        fetcher = reach(server)
        found = fetcher.get(server.url())
        assert (found.body, found.etag, found.last_modified) == (b"<rss/>", None, None)
        fetcher.get(server.url(), etag=found.etag, last_modified=found.last_modified)
    assert b"Evil" not in server.requests[1]
    assert b"If-" not in server.requests[1]


@comes_to("more bytes than Content-Length says", "the rest is not read")
def test_what_follows_the_length_is_not_read() -> None:
    with Hostile(page(b"<rss/>") + b"HTTP/1.1 200 OK\r\n\r\nsmuggled") as server:
        assert reach(server).get(server.url()).body == b"<rss/>"


@comes_to("Retry-After of years, of the past, of no sense", "at most a week is obeyed")
@pytest.mark.parametrize(
    ("value", "most_days"),
    [
        ("999999999999999999", 7),
        ("9" * 400, 1),
        ("-5", 1),
        ("1e9", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 7),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Mon, 99 Foo 2024 99:99:99 GMT", 1),
        ("٣٠", 1),
    ],
)
def test_an_absurd_wish_to_be_left_alone_has_a_cap(value: str, most_days: int) -> None:
    answer = page(b"", f"Retry-After: {value}".encode().decode("latin-1"), status="429 Too Many Requests")
    with Hostile(answer) as server, pytest.raises(FetchFailed) as caught:
        reach(server).get(server.url())
    assert (caught.value.problem, caught.value.status) == (P.RATE_LIMITED, 429)
    wishes = Wishes(retry_after_s=caught.value.retry_after_s)
    bounds = Bounds(1_800_000, 86_400_000)
    plan = pacing.after_failure(0, bounds.least_ms, 1, bounds, lambda: 0.5, wishes)
    assert 0 < plan.next_at <= most_days * 86_400_000


@comes_to("robots.txt without end", "the first 500 KiB count")
def test_of_a_huge_robots_txt_the_beginning_counts() -> None:
    rules = b"User-agent: *\nDisallow: /private\n"
    filling = b"# nothing to see here, go on\n" * 2_000

    def answer(request: bytes) -> Said:
        return unending(b"HTTP/1.1 200 OK\r\n\r\n" + rules, filling)

    with Hostile(answer) as server:
        robots = Robots(reach(server))
        robots.require(server.url("/open"))
        with pytest.raises(FetchFailed) as caught:
            robots.require(server.url("/private"))
    assert caught.value.problem is P.ROBOTS
    assert len(server.requests) == 1
    assert len(filling) < MOST_BYTES


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@comes_to("certificate of another name, of the past, of nobody", "`tls`")
@pytest.mark.parametrize("fault", ["name", "time", "issuer"])
def test_a_certificate_must_be_right(fault: str, authority: Authority, tmp_path: Path) -> None:
    issuer = Authority(tmp_path) if fault == "issuer" else authority
    serving = issuer.serving("other.test" if fault == "name" else HOST, days=0 if fault == "time" else 30)
    with Hostile(page(), tls=serving) as server:
        with pytest.raises(FetchFailed) as caught:
            reach(server, tls=authority.trusting()).get(server.url(scheme="https"))
        assert (caught.value.problem, server.requests) == (P.TLS, [])


def test_a_right_certificate_is_that_of_the_name_and_the_body_is_counted_as_ever(authority: Authority) -> None:
    names: list[str | None] = []

    def note(connection: object, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)

    serving = authority.serving(HOST)
    serving.sni_callback = note
    with Hostile(page(b"x" * 100_000), tls=serving) as server:
        fetcher = reach(server, tls=authority.trusting())
        assert len(fetcher.get(server.url(scheme="https")).body) == 100_000
        with pytest.raises(FetchFailed) as caught:
            fetcher.get(server.url(scheme="https"), most_bytes=50_000)
    assert caught.value.problem is P.TOO_LARGE
    assert names == [HOST, HOST]


@comes_to("redirect from https to http", "`insecure_redirect`")
def test_what_was_safe_does_not_become_unsafe(authority: Authority) -> None:
    with Hostile(page()) as plain, Hostile(redirect(plain.url()), tls=authority.serving(HOST)) as safe:
        with pytest.raises(FetchFailed) as caught:
            reach(plain, safe, tls=authority.trusting()).get(safe.url(scheme="https"))
        assert (caught.value.problem, plain.requests) == (P.INSECURE_REDIRECT, [])


@comes_to("a proxy in the environment", "passed by")
def test_no_proxy_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile(page(b"proxy")) as proxy, Hostile(page(b"server")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert reach(server).get(server.url()).body == b"server"
        assert proxy.requests == []


@comes_to("a redirect to another host that asks for a password", "nothing but the request is sent")
def test_redirects_carry_nothing_along() -> None:
    asking = page(b"", 'WWW-Authenticate: Basic realm="x"', "Set-Cookie: a=b", status="401 Unauthorized")
    with (
        Hostile(asking) as second,
        Hostile(page(b"", f"Location: {second.url()}", "Set-Cookie: c=d", status="302 F")) as first,
        pytest.raises(FetchFailed) as caught,
    ):
        reach(first, second).get(first.url("/a?secret"))
    assert (caught.value.problem, len(second.requests)) == (P.FORBIDDEN, 1)
    names = {line.split(b":")[0] for line in second.requests[0].split(b"\r\n")[1:] if line}
    assert names == {b"Host", b"User-Agent", b"Accept", b"Accept-Encoding", b"Connection"}
    assert b"secret" not in second.requests[0]


def test_the_page_lists_these_attempts_and_their_outcomes() -> None:
    rows = re.findall(r"^\| (?!attempt|---)(.+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == list(OUTCOMES.items())
