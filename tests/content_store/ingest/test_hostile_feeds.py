"""Feeds that are made to do harm: each is read or refused within a second of work, and nothing is fetched."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

import pytest

from content_store.errors import FeedUnreadable
from content_store.ingest.parsing import ParsedFeed, parse
from tests.support.harmful import harmful

BUDGET_S = 1.0


def rss(inside: str, before: str = "") -> bytes:
    """A feed with ``inside`` in its channel and ``before`` in front of it."""
    return f'{before}<rss version="2.0"><channel><title>t</title>{inside}</channel></rss>'.encode()


def entities(*declared: str) -> str:
    """A document type that declares entities."""
    return f"<!DOCTYPE rss [{''.join(f'<!ENTITY {one}>' for one in declared)}]>"


def described(html: str) -> bytes:
    """A feed whose only item has this description."""
    return rss(f"<item><title>a</title><description><![CDATA[{html}]]></description></item>")


def outcome(data: bytes) -> ParsedFeed | FeedUnreadable:
    """What becomes of a feed, and that it took no longer than it may."""
    start = time.thread_time()
    try:
        found: ParsedFeed | FeedUnreadable = parse(data, url="https://a.example/feed")
    except FeedUnreadable as error:
        assert error.hint
        found = error
    assert time.thread_time() - start < BUDGET_S
    if isinstance(found, ParsedFeed):
        assert not any(harmful(item.html) for item in found.items[:20])
        assert all(len(item.html) < 1_500_000 and len(item.title) <= 500 for item in found.items)
    return found


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("the parser opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    "declared",
    [
        ['a "lol"', 'a0 "&a;&a;"', *(f'a{n} "' + f"&a{n - 1};" * 10 + '"' for n in range(1, 9))],
        ['a "&b;"', 'b "&a;"'],
        ['a "&a;"'],
        [f'e{n} "v"' for n in range(2000)],
        ["a '" + "x" * 200_000 + "'"],
    ],
    ids=["billion laughs", "loop of two", "loop of one", "thousands", "enormous"],
)
def test_a_document_that_grows_by_its_entities_is_refused(declared: list[str]) -> None:
    refused = outcome(rss("<item><title>&a;&a8;</title></item>", entities(*declared)))
    assert isinstance(refused, FeedUnreadable)
    assert "XML bomb" in refused.message


def test_quadratic_blow_up_is_refused() -> None:
    refused = outcome(rss(f"<item><title>{'&a;' * 100_000}</title></item>", entities("a '" + "x" * 400 + "'")))
    assert isinstance(refused, FeedUnreadable)
    assert "XML bomb" in refused.message


@pytest.mark.parametrize(
    "declared",
    [
        'x SYSTEM "file:///etc/passwd"',
        'x PUBLIC "p" "http://127.0.0.1:9/x"',
        '% x SYSTEM "http://127.0.0.1:9/x.dtd"> %x; <!ENTITY y "z"',
        "x SYSTEM 'expect://id'",
        'x SYSTEM "php://filter/read=convert.base64-encode/resource=/etc/passwd"',
    ],
)
def test_nothing_external_is_put_in(declared: str) -> None:
    feed = outcome(rss("<item><title>[&x;]</title></item>", entities(declared)))
    assert isinstance(feed, ParsedFeed)
    assert feed.items[0].title in ("[]", "[&x;]")


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">',
        "<?xml-stylesheet href='http://127.0.0.1:9/x.xsl' type='text/xsl'?>",
    ],
)
def test_document_types_and_style_sheets_are_not_fetched(before: str) -> None:
    feed = outcome(rss("<item><title>a</title></item>", before))
    assert isinstance(feed, ParsedFeed)
    assert feed.items[0].title == "a"


def test_a_short_entity_of_its_own_is_put_in() -> None:
    feed = outcome(rss("<item><title>&kp; &lt;b> &amp;</title></item>", entities('kp "天府<b>科普</b>"')))
    assert isinstance(feed, ParsedFeed)
    assert "天府" in feed.items[0].title


_LONG = 600_000
_BASES = f"<link xml:base='{'../a/' * 1_500}' href='{'../b/' * 1_500}'/>"
MADE: dict[str, Callable[[], bytes]] = {
    "deep": lambda: rss("<item>" + "<a>" * 300_000),
    "deep content": lambda: rss("<item><description>" + "<div>" * 100_000),
    "deep escaped": lambda: described("<div>" * 200_000),
    "deep mixed": lambda: described("<div><p><b>" * 60_000),
    "enormous attribute": lambda: rss(f"<item><title>x</title><link href='{'a' * 2_000_000}'/></item>"),
    "many attributes": lambda: rss(f"<item {''.join(f'a{n}=x ' for n in range(150_000))}><title>x</title></item>"),
    "many namespaces": lambda: rss(
        "<item " + "".join(f'xmlns:a{n}="u:{n}" ' for n in range(60_000)) + "><title>x</title></item>"
    ),
    "open tags": lambda: rss("<item><title>" + "<" * _LONG),
    "open comments": lambda: rss("<item><title>" + "<!--" * _LONG),
    "open sections": lambda: rss("<item><title>" + "<![CDATA[" * 150_000),
    "ampersands": lambda: rss("<item><title>" + "&" * 2_000_000 + "</title></item>"),
    "references": lambda: rss("<item><title>" + "&amp;&#39;" * 200_000 + "</title></item>"),
    "long author": lambda: rss("<item><author>" + "a" * _LONG + "</author></item>"),
    "many authors": lambda: rss("<item>" + ("<author>" + "a." * 140 + "@</author>") * 4_000 + "</item>"),
    "many categories": lambda: rss("<item>" + "".join(f"<category>{n}</category>" for n in range(60_000)) + "</item>"),
    "blank pieces": lambda: rss("<item><content type='xhtml'>" + "\n<!---->" * 200_000 + "</x></content></item>"),
    "handlers": lambda: described("<img src=http://x.example/y.png onerror=alert(1)>" * 40_000),
    "links": lambda: described("<p>a <b>b</b><a href=http://x.example>y</a>" * 40_000),
    "open frames": lambda: described("<iframe>" * 100_000),
    "hidden": lambda: described("<svg><math><title><xmp>" * 50_000),
    "quotes": lambda: described("<a \"'=" * 200_000),
    "tables": lambda: described("<table><tr><td>" * 50_000),
    "blocks in marks": lambda: described("<b><p>" * 60_000),
    "many items": lambda: rss("<item><title>a</title></item>" * 60_000),
    "closing tags": lambda: rss("<item>" + "</a>" * 300_000 + "</item>"),
    "crossed tags": lambda: rss("<item>" + "<a><b></a>" * 100_000 + "</c></item>"),
    "document type": lambda: b"<!DOCTYPE rss [" + b"<" * 1_000_000,
    "comments of a document type": lambda: b"<!DOCTYPE rss [" + b"<!-- " * 20_000,
    "instructions": lambda: b"<?xml " * 200_000,
    "deep JSON": lambda: b'{"items":' + b"[" * 500_000,
    "long number": lambda: b'{"version":"https://jsonfeed.org/version/1","items":[{"id":' + b"9" * 500_000 + b"}]}",
    "many JSON items": lambda: (
        b'{"version":"https://jsonfeed.org/version/1","items":[' + b'{"id":1},' * 100_000 + b"1]}"
    ),
    "zeros": lambda: b"\0" * 3_000_000,
    "noise": lambda: random.Random(1).randbytes(1_000_000),
    "high noise": lambda: bytes(random.Random(2).choices(range(0x80, 0x100), k=1_000_000)),
    "one long word of GBK": lambda: rss("<item><title>大熊猫" + "爱吃竹子" * 150_000).decode().encode("gb18030"),
    "spaces": lambda: rss("<item><link>" + " " * 2_000_000 + "x</link></item>"),
    "long bases": lambda: rss("<item>" + _BASES * 50 + "</item>"),
}


@pytest.mark.parametrize("name", MADE)
def test_size_and_depth_cost_no_more_than_a_second(name: str) -> None:
    outcome(MADE[name]())
