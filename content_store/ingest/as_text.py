"""The plain text of a stored body, by which works are compared."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from content_store.ingest.sanitising import plain_text
from content_store.uploads import bounds

# Bodies of before are HTML, which Markdown leaves as it is.
_READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_MARKS = re.compile(r"[<&\[]|```|~~~|\d[.)](?:\s|$)")
"""Without any of these Markdown says no words that are not to be read, nor hides one; its other signs are no words."""


def text_of(body: str) -> str:
    """What is to be read of ``body``, Markdown or HTML: the same of a feed's HTML and of the Markdown made from it.

    Signs that are no words may be left in it. What would take long to be read as Markdown is taken as it stands.
    """
    if not _MARKS.search(body) or len(body) > bounds.MARKDOWN_CHARACTERS or body.count("[") > bounds.MARKDOWN_BRACKETS:
        return plain_text(body)
    return plain_text(_READER.render(body))
