"""A work as its creator uploads it → what it would become here.

The story: look what it is, by its content · take its pictures out · make HTML of it · sanitise that · settle its pictures
and links · find its title. Nothing is stored, nothing is fetched, nothing is opened that the upload names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from markdown_it import MarkdownIt

from content_store.errors import UploadRefused
from content_store.ingest.sanitising import clean_html, plain_text
from content_store.upload_words import UploadKind, UploadProblem, UploadWarning
from content_store.uploads import bounds
from content_store.uploads.gallery import Gallery
from content_store.uploads.kinds import is_html, kind_of, text_of
from content_store.uploads.names import title_of
from content_store.uploads.pictures import Picture
from content_store.uploads.settling import pictures_in, settle, take_title
from content_store.uploads.word import read_word

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.{0,10000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*[\"']?(.{1,200}?)[\"']?[ \t]*$", re.MULTILINE)
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})</title", re.IGNORECASE)
_ACTIVE = re.compile(r"<(?:script|iframe|object|embed|form|applet|frame)[\s>/]|<[^<>]{1,2000}?\son[a-z]{3,30}\s*=", re.IGNORECASE)
_LOOKED_AT = 100_000
_NOTHING_BESIDE: Mapping[str, Picture] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the creator should know; ``about`` names what it is about, or is empty."""

    warning: UploadWarning
    about: str


@dataclass(frozen=True, slots=True)
class Document:
    """A work read: ``html`` is sanitised, ``plain`` what is to be read of it, ``pictures`` all that it shows."""

    kind: UploadKind
    title: str
    html: str
    plain: str
    pictures: tuple[Picture, ...]
    warnings: tuple[Warned, ...]


def read_document(name: str, data: bytes, *, beside: Mapping[str, Picture] = _NOTHING_BESIDE) -> Document:
    """The work in ``data``: Markdown, HTML or DOCX, by its content. ``name`` gives no more than a title where there is none;
    ``beside`` are pictures that were uploaded with it, by the names by which the work calls them.

    Raises UploadRefused.
    """
    if len(data) > bounds.DOCUMENT_BYTES:
        raise UploadRefused(UploadProblem.TOO_LARGE, f"the document has {len(data):,} bytes, more than are taken")
    kind, gallery = kind_of(data), Gallery(beside)
    if kind is UploadKind.PICTURE:
        raise UploadRefused(UploadProblem.UNKNOWN_KIND, "the file is a picture and no document")
    if kind is UploadKind.DOCX:
        found = read_word(data, gallery)
        html, title = found.html, ""
        for warning, number in found.lost.items():
            gallery.warn(warning, f"× {number}")
    else:
        kind, html, title = _of_text(text_of(data), gallery)
    _insist_shorter(html, bounds.HTML_CHARACTERS)
    if html.count("<") > bounds.HTML_TAGS:
        raise UploadRefused(UploadProblem.TOO_COMPLEX, f"the document has more than {bounds.HTML_TAGS:,} tags")
    if _ACTIVE.search(html[:_LOOKED_AT]):
        gallery.warn(UploadWarning.ACTIVE_CONTENT, "")
    return _finished(name, kind, settle(clean_html(html), gallery), title, gallery)


def _of_text(text: str, gallery: Gallery) -> tuple[UploadKind, str, str]:
    """Kind, HTML and the title that is told outside of the text."""
    text = gallery.without_data(text)
    if is_html(text):
        found = _HTML_TITLE.search(text[:_LOOKED_AT])
        return UploadKind.HTML, text, plain_text(found[1]) if found else ""
    _insist_shorter(text, bounds.MARKDOWN_CHARACTERS)
    front = _FRONT_MATTER.match(text)
    told = _FRONT_TITLE.search(front[1]) if front else None
    html = _MARKDOWN.render(text[front.end() :] if front else text)
    return UploadKind.MARKDOWN, html, plain_text(told[1]) if told else ""


def _insist_shorter(text: str, most: int) -> None:
    if len(text) > most:
        raise UploadRefused(UploadProblem.TOO_LARGE, f"the text has {len(text):,} characters, more than are taken")


def _finished(name: str, kind: UploadKind, html: str, told: str, gallery: Gallery) -> Document:
    heading, rest = take_title(html)
    if heading and (not told or _alike(heading, told) or kind is UploadKind.HTML):
        title, html = heading, rest
    else:
        title = told
    if not title:
        title = title_of(name)
        gallery.warn(UploadWarning.TITLE_FROM_NAME, title)
    plain, pictures = plain_text(html), tuple(gallery.pictures[digest] for digest in pictures_in(html))
    if not plain and not pictures:
        raise UploadRefused(UploadProblem.EMPTY, "nothing of the document is left to be read")
    return Document(kind, title, html, plain, pictures, _once(gallery.warnings))


def _alike(one: str, other: str) -> bool:
    return re.sub(r"\W", "", one).casefold() == re.sub(r"\W", "", other).casefold()


def _once(warnings: Iterable[tuple[UploadWarning, str]]) -> tuple[Warned, ...]:
    return tuple(Warned(*told) for told in dict.fromkeys(warnings))
