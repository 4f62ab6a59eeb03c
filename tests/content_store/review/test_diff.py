"""What differs between two texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.review.diff import Piece, compare, size

TEXT = st.text(st.sampled_from("一二三。\nab"), max_size=80)


@given(TEXT, TEXT, st.sampled_from([0, 50, 300_000]))
def test_the_pieces_make_up_both_texts_however_little_work_is_allowed(old: str, new: str, work: int) -> None:
    pieces = compare(old, new, work=work)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == new
    assert all(piece.text for piece in pieces)
    assert (size(pieces) == 0) == (old == new)


def test_characters_that_changed_within_a_sentence_are_told_alone() -> None:
    old = "第一段。\n大熊猫一天吃十二个小时。它睡得很多。\n最后一段。"
    new = "第一段。\n大熊猫一天吃十四个小时。它睡得很多。\n最后一段。\n又一段。"
    assert compare(old, new) == [
        Piece("same", "第一段。\n大熊猫一天吃十"),
        Piece("removed", "二"),
        Piece("added", "四"),
        Piece("same", "个小时。它睡得很多。\n最后一段。"),
        Piece("added", "\n又一段。"),
    ]
    assert compare(None, "新") == [Piece("added", "新")]
    assert compare("同", "同") == [Piece("same", "同")]
    assert compare(None, None) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x" + "一" * 30_000 + "y", "z" + "一" * 29_999 + "w"),
        ("x" + "ab" * 20_000, "ba" * 20_000 + "z"),
        ("\n".join("ab" * 5_000), "\n".join("ba" * 5_000) + "c"),
        (
            "".join(chr(0x4E00 + n % 9_000) for n in range(20_000)),
            "".join(chr(0x4E00 + n * 7 % 9_000) for n in range(20_000)),
        ),
    ],
    ids=["one sign", "two signs", "lines", "shuffled"],
)
def test_texts_made_to_be_slow_are_told_coarsely_and_soon(old: str, new: str) -> None:
    started = time.perf_counter()
    pieces = compare(old, new)
    assert time.perf_counter() - started < 2
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == old
