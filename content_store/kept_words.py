"""What is kept of that which was fetched.

Values are stored and told to programmes, so a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import StrEnum


class KeptPart(StrEnum):
    """Which of the documents that an item was made of; ``label`` is what people read."""

    FEED = "feed"
    PAGE = "page"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return {KeptPart.FEED: "订阅源", KeptPart.PAGE: "网页"}[self]
