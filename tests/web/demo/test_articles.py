"""The articles of the demo: complete, of the right length, each in its own words, and read strictly."""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import contents
from content_store.db import Database
from content_store.errors import BadRecord
from content_store.vocabulary import COUNTIES, Prefecture, Topic
from web.demo.articles import HOUR_MS, DemoArticle, demo_articles, parse, read_articles

ARTICLES = demo_articles()
BY_ID = [pytest.param(article, id=article.id) for article in ARTICLES]
RUN = 12
NAMES = ("中国空气动力研究与发展中心", "中国近五千年来气候变迁的初步研究")
"""Names that two articles may share although they are as long."""

WORN = re.compile(
    "不是[^。！？]*而是|总之|综上|让我们|众所周知|你知道吗|您知道吗|值得一提|随着[^。]*的(?:不断)?发展|——"
)
"""Turns of phrase that an editor strikes out."""

GOOD = """---
id: some-thing
title: 标题
summary: 摘要
topic: astro_geo
tags: 甲、乙、丙
place: 510821
author: 某人（演示笔名）
source: 天府科普演示稿
age: 2d 5h
---
正文第一段。

正文第二段。
"""


def characters(text: str) -> str:
    """The Chinese characters of ``text``, in their order and without anything between them."""
    return "".join(re.findall("[\u4e00-\u9fff]", text))


def shared_runs(texts: dict[str, str], length: int, names: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """The runs of ``length`` Chinese characters that several ``texts`` have, outside ``names``, and which have them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, text in texts.items():
        for known in names:
            text = text.replace(known, f"<{name}>")
        for part in text.split(f"<{name}>"):
            run = characters(part)
            for start in range(len(run) - length + 1):
                found[run[start : start + length]].add(name)
    return {run: having for run, having in found.items() if len(having) > 1}


def test_there_are_forty_with_ids_and_titles_of_their_own() -> None:
    assert len(ARTICLES) == len({article.id for article in ARTICLES}) == len({article.title for article in ARTICLES})
    assert len(ARTICLES) == 40


def test_every_topic_has_two_or_more() -> None:
    count = Counter(article.topic for article in ARTICLES)
    assert {topic: count[topic] for topic in Topic if count[topic] < 2} == {}


def test_many_belong_to_a_place_and_most_prefectures_have_one() -> None:
    places = [article.place for article in ARTICLES if article.place is not None]
    assert set(places) <= {*Prefecture, *COUNTIES}
    assert len(places) >= 12
    assert len({place[:4] for place in places}) >= 14
    assert "510821" in places


@pytest.mark.parametrize("article", BY_ID)
def test_an_article_has_its_length_and_its_parts(article: DemoArticle) -> None:
    assert 300 <= len(characters(article.body)) <= 600
    assert 40 <= len(article.summary) <= 80
    assert len(article.title) <= 25
    assert 3 <= len(article.tags) <= 6
    assert article.age_ms >= HOUR_MS


@pytest.mark.parametrize("article", BY_ID)
def test_an_article_says_that_it_is_of_the_demo(article: DemoArticle) -> None:
    assert article.author.endswith("（演示笔名）")
    assert article.source == "天府科普演示稿"


@pytest.mark.parametrize("article", BY_ID)
def test_an_article_is_printed_as_chinese_is_printed(article: DemoArticle) -> None:
    text = f"{article.title}\n{article.summary}\n{article.body}"
    assert re.findall(r"""[\u4e00-\u9fff][,;:?!()"'.]|[,;:?!()"'][\u4e00-\u9fff]""", text) == []
    assert text.count("“") == text.count("”") and text.count("（") == text.count("）")
    assert WORN.findall(text) == []
    assert "  " not in text and "\n\n\n" not in text and text == text.strip()


def test_there_are_about_ten_pen_names_and_none_writes_all() -> None:
    count = Counter(article.author for article in ARTICLES)
    assert 9 <= len(count) <= 14
    assert max(count.values()) <= 7


def test_no_two_share_a_run_of_twelve_characters_beyond_names() -> None:
    texts = {article.id: f"{article.title}\n{article.summary}\n{article.body}" for article in ARTICLES}
    assert shared_runs(texts, RUN, NAMES) == {}


def test_a_shared_run_is_seen_across_punctuation_and_a_name_is_let_pass() -> None:
    texts = {
        "a": "开头，西昌卫星发射中心在山里。一二三四五六。",
        "b": "西昌卫星发射中心很忙。又一二三，四五六！",
        "c": "无关",
    }
    assert shared_runs(texts, 6) == {
        "一二三四五六": {"a", "b"},
        "西昌卫星发射": {"a", "b"},
        "昌卫星发射中": {"a", "b"},
        "卫星发射中心": {"a", "b"},
    }
    assert shared_runs(texts, 6, ("西昌卫星发射中心",)) == {"一二三四五六": {"a", "b"}}


def test_some_are_fresh_some_are_weeks_old() -> None:
    ages = sorted(article.age_ms / HOUR_MS / 24 for article in ARTICLES)
    assert ages[0] < 2
    assert sum(age <= 21 for age in ages) >= 15
    assert sum(age > 21 for age in ages) >= 15
    assert len(set(ages)) == len(ages)


def test_they_can_be_stored_as_they_are(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        rows = [contents.check(article.row(fixed_clock)) for article in ARTICLES]
        assert contents.merge(connection, rows).created == 40
        stored = {content.id: content for content in contents.live(connection)}
    for article in ARTICLES:
        content = stored[article.id]
        assert (content.title, content.body, content.tags) == (article.title, article.body, article.tags)
        assert (content.topic, content.place, content.author) == (article.topic, article.place, article.author)
        assert content.published_at == fixed_clock - article.age_ms


def test_they_are_part_of_what_is_installed() -> None:
    root = Path(__file__).resolve().parents[3]
    data = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    listed = {path.name for pattern in data["web.demo"] for path in (root / "web/demo").glob(pattern)}
    assert sorted(listed) == sorted(path.name for path in (root / "web/demo/articles").iterdir())


def test_a_file_becomes_an_article() -> None:
    article = parse(GOOD, "01-some-thing.md")
    assert article == DemoArticle(
        id="some-thing",
        title="标题",
        summary="摘要",
        topic=Topic.ASTRO_GEO,
        tags=("甲", "乙", "丙"),
        place="510821",
        author="某人（演示笔名）",
        source="天府科普演示稿",
        age_ms=53 * HOUR_MS,
        body="正文第一段。\n\n正文第二段。",
    )
    assert parse(GOOD.replace("place: 510821\n", ""), "x.md") == replace(article, place=None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (GOOD, "", "no front matter"),
        ("---\nid", "id", "no front matter"),
        ("---\n正文", "正文", "no front matter"),
        ("title: 标题", "title 标题", "line 3"),
        ("title: 标题", "title:标题", "line 3"),
        ("title: 标题", "", "line 3"),
        ("title: 标题", "title:  标题", "spaces around"),
        ("title: 标题", "title: ", "blank"),
        ("title: 标题", "title: 标题\nmood: 好", "mood"),
        ("title: 标题", "title: 标题\ntitle: 标题", "again"),
        ("title: 标题\n", "", "title missing"),
        ("some-thing", "Some thing", "no id"),
        ("some-thing", "some--thing", "no id"),
        ("astro_geo", "天文地理", "no topic"),
        ("甲、乙、丙", "甲、、丙", "tags"),
        ("甲、乙、丙", "甲、乙、甲", "tags"),
        ("甲、乙、丙", "甲、 乙", "tags"),
        ("510821", "110000", "no place"),
        ("510821", "旺苍", "no place"),
        ("2d 5h", "2 days", "age"),
        ("2d 5h", "2d 24h", "age"),
        ("2d 5h", "0d 0h", "age"),
        ("2d 5h", "-2d 5h", "age"),
        ("正文第一段。\n\n正文第二段。", " ", "no text"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused_with_its_name(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadRecord, match=said) as refused:
        parse(GOOD.replace(old, new, 1), "07-some-thing.md")
    assert refused.value.message.startswith("07-some-thing.md: ")
    assert refused.value.hint


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "02-some-thing.md").write_text(GOOD, "utf-8")
    (tmp_path / "01-before.md").write_text(GOOD.replace("some-thing", "before"), "utf-8")
    (tmp_path / "notes.txt").write_text("no article", "utf-8")
    assert [article.id for article in read_articles(tmp_path)] == ["before", "some-thing"]


def test_a_file_under_another_name_and_an_id_given_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "01-some-thing.md").write_text(GOOD, "utf-8")
    (tmp_path / "02-some-thing.md").write_text(GOOD, "utf-8")
    with pytest.raises(BadRecord, match="same id"):
        read_articles(tmp_path)
    (tmp_path / "02-some-thing.md").rename(tmp_path / "02-thing.md")
    with pytest.raises(BadRecord, match="another name"):
        read_articles(tmp_path)


@given(st.text(alphabet="-\n: adeghimnoprstuy甲、0123456789", max_size=120))
def test_any_other_text_is_refused_and_never_breaks_the_reader(text: str) -> None:
    with pytest.raises(BadRecord):
        parse(text, "x.md")


@given(cut=st.integers(0, len(GOOD) - 1), put=st.text(max_size=3))
def test_a_damaged_file_is_refused_or_read_to_its_end(cut: int, put: str) -> None:
    try:
        article = parse(GOOD[:cut] + put + GOOD[cut:], "x.md")
    except BadRecord:
        return
    assert article.id and article.title and article.body and article.age_ms > 0
