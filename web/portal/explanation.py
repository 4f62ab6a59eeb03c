"""推荐是怎么来的: how the feed is made, told from the numbers that make it.

The page names no number of its own: weights, rules and shares are read from the modules that serve, and what a learnt
ranker goes by from the trees in service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from flask import render_template

from content_store.vocabulary import NEVER_INFERRED
from recsys import diversity, exploration, reasons
from recsys.models.popular import HALF_LIVES
from recsys.ranking import BLEND, UNWELCOME_AUTHOR, UNWELCOME_MOST, UNWELCOME_TOPIC
from web import auth
from web.api import me
from web.portal.page import Page
from web.services import current

_FAMILIES: dict[str, tuple[str, ...]] = {
    "最近大家读得多的": ("share_", "rank_", "momentum_", "mass_"),
    "读过同样文章的人接着读的": ("after", "next", "around", "rank_after", "rank_around"),
    "和你读法相近的人在读的": ("alike", "rank_alike"),
    "你所在地区在读的": ("here_",),
    "同类设备上在读的": ("device_",),
    "同一时刻来访的人在读的": ("point_", "rank_point"),
    "你上次来过之后的变化": ("since_visit", "passed", "grown_since", "born_since_visit"),
    "长期阅读规律（协同过滤）": ("als", "item_item", "rank_als", "rank_item_item"),
    "文章内容相近": ("content", "rank_content"),
    "文章本身的新旧、篇幅和读者数": ("readers", "age", "unread_for", "created", "words", "engaged"),
    "主题和作者": ("topic_", "author_taste"),
    "来访的时间和阅读习惯": ("gap", "hour", "weekday", "history", "visit", "day", "pace", "usual_"),
}
"""What a column of the ranker's table speaks of, by how its name begins; the longest beginning decides."""


class Weight(NamedTuple):
    """A part of the order, as a share of all of them (0 to 1)."""

    name: str
    share: float


def show_explanation() -> str:
    """The page."""
    recommender = current().recommender
    with recommender.follower.lock:
        ranker, version = recommender.models.ranker, recommender.models.version
    parts = BLEND if ranker is None else ranker.importance()
    auth.need_citizen()
    return render_template(
        "portal/explanation.html",
        weights=by_family(parts),
        learnt=ranker is not None,
        version=version,
        half_lives=[duration(hours) for hours in HALF_LIVES.values()],
        diversity=diversity,
        exploration=exploration,
        reasons=reasons,
        unwelcome=(UNWELCOME_TOPIC, UNWELCOME_AUTHOR, UNWELCOME_MOST),
        fresh_days=round(reasons.FRESH_HOURS / 24),
        private=sorted(NEVER_INFERRED),
        me=me.show(current()),
    )


def by_family(parts: Mapping[str, float]) -> list[Weight]:
    """The weights of single columns, added up by what they speak of, the largest first; without those of no weight."""
    sums: defaultdict[str, float] = defaultdict(float)
    for column, weight in parts.items():
        sums[family(column)] += weight
    total = sum(sums.values()) or 1.0
    ordered = sorted(sums.items(), key=lambda entry: -entry[1])
    return [Weight(name, weight / total) for name, weight in ordered if weight > 0]


def family(column: str) -> str:
    """What a column of the ranker's table speaks of. Raises KeyError for one that the page does not know."""
    found = [(len(start), name) for name, starts in _FAMILIES.items() for start in starts if column.startswith(start)]
    if not found:
        raise KeyError(column)
    return max(found)[1]


def duration(hours: float) -> str:
    """A span of time in Chinese."""
    if hours < 1:
        return f"{round(hours * 60)} 分钟"
    return f"{hours:g} 小时" if hours < 24 else f"{hours / 24:g} 天"


PAGES = (Page("GET", "/how", show_explanation),)
