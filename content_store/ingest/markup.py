"""HTML cut into tags and text in time that grows with its length, however broken it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


VOID = names("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr")
"""Elements without content (HTML, section 13.1.2)."""

HIDDEN = names(
    "script style template noscript iframe noembed noframes object applet svg math textarea title select xmp plaintext"
    " canvas audio video listing head datalist button dialog"
)
"""Elements whose content is no part of a text: it is run, drawn, filled in or read by another parser."""

_RAW = frozenset({"script", "style", "template"})

BLOCK = names(
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2"
    " h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul"
    " caption"
)
"""Elements that begin and end a line."""

# Quantifiers of single characters are possessive: what was read is never read again, so that no input takes more than
# linear time. That of a group is not, for Python before 3.11.5 gets such ones wrong: nothing after it can fail, and it
# has a bound, for each round is remembered.
_TOKEN = re.compile(
    r"<!--(?:.*?--!?>|.*+)"
    r"|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|<[!?][^>]*+>?"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>\x00]*+)"
    r"(?P<attributes>(?:[^\"'>]++|(?<==)\"[^\"]*+\"|(?<==)'[^']*+'|(?<==\s)\"[^\"]*+\"|(?<==\s)'[^']*+'|[\"']){0,20000})>?"
    r"|(?P<text>[^<]++|<)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'>/=\x00]++)(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"?|'(?P<single>[^']*+)'?|(?P<bare>[^\s>\"']*+)))?"
)
_MOST_ATTRIBUTES = 40


class Tag(NamedTuple):
    """A tag: its name in lower case and its attributes as written."""

    name: str
    closing: bool
    written: str

    def attributes(self) -> dict[str, str]:
        """Names in lower case and values without references; the first of equal names counts."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.written):
            value = match["double"] or match["single"] or match["bare"] or ""
            found.setdefault(match["name"].lower(), unescape(value))
            if len(found) >= _MOST_ATTRIBUTES:
                break
        return found


def tokens(html: str) -> Iterator[Tag | str]:
    """The tags of ``html`` and the text between them without references. Comments, declarations and hidden elements are
    left out. A script or style that is never closed hides the rest; of other hidden elements that are never closed only
    the tag is left out, or half of an article could be lost with them."""
    position, never_closed = 0, set[str]()
    while match := _TOKEN.match(html, position):
        position = match.end()
        token = _token(match)
        if not isinstance(token, Tag):
            if token:
                yield token
        elif token.name not in HIDDEN:
            yield token
        elif not token.closing and not token.written.endswith("/") and token.name not in never_closed:
            end = _after(html, token.name, position)
            if end is None:
                never_closed.add(token.name)
            else:
                position = end


def raw_tokens(markup: str) -> Iterator[Tag | str]:
    """The same of any markup, elements being hidden neither by their name nor by how they are read in HTML."""
    for match in _TOKEN.finditer(markup):
        if token := _token(match):
            yield token


def _token(match: re.Match[str]) -> Tag | str:
    if match["name"] is not None:
        return Tag(match["name"].lower(), bool(match["close"]), match["attributes"])
    if match["cdata"] is not None:
        return match["cdata"]
    return unescape(match["text"] or "")


def _after(html: str, name: str, position: int) -> int | None:
    """Behind the end tag of the hidden element ``name``; None where it has none and hides nothing."""
    if name == "plaintext":
        return len(html)
    found = re.compile(rf"</{name}(?=[\s/>])[^>]*+>?", re.IGNORECASE).search(html, position)
    return found.end() if found else len(html) if name in _RAW else None
