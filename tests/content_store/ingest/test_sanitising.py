"""Nothing that runs gets through, nothing that a reader needs gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.ingest.sanitising import LONGEST, clean_html, first_picture, html_of_text, plain_text
from tests.support.harmful import harmful
from tests.support.vectors import PIECES, VECTORS

BASE = "https://a.example/blog/post.html"


@pytest.mark.parametrize("vector", VECTORS)
def test_a_known_attack_comes_to_nothing(vector: str) -> None:
    cleaned = clean_html(vector, BASE)
    assert harmful(cleaned) == []
    assert clean_html(cleaned) == cleaned


def test_the_judge_sees_what_runs() -> None:
    assert all(
        harmful(bad)
        for bad in ("<script>x</script>", "<a href='javascript:x'>y</a>", "<b onclick=x>y</b>", "<svg></svg>")
    )
    assert harmful('<p><a href="https://a.example" rel="nofollow">a</a><img src="/b.png" alt=""></p>') == []


_HTML = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=40).map("".join)


@settings(max_examples=300)
@given(_HTML)
def test_no_mixture_of_pieces_runs_and_cleaning_twice_is_cleaning_once(html: str) -> None:
    cleaned = clean_html(html, BASE)
    assert harmful(cleaned) == []
    assert clean_html(cleaned) == cleaned


@settings(max_examples=100)
@given(st.sampled_from(VECTORS), st.sampled_from(VECTORS), st.integers(0, 60), st.sampled_from(PIECES))
def test_attacks_put_into_one_another_come_to_nothing(outer: str, inner: str, at: int, piece: str) -> None:
    assert harmful(clean_html(outer[:at] + piece + inner + outer[at:], BASE)) == []


@given(st.text(max_size=200))
def test_plain_text_survives_as_it_was_written(text: str) -> None:
    shown = plain_text(html_of_text(text))
    assert "".join(shown.split()) == "".join(plain_text(html_of_text(shown)).split())
    assert harmful(html_of_text(text)) == []


@given(_HTML)
def test_plain_text_of_cleaned_html_has_no_tag_of_its_own(html: str) -> None:
    assert harmful(clean_html(html_of_text(plain_text(html)))) == []


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<h2>标题</h2><p>正文<strong>重点</strong>。</p>", "<h2>标题</h2><p>正文<strong>重点</strong>。</p>"),
        ("<p>一<p>二", "<p>一</p><p>二</p>"),
        ("<ul><li>一<li>二</ul>", "<ul><li>一</li><li>二</li></ul>"),
        (
            "<table><tr><td>甲<td colspan=2 style='x'>乙</table>",
            '<table><tbody><tr><td>甲</td><td colspan="2">乙</td></tr></tbody></table>',
        ),
        ("<div class=x id=y><p onclick=z>文</p></div>", "<div><p>文</p></div>"),
        ("<article><header>头</header>文</article>", "<div><div>头</div>文</div>"),
        ("<font color=red>红</font>字", "红字"),
        ("<p></p><p> </p><p>文</p>", "<p>文</p>"),
        ("前<iframe src=//x>里</iframe>后", "前后"),
        ("前<iframe src=//x>后", "前后"),
        ("前<iframe src=//x />后", "前后"),
        ("前<script>x", "前"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<ruby>漢<rt>hàn</rt></ruby>", "<ruby>漢<rt>hàn</rt></ruby>"),
        ("<blockquote cite='javascript:x'>引</blockquote>", "<blockquote>引</blockquote>"),
    ],
)
def test_what_an_article_needs_is_kept_in_order(html: str, cleaned: str) -> None:
    assert clean_html(html, BASE) == cleaned


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/a.html", "https://a.example/a.html"),
        ("b.html", "https://a.example/blog/b.html"),
        ("//c.example/x", "https://c.example/x"),
        ("HTTP://d.example/", "http://d.example/"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("java\tscript:x", ""),
        ("ftp://x.example/", ""),
        ("#part", ""),
    ],
)
def test_links_become_absolute_or_plain_text(address: str, kept: str) -> None:
    cleaned = clean_html(f'<a href="{address}" target=_blank>文</a>', BASE)
    assert cleaned == (f'<a href="{kept}" rel="noopener nofollow ugc">文</a>' if kept else "文")


def test_pictures_keep_their_words_and_lose_what_counts_readers() -> None:
    html = (
        '<img src="/a.png" alt="竹子" width=300 onload=x><img data-src="b.jpg" src="data:image/gif;base64,AA">'
        '<img src="https://count.example/1.gif" width=1 height=1><img src="x.png" style="display: none"><img alt="空">'
    )
    assert clean_html(html, BASE) == (
        '<img alt="竹子" src="https://a.example/a.png" width="300"><img src="https://a.example/blog/b.jpg">'
    )
    assert first_picture(clean_html(html, BASE)) == "https://a.example/a.png"


@pytest.mark.parametrize(
    "tag", ["b", "div", "p", "a href=http://x.example", "table><tr><td", "ul><li", "svg", "iframe", "!--", "x"]
)
def test_any_depth_comes_back_and_is_shown(tag: str) -> None:
    cleaned = clean_html(f"<p>开头</p>{f'<{tag}>' * 5000}结尾", BASE)
    assert cleaned.startswith("<p>开头</p>")
    assert harmful(cleaned) == []


def test_text_beyond_the_limit_is_cut() -> None:
    assert len(clean_html("文" * (LONGEST + 5))) == LONGEST


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>题</h1><p>一<br>二</p><p>三</p>", "题\n\n一\n二\n\n三"),
        ("<ul><li>一</li><li>二</li></ul>", "一\n\n二"),
        ("<td>甲</td><td>乙</td>", "甲 乙"),
        ("a&nbsp;&amp;&lt;b&gt; &#20013;&#x6587;", "a &<b> 中文"),
        ("<style>p{}</style>文<!-- 注 --><script>x</script>", "文"),
        ("a  \n b", "a b"),
    ],
)
def test_plain_text_reads_as_the_page_does(html: str, text: str) -> None:
    assert plain_text(html) == text
