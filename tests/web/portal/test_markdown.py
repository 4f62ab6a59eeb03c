"""Texts of articles as HTML that can do no harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.portal.markdown import render


def test_the_forms_of_an_article_are_shown() -> None:
    html = render("# 一\n\n## 二\n\n**重**而*轻*\n\n- 甲\n\n> 引\n\n| 项 | 数 |\n|---|---|\n| 水 | 1 |\n")
    for told in ("<h2>一</h2>", "<h3>二</h3>", "<strong>重</strong>", "<em>轻</em>", "<li>甲</li>", "<td>水</td>"):
        assert told in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://tracker.example/p.gif)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>1</script>)",
        "<a href='javascript:alert(1)'>x</a>",
        "<iframe src='//evil.example'></iframe>",
        "<style>*{display:none}</style>",
        "<div style='position:fixed'>x</div>",
        "<svg/onload=alert(1)>",
    ],
)
def test_nothing_that_acts_gets_through(text: str) -> None:
    assert not re.search(r"<(?:script|img|iframe|style|div|svg)|href=\"(?:javascript|data)", render(text))


def test_a_link_leads_out_without_telling_from_where() -> None:
    html = render("[站](https://example.org/a)")
    assert 'href="https://example.org/a"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


PIECES = [*"<>\"'`[a", "](", ")", "javascript:", "script", "onload=", "&lt;", "&#60;", "\n", "\x00"]
ALLOWED = set(re.findall("[a-z0-9]+", "p br hr h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong a"))
ALLOWED |= {"table", "thead", "tbody", "tr", "th", "td"}


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_whatever_is_written_only_harmless_tags_come_out(text: str) -> None:
    html = render(text)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= ALLOWED
    assert set(re.findall(r"<[a-z0-9]+ ([a-z]+)=", html)) <= {"href", "title", "start"}
