"""What a body says and shows. Bodies are CommonMark with tables and strikethrough; raw HTML in them is text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from content_store.uploads.addresses import digest_of, tells

READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_SIGNS = re.compile(r"[\\`*_#\[\]<>|~&\n]")
_WRITTEN = re.compile(r"!\[((?:[^\[\]\\]|\\.)*)\](?=\((/pictures/[0-9a-f]{64})(?:/\d{1,5})?[ )])")
_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&]")


class Shown(NamedTuple):
    """The picture of ours that a body shows as its ``number``-th (from 1), by its digest, and its alternative text."""

    number: int
    digest: str
    alt: str


def plain_text(text: str) -> str:
    """What is to be read of a body: no signs, no addresses; of pictures their alternative text."""
    if not _SIGNS.search(text):
        return text
    blocks = []
    for token in READER.parse(text):
        if token.type == "inline":
            blocks.append("".join(map(_said, token.children or ())))
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content)
    return "\n\n".join(block.strip() for block in blocks if block.strip())


def pictures(text: str) -> list[Shown]:
    """The pictures of ours that a body shows, in their order; those that are elsewhere are not shown to readers."""
    found = ((digest_of(str(token.attrs.get("src", ""))), alt_of(token)) for token in _images(text))
    ours = [(digest, alt) for digest, alt in found if digest]
    return [Shown(number, digest, alt) for number, (digest, alt) in enumerate(ours, 1)]


def alt_of(picture: Token) -> str:
    """The alternative text of a token of a picture, as it is read."""
    return "".join(map(_said, picture.children or ()))


def missing_alt(text: str | None) -> list[Shown]:
    """The pictures of ours in a body that lack a text which tells what they show: readers who cannot see them, and
    those whose network is slow, would be left with nothing."""
    return [picture for picture in pictures(text or "") if not tells(picture.alt)]


def with_alt(text: str, alts: Mapping[str, str]) -> str:
    """The body in which the pictures that tell nothing are given the alternative text that ``alts`` has by digest."""

    def told(found: re.Match[str]) -> str:
        alt = " ".join(alts.get(digest_of(found[2]) or "", "").split())
        if not alt or tells(found[1]):
            return found[0]
        return "![" + _SPECIAL.sub(r"\\\g<0>", alt) + "]"

    return _WRITTEN.sub(told, text)


def _images(text: str) -> Iterator[Token]:
    if "![" not in text:
        return
    for token in READER.parse(text):
        yield from (child for child in token.children or () if child.type == "image")


def _said(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "image":
        return alt_of(token)
    return token.content if token.type in ("text", "code_inline") else ""
