"""A content in the forms in which others ask for it: whole, in short for followers, and as lists show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from content_store.review_words import ContentOrigin
from content_store.vocabulary import LIVE_STATUSES, ContentStatus, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A content as stored; ``version`` counts from 1, instants are epoch ms.

    ``published_at`` of a scheduled one is when it is to be published; from ``expires_at`` on nobody is to meet it.
    ``origin`` is the road by which it came, ``wording`` the version of its words (``review.versions``) that it shows.
    """

    id: str
    version: int
    status: ContentStatus
    title: str
    summary: str | None
    body: str | None
    topic: Topic | None
    tags: tuple[str, ...]
    place: str | None
    source: str | None
    author: str | None
    url: str | None
    published_at: int | None
    created_at: int
    expires_at: int | None = None
    origin: ContentOrigin = ContentOrigin.IMPORT
    wording: int | None = None

    @property
    def bound(self) -> bool:
        """Whether only reviewed words of it may be published: it did not come by an import, or was reviewed since."""
        return self.origin is not ContentOrigin.IMPORT or self.wording is not None


class Shown(TypedDict, total=False):
    """What a content shows to its readers."""

    title: str
    summary: str | None
    body: str | None
    topic: Topic | str | None
    tags: Iterable[str]
    place: str | None
    source: str | None
    author: str | None
    url: str | None


class Changes(Shown, total=False):
    """What may be changed of a content besides its status; None forgets anything but the title."""

    published_at: int | None
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What a follower of the catalogue needs of a content: no texts. Instants are epoch ms."""

    id: str
    status: ContentStatus
    topic: Topic | None
    author: str | None
    published_at: int | None
    created_at: int

    @property
    def published(self) -> bool:
        """Whether it may reach citizens, from ``published_at`` on where there is one."""
        return self.status in LIVE_STATUSES


class Card(NamedTuple):
    """What a list shows of a content: no body. ``published_at`` is epoch ms."""

    id: str
    title: str
    summary: str | None
    topic: Topic | None
    source: str | None
    published_at: int | None
    live: bool
    """Whether it may reach citizens now."""
