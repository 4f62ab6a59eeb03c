"""The text of an article (Markdown, CommonMark) as HTML that can do no harm, whoever wrote it."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it.token import Token
from markupsafe import Markup

from content_store.markdown import READER, alt_of
from content_store.uploads.addresses import digest_of

_KEPT = 512
_TAGS = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong"}
_TAGS |= {"a", "s", "table", "thead", "tbody", "tr", "th", "td"}
_TAGS |= {"img"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "img": {"src", "alt", "loading"}}
_SCHEMES = {"http", "https", "mailto"}
_LOWEST_HEADING = 6


@lru_cache(_KEPT)
def render(text: str) -> Markup:
    """``text`` as HTML: no scripts, styles or frames, no pictures but ours; headings begin one step below the page's.

    A picture that is elsewhere is told by its alternative text: to show it would tell its owner who reads.
    """
    # No raw HTML is read; the sieve behind it stands on its own all the same.
    tokens = READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, _LOWEST_HEADING)}"
        if token.type == "inline" and token.children:
            token.children = [_shown(child) for child in token.children]
    html = READER.renderer.render(tokens, READER.options, {})
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return Markup(safe)  # cleaned a line above


def _shown(token: Token) -> Token:
    if token.type != "image":
        return token
    if digest_of(str(token.attrs.get("src", ""))) is None:
        return Token("text", "", 0, content=alt_of(token))
    token.attrs["loading"] = "lazy"
    return token
