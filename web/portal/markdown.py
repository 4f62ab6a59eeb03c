"""The text of an article (Markdown, CommonMark) as HTML that can do no harm, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import nh3
from markdown_it.token import Token
from markupsafe import Markup

from content_store.db import Connection
from content_store.markdown import READER, alt_of, pictures
from content_store.uploads import store
from content_store.uploads.addresses import address, digest_of

_KEPT = 512
_TAGS = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong"}
_TAGS |= {"a", "s", "table", "thead", "tbody", "tr", "th", "td"}
_TAGS |= {"img"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt", "loading"},
}
_SIZES = "(min-width: 48rem) 44rem, 100vw"
"""How wide a picture is in a column of text, as portal.css sets it; browsers choose by it which one to fetch."""
_SCHEMES = {"http", "https", "mailto"}
_LOWEST_HEADING = 6


Sizes = tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
"""The digests of pictures with the widths and heights in which each is kept, ascending."""


def shown(connection: Connection, body: str | None) -> Markup | None:
    """A body as ``render`` makes it, its pictures in the sizes in which they are kept; None where there is none."""
    if not body:
        return None
    digests = {picture.digest for picture in pictures(body)}
    return render(body, tuple(sorted(store.sizes(connection, digests).items())) if digests else ())


@lru_cache(_KEPT)
def render(text: str, sizes: Sizes = ()) -> Markup:
    """``text`` as HTML: no scripts, styles or frames, no pictures but ours; headings begin one step below the page's.

    A picture that is elsewhere is told by its alternative text: to show it would tell its owner who reads.
    """
    # No raw HTML is read; the sieve behind it stands on its own all the same.
    tokens = READER.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, _LOWEST_HEADING)}"
        if token.type == "inline" and token.children:
            token.children = [_shown(child, dict(sizes)) for child in token.children]
    html = READER.renderer.render(tokens, READER.options, {})
    safe = nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return Markup(safe)  # cleaned a line above


def _shown(token: Token, sizes: Mapping[str, tuple[tuple[int, int], ...]]) -> Token:
    if token.type != "image":
        return token
    digest = digest_of(str(token.attrs.get("src", "")))
    if digest is None:
        return Token("text", "", 0, content=alt_of(token))
    if kept := sizes.get(digest):
        each = (f"{address(digest)}/{width} {width}w" for width, _ in kept)
        told = dict(zip(("width", "height"), kept[-1], strict=True))
        token.attrs |= {"src": address(digest), "srcset": ", ".join(each), "sizes": _SIZES, **told}
    token.attrs["loading"] = "lazy"
    return token
