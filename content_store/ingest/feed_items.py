"""What feedparser found → our values: plain titles, cleaned articles, absolute addresses, instants."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from content_store.ingest.dates import instant
from content_store.ingest.parsed import Enclosure, ParsedFeed, ParsedItem
from content_store.ingest.sanitising import clean_html, first_picture, html_of_text, plain_text
from content_store.ingest.urls import canonical_url, is_web, safe_url
from content_store.ingest.xml_events import AT, Read

LONGEST_HTML = 200_000
LONGEST_TITLE = 500
LONGEST_SUMMARY = 2_000
_LOOKED_AT = 20_000
"""Characters of marked-up text from which a title or summary is made."""
_LONGEST_NAME = 200
_MOST_NAMES = 20
_MOST_CATEGORIES = 50
_MOST_ENCLOSURES = 20

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_IMAGE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)(?:$|[?#!@])", re.IGNORECASE)
_MAIL = re.compile(r"[<(]?(?:mailto:)?[^\s@<>()]{1,64}@[^\s@<>()]{1,255}[>)]?|\(\s*\)")
_HAN = re.compile(r"[一-鿿]")
_KANA = re.compile(r"[ぁ-ヿ]")


def parsed_feed(found: Read, base: str, encoding: str, deadline: float) -> ParsedFeed:
    """The feed that ``found`` is; ``deadline`` is an instant of ``time.thread_time`` after which no item is begun."""
    feed = found.feed
    link = _link(feed, base)
    base = base or link
    language = tidy_language(_text(feed, "language"))
    title = _plain(feed, "title", LONGEST_TITLE)
    chinese = is_chinese(language, title, *(_text(entry, "title") for entry in found.entries[:5]))
    items, whole = [], found.whole
    for entry in found.entries:
        if time.thread_time() > deadline:
            whole = False
            break
        items.append(_item(entry, feed, found.version, base, link, language, chinese))
    return ParsedFeed(
        title=title,
        link=link,
        language=language,
        updated=_when(feed, ("updated", "published"), chinese),
        items=tuple(items),
        description=_plain(feed, "subtitle", LONGEST_SUMMARY) or _plain(feed, "summary", LONGEST_SUMMARY),
        format=found.version,
        encoding=encoding,
        whole=whole,
    )


def _item(entry: Any, feed: Any, version: str, base: str, home: str, language: str, chinese: bool) -> ParsedItem:
    link = _link(entry, base)
    html, full, spoken = _content(entry, base, link or home)
    enclosures = tuple(_enclosures(entry, base))
    title = _plain(entry, "title", LONGEST_TITLE)
    summary = _plain(entry, "summary", LONGEST_SUMMARY) or shortened(plain_text(html), LONGEST_SUMMARY)
    authors = _authors(entry) or (_authors(feed) if version.startswith("atom") else ())
    return ParsedItem(
        guid=_text(entry, "id")[:LONGEST_TITLE] or link or hash_of(title, html),
        url=canonical_url(link),
        link=link,
        title=title,
        authors=authors,
        published=_when(entry, ("published", "created", "updated"), chinese),
        updated=_when(entry, ("updated",), chinese),
        summary=summary,
        html=html,
        picture=_picture(entry, enclosures, html, base),
        enclosures=enclosures,
        categories=_categories(entry),
        language=tidy_language(spoken) or language,
        full=full,
    )


def _text(of: Any, key: str) -> str:
    """A field as text. ``dict.get``: feedparser's own takes one key for another."""
    value = dict.get(of, key)
    return value.strip() if isinstance(value, str) else ""


def _plain(of: Any, key: str, most: int) -> str:
    value = _text(of, key)[:_LOOKED_AT]
    detail = dict.get(of, f"{key}_detail") or {}
    if dict.get(detail, "type", "") in _HTML or (not detail and key == "summary"):
        value = plain_text(value)
    return shortened(one_line(value) if key == "title" else value, most)


def _link(of: Any, base: str) -> str:
    """The page that a feed or an item is about."""
    links = dict.get(of, "links") or ()
    alternates = [dict.get(link, "href", "") for link in links if dict.get(link, "rel") == "alternate"]
    own = _text(of, "id")
    for url in (_text(of, "feedburner_origlink"), _text(of, "link"), *alternates, own if is_web(own) else ""):
        if (found := safe_url(url, base or None)) and is_web(found):
            return found
    return ""


def _content(entry: Any, base: str, page: str) -> tuple[str, bool, str]:
    """The cleaned article, whether the feed has an element for all of it, and its language."""
    contents = [part for part in dict.get(entry, "content") or () if dict.get(part, "value") and _is_text(part)]
    part = max(contents, key=lambda one: len(one["value"]), default=None)
    full = part is not None
    if part is None:
        part = dict(dict.get(entry, "summary_detail") or {"type": "text/html"}, value=_text(entry, "summary"))
    told = dict.get(part, "base") or ""
    html = as_html(part["value"], dict.get(part, "type", ""), told if told and told != base else page or base)
    return html, full and bool(html), dict.get(part, "language") or ""


def as_html(value: str, kind: str, base: str) -> str:
    """Cleaned HTML of a text of the media type ``kind``."""
    if kind in _HTML or not kind or (not kind.startswith("text/") and "</" in value):
        return clean_html(value[:LONGEST_HTML], base or None)
    return clean_html(html_of_text(value[:LONGEST_HTML]))


def _is_text(part: Any) -> bool:
    kind = dict.get(part, "type", "")
    return not kind.startswith(("image/", "audio/", "video/", "font/")) and not dict.get(part, "src")


def _when(of: Any, keys: tuple[str, ...], chinese: bool) -> int | None:
    for key in keys:
        if found := instant(_text(of, key), dict.get(of, f"{key}_parsed"), chinese=chinese):
            return found
    return None


def _authors(of: Any) -> tuple[str, ...]:
    details = [one for one in dict.get(of, "authors") or () if one]
    names = [dict.get(one, "name") or dict.get(one, "email") or "" for one in details]
    if not any(names):
        names = [_text(of, "author")]
    return tidy_names(name.replace(AT, "@") for name in names)


def tidy_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of people without markup and without the addresses of their mail, each once."""
    tidied = (one_line(plain_text(name[:_LONGEST_NAME])) for name in names if isinstance(name, str))
    bare = (_unbracketed(one_line(_MAIL.sub("", name)).strip(" ,;，；")) or name for name in tidied)
    return tuple(dict.fromkeys(name for name in bare if name))[:_MOST_NAMES]


def _unbracketed(name: str) -> str:
    """``mail@host (Name)`` is how RSS wants people to be named."""
    inner = name[1:-1]
    return inner.strip() if name[:1] == "(" and name[-1:] == ")" and "(" not in inner else name


def _categories(entry: Any) -> tuple[str, ...]:
    return tidy_categories(
        dict.get(tag, "label") or dict.get(tag, "term") or "" for tag in dict.get(entry, "tags") or ()
    )


def tidy_categories(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels without markup, each once."""
    tidied = (one_line(plain_text(label))[:_LONGEST_NAME] for label in labels if isinstance(label, str))
    return tuple(dict.fromkeys(label for label in tidied if label))[:_MOST_CATEGORIES]


def _enclosures(entry: Any, base: str) -> Iterator[Enclosure]:
    links = [link for link in dict.get(entry, "links") or () if dict.get(link, "rel") == "enclosure"]
    media = [one for one in dict.get(entry, "media_content") or () if dict.get(one, "url")]
    seen: set[str] = set()
    for one in (*links, *media):
        url = safe_url(dict.get(one, "href") or dict.get(one, "url") or "", base or None)
        if not is_web(url) or url in seen or len(seen) >= _MOST_ENCLOSURES:
            continue
        seen.add(url)
        length = str(dict.get(one, "length") or dict.get(one, "filesize") or "").strip()
        kind = dict.get(one, "type") or {"image": "image/*", "video": "video/*", "audio": "audio/*"}.get(
            str(dict.get(one, "medium")), ""
        )
        yield Enclosure(
            url=url,
            type=kind.strip().lower()[:_LONGEST_NAME],
            length=int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0,
        )


def _picture(entry: Any, enclosures: tuple[Enclosure, ...], html: str, base: str) -> str:
    """The lead picture: what is given as one, else the first of the text."""
    image = dict.get(entry, "image") or {}
    given = [one.url for one in enclosures if is_image(one)]
    thumbnails = [dict.get(one, "url", "") for one in dict.get(entry, "media_thumbnail") or ()]
    for url in (*given, *thumbnails, first_picture(html), dict.get(image, "href", "")):
        if url and (found := safe_url(url, base or None)) and is_web(found):
            return found
    return ""


def is_image(enclosure: Enclosure) -> bool:
    """Whether it is a picture by its type, or by its name where no type is told."""
    return enclosure.type.startswith("image/") or (not enclosure.type and bool(_IMAGE.search(enclosure.url)))


def one_line(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def shortened(text: str, most: int) -> str:
    """The beginning of the text, with a sign that there is more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def tidy_language(tag: str) -> str:
    """A language tag (BCP 47) in its usual form; an empty text for what is none."""
    tag = tag.strip().replace("_", "-")
    return tag.lower() if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}", tag) else ""


def is_chinese(language: str, *texts: str) -> bool:
    """Whether times without a zone are Chinese ones: by the language, or by the titles where none is told."""
    if language:
        return language.startswith("zh")
    text = " ".join(texts)
    return bool(_HAN.search(text)) and not _KANA.search(text)


def hash_of(*texts: str) -> str:
    """A name for an item that has none."""
    return f"sha256:{hashlib.sha256(chr(0).join(texts).encode('utf-8', 'replace')).hexdigest()}"
