"""Sanitised HTML as Markdown: rendered again, it says the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from content_store.ingest.sanitising import clean_html, plain_text
from content_store.uploads.as_markdown import markdown_of

READER = MarkdownIt("commonmark", {"html": False}).enable("table")


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>甲</p><p>乙<br>丙</p>", "甲\n\n乙\\\n丙"),
        ("<h2>题</h2><p><strong>重</strong>与<em> 轻 </em></p>", "## 题\n\n**重**与 *轻*"),
        ("<ul><li>甲<ul><li>乙</li></ul></li><li>丙</li></ul>", "- 甲\n\n    - 乙\n\n- 丙"),
        ("<ol><li>甲</li><li>乙</li></ol>", "1. 甲\n\n2. 乙"),
        ("<blockquote><p>引</p></blockquote>", "> 引"),
        ('<p><a href="https://example.org/a">链</a></p>', "[链](https://example.org/a)"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        (
            "<table><tr><th>种</th><th>数</th></tr><tr><td>箭竹</td></tr></table>",
            "| 种 | 数 |\n| --- | --- |\n| 箭竹 |  |",
        ),
        (
            "<p># 不是题</p><p>1. 不是列</p><p>*星* [括] &lt;b&gt;</p>",
            "\\# 不是题\n\n1\\. 不是列\n\n\\*星\\* \\[括\\] \\<b\\>",
        ),
        ('<p><img src="/pictures/x" alt="竹子"></p>', "竹子"),
        ("", ""),
    ],
)
def test_each_kind_of_block_becomes_markdown(html: str, markdown: str) -> None:
    assert markdown_of(html) == markdown


@given(st.lists(st.text("竹子 a1.#->*_`[]()|\\~&<", min_size=1, max_size=20), max_size=6))
def test_words_of_paragraphs_are_shown_as_they_were(words: list[str]) -> None:
    escaped = (text.replace("&", "&amp;").replace("<", "&lt;") for text in words)
    html = clean_html("".join(f"<p>{text}</p>" for text in escaped))
    shown = READER.render(markdown_of(html))
    assert re.sub(r"\s", "", plain_text(shown)) == re.sub(r"\s", "", plain_text(html))
    assert set(re.findall(r"<(\w+)", shown)) <= {"p"}


@given(st.text("<>/pulob=\"' 甲", max_size=80))
def test_any_markup_becomes_some_text(html: str) -> None:
    assert isinstance(markdown_of(clean_html(html)), str)
