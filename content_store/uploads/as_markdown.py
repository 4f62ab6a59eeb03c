"""Sanitised HTML as Markdown (CommonMark with tables), which is the form that texts are kept and shown in.

Pictures become their alternative texts: they are kept elsewhere, and Markdown of ours shows none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from content_store.ingest.markup import BLOCK, Tag, tokens

_MARKS = re.compile(r"([\\`*_\[\]<>|~]|&(?=#?\w+;))")
_LINE_MARKS = re.compile(r"(?m)^(#{1,6}(?=\s|$)|[-+=](?=\s|[-+=]|$)|\d{1,9}(?=[.)](?:\s|$)))")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_EMPHASIS = {"strong": "**", "b": "**", "em": "*", "i": "*"}
_UNLINKED = re.compile(r"[\s<>()]")
_LEAST_COLUMNS = 1


class _List(NamedTuple):
    ordered: bool
    number: list[int]


class _Writer:
    """The blocks that are done, and the one at hand."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.line: list[str] = []
        self.lists: list[_List] = []
        self.quotes = 0
        self.mark = ""
        self.pre = 0
        self.table: list[list[str]] | None = None
        self.links: list[str] = []

    def text(self, text: str) -> None:
        """Words of the block at hand."""
        self.line.append(text if self.pre else _MARKS.sub(r"\\\1", _BLANKS.sub(" ", text)))

    def end(self) -> None:
        """The block at hand is done."""
        text = "".join(part for part in self.line if not part.startswith("\0"))
        text = text.strip("\n") if self.pre else text.strip()
        self.line = []
        if self.table is not None:
            if text and self.table and self.table[-1]:
                cell = self.table[-1][-1]
                self.table[-1][-1] = f"{cell} {text}".strip().replace("\n", " ")
            return
        if not text:
            return
        if self.pre:
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
            text = f"{fence}\n{text}\n{fence}"
        elif not self.mark.startswith("#"):
            text = _LINE_MARKS.sub(lambda found: found[1] + "\\" if found[1].isdigit() else "\\" + found[1], text)
        self._add(text)

    def _add(self, text: str) -> None:
        indent = "    " * max(0, len(self.lists) - 1) + ("    " if self.lists and not self.mark else "")
        first, *rest = (self.mark + text).split("\n")
        deeper = indent + ("    " if self.mark and self.lists else "")
        lines = [indent + first, *(deeper + line for line in rest)]
        quote = "> " * self.quotes
        self.blocks.append("\n".join(quote + line for line in lines))
        self.mark = ""

    def item(self) -> None:
        """A new item of the list at hand."""
        if not self.lists:
            self.lists.append(_List(False, [0]))
        at = self.lists[-1]
        at.number[0] += 1
        self.mark = f"{at.number[0]}. " if at.ordered else "- "

    def end_table(self) -> None:
        """The table is done; its first row is its head."""
        rows = [row for row in self.table or [] if any(row)]
        self.table = None
        width = max((len(row) for row in rows), default=0)
        if width < _LEAST_COLUMNS:
            return
        lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * width)
        self._add("\n".join(lines))


def markdown_of(html: str) -> str:
    """The Markdown of sanitised ``html``; rendered, it says the same words in the same blocks."""
    writer = _Writer()
    for token in tokens(html):
        if isinstance(token, str):
            writer.text(token)
        else:
            _tag(writer, token)
    writer.end()
    return "\n\n".join(writer.blocks)


def _tag(writer: _Writer, tag: Tag) -> None:
    name = tag.name
    if name in _EMPHASIS and not writer.pre:
        _emphasise(writer, tag)
    elif name == "br":
        writer.line.append("\n" if writer.pre or writer.table is not None else "\\\n")
    elif name == "a":
        _link(writer, tag)
    elif name == "img":
        writer.text(tag.attributes().get("alt", ""))
    elif name in BLOCK:
        writer.end()
        _block(writer, tag)


def _emphasise(writer: _Writer, tag: Tag) -> None:
    """Marks that touch a blank or nothing would be shown as they are: what is within is then left plain."""
    mark = _EMPHASIS[tag.name]
    if not tag.closing:
        writer.line.append("\0" + mark)
        return
    opening = "\0" + mark
    if opening not in writer.line:
        return
    at = len(writer.line) - 1 - writer.line[::-1].index(opening)
    within = "".join(writer.line[at + 1 :]).replace("\0**", "").replace("\0*", "")
    inner = within.strip()
    lead, trail = within[: len(within) - len(within.lstrip())], within[len(within.rstrip()) :]
    writer.line[at:] = [lead, f"{mark}{inner}{mark}" if inner else "", trail]


def _link(writer: _Writer, tag: Tag) -> None:
    if not tag.closing:
        href = tag.attributes().get("href", "")
        writer.links.append(href if href and not _UNLINKED.search(href) else "")
        if writer.links[-1]:
            writer.line.append("[")
    elif writer.links and (href := writer.links.pop()):
        writer.line.append(f"]({href})")


def _block(writer: _Writer, tag: Tag) -> None:
    name = tag.name
    if name in _HEADINGS and writer.table is None:
        writer.mark = "" if tag.closing else "#" * _HEADINGS[name] + " "
    elif name in ("ul", "ol"):
        _list(writer, tag)
    elif name == "li" and not tag.closing and writer.table is None:
        writer.item()
    elif name == "blockquote":
        writer.quotes = max(0, writer.quotes + (-1 if tag.closing else 1))
    elif name == "pre":
        writer.pre = max(0, writer.pre + (-1 if tag.closing else 1))
    elif name == "hr" and writer.table is None:
        writer.blocks.append("---")
    elif name == "table":
        _table(writer, closing=tag.closing)
    elif name == "tr" and not tag.closing and writer.table is not None:
        writer.table.append([])
    elif name in ("td", "th") and not tag.closing and writer.table:
        writer.table[-1].append("")


def _list(writer: _Writer, tag: Tag) -> None:
    if tag.closing:
        if writer.lists:
            writer.lists.pop()
        writer.mark = ""
    elif writer.table is None:
        writer.lists.append(_List(tag.name == "ol", [0]))


def _table(writer: _Writer, *, closing: bool) -> None:
    if closing and writer.table is not None:
        writer.end_table()
    elif not closing and writer.table is None:
        writer.table = []
