"""What hostile uploads may try, and what comes of it, as docs/security-uploads.md tells."""

from __future__ import annotations

import base64
import io
import re
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from content_store.errors import UploadRefused
from content_store.upload_words import UploadKind, UploadProblem, UploadWarning
from content_store.uploads.documents import read_document
from content_store.uploads.pictures import check_picture
from tests.support.hostile_uploads import (
    disguised_entry,
    jpeg_of_scans,
    overlapping,
    patched_entry,
    symbolic_link,
    with_zip64_end,
)
from tests.support.uploads import (
    chunk,
    encoded,
    illustrated,
    parts,
    photograph,
    picture,
    png_of,
    relationship,
    shown,
    word,
    zipped,
)

P = UploadProblem
PAGE = Path(__file__).resolve().parents[3] / "docs" / "security-uploads.md"
MOST_SECONDS = 5.0
"""Of CPU, for a refusal."""
MOST_MEMORY = 160 << 20
"""Bytes, for a refusal; the uploads themselves have up to 20 MiB."""
LONG = "字" * 30 + "abc"

OUTCOMES: dict[str, str] = {}
"""Each attempt of this module and its outcome, in the order of the page."""


@dataclass(frozen=True)
class Attempt:
    """Something that is tried with a document or a picture, and the problem that it is refused for."""

    told: str
    problem: UploadProblem
    make: Callable[[], bytes]

    def __str__(self) -> str:
        return self.told


def comes_to(told: str, outcome: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put an attempt that needs a test of its own on the list."""
    assert told not in OUTCOMES
    OUTCOMES[told] = outcome
    return lambda test: test


def xml(inside: str, declared: str = "<!DOCTYPE x>") -> str:
    """A main part with a document type."""
    start = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
    return f'<?xml version="1.0"?>{declared}{start}{inside}</w:t></w:r></w:p></w:body></w:document>'


def with_entry(name: str, data: bytes = b"x") -> bytes:
    """A Word document with one more entry."""
    return zipped(parts() | {name: data})


def outside(kind: str, target: str) -> bytes:
    """A Word document that refers to something outside it."""
    return word(relationships=relationship("rId5", kind, target, outside=True))


LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)

DOCUMENTS = [
    Attempt("ZIP bomb: 80 MB of zeros", P.BOMB, lambda: with_entry("word/a.bin", bytes(80_000_000))),
    Attempt("ZIP bomb: 5 MB of zeros in the text", P.BOMB, lambda: word(" " * 5_000_000)),
    Attempt("ZIP bomb: entries over one another", P.BOMB, lambda: overlapping(parts())),
    Attempt("ZIP bomb: 2,000 entries", P.BOMB, lambda: zipped(parts() | {f"word/{i}": b"" for i in range(2_000)})),
    Attempt("an entry that says it is smaller than it is", P.BROKEN, lambda: patched_entry(parts(LONG), size=50)),
    Attempt("an entry that says it is larger than it is", P.BROKEN, lambda: patched_entry(parts(LONG), size=9_000)),
    Attempt("an entry with a wrong checksum", P.BROKEN, lambda: patched_entry(parts(LONG), crc=1)),
    Attempt("an entry packed in another way (LZMA)", P.BROKEN, lambda: zipped(parts(), method=zipfile.ZIP_LZMA)),
    Attempt("an archive within", P.NESTED, lambda: with_entry("word/embeddings/a.xlsx", zipped({"a": b"b"}))),
    Attempt("an archive within, called a part", P.NESTED, lambda: with_entry("word/x.xml", zipped({"a": b"b"}))),
    Attempt("an archive within, called a picture", P.NESTED, lambda: illustrated(zipped({"a": b"b"}))),
    Attempt("ZIP64 end, which other programmes read otherwise", P.POLYGLOT, lambda: with_zip64_end(word())),
    Attempt("a web page before the ZIP file", P.POLYGLOT, lambda: b"<html><script>x()</script>" + word()),
    Attempt("a web page behind the ZIP file", P.POLYGLOT, lambda: word() + b"<html><script>x()</script>"),
    Attempt("a ZIP file with a comment", P.POLYGLOT, lambda: zipped(parts(), comment=b"<script>x()</script>")),
    Attempt("two ZIP files, one behind the other", P.POLYGLOT, lambda: word() + word()),
    Attempt("a picture with a document behind it", P.UNKNOWN_KIND, lambda: picture() + word()),
    Attempt("path traversal: ../../etc/passwd", P.BAD_NAME, lambda: with_entry("../../etc/passwd")),
    Attempt("path traversal in the middle of a name", P.BAD_NAME, lambda: with_entry("word/../../a.xml")),
    Attempt("an absolute name, /etc/passwd", P.BAD_NAME, lambda: with_entry("/etc/passwd")),
    Attempt("a name with a drive, C:", P.BAD_NAME, lambda: with_entry("C:/windows/a.ini")),
    Attempt("a name with backslashes", P.BAD_NAME, lambda: with_entry("..\\..\\a.ini")),
    Attempt("a name with NUL in it", P.BAD_NAME, lambda: disguised_entry(parts(), b"word/x\0.xml")),
    Attempt("a name with a line break in it", P.BAD_NAME, lambda: with_entry("word/a\nb.xml")),
    Attempt("two entries of one name", P.BAD_NAME, lambda: with_entry("WORD/DOCUMENT.XML")),
    Attempt("a symbolic link", P.BAD_NAME, lambda: symbolic_link(parts(), "word/media/a.png", "/etc/passwd")),
    Attempt("an encrypted entry", P.ENCRYPTED, lambda: patched_entry(parts(), flags=1)),
    Attempt("a document with a password", P.ENCRYPTED, lambda: OLE + "EncryptedPackage".encode("utf-16-le")),
    Attempt("Word of before 2007, which may have macros", P.OLD_WORD, lambda: OLE),
    Attempt("macros, by the content type (DOCM)", P.MACROS, lambda: word(main=MACROS)),
    Attempt("macros, by the file", P.MACROS, lambda: with_entry("word/vbaProject.bin", OLE)),
    Attempt("ActiveX controls", P.MACROS, lambda: with_entry("word/activeX/activeX1.bin", OLE)),
    Attempt(
        "XXE: an entity that is a file",
        P.DOCTYPE,
        lambda: word(document=xml("&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>')),
    ),
    Attempt(
        "XXE: an entity that is an address",
        P.DOCTYPE,
        lambda: word(document=xml("&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1/">]>')),
    ),
    Attempt(
        "XXE: parameter entities",
        P.DOCTYPE,
        lambda: word(document=xml("", '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/"> %p;]>')),
    ),
    Attempt(
        "XXE: a document type elsewhere", P.DOCTYPE, lambda: word(document=xml("", '<!DOCTYPE x SYSTEM "http://a/">'))
    ),
    Attempt("XXE in UTF-16", P.DOCTYPE, lambda: zipped(parts() | {"word/styles.xml": xml("").encode("utf-16")})),
    Attempt("XXE in the relationships", P.DOCTYPE, lambda: zipped(parts() | {"_rels/.rels": xml("").encode()})),
    Attempt(
        "billion laughs",
        P.DOCTYPE,
        lambda: word(document=xml("&a9;", f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>')),
    ),
    Attempt("XML 10,000 elements deep", P.TOO_COMPLEX, lambda: word("<w:sdt>" * 10_000 + "</w:sdt>" * 10_000)),
    Attempt("XML of 100,000 elements", P.TOO_COMPLEX, lambda: word("<w:p/>" * 100_000)),
    Attempt(
        "XML of 100,000 attributes",
        P.TOO_COMPLEX,
        lambda: word("<w:p " + " ".join(f'a{i}="{i}"' for i in range(100_000)) + "/>"),
    ),
    Attempt("XML that is none", P.BROKEN, lambda: word("<w:p>")),
    Attempt("XML in UTF-7", P.BROKEN, lambda: word(document='<?xml version="1.0" encoding="utf-7"?><a/>')),
    Attempt(
        "a template from the network", P.EXTERNAL, lambda: outside("attachedTemplate", "https://example.org/a.dotm")
    ),
    Attempt("a template from a share", P.EXTERNAL, lambda: outside("attachedTemplate", "\\\\10.0.0.8\\a\\b.dotm")),
    Attempt("an object from the network", P.EXTERNAL, lambda: outside("oleObject", "https://example.org/a.rtf")),
    Attempt("a frame from the network", P.EXTERNAL, lambda: outside("frame", "https://example.org/")),
    Attempt("a part of the document from elsewhere", P.EXTERNAL, lambda: outside("subDocument", "file:///etc/passwd")),
    Attempt("a spreadsheet called .docx", P.UNKNOWN_KIND, lambda: word(main=SHEET)),
    Attempt("any ZIP file called .docx", P.UNKNOWN_KIND, lambda: zipped({"a.txt": b"b"})),
    Attempt("PDF called .docx", P.UNKNOWN_KIND, lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    Attempt("PDF behind a page of text", P.UNKNOWN_KIND, lambda: b"<p>text</p>\n%PDF-1.7\n"),
    Attempt("RTF called .doc", P.UNKNOWN_KIND, lambda: b"{\\rtf1 {\\object\\objdata 0105}}"),
    Attempt("a Windows programme called .md", P.UNKNOWN_KIND, lambda: b"MZ\x90\0" + bytes(99)),
    Attempt("a Linux programme called .md", P.UNKNOWN_KIND, lambda: b"\x7fELF\x02\x01" + bytes(99)),
    Attempt("bytes that are no text called .md", P.UNKNOWN_KIND, lambda: bytes(range(256)) * 20),
    Attempt("61 different pictures", P.TOO_MANY_PICTURES, lambda: _many(61)),
    Attempt("pictures of 250 million pixels together", P.TOO_MANY_PICTURES, lambda: _many(11, pixels=4_800)),
    Attempt("a text of 21 MB", P.TOO_LARGE, lambda: b"a" * 21_000_000),
]

FLOOD = zlib.compress(bytes(60_000_000))
PICTURES = [
    Attempt("decompression bomb: PNG of 30,000 × 30,000", P.TOO_MANY_PIXELS, lambda: png_of(30_000, 30_000)),
    Attempt("decompression bomb: PNG of 2³¹ × 2³¹", P.TOO_MANY_PIXELS, lambda: png_of(2**31 - 1, 2**31 - 1)),
    Attempt("decompression bomb: GIF of 65,535 × 65,535", P.TOO_MANY_PIXELS, lambda: _gif(65_535, 65_535)),
    Attempt("decompression bomb: WebP of 16,383 × 16,383", P.TOO_MANY_PIXELS, lambda: _webp(16_383, 16_383)),
    Attempt("decompression bomb: JPEG of 65,500 × 65,500", P.TOO_MANY_PIXELS, lambda: _jpeg(65_500, 65_500)),
    Attempt("a PNG of no size", P.BROKEN, lambda: png_of(0, 0)),
    Attempt(
        "a PNG with 60 MB of text in 60 kB", P.BROKEN, lambda: png_of(9, 9, before=chunk(b"zTXt", b"a\0\0" + FLOOD))
    ),
    Attempt("a PNG of 30,000 pieces", P.TOO_COMPLEX, lambda: png_of(9, 9, before=chunk(b"tEXt", b"a\0b") * 30_000)),
    Attempt("a GIF of 200,000 pieces", P.TOO_COMPLEX, lambda: _gif(9, 9, b"\x21\xfe" + b"\x01a" * 200_000 + b"\0")),
    Attempt("a JPEG of 1,000 passes", P.TOO_COMPLEX, lambda: jpeg_of_scans(1_000)),
    Attempt("a JPEG that tells two sizes", P.BROKEN, lambda: _jpeg(9, 9)[:-2] + _jpeg(5_000, 5_000)[2:]),
    Attempt("a picture that is cut off", P.BROKEN, lambda: photograph()[:9_000]),
    Attempt("SVG with a script", P.SVG, lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>"),
    Attempt("SVG behind a declaration, called .png", P.SVG, lambda: b"<?xml version='1.0'?>\n<!-- a -->\n<svg/>"),
    Attempt("SVG in UTF-16", P.SVG, lambda: "<svg onload='x()'/>".encode("utf-16")),
    Attempt("a web page called .png", P.PICTURE_KIND, lambda: b"<html><script>x()</script></html>"),
    Attempt("a script called .gif", P.PICTURE_KIND, lambda: b"GIF89=1;alert(1)"),
    Attempt("PDF called .jpg", P.PICTURE_KIND, lambda: b"%PDF-1.7\n"),
    Attempt("BMP, TIFF, metafiles and the like", P.PICTURE_KIND, lambda: encoded(Image.new("RGB", (9, 9)), "TIFF")),
    Attempt("a picture of 21 MB", P.TOO_LARGE, lambda: picture() + bytes(21_000_000)),
]


def _many(number: int, pixels: int = 4) -> bytes:
    names = [f"media/{i}.png" for i in range(number)]
    body = "".join(shown(f"rId{i + 10}", alt="图") for i in range(number))
    related = "".join(relationship(f"rId{i + 10}", "image", name) for i, name in enumerate(names))
    data = png_of(pixels, pixels)
    return word(body, relationships=related, more={f"word/{name}": data for name in names})


def _gif(width: int, height: int, before: bytes = b"") -> bytes:
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + before + image


def _webp(width: int, height: int) -> bytes:
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _jpeg(width: int, height: int) -> bytes:
    data = bytearray(picture("JPEG", (8, 8)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


OUTCOMES |= {attempt.told: f"`{attempt.problem}`" for attempt in DOCUMENTS}


def refusal(read: Callable[[bytes], object], data: bytes) -> UploadProblem:
    """Why ``data`` is refused, which takes no more time and memory than it may."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(UploadRefused) as caught:
            read(data)
        assert time.process_time() - began < MOST_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert caught.value.hint == caught.value.problem.label
    return caught.value.problem


@pytest.mark.parametrize("attempt", DOCUMENTS, ids=str)
def test_a_hostile_document_is_refused(attempt: Attempt) -> None:
    assert refusal(lambda data: read_document("a.docx", data), attempt.make()) is attempt.problem


def html_of(data: bytes, name: str = "a.docx") -> str:
    """What a document becomes."""
    return read_document(name, data).html


ACTIVE = re.compile(
    r"<(?:script|iframe|svg|style|form|object|meta|base|link|math)|<[^>]*\son\w+="
    r"|(?:href|src)=\"\s*(?:javascript|vbscript|data):",
    re.IGNORECASE,
)


@comes_to("a linked picture that tells who opens the document", "dropped, and told (`external_picture`)")
def test_linked_pictures_are_not_fetched() -> None:
    data = word(
        "<w:p><w:r><w:t>文</w:t></w:r></w:p>" + shown("rId9", alt="图", linked=True),
        relationships=relationship("rId9", "image", "http://127.0.0.1:1/pixel.png", outside=True),
    )
    found = read_document("a.docx", data)
    assert "<img" not in found.html
    assert UploadWarning.EXTERNAL_PICTURE in {told.warning for told in found.warnings}


@comes_to("a picture whose part lies outside the document, ../../../etc/passwd", "dropped, and told")
def test_pictures_come_from_within_the_document() -> None:
    for target in ("../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "document.xml", "media/none.png"):
        body = "<w:p><w:r><w:t>文</w:t></w:r></w:p>" + shown("rId9", alt="图")
        found = read_document("a.docx", word(body, relationships=relationship("rId9", "image", target)))
        assert found.pictures == ()
        assert found.plain == "文"


@comes_to("a bomb, SVG or anything else as a picture of a document", "dropped, and told (`bad_picture`)")
def test_bad_pictures_of_documents_are_left_out() -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>"
    for data in (png_of(30_000, 30_000), svg, b"MZ", photograph()[:9_000]):
        found = read_document("a.docx", illustrated(data))
        assert (found.pictures, found.plain) == ((), "图文")
        assert UploadWarning.BAD_PICTURE in {told.warning for told in found.warnings}


@comes_to("a link to javascript:", "only its text is kept")
def test_links_that_run_are_dropped() -> None:
    body = '<w:p><w:hyperlink r:id="rId9"><w:r><w:t>按这里</w:t></w:r></w:hyperlink></w:p>'
    data = word(body, relationships=relationship("rId9", "hyperlink", "javascript:alert(1)", outside=True))
    assert html_of(data) == "<p>按这里</p>"


@comes_to("a field that starts a programme (DDEAUTO)", "passed over")
def test_fields_are_not_run() -> None:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>DDEAUTO c:\\cmd.exe "/k"</w:instrText></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    assert html_of(word(f"<w:p>{field}{end}<w:r><w:t>文</w:t></w:r></w:p>")) == "<p>文</p>"


@comes_to("a web page within the document (altChunk)", "passed over, and told (`object`)")
def test_web_pages_within_are_not_read() -> None:
    body = '<w:altChunk r:id="rId9"/><w:p><w:r><w:t>文</w:t></w:r></w:p>'
    related = relationship("rId9", "aFChunk", "a.htm")
    data = word(body, relationships=related, more={"word/a.htm": b"<script>x()</script>"})
    found = read_document("a.docx", data)
    assert found.html == "<p>文</p>"
    assert UploadWarning.OBJECT in {told.warning for told in found.warnings}


@comes_to("a style map for mammoth that makes scripts", "passed over")
def test_style_maps_of_strangers_are_not_read() -> None:
    assert html_of(with_entry("mammoth/style-map", b"p => script")) == "<p>大熊猫吃竹子。</p>"


@comes_to("a template of the writer's own machine", "passed over")
def test_templates_of_the_writers_machine_are_not_opened() -> None:
    for target in ("file:///C:\\Users\\a\\Normal.dotm", "C:\\a.dotx", "Normal.dotm"):
        assert html_of(outside("attachedTemplate", target)) == "<p>大熊猫吃竹子。</p>"


HOSTILE_HTML = """<html><head><base href="https://e.org/"><meta http-equiv="refresh" content="0;url=https://e.org">
<style>p{background:url(https://e.org)}</style><script>x()</script></head><body onload="x()"><h1>T</h1>
<p onclick=x() style="width:expression(x())">文</p><a href=" java&#x0A;script:x()">链</a><img src=x onerror=x()>
<svg><script>x()</script></svg><iframe srcdoc="<script>x()</script>"></iframe><form action=x><input name=p></form>
<a href="data:text/html,<script>x()</script>">d</a>
<math><mtext><table><mglyph><style><img src onerror=x()></style></math>
<noscript><p title="</noscript><img src=x onerror=x()>"></noscript><template><script>x()</script></template>"""


@comes_to("HTML with scripts, handlers, frames, forms, styles, refresh", "sanitised, and told (`active_content`)")
def test_nothing_active_is_left_of_html() -> None:
    found = read_document("a.html", HOSTILE_HTML.encode())
    assert not ACTIVE.search(found.html)
    assert UploadWarning.ACTIVE_CONTENT in {told.warning for told in found.warnings}


@comes_to("Markdown with HTML, javascript: and data: in it", "sanitised")
def test_nothing_active_is_left_of_markdown() -> None:
    text = "# T\n\n[a](javascript:x()) ![b](javascript:x()) <img src=x onerror=x()> [c]: data:text/html,x\n\n"
    text += "<script>x()</script>\n\n[d](<java\tscript:x()>) <javascript:x()> [e](vbscript:x)\n\n"
    text += "<details ontoggle=x() open>\n"
    assert not ACTIVE.search(html_of(text.encode(), "a.md"))


@comes_to("HTML in UTF-7", "read as the text that it is")
def test_utf_7_is_not_read() -> None:
    data = b"<html><head><meta charset=utf-7></head><body><p>+ADw-script+AD4-x()+ADw-/script+AD4-</p></body>"
    assert html_of(data) == "<div><p>+ADw-script+AD4-x()+ADw-/script+AD4-</p></div>"


@comes_to("data: with SVG, or with a bomb, in HTML or Markdown", "dropped, and told (`bad_picture`)")
def test_pictures_written_in_texts_are_judged_like_others() -> None:
    for data in (b"<svg onload=x()></svg>", png_of(30_000, 30_000)):
        text = f"# T\n\n文 ![图](data:image/png;base64,{base64.b64encode(data).decode()})"
        found = read_document("a.md", text.encode())
        assert (found.html, found.pictures) == ("<p>文 </p>", ())


@comes_to("a document called by another name or type than its own", "read as what it is")
def test_names_and_types_are_not_believed() -> None:
    assert read_document("a.jpg", word()).kind is UploadKind.DOCX
    assert read_document("a.docx", b"<!doctype html><html><body><p>a</p></body></html>").kind is UploadKind.HTML
    assert read_document("a.exe", b"# T\n\ntext").kind is UploadKind.MARKDOWN
    assert check_picture(photograph("PNG")).media_type == "image/jpeg"


@comes_to("names: paths, NUL, line breaks, right-to-left marks, 5,000 characters", "text of at most 200 characters")
def test_names_are_only_text() -> None:
    name = "../../\u202e" + "a" * 5_000 + "\0\r\n.docx"
    assert read_document(name, word()).title == "a" * 100


@comes_to("Markdown of brackets, backticks, stars or quotes alone", "read within seconds, or `too_complex`")
def test_markdown_takes_linear_time() -> None:
    began = time.process_time()
    for unit in ("![", "`a``", "> ", "*a_ ", "[a]("):
        read_document("a", ("文\n\n" + unit * (8_000 // len(unit))).encode())
    assert time.process_time() - began < 10
    for text in ("![" * 20_001, "> " * 100_001):
        with pytest.raises(UploadRefused):
            read_document("a", text.encode())


OUTCOMES |= {attempt.told: f"`{attempt.problem}`" for attempt in PICTURES}


@pytest.mark.parametrize("attempt", PICTURES, ids=str)
def test_a_hostile_picture_is_refused(attempt: Attempt) -> None:
    assert refusal(check_picture, attempt.make()) is attempt.problem


MARK = b"<script>alert(1)</script>"


@comes_to("PNG with a web page behind it, or in its texts", "encoded anew: nothing of it is left")
def test_a_png_loses_what_is_no_picture() -> None:
    whole = picture()
    at = whole.index(b"IDAT") - 4
    for data in (whole + MARK, whole[:at] + chunk(b"tEXt", b"a\0" + MARK) + chunk(b"scRt", MARK) + whole[at:]):
        found = check_picture(data)
        assert MARK not in found.data
        assert found.data == check_picture(whole).data


@comes_to("JPEG with a ZIP file, PHP or a web page in or behind it", "encoded anew: nothing of it is left")
def test_a_jpeg_loses_what_is_no_picture() -> None:
    plain = check_picture(photograph()).data
    php = b"<?php system($_GET[0]); ?>"
    for data in (photograph() + zipped({"a.class": MARK}), photograph(comment=php + MARK), photograph() + MARK):
        found = check_picture(data).data
        assert found == plain
        assert not zipfile.is_zipfile(io.BytesIO(found))


@comes_to("GIF that is a script too (GIF89a/*…*/)", "encoded anew: nothing of it is left")
def test_a_gif_loses_what_is_no_picture() -> None:
    data = encoded(Image.new("P", (0x2A2F, 1)), "GIF", comment=b"*/=1;" + MARK)
    assert data[6:8] == b"/*"
    assert MARK in data
    found = check_picture(data + MARK)
    assert MARK not in found.data
    assert not found.data.startswith(b"GIF")


@comes_to("WebP with metadata and something behind it", "encoded anew: nothing of it is left")
def test_a_webp_loses_what_is_no_picture() -> None:
    found = check_picture(photograph("WEBP", xmp=MARK, exif=b"Exif\0\0" + MARK) + MARK)
    assert MARK not in found.data


@comes_to("metadata: place, camera, names, thumbnail, broken EXIF, broken profile", "dropped")
def test_metadata_is_dropped_however_broken() -> None:
    plain = check_picture(photograph()).data
    for how in ({"exif": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + MARK * 9}, {"icc_profile": MARK * 99}, {"xmp": MARK}):
        assert check_picture(photograph(**how)).data == plain  # type: ignore[arg-type]


@comes_to("moving pictures without end", "the first picture is kept, and that told (`animation`)")
def test_the_second_picture_of_a_gif_is_not_even_read() -> None:
    once = encoded(Image.new("P", (9, 9)), "GIF")[:-1]
    image = once[once.index(b"\x2c") :]
    assert check_picture(once + image * 100_000 + b";").animated
    assert check_picture(once + b"\x2c" + b"no picture at all").animated


def test_the_page_lists_these_attempts_and_their_outcomes() -> None:
    rows = re.findall(r"^\| (?!attempt|---)(.+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == list(OUTCOMES.items())


def test_a_harmless_document_and_picture_are_taken() -> None:
    assert read_document("a.docx", word()).plain == "大熊猫吃竹子。"
    assert check_picture(picture()).width == 60
