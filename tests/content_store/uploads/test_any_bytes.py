"""Whatever bytes come: a work, a picture, or a clear refusal, within bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from content_store.errors import UploadRefused
from content_store.ingest.as_markdown import markdown_of
from content_store.ingest.sanitising import clean_html
from content_store.markdown import missing_alt
from content_store.uploads import bounds
from content_store.uploads.addresses import pictures_in
from content_store.uploads.documents import read_document
from content_store.uploads.names import NAMELESS, shown_name, title_of
from content_store.uploads.pictures import WIDTHS, check_picture
from content_store.uploads.shapes import Document, Picture
from tests.support.uploads import encoded, illustrated, parts, photograph, picture, zipped

SECONDS = 3.0
DOCX = illustrated(picture())
PICTURES = [photograph(form, (40, 30)) for form in ("JPEG", "PNG", "GIF", "WEBP")]
PICTURES.append(photograph("JPEG", (40, 30), progressive=True, comment=b"x"))
MARKUP = [
    "<p>",
    "</p>",
    "<img src=",
    '"/pictures/',
    "a" * 64,
    '"',
    ">",
    "<a href=",
    "![",
    "](",
    "# ",
    "\n\n",
    "|-|",
    "`",
    "*",
]
MARKUP += [
    "<!--",
    "-->",
    "data:image/png;base64,",
    "iVBORw0KGgo=",
    "<script>",
    "&#0;",
    "\u202e",
    "字",
    "---\ntitle: ",
    "<h1>",
]


def fine(document: Document) -> None:
    """What holds for every work that is taken."""
    assert document.title.strip()
    assert clean_html(document.html) == document.html
    assert pictures_in(document.html) == [picture.digest for picture in document.pictures]
    assert len(missing_alt(markdown_of(document.html))) <= document.html.count("<img")
    assert document.plain or document.pictures


def sound(found: Picture) -> None:
    """What holds for every picture that is taken."""
    assert 0 < found.width <= WIDTHS[-1]
    assert [part.width for part in found.smaller] == [width for width in WIDTHS if width < found.width]
    assert found.media_type in ("image/png", "image/jpeg")


def within(read: Callable[[bytes], object], data: bytes) -> None:
    """``data`` is read or refused, in time."""
    began = time.process_time()
    try:
        found = read(data)
    except UploadRefused as error:
        assert error.hint == error.problem.label
    else:
        fine(found) if isinstance(found, Document) else sound(found)  # type: ignore[arg-type]
    assert time.process_time() - began < SECONDS


def a_document(data: bytes) -> Document:
    """The work in ``data``."""
    return read_document("a.docx", data)


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` with a few bytes changed, a stretch left out or doubled, or its end cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data[: draw(st.integers(len(data) // 2, len(data)))] if draw(st.booleans()) else data)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=2_000), spoilt(DOCX)))
def test_any_bytes_are_a_work_or_refused(data: bytes) -> None:
    within(a_document, data)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(MARKUP), max_size=60).map("".join))
def test_any_text_is_a_work_or_refused(text: str) -> None:
    within(a_document, text.encode())


@settings(max_examples=60)
@given(st.sampled_from(sorted(parts())), st.data())
def test_a_word_document_with_any_part_spoilt_is_a_work_or_refused(name: str, data: st.DataObject) -> None:
    whole = parts()
    within(a_document, zipped(whole | {name: data.draw(spoilt(whole[name]))}))


@settings(max_examples=250)
@given(st.one_of(st.binary(max_size=500), st.sampled_from(PICTURES).flatmap(spoilt)))
def test_any_bytes_are_a_picture_or_refused(data: bytes) -> None:
    within(check_picture, data)


@settings(max_examples=40)
@given(st.integers(1, 1_500), st.integers(1, 40), st.sampled_from(["L", "RGB", "RGBA", "P", "1", "LA"]))
def test_a_drawing_encoded_again_is_the_same(width: int, height: int, mode: str) -> None:
    once = check_picture(encoded(Image.new(mode, (width, height), 1), "PNG"))
    sound(once)
    if once.media_type == "image/png":
        assert check_picture(once.data) == once


@given(st.text(max_size=300))
def test_any_name_is_shown_as_harmless_text(name: str) -> None:
    for shown in (shown_name(name), title_of(name)):
        assert 0 < len(shown) <= bounds.NAME_CHARACTERS
        assert shown.strip() == shown
        assert not set(shown) & set("/\\\0\r\n\u202e\u2066")
    assert shown_name(shown_name(name)) == shown_name(name)
    assert title_of("") == NAMELESS


@pytest.mark.parametrize("data", PICTURES)
def test_the_pictures_that_are_spoilt_here_are_good_ones(data: bytes) -> None:
    sound(check_picture(data))
