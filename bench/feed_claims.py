"""What the feed suites say of their files, as claims about our own values, and whether these hold.

A suite's fields are mapped to ours where we have the same; what it says of anything else is counted as none of ours.
Text is compared as ours is kept: titles and summaries plain, articles cleaned, addresses absolute, dates as instants.
feedparser's expectations are expressions of Python: they are taken apart, never evaluated.
"""

from __future__ import annotations

import ast
import calendar
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from content_store.ingest.encodings import decode, python_name
from content_store.ingest.parsed import ParsedFeed, ParsedItem
from content_store.ingest.sanitising import clean_html, plain_text
from content_store.ingest.urls import canonical_url

EXPECT = re.compile(r"Description:\s*(.*?)\s*Expect:\s*(.*)\s*-->")
HEADER = re.compile(r"^Header:\s+([^:\s]+):(.*)$", re.MULTILINE)


class Claim(NamedTuple):
    """A suite's word on a field of ours (``feed.title``, ``item.link``, …); ``item`` counts from 0. ``field`` is empty
    where we have nothing like it."""

    field: str
    value: Any
    item: int = 0


# --- whether a claim holds ---------------------------------------------------------------------------------------


def holds(claim: Claim, feed: ParsedFeed, data: bytes) -> bool:
    """Whether the claim is true of what we made of ``data``."""
    kind, _, name = claim.field.partition(".")
    if claim.field == "items":
        return bool(len(feed.items) == claim.value)
    if claim.field == "encoding":
        return bool(_same_encoding(str(claim.value), feed, data))
    if kind == "feed":
        return bool(_FEED[name](feed, claim.value))
    return claim.item < len(feed.items) and bool(_ITEM[name](feed.items[claim.item], claim.value))


def _same_encoding(name: str, feed: ParsedFeed, data: bytes) -> bool:
    wanted = python_name(name.replace("_INVALID_PYTHON_3", ""))
    if wanted is None or wanted == feed.encoding:
        return wanted is not None
    try:
        return data.decode(wanted) == decode(data).text
    except (UnicodeDecodeError, LookupError):
        return False


def _words(text: str) -> str:
    return "".join(text.split())


def _plain(ours: str, theirs: Any) -> bool:
    theirs = "" if theirs is None else str(theirs)
    told = {_words(theirs), _words(plain_text(theirs)), _words(plain_text(plain_text(theirs)))}
    return _words(ours) in told or (ours.endswith("…") and any(one.startswith(_words(ours)) for one in told))


def _article(item: ParsedItem, theirs: Any) -> bool:
    theirs = "" if theirs is None else str(theirs)
    if _plain(item.summary, theirs) or _plain(plain_text(item.html), theirs):
        return True
    return _words(clean_html(theirs, item.link or None)) == _words(item.html)


def _address(ours: str, theirs: Any) -> bool:
    theirs = "" if theirs is None else str(theirs).strip()
    if not re.match(r"https?://[^/]", theirs, re.IGNORECASE):
        # A relative address, where the suite does not say what it is relative to, and other schemes are none of ours.
        return not ours or ours.endswith(theirs.lstrip("./"))
    return canonical_url(ours) == canonical_url(theirs) or canonical_url(theirs) == ""


def _instant(ours: int | None, theirs: Any) -> bool:
    if theirs is None:
        return ours is None
    if isinstance(theirs, str):
        theirs = datetime.fromisoformat(theirs.replace("Z", "+00:00")).utctimetuple()
    return ours is not None and ours // 1000 == calendar.timegm(tuple(theirs))


def _listed(ours: tuple[str, ...], theirs: Any) -> bool:
    told = [_words(plain_text(str(one))) for one in (theirs if isinstance(theirs, list) else [theirs]) if one]
    return {_words(one) for one in ours}.issuperset(told)


_FEED: dict[str, Any] = {
    "title": lambda feed, told: _plain(feed.title, told),
    "description": lambda feed, told: _plain(feed.description, told),
    "link": lambda feed, told: _address(feed.link, told),
    "language": lambda feed, told: feed.language == str(told or "").replace("_", "-").lower(),
    "updated": lambda feed, told: _instant(feed.updated, told),
    "format": lambda feed, told: feed.format == told,
}
_ITEM: dict[str, Any] = {
    "title": lambda item, told: _plain(item.title, told),
    "text": _article,
    "link": lambda item, told: _address(item.link, told),
    "guid": lambda item, told: item.guid == told or _address(item.guid, told) or item.guid.startswith("sha256:"),
    "published": lambda item, told: _instant(item.published, told),
    "updated": lambda item, told: _instant(item.updated, told),
    "dated": lambda item, told: _instant(item.published, told) or _instant(item.updated, told),
    "author": lambda item, told: _listed(item.authors, told),
    "category": lambda item, told: _listed(item.categories, told),
    "enclosure": lambda item, told: any(_address(one.url, told) for one in item.enclosures),
    "enclosure_type": lambda item, told: any(one.type == str(told).lower() for one in item.enclosures),
    "picture": lambda item, told: _address(item.picture, told),
    "language": lambda item, told: item.language == str(told or "").replace("_", "-").lower(),
}

# --- feedparser --------------------------------------------------------------------------------------------------

_TEXT = r"(?:_detail\.value)?"
_FEEDPARSER = [
    (re.compile(pattern), field)
    for pattern, field in (
        (rf"feed\.title{_TEXT}", "feed.title"),
        (rf"feed\.(?:subtitle|tagline|description){_TEXT}", "feed.description"),
        (r"feed\.link", "feed.link"),
        (r"feed\.language", "feed.language"),
        (r"feed\.(?:updated|modified)_parsed", "feed.updated"),
        (r"version", "feed.format"),
        (r"encoding", "encoding"),
        (rf"entries\.(\d+)\.title{_TEXT}", "item.title"),
        (rf"entries\.(\d+)\.(?:description|summary){_TEXT}|entries\.(\d+)\.content\.\d+\.value", "item.text"),
        (r"entries\.(\d+)\.link", "item.link"),
        (r"entries\.(\d+)\.(?:id|guid)", "item.guid"),
        (r"entries\.(\d+)\.(?:published|issued)_parsed", "item.published"),
        (r"entries\.(\d+)\.(?:updated|modified|date)_parsed", "item.dated"),
        (r"entries\.(\d+)\.(?:author_detail\.name|authors\.\d+\.name)", "item.author"),
        (r"entries\.(\d+)\.(?:tags\.\d+\.term|category)", "item.category"),
        (r"entries\.(\d+)\.enclosures\.\d+\.(?:url|href)", "item.enclosure"),
        (r"entries\.(\d+)\.enclosures\.\d+\.type", "item.enclosure_type"),
        (r"entries\.(\d+)\.(?:image\.(?:href|url)|media_thumbnail\.0\.url)", "item.picture"),
        (r"entries\.(\d+)\.content\.0\.language", "item.language"),
    )
]


def of_feedparser(text: str) -> Iterator[Claim]:
    """The claims of the comment that begins a file of feedparser's suite."""
    found = EXPECT.search(text)
    if found is None:
        return
    try:
        expression = ast.parse(found[2].strip(), mode="eval").body
    except SyntaxError:
        return
    yield from _clauses(expression)


def _clauses(node: ast.expr) -> Iterator[Claim]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for part in node.values:
            yield from _clauses(part)
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and len(node.ops) == 1:
        yield _comparison(node)
    elif not isinstance(node, ast.Constant) and not _is_bozo(node):
        yield Claim("", None)


def _is_bozo(node: ast.expr) -> bool:
    """``not bozo``: that it was parsed at all."""
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Name) and inner.id == "bozo"


def _comparison(node: ast.Compare) -> Claim:
    try:
        value = ast.literal_eval(node.comparators[0])
    except ValueError:
        return Claim("", None)
    left = node.left
    if isinstance(left, ast.Call) and isinstance(left.func, ast.Name) and left.func.id == "len" and left.args:
        return Claim("items", value) if _path(left.args[0]) == "entries" else Claim("", None)
    path = _path(left)
    for pattern, field in _FEEDPARSER:
        if path and (found := pattern.fullmatch(path)):
            return Claim(field, value, next((int(group) for group in found.groups() if group), 0))
    return Claim("", None)


def _path(node: ast.expr) -> str:
    """``entries[0]['title']`` → ``entries.0.title``; an empty text for what is no path."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_path(node.value)}.{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return f"{_path(node.value)}.{node.slice.value!s}"
    return ""


# --- gofeed and rss-parser ---------------------------------------------------------------------------------------

_GOFEED = {
    "title": "title",
    "description": "text",
    "summary": "text",
    "link": "link",
    "guid": "guid",
    "id": "guid",
    "content": "text",
    "pubDateParsed": "published",
    "publishedParsed": "published",
    "updatedParsed": "dated",
    "authors": "author",
    "categories": "category",
    "enclosures": "enclosure",
    "content_html": "text",
    "content_text": "text",
    "url": "link",
    "date_published": "published",
    "date_modified": "updated",
    "tags": "category",
    "attachments": "enclosure",
}
_GOFEED_FEED = {
    "title": "title",
    "description": "description",
    "subtitle": "description",
    "link": "link",
    "language": "language",
    "home_page_url": "link",
}
_RSS_PARSER = {
    "title": "title",
    "link": "link",
    "isoDate": "dated",
    "content": "text",
    "guid": "guid",
    "id": "guid",
    "categories": "category",
    "creator": "author",
    "author": "author",
    "enclosure": "enclosure",
    "content:encoded": "text",
    "contentSnippet": "text",
}
_RSS_PARSER_FEED = {"title": "title", "description": "description", "link": "link"}


def of_gofeed(told: dict[str, Any]) -> Iterator[Claim]:
    """The claims of a file of expected JSON of gofeed, of its three formats and its common one."""
    return _of_json(told, told.get("items") or told.get("entries") or [], _GOFEED, _GOFEED_FEED)


def of_rss_parser(told: dict[str, Any]) -> Iterator[Claim]:
    """The claims of a file of expected JSON of rss-parser."""
    feed = told.get("feed") or {}
    return _of_json(feed, feed.get("items") or [], _RSS_PARSER, _RSS_PARSER_FEED)


def _of_json(
    feed: dict[str, Any], items: list[Any], of_item: dict[str, str], of_feed: dict[str, str]
) -> Iterator[Claim]:
    yield Claim("items", len(items))
    for key, value in feed.items():
        if key not in ("items", "entries", "version", "feedType", "feedVersion"):
            yield Claim(f"feed.{of_feed[key]}", _leaf(value)) if key in of_feed and value else Claim("", None)
    for number, item in enumerate(items):
        for key, value in item.items() if isinstance(item, dict) else ():
            if key not in of_item or not value:
                yield Claim("", None)
                continue
            for one in value if isinstance(value, list) and of_item[key] == "enclosure" else [value]:
                yield Claim(f"item.{of_item[key]}", _leaf(one), number)


def _leaf(value: Any) -> Any:
    if isinstance(value, list):
        return [_leaf(one) for one in value]
    if isinstance(value, dict):
        keys = ("value", "term", "url", "name", "email", "_", "label")
        return next((value[key] for key in keys if value.get(key)), None)
    return value
