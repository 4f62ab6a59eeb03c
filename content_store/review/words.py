"""What writers say of a content, field by field."""

from __future__ import annotations

from content_store.content_records import Shown
from content_store.review_words import AiUse

SHOWN = tuple(Shown.__annotations__)
"""The fields that the row of a content shows of the version that is out."""

FIELDS = (*SHOWN, "licence", "ai_use")
"""What of a version its writers may change."""


class Words(Shown, total=False):
    """What may be said of a content: its words, under which licence, and what an artificial intelligence did."""

    licence: str | None
    ai_use: AiUse | str | None
