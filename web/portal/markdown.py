"""The text of an article (Markdown, CommonMark) as HTML that can do no harm, whoever wrote it."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_KEPT = 512
_TAGS = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong"}
_TAGS |= {"a", "s", "table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_LOWEST_HEADING = 6

# No raw HTML is read; the sieve behind it stands on its own all the same.
_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(_KEPT)
def render(text: str) -> Markup:
    """``text`` as HTML: no scripts, styles, images or frames; headings begin one step below the page's own."""
    tokens = _READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, _LOWEST_HEADING)}"
    html = _READER.renderer.render(tokens, _READER.options, {})
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return Markup(safe)  # cleaned a line above
