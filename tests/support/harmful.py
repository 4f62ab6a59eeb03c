"""What in a piece of HTML could run, as a browser's parser sees it: an opinion independent of the sieve."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

_RUNS = frozenset(
    [
        "script",
        "style",
        "link",
        "meta",
        "base",
        "iframe",
        "frame",
        "frameset",
        "object",
        "embed",
        "applet",
        "form",
        "input",
        "button",
        "textarea",
        "select",
        "option",
        "svg",
        "math",
        "template",
        "noscript",
        "xmp",
        "plaintext",
        "listing",
        "audio",
        "video",
        "source",
        "track",
        "portal",
        "slot",
        "dialog",
        "canvas",
        "marquee",
    ]
)
_HOLDS_ADDRESS = frozenset(
    {"href", "src", "cite", "action", "formaction", "background", "poster", "data", "ping", "srcset"}
)
_HARMLESS = re.compile(r"(?:https?://[^/]|mailto:)", re.IGNORECASE)
_SCHEME = re.compile(r"[\x00-\x20]*[a-z][a-z0-9+.-]*[\x00-\x20]*:", re.IGNORECASE)


def harmful(html: str) -> list[str]:
    """Elements that run or load, handlers, styles, and addresses of other schemes than the web's, in a body and in the
    places where the parser reads in another way."""
    wraps = ("<div>{}</div>", "<table><tr><td>{}</td></tr></table>", "<!doctype html><p>{}</p>")
    return sorted({harm for wrap in wraps for harm in _harms(wrap.format(html))})


def _harms(document: str) -> list[str]:
    body = LexborHTMLParser(document).body
    if body is None:
        return []
    found = []
    for node in body.traverse(include_text=False):
        tag = (node.tag or "").lower()
        if tag in _RUNS:
            found.append(f"<{tag}>")
        for name, value in node.attributes.items():
            value = value or ""
            if name.startswith("on") or name in ("style", "srcdoc", "id", "name", "class", "is", "slot"):
                found.append(f"{tag} {name}")
            if name in _HOLDS_ADDRESS and _SCHEME.match(value) and not _HARMLESS.match(value):
                found.append(f"{tag} {name}={value[:80]}")
            if ":" in name:
                found.append(f"{tag} {name}")
    return found
