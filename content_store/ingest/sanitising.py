"""HTML of strangers → HTML that an article needs and that can do no harm; and its plain text.

Two sieves stand one behind the other. The first is ours: it cuts the text into tags, balances them, keeps what is on the
list, makes addresses absolute and drops what nobody would see. The second is nh3 with the same list, which parses as a
browser does. What comes out has passed both unchanged, so that cleaning it again changes nothing.
"""

from __future__ import annotations

import re
from html import escape

import nh3

from content_store.ingest.markup import BLOCK, Tag, tokens
from content_store.ingest.urls import WEB, safe_url

LONGEST = 1_000_000
"""Characters of HTML that are looked at; no article is longer."""
_DEEPEST = 60
_MOST_TAGS = 30_000
_MOST_ROUNDS = 4

_KEPT = frozenset(
    "p div section h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre figure figcaption table caption thead tbody tfoot"
    " tr th td details summary a abbr b bdi bdo cite code del dfn em i ins kbd mark q rb rp rt rtc ruby s samp small"
    " strong sub sup time u var br hr wbr img".split()
)
_RENAMED = {
    "address": "div", "article": "div", "aside": "div", "body": "div", "center": "div", "footer": "div",
    "header": "div", "main": "div", "nav": "div", "strike": "s", "tt": "code", "dir": "ul", "menu": "ul", "image": "img",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"}, "img": {"src", "alt", "title", "width", "height"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"}, "ol": {"start"}, "li": {"value"}, "time": {"datetime"}, "abbr": {"title"},
    "dfn": {"title"}, "blockquote": {"cite"}, "q": {"cite"}, "del": {"cite"}, "ins": {"cite"},
}  # fmt: skip
_EVERYWHERE = {"lang", "dir"}
_SCHEMES = WEB | {"mailto"}
_REL = "noopener nofollow ugc"
_ADDRESSES = {"href": _SCHEMES, "cite": WEB, "src": WEB}
_NUMBERS = {"width", "height", "colspan", "rowspan", "start", "value"}
_ALONE = frozenset({"br", "hr", "img", "wbr"})
_SEEN_ALONE = frozenset({"hr", "img"})
_CELLS = frozenset({"td", "th"})
_LAZY = ("data-src", "data-original", "data-actualsrc", "data-lazy-src", "data-url", "data-original-src")
"""Where pages keep the address of a picture that a script loads when it comes into sight."""
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\xad"

_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol"})),
    "dt": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "dd": (frozenset({"dt", "dd"}), frozenset({"dl"})),
    "tr": (frozenset({"tr", "caption"}), frozenset({"table"})),
    "td": (_CELLS, frozenset({"tr", "table"})),
    "th": (_CELLS, frozenset({"tr", "table"})),
    "a": (frozenset({"a"}), _CELLS),
    "rt": (frozenset({"rt", "rp", "rb"}), frozenset({"ruby"})),
    "rp": (frozenset({"rt", "rp", "rb"}), frozenset({"ruby"})),
} | {
    part: (frozenset({"thead", "tbody", "tfoot", "caption"}), frozenset({"table"}))
    for part in ("thead", "tbody", "tfoot")
}
"""What the start of an element ends, and what it does not look beyond (HTML, section 13.1.2.4)."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WITHIN = {
    "li": {"ul", "ol"}, "dt": {"dl"}, "dd": {"dl"}, "caption": {"table"}, "thead": {"table"}, "tbody": {"table"},
    "tfoot": {"table"}, "tr": {"table"}, "td": {"tr"}, "th": {"tr"}, "rt": {"ruby"}, "rp": {"ruby"}, "rb": {"ruby"},
    "rtc": {"ruby"}, "figcaption": {"figure"}, "summary": {"details"},
}  # fmt: skip


def clean_html(html: str, base_url: str | None = None) -> str:
    """``html`` with nothing but what an article needs, addresses made absolute by ``base_url``.

    Headings, paragraphs, lists, tables, figures, pictures, links, quotations, code, ruby; no scripts, styles, classes,
    ids, frames, forms, drawings, formulas, no pixels that count readers, nothing empty. Cleaning the result again gives
    the same text. Beyond ``LONGEST`` characters the text is cut.
    """
    cleaned = _once(html[:LONGEST], base_url)
    for _ in range(_MOST_ROUNDS):
        again = _once(cleaned, None)
        if again == cleaned:
            return cleaned
        cleaned = again
    # Nothing that a person wrote gets here; its words are kept, its markup is not.
    return html_of_text(plain_text(cleaned))


def html_of_text(text: str) -> str:
    """Plain text as HTML: a paragraph for every stretch between empty lines."""
    stretches = (part.strip() for part in re.split(r"\n\s*\n", _xml_free(text)))
    return "".join(f"<p>{_text(part).replace(chr(10), '<br>')}</p>" for part in stretches if part)


def plain_text(html: str) -> str:
    """What is to be read of ``html``: paragraphs are set apart by an empty line, breaks and cells by a line's end."""
    pieces: list[str] = []
    for token in tokens(html[:LONGEST]):
        if isinstance(token, str):
            pieces.append(re.sub(r"[\s\x00-\x1f]+", " ", token))
        elif token.name in ("br", "td", "th", "rp"):
            pieces.append("\n" if token.name == "br" else " ")
        elif token.name in BLOCK:
            pieces.append("\n" if token.name in ("li", "tr") else "\n\n")
    lines = [re.sub(r" {2,}", " ", line).strip() for line in "".join(pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def first_picture(html: str) -> str:
    """The address of the first picture of cleaned HTML; an empty text where there is none."""
    for token in tokens(html):
        if isinstance(token, Tag) and token.name == "img" and (src := token.attributes().get("src")):
            return src
    return ""


def _once(html: str, base_url: str | None) -> str:
    rewritten = _Rewriter(base_url).rewrite(html)
    return nh3.clean(
        rewritten,
        tags=set(_KEPT),
        attributes={name: set(kept) for name, kept in _ATTRIBUTES.items()} | {"*": set(_EVERYWHERE)},
        url_schemes=set(_SCHEMES),
        link_rel=_REL,
        strip_comments=True,
    ).strip()


class _Rewriter:
    """The first sieve. An open element is remembered by where its start tag is, so that it can be taken back."""

    def __init__(self, base_url: str | None) -> None:
        self._base = base_url
        self._out: list[str] = []
        self._open: list[tuple[str, int]] = []
        self._seen: list[bool] = [False]

    def rewrite(self, html: str) -> str:
        """The balanced HTML of the list that ``html`` comes to."""
        read = 0
        for token in tokens(html):
            if isinstance(token, str):
                self._write(token)
                continue
            read += 1
            if read > _MOST_TAGS:
                continue
            name = _RENAMED.get(token.name, token.name)
            if name not in _KEPT:
                if token.name in BLOCK:
                    self._out.append(" ")
            elif token.closing:
                self._end(name)
            else:
                self._start(name, token)
        while self._open:
            self._close()
        return "".join(self._out)

    def _write(self, text: str) -> None:
        text = _xml_free(text)
        self._out.append(_text(text))
        if text.strip().strip(_INVISIBLE).strip():
            self._seen[-1] = True

    def _start(self, name: str, tag: Tag) -> None:
        self._end_implied(name)
        if name in _ALONE:
            self._alone(name, tag)
            return
        if len(self._open) >= _DEEPEST or not self._may_stand_here(name):
            return
        written = _attributes(name, tag, self._base)
        if name == "a" and "href" not in written:
            return
        self._open.append((name, len(self._out)))
        self._seen.append(False)
        self._out.append(f"<{name}{_written(name, written)}>")

    def _alone(self, name: str, tag: Tag) -> None:
        written = _attributes(name, tag, self._base) if name == "img" else {}
        if name == "img" and not written.get("src"):
            return
        self._out.append(f"<{name}{_written(name, written)}>")
        if name in _SEEN_ALONE:
            self._seen[-1] = True

    def _may_stand_here(self, name: str) -> bool:
        if name not in _WITHIN:
            return True
        if name in _CELLS and self._innermost({"table", "tr", *_CELLS}) in ("table", None):
            return False
        return self._innermost(_WITHIN[name]) is not None

    def _innermost(self, names: set[str] | frozenset[str]) -> str | None:
        return next((name for name, _ in reversed(self._open) if name in names), None)

    def _end_implied(self, name: str) -> None:
        if name in BLOCK:
            self._end("p", no_further=_CELLS | {"li", "dd", "dt", "table", "figure", "blockquote", "div", "section"})
        if name in _HEADINGS and self._open and self._open[-1][0] in _HEADINGS:
            self._close()
        if name in _ENDS:
            ended, no_further = _ENDS[name]
            for ending in ended:
                self._end(ending, no_further=no_further)

    def _end(self, name: str, no_further: frozenset[str] = frozenset()) -> None:
        if name not in BLOCK and not no_further:
            no_further = _CELLS | {"table"}
        for depth in range(len(self._open) - 1, -1, -1):
            found = self._open[depth][0]
            if found == name:
                while len(self._open) > depth:
                    self._close()
                return
            if found in no_further:
                return

    def _close(self) -> None:
        name, start = self._open.pop()
        seen = self._seen.pop()
        if not seen and name not in _CELLS:
            blank = any(piece.isspace() or not piece.strip() for piece in self._out[start + 1 :])
            del self._out[start:]
            if blank:
                self._out.append(" ")
            return
        self._out.append(f"</{name}>")
        self._seen[-1] = True


def _attributes(name: str, tag: Tag, base: str | None) -> dict[str, str]:
    """The attributes on the list with values that can be used."""
    given = tag.attributes()
    if name == "img" and not _shown(given):
        return {}
    if name == "img":
        lazy = next((given[key] for key in _LAZY if given.get(key)), "")
        if lazy and safe_url(lazy, base):
            given["src"] = lazy
    kept = {}
    for key in (*sorted(_ATTRIBUTES.get(name, ())), *sorted(_EVERYWHERE)):
        value = _xml_free(given.get(key, "")).strip()
        if key in _ADDRESSES:
            value = "" if value.startswith("#") else safe_url(value, base, schemes=_ADDRESSES[key])
        elif key in _NUMBERS:
            value = value if re.fullmatch(r"[1-9][0-9]{0,3}", value) else ""
        elif key == "dir":
            value = value.lower() if value.lower() in ("ltr", "rtl", "auto") else ""
        elif key == "lang":
            value = value if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", value) else ""
        if value or (key == "alt" and "alt" in given):
            kept[key] = value
    return kept


def _shown(given: dict[str, str]) -> bool:
    """Whether a picture is there to be seen, not to count who opens the page."""
    style = re.sub(r"\s", "", given.get("style", "")[:1_000].lower())
    sizes = []
    for side in ("width", "height"):
        value = given.get(side, "").strip().lower().removesuffix("px")
        found = re.search(rf"(?:^|;){side}:(\d+)(?:px|;|$)", style)
        value = found[1] if found and not value else value
        sizes.append(int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None)
    if any(size == 0 for size in sizes) or sizes == [1, 1]:
        return False
    return "display:none" not in style and "visibility:hidden" not in style


def _written(name: str, attributes: dict[str, str]) -> str:
    if name == "a":
        attributes = attributes | {"rel": _REL}
    return "".join(f' {key}="{_value(value)}"' for key, value in attributes.items())


def _text(text: str) -> str:
    return escape(text, quote=False).replace("\xa0", "&nbsp;")


def _value(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("\xa0", "&nbsp;").replace("<", "&lt;").replace(">", "&gt;")


_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def _xml_free(text: str) -> str:
    return _NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
