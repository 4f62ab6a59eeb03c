"""Traces and prints: what they do not see, what they promise, and that they stay as they are stored."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.ingest import traces
from content_store.ingest.traditional import SIMPLIFIED
from tests.support import copies

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF), min_size=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("疫苗可以保护我们。", "疫苗可以保护我们"),
        ("疫苗，可以保护我们！", " 疫 苗 可以保护\n我们 "),
        ("ＣＯ２浓度为４２１", "co2浓度为421"),
        ("臺灣的颱風與氣象學", "台湾的台风与气象学"),
        ("發現頭髮裡的麵粉", "发现头发里的面粉"),
        ("ｶﾞラス", "ガラス"),
        ("第①章 ㎏", "第1章 kg"),
    ],
)
def test_width_case_marks_spaces_and_traditional_characters_leave_no_trace(one: str, other: str) -> None:
    assert traces.trace(one) == traces.trace(other) != b""


@pytest.mark.parametrize(("one", "other"), [("12 只", "15 只"), ("abc", "acb"), ("猫狗", "狗猫"), ("1 2", "12")])
def test_other_words_leave_another_trace(one: str, other: str) -> None:
    assert traces.trace(one) != traces.trace(other)


@settings(max_examples=60)
@given(st.text())
def test_any_text_has_a_trace_of_at_most_a_byte_a_character(text: str) -> None:
    trace = traces.trace(text)
    assert len(trace) <= max(4 * len(text), 0)
    assert trace == traces.trace(text + " \n，。")
    assert all(0 <= number < 1 << 48 for number in traces.prints(trace))


@given(CHINESE, CHINESE)
def test_a_trace_of_chinese_is_that_of_its_parts_one_after_the_other(one: str, other: str) -> None:
    assert traces.trace(one + other) == traces.trace(one) + traces.trace(other)


@given(st.lists(st.sampled_from(sorted(SIMPLIFIED)), min_size=1))
def test_traditional_and_simplified_are_the_same_character_by_character(letters: list[str]) -> None:
    assert traces.trace("".join(letters)) == traces.trace("".join(SIMPLIFIED[letter] for letter in letters))


@given(st.binary(min_size=1, max_size=400), st.binary(max_size=400), st.binary(max_size=400))
def test_texts_of_one_window_that_share_a_window_share_a_print(shared: bytes, before: bytes, after: bytes) -> None:
    one, other = shared + after, before + shared
    width = max(traces.window(len(one)), traces.window(len(other)))
    found = set(traces.prints(one)) & set(traces.prints(other))
    assert found or len(shared) < width + traces.PASSAGE - 1 or min(len(one), len(other)) < width + traces.PASSAGE


@given(st.binary(max_size=3_000))
def test_prints_are_few_and_do_not_depend_on_where_they_are_made(trace: bytes) -> None:
    found = traces.prints(trace)
    assert found == sorted(set(found)) == traces.prints(bytes(bytearray(trace)))
    assert len(found) <= max(0, len(trace) - traces.PASSAGE + 1)
    assert bool(found) == (len(trace) >= traces.PASSAGE)


def test_the_prints_of_long_texts_are_bounded() -> None:
    trace = random.Random(1).randbytes(traces.LONGEST)
    assert len(traces.prints(trace)) < 1_000


def test_a_text_that_is_too_long_leaves_the_trace_of_its_beginning() -> None:
    text = "".join(random.Random(1).choices("一二三四五六七八九十", k=traces.LONGEST + 500))
    assert traces.trace(text) == traces.trace(text[: traces.LONGEST])


_STORED = "import sys; from content_store.ingest import traces; print(traces.trace(sys.argv[1]).hex())"


def test_another_process_makes_the_same_of_a_text() -> None:
    text = copies.Writer(random.Random(2)).text(300)
    told = subprocess.run([sys.executable, "-c", _STORED, text], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == traces.trace(text).hex()


def test_what_is_stored_is_made_as_ever() -> None:
    """Where this fails, ``FORM`` must be counted up and what is stored made anew."""
    trace = traces.trace("第 12 届科普周：ＤＮＡ雙螺旋，1953年由沃森和克里克提出；它是生命的藍圖。")
    made = f"{trace.hex()} {traces.prints(trace)} {traces.whole(trace)} {traces.FORM}"
    assert hashlib.sha256(made.encode()).hexdigest()[:16] == "618c0e180f519b36"
