"""Bytes of a feed → ``ParsedFeed``: every RSS, RDF, Atom and CDF that feedparser knows, and JSON Feed.

    decode → JSON? → json_feed
           → prepare (no document type, no entities) → read (feedparser, within limits) → items, cleaned

Nothing is fetched, nothing is stored. What is no feed, or made to do harm, raises ``FeedUnreadable``.
"""

from __future__ import annotations

import re
import time
import zlib

from content_store.errors import FeedUnreadable
from content_store.ingest import json_feed
from content_store.ingest.encodings import decode
from content_store.ingest.feed_items import parsed_feed
from content_store.ingest.parsed import Enclosure, ParsedFeed, ParsedItem
from content_store.ingest.urls import is_web
from content_store.ingest.xml_events import read
from content_store.ingest.xml_text import prepare

__all__ = ["LARGEST", "Enclosure", "ParsedFeed", "ParsedItem", "parse"]

LARGEST = 10 * 1024 * 1024
"""Bytes; a larger file is refused."""
_LONGEST = 2_000_000
"""Characters that are read; newer items come first."""
_SECONDS = 0.55
"""Of work for one feed; items that could not be cleaned by then are left out."""

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)


def parse(
    data: bytes, *, url: str | None = None, content_type: str | None = None, content_language: str | None = None
) -> ParsedFeed:
    """The feed in ``data``; ``url`` is where it came from, the others are the headers it came with, as far as known."""
    deadline = time.thread_time() + _SECONDS
    if len(data) > LARGEST:
        raise FeedUnreadable(f"it has {len(data):,} bytes, more than {LARGEST:,}", hint="let the feed have fewer items")
    data = _unpacked(data)
    base = url if url and is_web(url) else ""
    charset = _CHARSET.search(content_type or "")
    text, encoding = decode(data, charset[1] if charset else None)
    text = text.lstrip("\ufeff \t\r\n\x00\xa0")
    whole = len(text) <= _LONGEST
    if text.startswith(("{", "[")):
        return _with_items(json_feed.parse_json(text, base, encoding, deadline))
    text, netscape = prepare(text[:_LONGEST])
    found = read(text, base, content_language or "", whole=whole)
    version = "rss091n" if netscape and found.version.startswith("rss091") else found.version
    return _with_items(parsed_feed(found._replace(version=version), base, encoding, deadline))


def _with_items(feed: ParsedFeed) -> ParsedFeed:
    if not feed.items and not feed.whole:
        raise FeedUnreadable(
            "its first item alone is beyond the limits of a feed", hint="let the items have summaries, not books"
        )
    return feed


def _unpacked(data: bytes) -> bytes:
    """Feeds are stored packed at times, and no header says so."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = reader.decompress(data, LARGEST)
    except zlib.error as error:
        raise FeedUnreadable(f"it is packed by gzip, and damaged: {error}", hint="store the feed unpacked") from error
    if not unpacked and not reader.eof:
        raise FeedUnreadable("it is packed by gzip, and damaged: it has no end", hint="store the feed unpacked")
    if reader.unconsumed_tail:
        raise FeedUnreadable(f"unpacked it has more than {LARGEST:,} bytes", hint="let the feed have fewer items")
    return unpacked
