"""What a feed is after parsing: plain values, the same whatever format it was written in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that belongs to an item; ``length`` in bytes, 0 where it is not told."""

    url: str
    type: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedItem:
    """One item of a feed. Texts are plain, ``html`` is what ``clean_html`` lets pass, addresses are absolute, instants
    epoch milliseconds (UTC); what the feed does not tell is empty or None.

    ``guid`` names the item within its feed and is never empty: where the feed gives no name it is the address, or a
    hash of the text. ``url`` is the address in the form that copies share, ``link`` the same as the feed has it.
    ``published`` is when it was last changed where the feed tells no more. ``full`` says whether the feed has an
    element for the whole text beside the summary, and ``html`` is that.
    """

    guid: str
    url: str = ""
    link: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published: int | None = None
    updated: int | None = None
    summary: str = ""
    html: str = ""
    picture: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    categories: tuple[str, ...] = ()
    language: str = ""
    full: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other items of its feed, some of which may have one guid."""
        return self.guid, self.link


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed; ``whole`` is False where items or text beyond the limits were left out. ``format`` is feedparser's name
    of it (``rss20``, ``atom10``, …), or ``json1``, ``json11``."""

    title: str = ""
    link: str = ""
    language: str = ""
    updated: int | None = None
    items: tuple[ParsedItem, ...] = ()
    description: str = ""
    format: str = ""
    encoding: str = ""
    whole: bool = True
