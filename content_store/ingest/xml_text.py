"""The text of an XML feed, made ready for a parser: no document type, no entity left that has to be looked up.

What a document type declares is read here and nowhere else: short texts are put in, whatever is external, parameterised
or made of other entities is not, and a document that grows by its entities is refused (CWE-776, CWE-611).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.entities import html5
from typing import NamedTuple

from content_store.errors import FeedUnreadable

_MOST_EXPANDED = 100_000
"""Characters that the entities of one document may add."""
_MOST_REFERENCES = 100_000
_LONGEST_ENTITY = 500
_MOST_ENTITIES = 400
_HEAD = 100_000
"""Characters in which the first element must begin."""

_BEFORE = re.compile(
    r"<!--(?:.*?-->|.*+)|<\?[^>]*+>?|(?P<doctype><!DOCTYPE)|(?P<root><(?=[a-zA-Z_]))", re.DOTALL | re.IGNORECASE
)
# Python before 3.11.5 gets possessive quantifiers of groups wrong; what a lookahead found is not tried otherwise, too.
_DOCTYPE = re.compile(
    r"<!DOCTYPE(?:[^\[>\"']++|\"[^\"]*+\"|'[^']*+')*"
    r"(?:\[(?=(?P<subset>(?:[^\]\"'<]++|\"[^\"]*+\"|'[^']*+'|<!--(?:[\s\S]*?-->|[\s\S]*+)|<)*))"
    r"(?P=subset)\][^>]*+)?>?",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"<!ENTITY\s++(?P<parameter>%\s++)?(?P<name>[\w:.-]{1,80})\s++"
    r"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<external>SYSTEM|PUBLIC))",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"<!\[CDATA\[(?:.*?\]\]>|.*+)|<!--(?:.*?-->|.*+)"
    r"|&(?:(?:#(?:[xX](?P<hex>[0-9a-fA-F]{1,8})|(?P<decimal>[0-9]{1,9}))|(?P<name>[a-zA-Z][\w.:-]{0,79}));)?",
    re.DOTALL,
)
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_OWN = frozenset({"lt", "gt", "amp", "quot", "apos"})


class Prepared(NamedTuple):
    """A document without prolog and document type; ``netscape`` where that type was Netscape's of RSS 0.91."""

    text: str
    netscape: bool


def prepare(text: str) -> Prepared:
    """``text`` from its first element on, references to declared and to HTML entities resolved, all others taken as
    text, characters left out that XML does not allow. Raises ``FeedUnreadable`` where there is no element, or where
    entities are declared by which the text would grow."""
    start, doctype = _beginning(text)
    if start is None and "<!ENTITY" in text[:_HEAD]:
        raise _bomb("its document type is longer than any feed's")
    if start is None:
        raise FeedUnreadable(
            "there is no element in it, so it is no feed" if text.strip() else "it is empty",
            hint="give the address of an RSS, Atom or JSON feed",
        )
    declared = _declared(doctype) if doctype else {}
    body = _NO_XML.sub("", text[start:])
    if "&" in body:
        # What is beyond is no well-formed XML then, and is read as broken markup is.
        body = _REFERENCE.sub(_resolver(declared), body, _MOST_REFERENCES)
    return Prepared(body, "netscape" in doctype.lower())


def _beginning(text: str) -> tuple[int | None, str]:
    """Where the first element begins, and the document type before it."""
    position, doctype = 0, ""
    while found := _BEFORE.search(text, position, _HEAD):
        position = found.end()
        if found["root"]:
            return found.start(), doctype
        if found["doctype"] and (whole := _DOCTYPE.match(text, found.start(), _HEAD)):
            position, doctype = whole.end(), doctype or whole[0]
    return None, doctype


def _declared(doctype: str) -> dict[str, str]:
    """The entities of a document type that are short texts; those that are external are empty."""
    found: dict[str, str] = {}
    for entity in _ENTITY.finditer(doctype):
        if entity["parameter"]:
            continue
        value = entity["double"] or entity["single"] or ""
        found.setdefault(entity["name"], "" if entity["external"] else value)
    if len(found) > _MOST_ENTITIES:
        raise _bomb("more entities are declared than any feed needs")
    for value in found.values():
        if any(f"&{name};" in value for name in re.findall(r"&([\w:.-]+);", value[:_LONGEST_ENTITY]) if name in found):
            raise _bomb("its entities are made of other entities")
    return {name: value if len(value) <= _LONGEST_ENTITY else "" for name, value in found.items()}


def _resolver(declared: dict[str, str]) -> Callable[[re.Match[str]], str]:
    expanded = 0

    def resolve(found: re.Match[str]) -> str:
        nonlocal expanded
        if found["hex"] or found["decimal"]:
            return _by_number(int(found["hex"], 16) if found["hex"] else int(found["decimal"]))
        name = found["name"]
        if name is None:
            return "&amp;" if found[0] == "&" else found[0]
        if name in _OWN:
            return found[0]
        if name in declared:
            value = declared[name]
            expanded += len(value)
            if expanded > _MOST_EXPANDED:
                raise _bomb("its entities make it many times longer")
            return _quoted(value)
        if f"{name};" in html5:
            return "".join(f"&#{ord(sign)};" for sign in html5[f"{name};"])
        return f"&amp;{name};"

    return resolve


def _by_number(code: int) -> str:
    legal = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return f"&#{code};" if legal else ""


def _quoted(value: str) -> str:
    """A declared text; its own references are kept, its markup is none."""
    value = _REFERENCE.sub(_resolver({}), value)
    return value.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&apos;")


def _bomb(why: str) -> FeedUnreadable:
    return FeedUnreadable(
        f"it is refused as an XML bomb: {why}", hint="remove the entity declarations from the document type of the feed"
    )
