"""Reasons in Chinese."""

from __future__ import annotations

import pytest

from content_store.vocabulary import Prefecture
from recsys.reasons import ReasonCode
from recsys.sentences import place, sentence


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_has_a_sentence_without_gaps(code: ReasonCode) -> None:
    told = sentence(code, titles=["茶"], count=7, region="510100")
    assert told
    assert not set("{}") & set(told)


def test_a_reason_names_what_was_read_and_how_many_read_both() -> None:
    told = sentence(ReasonCode.BECAUSE_READ, titles=["春旱来了"], count=4)
    assert told == "因为你读过《春旱来了》（近来有 4 位读者两篇都读了）"


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ("510100", "成都市近1小时热读（3 人）"),
        ("513200", "阿坝州近1小时热读（3 人）"),
        ("513300", "甘孜州近1小时热读（3 人）"),
        ("513400", "凉山州近1小时热读（3 人）"),
        ("SP", "你所在地区近1小时热读（3 人）"),
        (None, "你所在地区近1小时热读（3 人）"),
    ],
)
def test_what_is_read_nearby_names_the_prefecture(region: str | None, told: str) -> None:
    assert sentence(ReasonCode.HOT_NEAR, count=3, region=region) == told


@pytest.mark.parametrize("prefecture", Prefecture)
def test_three_prefectures_are_called_zhou_and_the_others_shi(prefecture: Prefecture) -> None:
    autonomous = prefecture.value.startswith("513")
    assert place(prefecture) == prefecture.label + ("州" if autonomous else "市")
