"""HTML cut into tags and text in time that grows with its length, however broken it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

VOID = frozenset(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr".split()
)
"""Elements without content (HTML, section 13.1.2)."""

HIDDEN = frozenset(
    "script style template noscript iframe noembed noframes object applet svg math textarea title select xmp plaintext"
    " canvas audio video listing head datalist button dialog".split()
)
"""Elements whose content is no part of a text: it is run, drawn, filled in or read by another parser."""

BLOCK = frozenset(
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2"
    " h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul"
    " caption".split()
)
"""Elements that begin and end a line."""

# The quantifiers are possessive: what was read is never read again, so that no input takes more than linear time.
_TOKEN = re.compile(
    r"<!--(?:.*?--!?>|.*+)"
    r"|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|<[!?][^>]*+>?"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>\x00]*+)"
    r"(?P<attributes>(?:[^\"'>]++|(?<==)\"[^\"]*+\"|(?<==)'[^']*+'|(?<==\s)\"[^\"]*+\"|(?<==\s)'[^']*+'|[\"'])*+)>?"
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
    left out; a hidden element that is never closed hides the rest."""
    position, never_closed = 0, set[str]()
    while position < len(html):
        match = _TOKEN.match(html, position)
        if match is None:  # cannot be: the last branch takes any character
            return
        position = match.end()
        name = match["name"]
        if name is None:
            text = match["cdata"] if match["cdata"] is not None else match["text"]
            if text:
                yield unescape(text)
            continue
        name = name.lower()
        if name not in HIDDEN:
            yield Tag(name, bool(match["close"]), match["attributes"])
        elif not match["close"] and not match["attributes"].endswith("/"):
            position = _after(html, name, position)


def _after(html: str, name: str, position: int) -> int:
    """Behind the end tag of the hidden element ``name``."""
    if name == "plaintext":
        return len(html)
    found = re.compile(rf"</{name}(?=[\s/>])[^>]*+>?", re.IGNORECASE).search(html, position)
    return found.end() if found else len(html)
