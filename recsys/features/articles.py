"""What is known of contents besides who read them: the words and labels that models may use, without the long texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from content_store.contents import Content
from content_store.vocabulary import Topic


@dataclass(frozen=True, slots=True)
class Article:
    """A content as models see it; ``published_at`` in epoch ms, None where it is not known.

    ``created_at``: when it was recorded (epoch ms), for want of a better moment.
    """

    title: str
    summary: str | None = None
    tags: tuple[str, ...] = ()
    topic: Topic | None = None
    source: str | None = None
    published_at: int | None = None
    author: str | None = None
    created_at: int | None = None

    @property
    def text(self) -> str:
        """Its words, the telling ones first: title, tags, summary."""
        return "\n".join(part for part in (self.title, *self.tags, self.summary) if part)


def articles(contents: Iterable[Content]) -> dict[str, Article]:
    """The articles by content id; a title that is only the id says nothing and is left empty."""
    return {
        content.id: Article(
            content.title if content.title != content.id else "",
            content.summary,
            content.tags,
            content.topic,
            content.source,
            content.published_at,
            content.author,
            content.created_at,
        )
        for content in contents
    }
