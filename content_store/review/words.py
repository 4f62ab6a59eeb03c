"""What writers say of a content, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from content_store.review_words import AiUse
from content_store.vocabulary import Topic

SHOWN = ("title", "summary", "body", "topic", "tags", "place", "source", "author", "url")
"""The fields that the row of a content shows of the version that is out."""

FIELDS = (*SHOWN, "licence", "ai_use")
"""What of a version its writers may change."""


class Words(TypedDict, total=False):
    """What may be said of a content: its words, under which licence, and what an artificial intelligence did."""

    title: str
    summary: str | None
    body: str | None
    topic: Topic | str | None
    tags: Iterable[str]
    place: str | None
    source: str | None
    author: str | None
    url: str | None
    licence: str | None
    ai_use: AiUse | str | None
