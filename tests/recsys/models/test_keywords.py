"""Lists of words, and how they are counted in a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.errors import ModelError
from content_store.vocabulary import Topic
from recsys.models.keywords import Keywords, read, shipped

LISTS = {"a": {"大熊猫": 2.0, "熊猫": 1.0, "app": 1.0, "茶": 1.0}, "b": {"熊猫": 0.5, "地震": 2.0}}


def keywords() -> Keywords:
    return Keywords(LISTS, ["a", "b"])


def test_the_lists_of_the_programme_know_every_topic_by_many_words() -> None:
    lists = shipped()
    assert set(lists) == {topic.value for topic in Topic}
    assert min(len(listed) for listed in lists.values()) > 50


def test_the_longest_word_counts_where_words_stand_in_each_other() -> None:
    assert keywords().count("大熊猫吃竹子，熊猫爱睡觉") == {"大熊猫": 1, "熊猫": 1}


def test_a_latin_word_is_not_found_in_a_longer_one_and_letters_may_be_wide_or_large() -> None:
    assert keywords().count("apple 和 ＡＰＰ") == {"app": 1}


def test_a_word_of_one_character_counts_only_where_it_stands_alone() -> None:
    assert keywords().count("茶具店") == {}
    assert keywords().count("喝了一杯茶。") == {"茶": 1}


def test_weights_follow_the_lists() -> None:
    known = keywords()
    assert known.words == tuple(sorted({"大熊猫", "熊猫", "app", "茶", "地震"}))
    assert known.weights[1, known.words.index("熊猫")] == 0.5
    assert known.weights[1, known.words.index("茶")] == 0


@pytest.mark.parametrize(
    "text",
    ["1: 熊猫", "[a]\n熊猫", "[a]\n0: 熊猫", "[a]\n1: 熊猫 熊猫", "[a]\n1: 熊猫\n2: 熊猫", "[a]\n[a]", "[a]\n-1: 猫"],
)
def test_a_file_of_lists_that_is_not_one_is_refused_with_the_line(text: str) -> None:
    with pytest.raises(ModelError, match=r"^line \d"):
        read(text)


def test_a_file_of_lists_is_read_with_its_comments_left_out() -> None:
    assert read("# why\n[a]\n2: 熊猫 ＡＰＰ\n\n0.5: 猫\n[b]\n") == {"a": {"熊猫": 2, "app": 2, "猫": 0.5}, "b": {}}


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=30)), max_size=5))
def test_rows_are_shorter_than_one_whatever_the_text(texts: list[tuple[str, str]]) -> None:
    matrix = keywords().transform(texts, title=2, softness=0.5)
    assert matrix.shape == (len(texts), 5)
    assert np.all(np.asarray(matrix.multiply(matrix).sum(1)) < 1)


def test_a_word_in_the_title_weighs_more_and_many_words_more_than_one() -> None:
    titled, plain, often = (
        keywords().transform([("地震", ""), ("", "地震"), ("", "地震 地震 地震 地震")], title=2, softness=1).toarray()
    )
    assert titled.max() > plain.max()
    assert often.max() > plain.max()
