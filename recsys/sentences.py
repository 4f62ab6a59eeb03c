"""Reasons as citizens read them, in Chinese: one sentence for each code, the same on pages, in the API and in print."""

from __future__ import annotations

from collections.abc import Sequence

from content_store.vocabulary import Prefecture
from recsys.reasons import ReasonCode

_AUTONOMOUS = frozenset({Prefecture.ABA, Prefecture.GARZE, Prefecture.LIANGSHAN})
_ELSEWHERE = "你所在地区"

_SENTENCES = {
    ReasonCode.BECAUSE_READ: "因为你读过{named}（近来有 {count} 位读者两篇都读了）",
    ReasonCode.HOT_NEAR: "{place}近1小时热读（{count} 人）",
    ReasonCode.HOT_HOUR: "近1小时热读（{count} 人）",
    ReasonCode.HOT_DAY: "近24小时热读（{count} 人）",
    ReasonCode.FRESH: "新近发布",
    ReasonCode.USUAL_TOPIC: "你常看的主题",
    ReasonCode.NEW_TOPIC: "换换口味：近来没看过的主题",
    ReasonCode.EDITORS: "编辑推荐",
    ReasonCode.EXPLORED: "换换口味：随机推荐一篇",
    ReasonCode.CATALOGUE: "更多科普",
}
_FIXED = {code: text for code, text in _SENTENCES.items() if "{" not in text}


def sentence(code: ReasonCode, *, titles: Sequence[str] = (), count: int = 0, region: str | None = None) -> str:
    """What a citizen reads; ``titles`` of the contents that the reason names, ``region`` a prefecture's code.

    A region that is no prefecture of ours (imported logs have labels of their own) is told in general words.
    """
    if (fixed := _FIXED.get(code)) is not None:
        return fixed
    named = "、".join([f"《{title}》" for title in titles])
    where = place(region) if code is ReasonCode.HOT_NEAR else ""
    return _SENTENCES[code].format(named=named, count=count, place=where)


def place(region: str | None) -> str:
    """The full Chinese name of a prefecture by its code, 成都市 or 阿坝州; general words for any other label."""
    try:
        found = Prefecture(region or "")
    except ValueError:
        return _ELSEWHERE
    return f"{found.label}{'州' if found in _AUTONOMOUS else '市'}"
