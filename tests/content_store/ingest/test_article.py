"""The article is found in its page, whole and in order."""

from __future__ import annotations

import pytest

from content_store.ingest.parsed import ParsedItem
from content_store.ingest.teasers import is_teaser, reading_minutes
from tests.support.harmful import harmful

article = pytest.importorskip(
    "content_store.ingest.article", reason="trafilatura is not installed (extra ingest)", exc_type=ImportError
)

URL = "https://kp.example/news/2024/1.html?utm_source=feed"
FIRST = "大熊猫属于食肉目，可它们一天要吃掉十几千克竹子，这让许多来到基地的孩子感到好奇。" * 3
SECOND = "它们的臼齿宽大，适合研磨粗纤维的植物，研究表明这一变化大约发生在两百万年以前。" * 3
PAGE = f"""<!doctype html><html lang="zh"><head><title>熊猫为什么吃竹子 - 科普网</title>
<meta property="og:title" content="熊猫为什么吃竹子"><meta property="og:image" content="/lead.jpg">
<meta name="author" content="张三"><meta property="article:published_time" content="2024-05-01T12:00:00+08:00">
<link rel="canonical" href="/news/1.html"></head><body><nav><a href="/">首页</a> <a href="/b">新闻</a></nav>
<div class="article"><h1>熊猫为什么吃竹子</h1><p>{FIRST}</p><p><img data-src="/pic/1.png" alt="竹子"></p><h2>牙齿</h2>
<p>{SECOND}<script>alert(1)</script></p><ul><li>要点一</li><li>要点二</li></ul>
<div class="share"><a href="/s">分享到微博</a></div></div>
<div class="related"><h3>相关阅读</h3>
<ul><li><a href="/1">水稻的一生</a></li><li><a href="/2">地震来了怎么办</a></li></ul></div>
<footer>版权所有 蜀ICP备</footer></body></html>"""


def test_headings_lists_and_pictures_stay_in_their_places() -> None:
    found = article.main_text(PAGE, URL)
    order = [
        found.html.index(part) for part in (FIRST[:20], "/pic/1.png", "<h2>牙齿</h2>", SECOND[:20], "<li>要点一</li>")
    ]
    assert order == sorted(order)
    assert 'src="https://kp.example/pic/1.png"' in found.html
    assert harmful(found.html) == []


def test_what_stands_around_the_article_is_left_out() -> None:
    html = article.main_text(PAGE, URL).html
    assert not [word for word in ("首页", "分享到", "相关阅读", "水稻", "版权", "<h1>") if word in html]


def test_the_head_of_the_page_is_believed() -> None:
    found = article.main_text(PAGE, URL)
    assert (found.title, found.author, found.published) == ("熊猫为什么吃竹子", "张三", 1_714_536_000_000)
    assert (found.lead_picture, found.canonical_url) == (
        "https://kp.example/lead.jpg",
        "https://kp.example/news/1.html",
    )


def test_lines_parted_by_breaks_are_an_article_too() -> None:
    page = f"<html><body><div><a href=/>首页</a></div><div id=js_content>{FIRST}<br><br>{SECOND}</div></body></html>"
    html = article.main_text(page, URL).html
    assert FIRST in html
    assert SECOND in html


@pytest.mark.parametrize(
    "page", ["", "<html></html>", "<p>短", "\0", "<" * 1000, "<div>" * 20_000 + "x", "<script>" * 1000, "<!--" * 1000]
)
def test_a_page_without_an_article_gives_none(page: str) -> None:
    found = article.main_text(page, URL)
    assert found.html == ""
    assert found.canonical_url == "https://kp.example/news/2024/1.html"


@pytest.mark.parametrize(
    ("html", "teaser"),
    [
        ("<p>摘要</p>", True),
        (f"<p>{FIRST * 3}</p>", False),
        (f"<p>{FIRST * 3}……</p>", True),
        (f"<p>{FIRST * 3}</p><p><a href='https://kp.example'>阅读全文 »</a></p>", True),
        (f"<p>{FIRST * 3} [&#8230;]</p>", True),
        (f"<p>{'word ' * 300}... Read more</p>", True),
        (f"<p>{FIRST * 3}</p><p>The post X appeared first on Y.</p>", False),
        ("", True),
    ],
)
def test_a_teaser_is_short_or_says_that_there_is_more(html: str, teaser: bool) -> None:
    assert is_teaser(ParsedItem(guid="1", html=html)) is teaser


@pytest.mark.parametrize(("text", "minutes"), [("", 1), ("字" * 500, 1), ("字" * 501, 2), ("字" * 5000, 10)])
def test_reading_takes_the_pace_of_the_rule_in_force(text: str, minutes: int) -> None:
    assert reading_minutes(text) == minutes
