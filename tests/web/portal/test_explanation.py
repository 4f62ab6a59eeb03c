"""推荐是怎么来的: the page tells the numbers that serve."""

from __future__ import annotations

import math

import pytest

from recsys import diversity, exploration
from recsys.features.table import COLUMNS
from recsys.ranking import BLEND
from tests.web.portal.conftest import Browser
from web.portal.explanation import by_family, duration, family


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_the_ranker_belongs_to_a_family(column: str) -> None:
    assert family(column)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("share_30m", "最近大家读得多的"),
        ("rank_7d", "最近大家读得多的"),
        ("rank_after_1h", "读过同样文章的人接着读的"),
        ("rank_alike_1d", "和你读法相近的人在读的"),
        ("rank_als", "长期阅读规律（协同过滤）"),
        ("alike", "和你读法相近的人在读的"),
        ("als", "长期阅读规律（协同过滤）"),
        ("created", "文章本身的新旧、篇幅和读者数"),
        ("content", "文章内容相近"),
        ("topic_share", "主题和作者"),
        ("day", "来访的时间和阅读习惯"),
    ],
)
def test_a_column_belongs_where_its_meaning_is(column: str, told: str) -> None:
    assert family(column) == told


def test_shares_add_up_to_one_and_come_largest_first() -> None:
    weights = by_family(BLEND)
    assert math.isclose(sum(weight.share for weight in weights), 1)
    assert weights == sorted(weights, key=lambda weight: -weight.share)


def test_a_column_without_weight_is_not_told() -> None:
    assert [weight.name for weight in by_family({"als": 0.0, "content": 2.0})] == ["文章内容相近"]


@pytest.mark.parametrize(
    ("hours", "told"), [(1 / 30, "2 分钟"), (0.5, "30 分钟"), (2.4, "2.4 小时"), (24.0, "1 天"), (168.0, "7 天")]
)
def test_spans_of_time_are_told_in_chinese(hours: float, told: str) -> None:
    assert duration(hours) == told


def test_the_page_follows_the_numbers_in_service(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "同一主题最多 2 篇" in browser.see("/how")
    monkeypatch.setattr(diversity, "PER_TOPIC", 4)
    monkeypatch.setattr(exploration, "SHARE", 0.055)
    monkeypatch.setitem(BLEND, "content", 3.5)
    text = browser.see("/how")
    assert "同一主题最多 4 篇" in text
    assert "5.5%" in text
    share = 100 * 3.5 / sum(BLEND.values())
    assert f"{share:.1f}%" in text
    assert "文章内容相近" in text
