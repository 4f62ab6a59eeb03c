"""Lead pictures: fetched from where their items say, made pictures of ours, shown at the top of the body.

Pages show no pictures but ours: one on another site would tell its owner who reads, and may be another one tomorrow
than when it was reviewed. So of an item the lead picture is taken in, with what its source says of it as alternative
text, and every other one becomes a link. A picture that cannot be had is no reason to lose or to delay the item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from content_store.errors import FetchFailed, UploadRefused
from content_store.ingest.as_markdown import markdown_of
from content_store.ingest.fetching import Fetcher, Gate
from content_store.ingest.markup import Tag
from content_store.ingest.parsed import ParsedItem
from content_store.ingest.robots import Robots
from content_store.ingest.sanitising import plain_text
from content_store.problems import FetchProblem
from content_store.uploads import store
from content_store.uploads.addresses import address, digest_of, tells
from content_store.uploads.pictures import check_picture
from content_store.uploads.shapes import Picture

MOST_PICTURES = 30
"""Pictures that are asked for in one fetch of a feed; items beyond come without."""
MOST_BYTES = 8 * 1024 * 1024
LEAST_SIDE = 100
"""Pixels: what is smaller is a logo or counts readers."""

_ACCEPT = "image/jpeg, image/png, image/webp, image/gif;q=0.8, */*;q=0.1"
_TRIES = 2
_SILENT = frozenset(
    {FetchProblem.TOO_SLOW, FetchProblem.CONNECT, FetchProblem.DNS, FetchProblem.TLS, FetchProblem.RATE_LIMITED}
)
"""What is so of a host and not of a picture: the next one need not be tried."""
_LONGEST_ALT = 200
_IMAGE = re.compile(r"<img\b([^>]*)>")
_FIGURE = re.compile(r"<figure\b[^>]*>(?:(?!<figure\b).)*?</figure>", re.DOTALL)
_CAPTION = re.compile(r"<figcaption\b[^>]*>(.*?)</figcaption>", re.DOTALL)
_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp)\Z", re.IGNORECASE)
_SHOWN = re.compile(r"!\[((?:[^\]\\\n]|\\.){0,400})\]\((/pictures/[0-9a-f]{64})\)")
"""A picture of ours in a body, as ``markdown_of`` writes it."""


class Leads:
    """Fetches the lead pictures of one feed; ``alive`` is called before each, and raises where the work is somebody
    else's."""

    def __init__(self, fetcher: Fetcher, robots: Robots, gate: Gate, alive: Callable[[], object]) -> None:
        self._fetcher = fetcher
        self._robots = robots
        self._gate = gate
        self._alive = alive
        self._silent: set[str] = set()

    def fetch(self, items: Iterable[ParsedItem]) -> dict[str, Picture]:
        """The lead pictures of ``items`` by their addresses, as far as they can be had now."""
        found: dict[str, Picture] = {}
        left = list(dict.fromkeys(item.picture for item in items if item.picture))[:MOST_PICTURES]
        for _ in range(_TRIES):
            # A host that somebody else is at may be free when the others are done.
            left = [url for url in left if not self._settle(url, found)]
        return found

    def _settle(self, url: str, found: dict[str, Picture]) -> bool:
        """Whether ``url`` is done with: its picture is ``found``, or is none that can be had."""
        host = urlsplit(url).netloc
        if host in self._silent:
            return True
        self._alive()
        try:
            self._robots.require(url, self._gate)
            data = self._fetcher.get(url, accept=_ACCEPT, most_bytes=MOST_BYTES, gate=self._gate).body
            picture = check_picture(data)
        except FetchFailed as error:
            if error.problem in _SILENT:
                self._silent.add(host)
            return error.problem is not FetchProblem.HOST_BUSY
        except UploadRefused:
            return True
        if min(picture.width, picture.height) >= LEAST_SIDE:
            found[url] = picture
        return True


def body_of(html: str, lead: str, pictures: Mapping[str, Picture]) -> str:
    """Cleaned ``html`` in Markdown: the picture at the address ``lead`` first where it is among ``pictures``, links for
    all others."""
    picture = pictures.get(lead)
    html = html if picture is None else _at_top(html, lead, picture)
    return markdown_of(_IMAGE.sub(_link_of, html))


def as_before(body: str | None, before: str | None, *, had: bool, wanted: bool) -> str | None:
    """``body`` with what editors wrote of its pictures in the version ``before``.

    Where a lead picture is ``wanted`` and could not be ``had`` this time, the one of the version before stays.
    """
    if not body or not before:
        return body
    written = {shown: alt for alt, shown in _SHOWN.findall(before)}
    lead = _SHOWN.match(before)
    if lead and wanted and not had:
        body = f"{lead[0]}\n\n{body}"
    return _SHOWN.sub(lambda one: f"![{written.get(one[2]) or one[1]}]({one[2]})", body)


def keep(connection: Connection, content_id: str, body: str | None, pictures: Mapping[str, Picture]) -> None:
    """Keep those of ``pictures`` that ``body`` shows, as pictures of the content."""
    addresses = {one[2] for one in _SHOWN.finditer(body or "")} if pictures else set()
    shown = {one.digest: one for one in pictures.values() if address(one.digest) in addresses}
    if shown:
        store.keep_pictures(connection, shown.values())
        store.refer(connection, content_id, "".join(f'<img src="{address(digest)}">' for digest in shown))


def _at_top(html: str, url: str, picture: Picture) -> str:
    """``html`` with the picture of ``url`` before everything else, and no more where it stood; with its caption."""
    there = next((one for one in _IMAGE.finditer(html) if _is_of(_attributes(one), url)), None)
    if there is None:
        return f"<p>{_ours(picture, '')}</p>{html}"
    alt = _attributes(there).get("alt", "")
    figure = next((one for one in _FIGURE.finditer(html) if one.start() < there.start() < one.end()), None)
    if figure is None or len(_IMAGE.findall(figure[0])) > 1:
        return f"<p>{_ours(picture, alt)}</p>{html[: there.start()]}{html[there.end() :]}"
    caption = _CAPTION.search(figure[0])
    shown = figure[0].replace(there[0], _ours(picture, alt if tells(alt) or not caption else plain_text(caption[1])))
    return f"{shown}{html[: figure.start()]}{html[figure.end() :]}"


def _is_of(given: Mapping[str, str], url: str) -> bool:
    """Whether a picture is that of ``url``: sites show the same file at several sizes by what follows the ``?``."""
    src = given.get("src", "")
    if src == url:
        return True
    one, other = urlsplit(src), urlsplit(url)
    return (one.netloc, one.path) == (other.netloc, other.path) and bool(_FILE.search(one.path))


def _ours(picture: Picture, alt: str) -> str:
    """What shows ``picture``. Words that tell nothing are left out, so that the editor is asked for some."""
    words = " ".join(alt.split())[:_LONGEST_ALT]
    return f'<img src="{address(picture.digest)}" alt="{escape(words if tells(words) else "")}">'


def _link_of(found: re.Match[str]) -> str:
    given = _attributes(found)
    src, alt = given.get("src", ""), " ".join(given.get("alt", "").split())
    if digest_of(src) is not None:
        return found[0]
    return f'<a href="{escape(src)}">图片{escape("：" + alt) if tells(alt) else ""}</a>'


def _attributes(found: re.Match[str]) -> dict[str, str]:
    return Tag("img", False, found[1]).attributes()
