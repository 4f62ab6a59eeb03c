"""An XML feed read event by event into feedparser, which knows the dialects, within limits that feedparser has not.

Well-formed text is read by expat, anything else by our own reader of broken markup (``soup``); both hand the same
events on. feedparser is given neither addresses nor bytes: it never fetches, guesses an encoding or falls back to its
own reader of broken markup, whose time has no bound.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple
from xml.parsers import expat

from feedparser.api import StrictFeedParser

from content_store.errors import FeedUnreadable
from content_store.ingest.markup import Tag, raw_tokens

MOST_ITEMS = 300
_DEEPEST = 200
_MOST_ATTRIBUTES = 100
_LONGEST_ATTRIBUTE = 10_000
_LONGEST_TEXT = 2_000
_LONGEST_CONTENT = 1_000_000
_MOST_LABELS = 100
_CHUNK = 1 << 15
_SECONDS = 0.35
"""Of work for the events of one document; what was read by then is what there is of it."""

_ITEMS = frozenset({"item", "entry"})
_ROOTS = frozenset({"rss", "rdf", "feed", "channel", "entry", "item", "redirect", "envelope"})
_PEOPLE = frozenset({"author", "creator", "contributor", "publisher", "managingeditor", "webmaster", "name"})
AT = "\ufdd0"
"""Stands for @ in names on the way through feedparser, which takes only short domains for those of mail."""
_SHORT = {**dict.fromkeys(_PEOPLE, 300), "email": 300, "owner": 300}
_SHORT |= {
    "pubdate": 100,
    "date": 100,
    "published": 100,
    "updated": 100,
    "modified": 100,
    "issued": 100,
    "created": 100,
}
_SHORT |= {"lastbuilddate": 100, "available": 100, "expirationdate": 100}
"""Most characters of elements that feedparser looks at with expressions whose time grows faster than the text."""
_LABELS = frozenset({"category", "subject", "keywords", "tags"})
_FOR_OTHERS = frozenset({"geo", "georss", "gml", "psc", "creativeCommons", "slash", "sy", "admin", "trackback", "wfw"})
_FOR_OTHERS |= frozenset({"pingback", "ev", "taxo", "thr", "prism", "foaf", "search", "sub", "str", "ss", "icbm", "co"})
"""Namespaces (feedparser's prefixes) of which nothing is kept."""
_UNUSED = frozenset(
    {"itunes:duration", "itunes:explicit", "itunes:block", "itunes:order", "itunes:episode", "comments"}
)
_UNUSED |= frozenset({"itunes:season", "itunes:episodetype", "generator", "docs", "ttl", "cloud", "media:credit"})
_EMPTY = frozenset({"br", "hr", "img", "input", "wbr", "meta", "embed", "param", "area", "col"})
_PAGES = frozenset({"html", "body", "head", "div", "p", "svg"})
_LEAVES = frozenset(
    {"title", "link", "pubdate", "guid", "category", "id", "updated", "published", "dc:creator", "dc:date"}
)
_LEAVES_END = _LEAVES | {"item", "entry", "description", "summary", "content", "content:encoded", "author"}
_MOST_NAMESPACES = 200
_UNDECLARED = {"atom": "", "atom10": "", "a10": "", "rss": ""}
"""What prefixes mean that feeds use without saying so, where that is not their own name."""


class Read(NamedTuple):
    """What feedparser found: the feed's own fields, one dictionary an item, the format; and whether that is all."""

    feed: Any
    entries: list[Any]
    version: str
    whole: bool


class _Enough(Exception):
    """A limit is reached; what was read so far counts."""


def read(text: str, base: str, language: str, *, whole: bool = True) -> Read:
    """The items of ``text``, prepared XML; ``base`` makes its addresses absolute, ``whole`` is False where the end of
    the text was cut off. Raises ``FeedUnreadable``."""
    deadline = time.thread_time() + _SECONDS
    root = _root(text)
    events = _Events(base, language, deadline)
    try:
        try:
            _by_expat(text, events, whole)
        except expat.ExpatError:
            events = _Events(base, language, deadline)
            _by_soup(text, events)
    except _Enough:
        whole = False
    parser = events.parser
    if not parser.version and not parser.entries and root in _PAGES:
        raise FeedUnreadable(
            "it is a web page, not a feed", hint="give the address of the feed that belongs to the page"
        )
    if not parser.version and not parser.entries and root not in _ROOTS:
        raise FeedUnreadable(f"it is XML, but no feed: it begins with <{root}>", hint="give the address of a feed")
    return Read(parser.feeddata, parser.entries, parser.version, whole)


def _root(text: str) -> str:
    first = next((token for token in raw_tokens(text[:_LONGEST_ATTRIBUTE]) if isinstance(token, Tag)), None)
    return first.name.rsplit(":", 1)[-1] if first else ""


def _by_expat(text: str, events: _Events, whole: bool) -> None:
    reader = expat.ParserCreate()
    reader.buffer_text = True
    reader.StartElementHandler = events.start
    reader.EndElementHandler = events.end
    reader.CharacterDataHandler = events.text
    for start in range(0, len(text), _CHUNK):
        reader.Parse(text[start : start + _CHUNK], False)
        events.look_at_the_time()
    if whole:
        reader.Parse("", True)


def _by_soup(text: str, events: _Events) -> None:
    """Broken markup: what is not closed is closed by what encloses it, what was not opened is passed over."""
    opened: list[str] = []
    waiting: list[str] = []
    for number, token in enumerate(raw_tokens(text)):
        if number % 512 == 0:
            events.look_at_the_time()
        if isinstance(token, str):
            waiting.append(token)
            continue
        if waiting:
            events.text("".join(waiting))
            waiting.clear()
        if not token.closing:
            _close_implied(token.name, opened, events)
            events.start(token.name, token.attributes())
            if token.written.endswith("/") or (token.name in _EMPTY and events.in_content):
                events.end(token.name)
            else:
                opened.append(token.name)
        elif token.name in opened[-_DEEPEST:]:
            while True:
                events.end(ended := opened.pop())
                if ended == token.name:
                    break
    events.text("".join(waiting))
    while opened:
        events.end(opened.pop())


def _close_implied(name: str, opened: list[str], events: _Events) -> None:
    if name in _LEAVES_END and opened and opened[-1] in _LEAVES:
        events.end(opened.pop())
    if name in _ITEMS and name in opened and not events.in_content:
        while True:
            events.end(ended := opened.pop())
            if ended == name:
                return


class _Events:
    """Hands elements and text on to feedparser: names with the prefixes that it knows, within limits, without what is
    for others."""

    def __init__(self, base: str, language: str, deadline: float) -> None:
        self.parser: Any = StrictFeedParser(base, language or None, "utf-8")
        self.parser.sanitize_html = False
        self.parser.resolve_relative_uris = False
        self._known: dict[str, str] = self.parser._matchnamespaces
        self._prefixes = set(self._known.values())
        self._scopes: list[dict[str, str]] = [{}]
        self._names: list[str] = []
        self._scoped: list[bool] = []
        self._declared: set[tuple[str, str]] = set()
        self._skipped = 0
        self._room = 0
        self._labels = 0
        self._of_person = False
        self._deadline = deadline

    @property
    def in_content(self) -> bool:
        """Whether an element is open whose text may be marked up."""
        return bool(self.parser.incontent)

    def look_at_the_time(self) -> None:
        """Raises ``_Enough`` when there is no more of it."""
        if time.thread_time() > self._deadline:
            raise _Enough

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; ``name`` and the names of ``attributes`` as written."""
        if len(self._scoped) + self._skipped >= _DEEPEST:
            raise FeedUnreadable(f"its elements are nested more than {_DEEPEST} deep", hint="remove the nesting")
        if self._skipped:
            self._skipped += 1
            return
        scoped = any(key.startswith("xmlns") for key in attributes) and self._declare(attributes)
        tag = self._tag(name)
        local = tag.rsplit(":", 1)[-1]
        if self._is_for_others(tag, local):
            if scoped:
                self._scopes.pop()
            self._skipped = 1
            return
        if tag in _ITEMS and not self.in_content:
            if len(self.parser.entries) >= MOST_ITEMS:
                raise _Enough
            self._labels = 0
        self._scoped.append(scoped)
        self._names.append(tag)
        self.parser.unknown_starttag(tag, self._attributes(tag, attributes))
        self._room = _LONGEST_CONTENT if self.in_content else _SHORT.get(local, _LONGEST_TEXT)
        self._of_person = local in _PEOPLE and not self.in_content

    def text(self, text: str) -> None:
        """Text stands here."""
        if self._skipped or self._room <= 0 or not text:
            return
        text = text[: self._room]
        self.parser.handle_data(text.replace("@", AT) if self._of_person else text)
        self._room -= len(text)

    def end(self, name: str) -> None:
        """The innermost open element ends."""
        if self._skipped:
            self._skipped -= 1
            return
        self.parser.unknown_endtag(self._names.pop())
        self._of_person = False
        if self._scoped.pop():
            self._scopes.pop()
        self._room = _LONGEST_CONTENT if self.in_content else _LONGEST_TEXT if self._names else 0

    def _is_for_others(self, tag: str, local: str) -> bool:
        if self.in_content:
            return False
        prefix = tag.rpartition(":")[0]
        if prefix in _FOR_OTHERS or tag in _UNUSED:
            return True
        if tag == "itunes:subtitle" and (self.parser.inentry or "subtitle" in self.parser.feeddata):
            return True
        if prefix and self.parser.inentry and prefix not in self._prefixes and prefix in self._scopes[-1]:
            return True
        if local in _LABELS:
            self._labels += 1
            return self._labels > _MOST_LABELS
        return False

    def _declare(self, attributes: dict[str, str]) -> bool:
        scope = dict(self._scopes[-1])
        for key, uri in attributes.items():
            if key != "xmlns" and not key.startswith("xmlns:"):
                continue
            declared = (key[6:].lower(), uri.strip())
            if declared not in self._declared and len(self._declared) < _MOST_NAMESPACES:
                self._declared.add(declared)
                self.parser.track_namespace(declared[0] or None, declared[1])
            if declared in self._declared:
                scope[declared[0]] = declared[1]
        self._scopes.append(scope)
        return True

    def _tag(self, name: str) -> str:
        prefix, _, local = name.lower().rpartition(":")
        uri = self._scopes[-1].get(prefix, "").lower()
        if "backend.userland.com/rss" in uri:
            uri = "http://backend.userland.com/rss"
        prefix = self._known.get(uri, prefix) if uri else _UNDECLARED.get(prefix, prefix)
        return f"{prefix}:{local}" if prefix else local

    def _attributes(self, tag: str, attributes: dict[str, str]) -> list[tuple[str, str]]:
        kept: list[tuple[str, str]] = []
        for key, value in attributes.items():
            if len(kept) >= _MOST_ATTRIBUTES:
                break
            if key.startswith("xmlns") or (tag == "link" and key == "uri"):
                continue
            kept.append(
                (self._tag(key) if ":" in key else key.lower(), value if len(value) <= _LONGEST_ATTRIBUTE else "")
            )
        return kept
