"""Bodies of every kind leave the same words, by which works are compared."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from content_store.ingest import as_text
from content_store.ingest.as_markdown import markdown_of
from content_store.ingest.as_text import text_of
from content_store.ingest.sanitising import clean_html, plain_text
from content_store.ingest.traces import trace

HTML = """<h2>为什么改吃竹子</h2><p>因为竹子<b>到处</b>都有，见<a href="https://example.org/panda2">《熊猫》</a>。</p>
<ol><li>先吃笋</li><li>再吃叶 &amp; 竿</li></ol>
<table><tr><th>种</th><th>年</th></tr><tr><td>箭竹</td><td>60</td></tr></table>
<p>1. 不是列表</p><pre>x = 1</pre>"""
WORDS = ("竹子", "ab", "12", " ", "\n")
PIECES = (*WORDS, "1. ", "2) ", "- ", "> ", "# ", "*", "_", "`", "```", "~~~", "[a](b9)", "&amp;", "\\")


@pytest.mark.parametrize("body", [markdown_of(clean_html(HTML)), HTML, clean_html(HTML)])
def test_html_and_the_markdown_made_from_it_leave_the_same_words(body: str) -> None:
    assert trace(text_of(body)) == trace(plain_text(HTML))


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("```python\nx\n```")
@example("- 1. a")
def test_what_has_no_marks_need_not_be_read_as_markdown(body: str) -> None:
    read = plain_text(as_text._READER.render(body))
    assert trace(text_of(body)) == trace(read)


def test_what_would_take_long_is_taken_as_it_stands() -> None:
    assert trace(text_of("[" * 30_000 + "竹子")) == trace("竹子")
