"""The article of a web page: what it says, its picture, author, date and own address.

trafilatura (the extra ``ingest``) tells which paragraphs are the article; the page itself is then cut where they
stand, so that headings, lists and pictures stay in their places, and what is mostly links is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import trafilatura
from lxml import etree, html

from content_store.ingest.dates import instant
from content_store.ingest.feed_items import is_chinese, one_line, shortened, tidy_names
from content_store.ingest.markup import BLOCK, Tag, raw_tokens
from content_store.ingest.sanitising import clean_html, first_picture, html_of_text, plain_text
from content_store.ingest.teasers import is_teaser, reading_minutes
from content_store.ingest.urls import canonical_url, is_web, safe_url

__all__ = ["Article", "is_teaser", "main_text", "reading_minutes"]

_LONGEST_PAGE = 2_000_000
_LONGEST_TITLE = 500
_HEAD = 200_000
_MOSTLY = 0.8
"""Share of the article that a part of the page must hold to be taken for its place."""
_LINKED = 0.5
"""Share of linked text above which a block without a word of the article leads elsewhere."""
_SHORTEST = 8
"""Signs of a paragraph by which it is known."""
_LEAST = 60
"""Signs of an article below which nothing was found."""
_ASIDE = frozenset({"nav", "aside", "footer", "form", "script", "style", "button", "iframe", "noscript", "header"})
_LABEL = re.compile(
    r"(?:^|[\s_-])(?:share|social|related|recommend|comment|comments|breadcrumb|copyright|pager|pagination|toolbar|qrcode"
    r"|sidebar|footer|advert\w*|ads?|hot|prevnext|tags?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(r"<(script|style|svg)\b[^>]*+>(?:.*?</\1\s*>|.*+)|<!--(?:.*?-->|.*+)", re.IGNORECASE | re.DOTALL)
_MOST_TAGS = 15_000
_TITLES = ("og:title", "twitter:title")
_PICTURES = ("og:image", "og:image:url", "twitter:image", "twitter:image:src")
_AUTHORS = ("author", "article:author", "og:article:author", "dc.creator", "weixin:author")
_DATES = (
    "article:published_time",
    "og:published_time",
    "pubdate",
    "publishdate",
    "publish-date",
    "dc.date",
    "date",
    "og:release_date",
    "weibo: article:create_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What a page says. ``html`` is cleaned and empty where no article was found; ``published`` in epoch milliseconds
    (UTC), None where the page does not tell; the addresses are absolute, ``canonical_url`` the page's own one."""

    html: str
    title: str = ""
    lead_picture: str = ""
    canonical_url: str = ""
    author: str = ""
    published: int | None = None


def main_text(page_html: str, url: str) -> Article:
    """The article of the page at ``url``; what is beyond two million characters is not looked at."""
    page = _slimmed(page_html[:_LONGEST_PAGE])
    told = _told(page)
    found: Any = trafilatura.bare_extraction(
        page, url=url, include_comments=False, include_tables=True, favor_recall=True, with_metadata=True
    )
    text = found.text if found and found.text else ""
    article = clean_html(_cut(page, text, one_line(found.title or "") if found else ""), told.get("base") or url)
    article = article or clean_html(html_of_text(text))
    if len(plain_text(article)) < _LEAST:
        article = ""
    title = _first(told, _TITLES) or (found.title if found else "") or told.get("title", "")
    names = tidy_names([_first(told, _AUTHORS), (found.author if found else "") or ""])
    chinese = is_chinese("", title, text[:1000])
    published = instant(_first(told, _DATES), chinese=chinese)
    if published is None and found and found.date:
        published = instant(found.date, chinese=chinese)
    return Article(
        html=article,
        title=shortened(one_line(plain_text(title or "")), _LONGEST_TITLE),
        lead_picture=_address(_first(told, _PICTURES), url) or first_picture(article),
        canonical_url=canonical_url(_address(told.get("canonical") or told.get("og:url", ""), url))
        or canonical_url(url),
        author=names[0] if names and not is_web(names[0]) else "",
        published=published,
    )


def _slimmed(page: str) -> str:
    """The page without what is long and no text, cut where it has more tags than any article."""
    page = _NO_TEXT.sub("", page)
    if page.count("<") <= _MOST_TAGS:
        return page
    last = 0
    for number, found in enumerate(re.finditer("<", page)):
        last = found.start()
        if number == _MOST_TAGS:
            break
    return page[:last]


def _first(told: dict[str, str], keys: Iterable[str]) -> str:
    return next((told[key] for key in keys if told.get(key)), "")


def _address(address: str, url: str) -> str:
    found = safe_url(address, url) if address else ""
    return found if is_web(found) else ""


def _told(page: str) -> dict[str, str]:
    """What the head of a page tells of it: ``meta`` by name, ``canonical`` and ``base`` addresses, the title."""
    told: dict[str, str] = {}
    in_title = False
    for token in raw_tokens(page[:_HEAD]):
        if isinstance(token, str):
            if in_title:
                told.setdefault("title", token.strip())
            continue
        in_title = token.name == "title" and not token.closing
        if token.name == "body":
            break
        if token.name in ("meta", "link", "base"):
            _of_head(token, told)
    return told


def _of_head(tag: Tag, told: dict[str, str]) -> None:
    given = tag.attributes()
    if tag.name == "meta":
        name = (given.get("property") or given.get("name") or given.get("itemprop") or "").strip().lower()
        if name and given.get("content", "").strip():
            told.setdefault(name, given["content"].strip())
    elif tag.name == "link" and "canonical" in given.get("rel", "").lower().split():
        told.setdefault("canonical", given.get("href", ""))
    elif tag.name == "base" and is_web(given.get("href", "")):
        told.setdefault("base", given["href"])


def _cut(page: str, text: str, title: str) -> str:
    """The part of the page where the lines of ``text`` stand."""
    known = {_bare(line) for line in text.splitlines()}
    known = {line for line in known if len(line) >= _SHORTEST}
    if not known:
        return ""
    try:
        tree = html.document_fromstring(page.encode("utf-8", "replace"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError):
        return ""
    etree.strip_elements(tree, etree.Comment, etree.ProcessingInstruction, "script", "style", with_tail=False)
    weighed = _weighed(tree, known)
    place = _place(tree, weighed)
    if not weighed[place][2]:
        return ""
    _leave_out(place, weighed, _bare(title))
    return str(etree.tostring(place, encoding="unicode", method="html", with_tail=False))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _weighed(tree: Any, known: set[str]) -> dict[Any, tuple[int, int, int]]:
    """For each element: how many signs it has, how many of them are linked, how many are of the article."""
    weighed: dict[Any, tuple[int, int, int]] = {}
    for element in reversed(list(tree.iter(etree.Element))):
        parts = [weighed[child] for child in element if child in weighed]
        signs = len(_bare(element.text or "")) + sum(len(_bare(child.tail or "")) for child in element)
        signs += sum(part[0] for part in parts)
        linked = signs if element.tag == "a" else sum(part[1] for part in parts)
        article = sum(part[2] for part in parts)
        if not article and element.tag in BLOCK and signs > 0 and not any(child.tag in BLOCK for child in element):
            lines = [_bare(piece) for piece in element.itertext()]
            article = signs if "".join(lines) in known else sum(len(line) for line in lines if line in known)
        weighed[element] = (signs, linked, article)
    return weighed


def _place(tree: Any, weighed: dict[Any, tuple[int, int, int]]) -> Any:
    """The innermost element that holds nearly all of the article."""
    place, whole = tree, weighed[tree][2]
    while True:
        inner = max(place, key=lambda child: weighed.get(child, (0, 0, 0))[2], default=None)
        if inner is None or inner.tag == "p" or weighed.get(inner, (0, 0, 0))[2] < max(1, whole * _MOSTLY):
            return place
        place = inner


def _leave_out(place: Any, weighed: dict[Any, tuple[int, int, int]], title: str) -> None:
    """Take out of ``place`` what is no part of the article."""
    for element in list(place.iter(etree.Element)):
        if element is place or element not in weighed or element.getparent() is None:
            continue
        signs, linked, article = weighed[element]
        label = f"{element.get('class') or ''} {element.get('id') or ''}"
        heading = element.tag in ("h1", "h2") and bool(title) and _bare("".join(element.itertext())) == title
        if heading or (
            not article
            and (
                element.tag in _ASIDE
                or (element.tag in BLOCK and (linked > signs * _LINKED or bool(_LABEL.search(label))))
            )
        ):
            element.drop_tree()
