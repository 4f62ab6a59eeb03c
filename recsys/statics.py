"""What the records say of items before anyone reads them, as the fast layer wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from content_store.vocabulary import NEVER_INFERRED
from recsys.features.articles import Article
from recsys.live import HOUR_MS, Static


def static_of(items: Sequence[str], articles: Mapping[str, Article]) -> Static:
    """What is known of ``items`` before anyone reads them."""
    found = [articles.get(item) for item in items]
    topics = sorted({article.topic for article in found if article and article.topic})
    authors = sorted({article.author for article in found if article and article.author})
    return Static(
        np.array([topics.index(a.topic) if a and a.topic else -1 for a in found], np.int32),
        np.array([_at(authors, a.author) if a else -1 for a in found], np.int32),
        np.array([a.published_at / HOUR_MS if a and a.published_at is not None else np.nan for a in found]),
        np.full(len(items), np.nan),
        np.array([bool(a and a.topic in NEVER_INFERRED) for a in found], bool),
    )


def _at(names: Sequence[str], name: str | None) -> int:
    return int(np.searchsorted(names, name)) if name else -1
