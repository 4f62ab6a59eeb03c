"""Works as people upload them: Markdown, HTML and Word, and what becomes of them."""

from __future__ import annotations

import base64
import io

import docx
import pytest

from content_store.errors import UploadRefused
from content_store.ingest.as_markdown import markdown_of
from content_store.markdown import missing_alt
from content_store.upload_words import UploadKind, UploadProblem, UploadWarning
from content_store.uploads.addresses import pictures_in
from content_store.uploads.documents import read_document
from content_store.uploads.names import NAMELESS, shown_name, title_of
from content_store.uploads.pictures import check_picture
from content_store.uploads.shapes import Document
from tests.support.uploads import illustrated, picture, relationship, shown, word

MARKDOWN = """# 火星上有水吗

**有**，主要是冰。见[资料](https://example.org/a)。

| 地点 | 形态 |
|---|---|
| 极地 | 冰 |

- 一
- 二
"""


def warnings(found: Document) -> set[UploadWarning]:
    """What its creator is told."""
    return {told.warning for told in found.warnings}


def test_markdown_becomes_html_under_its_first_heading() -> None:
    found = read_document("a.md", MARKDOWN.encode())
    assert (found.kind, found.title, found.warnings) == (UploadKind.MARKDOWN, "火星上有水吗", ())
    assert "<h1>" not in found.html
    assert "<strong>有</strong>" in found.html
    assert "<td>极地</td>" in found.html
    assert '<a href="https://example.org/a"' in found.html
    assert found.plain.startswith("有，主要是冰。见资料。")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
def test_texts_are_read_in_whatever_encoding_they_are(encoding: str) -> None:
    text = "# 大熊貓為什麼吃竹子\n\n大熊貓是食肉目動物，但是主要吃竹子，這是因為牠們的祖先在演化中改變了食性。\n"
    found = read_document("a.md", text.encode(encoding))
    assert found.title == "大熊貓為什麼吃竹子"


def test_front_matter_gives_the_title_and_is_no_part_of_the_text() -> None:
    found = read_document("a.md", "---\ntitle: 月球背面\ntags: [a]\n---\n# 月球背面\n\n文字\n".encode())
    assert (found.title, found.plain) == ("月球背面", "文字")


def test_html_gives_its_body_and_its_heading() -> None:
    page = (
        "<!DOCTYPE html><html><head><title>网站 - 题目</title><style>p{}</style></head><body><h1>题目</h1><p>正文</p>"
    )
    found = read_document("a.md", page.encode())
    assert (found.kind, found.title, found.plain) == (UploadKind.HTML, "题目", "正文")


def test_html_without_a_heading_has_the_title_of_its_head() -> None:
    found = read_document("x", b"<html><head><title>T &amp; U</title></head><body><p>text</p></body></html>")
    assert found.title == "T & U"


def test_a_fragment_of_html_is_html_and_markdown_with_html_in_it_is_markdown() -> None:
    assert read_document("a", b"<p>a</p>\n\n    <p>b</p>").kind is UploadKind.HTML
    found = read_document("a", b"<div>a</div>\n\n# b\n\ntext *em*")
    assert (found.kind, found.title) == (UploadKind.MARKDOWN, "b")


def test_without_any_title_the_file_s_name_is_one_and_that_is_told() -> None:
    found = read_document("../上传/大熊猫.docx", word())
    assert found.title == "大熊猫"
    assert UploadWarning.TITLE_FROM_NAME in warnings(found)


def test_what_word_writes_keeps_headings_lists_tables_links_and_pictures() -> None:
    made = docx.Document()
    made.add_heading("大熊猫为什么吃竹子", 0)
    made.add_heading("食性", 1)
    made.add_paragraph("食肉目").add_run("却吃素").bold = True
    made.add_paragraph("第一", style="List Bullet")
    made.add_picture(io.BytesIO(picture()))
    made.add_table(rows=1, cols=2).cell(0, 0).text = "单元格"
    written = io.BytesIO()
    made.save(written)
    found = read_document("a.docx", written.getvalue())
    assert (found.kind, found.title) == (UploadKind.DOCX, "大熊猫为什么吃竹子")
    for part in ("<h1>食性</h1>", "<strong>却吃素</strong>", "<ul><li>第一</li></ul>", "<td><p>单元格</p></td>"):
        assert part in found.html
    assert len(found.pictures) == 1
    assert warnings(found) == {UploadWarning.MISSING_ALT}


def test_pictures_of_a_word_document_become_ours_with_their_text() -> None:
    found = read_document("a.docx", illustrated(picture(), alt="吃竹子的大熊猫"))
    [ours] = found.pictures
    assert f'<img alt="吃竹子的大熊猫" height="40" src="/pictures/{ours.digest}" width="60">' in found.html
    assert (pictures_in(found.html), missing_alt(markdown_of(found.html))) == ([ours.digest], [])
    assert UploadWarning.MISSING_ALT not in warnings(found)


@pytest.mark.parametrize("alt", ["", "  ", "IMG_1234.JPG", "图片 1", "image001"])
def test_a_picture_without_a_text_that_tells_is_never_passed_in_silence(alt: str) -> None:
    found = read_document("a.docx", illustrated(picture(), alt=alt))
    assert UploadWarning.MISSING_ALT in warnings(found)
    assert missing_alt(markdown_of(found.html)) == [(1, found.pictures[0].digest, "")]


def test_a_picture_that_is_shown_often_is_read_and_kept_once() -> None:
    body = "".join(shown("rId9", alt="同一张图") for _ in range(500))
    data = word(body, relationships=relationship("rId9", "image", "media/a.png"), more={"word/media/a.png": picture()})
    found = read_document("a.docx", data)
    assert len(found.pictures) == 1
    assert found.html.count("<img") == 500


def test_pictures_written_in_the_text_are_taken_out() -> None:
    written = "data:image/png;base64," + base64.b64encode(picture()).decode()
    for text in (
        f"# T\n\n![一张图]({written})\n",
        f'<html><body><h1>T</h1><img alt="一张图" src="{written}"></body></html>',
    ):
        found = read_document("a", text.encode())
        assert len(found.pictures) == 1
        assert "data:" not in found.html


def test_pictures_beside_a_work_are_found_by_their_names() -> None:
    ours = check_picture(picture())
    text = "# T\n\n![地图](pics/Map%201.png?x=1) ![没有](gone.png) ![外面](https://example.org/a.png)"
    found = read_document("a.md", text.encode(), beside={"map 1.png": ours})
    assert found.pictures == (ours,)
    assert found.html.count("<img") == 1
    assert warnings(found) == {UploadWarning.MISSING_PICTURE, UploadWarning.EXTERNAL_PICTURE}


def test_links_to_files_of_the_writer_s_own_machine_are_dropped() -> None:
    found = read_document("a.md", b"# T\n\n[a](b.html) [c](file:///C:/x) [d](https://example.org/) [e](/contents/f)")
    assert found.html.count("<a ") == 2
    assert UploadWarning.DROPPED_LINK in warnings(found)


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("<m:oMath xmlns:m='m'><m:r><m:t>x</m:t></m:r></m:oMath>", UploadWarning.FORMULA),
        ("<w:r><w:object/></w:r>", UploadWarning.OBJECT),
        ("<w:ins><w:r><w:t>新</w:t></w:r></w:ins>", UploadWarning.TRACKED_CHANGES),
    ],
)
def test_what_does_not_come_along_is_told(body: str, warning: UploadWarning) -> None:
    found = read_document("a.docx", word(f"<w:p><w:r><w:t>文</w:t></w:r>{body}</w:p>"))
    assert warning in warnings(found)


@pytest.mark.parametrize(
    "data", [b"", b" \n\t", b"\xef\xbb\xbf \n", b"<html><body></body></html>", b"<!-- a -->", word("")]
)
def test_what_has_nothing_to_read_is_refused(data: bytes) -> None:
    with pytest.raises(UploadRefused) as caught:
        read_document("a", data)
    assert caught.value.problem is UploadProblem.EMPTY


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\文章.docx", "文章.docx"),
        ("a\x00.docx", "a.docx"),
        ("a\r\nSet-Cookie: b.md", "aSet-Cookie: b.md"),
        ("photo_\u202egpj.exe", "photo_gpj.exe"),
        ("\u200b\u2066x\u2069.md", "x.md"),
        ("", NAMELESS),
        ("..//", NAMELESS),
        ("\ud800", NAMELESS),
        ("长" * 5000, "长" * 200),
    ],
)
def test_names_are_text_and_no_paths(name: str, text: str) -> None:
    assert shown_name(name) == text


def test_a_title_is_a_name_without_its_ending() -> None:
    assert [title_of(name) for name in ("a/大熊猫.docx", "b.HTML", ".md", "v1.2 版")] == [
        "大熊猫",
        "b",
        NAMELESS,
        "v1.2 版",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("字" * 200_001, UploadProblem.TOO_LARGE),
        ("<p>" + "字" * 1_000_000 + "</p>", UploadProblem.TOO_LARGE),
        ("<p>a</p>" * 15_001, UploadProblem.TOO_COMPLEX),
        ("x" * (20 * 1024 * 1024 + 1), UploadProblem.TOO_LARGE),
    ],
)
def test_nothing_is_cut_in_silence(text: str, problem: UploadProblem) -> None:
    with pytest.raises(UploadRefused) as caught:
        read_document("a", text.encode())
    assert caught.value.problem is problem
