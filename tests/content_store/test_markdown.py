"""What a body says and shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.markdown import Shown, missing_alt, pictures, plain_text, with_alt
from content_store.uploads.addresses import address

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("没有记号的一句话。", "没有记号的一句话。"),
        ("# 题\n\n甲**乙**[丙](https://example.org/x)\n丁", "题\n\n甲乙丙\n丁"),
        ("1 \\< 2 &lt; 3，`a*b`", "1 < 2 < 3，a*b"),
        (f"![竹林]({address(A)})\n\n- 一\n- 二", "竹林\n\n一\n\n二"),
        ("| 甲 | 乙 |\n|---|---|\n| 丙 | 丁 |", "甲\n\n乙\n\n丙\n\n丁"),
        ("```\nx = 1\n```", "x = 1"),
    ],
)
def test_a_body_says_its_words_and_no_signs(body: str, said: str) -> None:
    assert plain_text(body) == said


def test_pictures_of_ours_are_counted_as_readers_see_them() -> None:
    body = (
        f"![]({address(A)}) ![外](https://example.org/a.png)\n\n> ![IMG_1.jpg]({address(B)}/320)\n\n`![]({address(A)})`"
    )
    assert pictures(body) == [Shown(1, A, ""), Shown(2, B, "IMG_1.jpg")]
    assert missing_alt(body) == pictures(body)
    assert missing_alt(f"![竹林]({address(A)})") == missing_alt(None) == []


def test_what_is_told_of_a_picture_goes_where_nothing_was_told() -> None:
    body = f"甲 ![]({address(A)}) 乙 ![IMG_1.jpg]({address(B)}/320) ![竹林]({address(A)})"
    told = with_alt(body, {A: "一只[熊]\n在*吃*", B: "  "})
    assert (
        told == f"甲 ![一只\\[熊\\] 在\\*吃\\*]({address(A)}) 乙 ![IMG_1.jpg]({address(B)}/320) ![竹林]({address(A)})"
    )
    assert [picture.alt for picture in pictures(told)] == ["一只[熊] 在*吃*", "IMG_1.jpg", "竹林"]


@given(st.text(max_size=200), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_whatever_is_told_is_told_as_it_was_typed(before: str, alt: str) -> None:
    body = f"{address(A)}\n\n![]({address(A)})"
    told = with_alt(body, {A: alt})
    assert [picture.alt for picture in pictures(told)] == [" ".join(alt.split()) if alt.strip() else ""]
    plain_text(before)
    assert with_alt(before, {}) == before
