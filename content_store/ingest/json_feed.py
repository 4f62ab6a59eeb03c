"""JSON Feed 1.0 and 1.1 (jsonfeed.org) → ``ParsedFeed``. Read leniently: a field of another type than it should have
counts as not given."""

from __future__ import annotations

import json
import time
from typing import Any

from content_store.errors import FeedUnreadable
from content_store.ingest.dates import instant
from content_store.ingest.feed_items import (
    LONGEST_HTML,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    hash_of,
    is_chinese,
    is_image,
    one_line,
    shortened,
    tidy_categories,
    tidy_language,
    tidy_names,
)
from content_store.ingest.parsed import Enclosure, ParsedFeed, ParsedItem
from content_store.ingest.sanitising import clean_html, first_picture, html_of_text, plain_text
from content_store.ingest.urls import canonical_url, is_web, safe_url
from content_store.ingest.xml_events import MOST_ITEMS

_VERSION = "jsonfeed.org/version/"
_MOST_ENCLOSURES = 20


def parse_json(text: str, base: str, encoding: str, deadline: float) -> ParsedFeed:
    """The feed that ``text`` is; arguments as for ``feed_items.parsed_feed``. Raises ``FeedUnreadable``."""
    feed = _loaded(text)
    home = _web(feed, "home_page_url", base)
    base = base or _web(feed, "feed_url", "") or home
    title = one_line(_text(feed, "title"))
    given = [item for item in _list(feed, "items") if isinstance(item, dict)]
    language = tidy_language(_text(feed, "language"))
    chinese = is_chinese(language, title, *(_text(item, "title") for item in given[:5]))
    items: list[ParsedItem] = []
    for item in given[:MOST_ITEMS]:
        if time.thread_time() > deadline:
            break
        items.append(_item(item, feed, base, home, language, chinese))
    version = _text(feed, "version").rpartition("/")[2]
    return ParsedFeed(
        title=shortened(title, LONGEST_TITLE),
        link=home,
        language=language,
        items=tuple(items),
        description=shortened(_text(feed, "description"), LONGEST_SUMMARY),
        format="json11" if version == "1.1" else "json1",
        encoding=encoding,
        whole=len(items) == len(given),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        feed = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise FeedUnreadable(f"it is not valid JSON: {error}", hint="check it at validator.jsonfeed.org") from error
    if not isinstance(feed, dict) or not (_VERSION in str(feed.get("version")) or isinstance(feed.get("items"), list)):
        raise FeedUnreadable("it is JSON, but no JSON Feed: it has no version and no items", hint="see jsonfeed.org")
    return feed


def _item(item: dict[str, Any], feed: dict[str, Any], base: str, home: str, language: str, chinese: bool) -> ParsedItem:
    own = _scalar(item, "id")
    link = _web(item, "url", base) or (own if is_web(own) else "") or _web(item, "external_url", base)
    html = clean_html(_text(item, "content_html")[:LONGEST_HTML], link or home or base or None)
    html = html or clean_html(html_of_text(_text(item, "content_text")[:LONGEST_HTML]))
    text = _text(item, "summary") or plain_text(html)
    enclosures = _enclosures(item, base)
    pictures = [one.url for one in enclosures if is_image(one)]
    lead = _web(item, "image", base) or _web(item, "banner_image", base)
    return ParsedItem(
        guid=own[:LONGEST_TITLE] or link or hash_of(_text(item, "title"), html),
        url=canonical_url(link),
        link=link,
        title=shortened(one_line(_text(item, "title")), LONGEST_TITLE),
        authors=_authors(item) or _authors(feed),
        published=instant(_text(item, "date_published"), chinese=chinese),
        updated=instant(_text(item, "date_modified"), chinese=chinese),
        summary=shortened(text, LONGEST_SUMMARY),
        html=html or clean_html(html_of_text(_text(item, "summary")[:LONGEST_SUMMARY])),
        picture=next((url for url in (lead, *pictures, first_picture(html)) if url), ""),
        enclosures=enclosures,
        categories=tidy_categories(_list(item, "tags")[:200]),
        language=tidy_language(_text(item, "language")) or language,
        full=bool(html),
    )


def _text(of: dict[str, Any], key: str) -> str:
    value = of.get(key)
    return value.strip() if isinstance(value, str) else ""


def _scalar(of: dict[str, Any], key: str) -> str:
    """An id; version 1.0 lets it be a number."""
    value = of.get(key)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _list(of: dict[str, Any], key: str) -> list[Any]:
    value = of.get(key)
    return value if isinstance(value, list) else []


def _web(of: dict[str, Any], key: str, base: str) -> str:
    url = safe_url(_text(of, key), base or None)
    return url if is_web(url) else ""


def _authors(of: dict[str, Any]) -> tuple[str, ...]:
    one = of.get("author")
    people = [person for person in (*_list(of, "authors"), one) if isinstance(person, dict)]
    return tidy_names(_text(person, "name") or _text(person, "url") for person in people[:50])


def _enclosures(item: dict[str, Any], base: str) -> tuple[Enclosure, ...]:
    found = []
    for one in _list(item, "attachments")[:_MOST_ENCLOSURES]:
        if isinstance(one, dict) and (url := _web(one, "url", base)):
            size = one.get("size_in_bytes")
            length = int(size) if isinstance(size, int | float) and 0 <= size < 1e15 else 0
            found.append(Enclosure(url=url, type=_text(one, "mime_type").lower()[:100], length=length))
    return tuple(found)
