"""Words, pieces and weights of Chinese, English and mixed text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.text import LONGEST_WORD, TfIdf, normalise, phrases, pieces, words

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
"""Any code points, lone surrogates and unassigned ones too."""
MIXED = st.lists(st.sampled_from(["四川", "科普", "大熊猫", "quantum", "5G", "DNA", "，", " ", "é", "𠮷"])).map("".join)


def test_chinese_is_cut_into_search_words() -> None:
    assert words("四川省科学技术协会") == ["四川", "四川省", "科学", "技术", "科学技术", "协会"]


def test_mixed_text_keeps_the_order_of_both_scripts() -> None:
    assert words("用CRISPR技术编辑DNA！") == ["用", "crispr", "技术", "编辑", "dna"]


def test_full_width_letters_and_ligatures_are_the_plain_ones() -> None:
    assert words("ＧＰＳ ﬁsh ①") == ["gps", "fish", "1"]


def test_braces_that_protect_capitals_do_not_split_words() -> None:
    assert words("M{OPS}: an infrastructure for {{DNA}}") == ["mops", "an", "infrastructure", "for", "dna"]


@pytest.mark.parametrize(
    ("given", "stemmed"),
    [
        ("networks", "network"),
        ("studies", "study"),
        ("classes", "class"),
        ("virus", "virus"),
        ("analysis", "analysis"),
        ("class", "class"),
        ("gas", "gas"),
    ],
)
def test_plural_endings_go_and_others_stay(given: str, stemmed: str) -> None:
    assert words(given) == [stemmed]


def test_phrases_join_neighbouring_words_but_not_chinese_ones() -> None:
    assert phrases("gene regulatory networks") == [
        "gene",
        "regulatory",
        "network",
        "gene regulatory",
        "regulatory network",
    ]
    assert phrases("科普") == words("科普")


def test_pieces_know_the_border_of_a_word() -> None:
    assert pieces("cat") == [" ca", "cat", "at ", " cat", "cat ", " cat "]
    assert pieces("熊猫") == ["熊", "猫", "熊猫"]


@given(ANYTHING | MIXED)
@settings(deadline=None)
def test_any_text_gives_the_same_clean_bounded_words_each_time(text: str) -> None:
    found = words(text)
    assert found == words(text)
    for word in found:
        assert 0 < len(word) <= LONGEST_WORD
        assert word.encode()
        assert not any(letter.isspace() for letter in word)


@given(ANYTHING | MIXED)
@settings(deadline=None)
def test_canonically_equal_texts_have_equal_words(text: str) -> None:
    assert words(unicodedata.normalize("NFD", text)) == words(text)


@given(ANYTHING)
@settings(deadline=None)
def test_normal_text_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.lists(ANYTHING | MIXED, max_size=5))
@settings(deadline=None, max_examples=40)
def test_vectors_have_length_one_or_zero_and_survive_being_kept(texts: list[str]) -> None:
    tfidf = TfIdf(fewest=1).fit(texts)
    vectors = tfidf.transform(texts)
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(1))).ravel()
    assert vectors.shape == (len(texts), tfidf.size)
    assert np.all((length == 0) | (np.abs(length - 1) < 1e-5))
    kept = tfidf.arrays()
    assert not any(array.dtype.hasobject for array in kept.values())
    again = TfIdf(fewest=1).take(kept).transform(texts)
    assert (again != vectors).nnz == 0


def test_rare_terms_weigh_more_than_common_ones() -> None:
    tfidf = TfIdf([words], fewest=1).fit(["star common", "moon common", "sun common"])
    row = tfidf.transform(["star common"]).toarray()[0]
    column = dict(zip(tfidf.families[0].terms, row, strict=True))
    assert column["star"] > column["common"] > 0


def test_unknown_terms_and_empty_texts_give_empty_rows() -> None:
    tfidf = TfIdf([words], fewest=1).fit(["star"])
    assert tfidf.transform(["", "galaxy", "…"]).nnz == 0


def test_only_the_commonest_terms_are_kept() -> None:
    tfidf = TfIdf([words], fewest=2, most=1).fit(["a b c", "a b", "a"])
    assert tfidf.families[0].terms == ("a",)


def test_the_end_of_a_very_long_text_is_not_read() -> None:
    tfidf = TfIdf([words], fewest=1, characters=10).fit(["beginning " + "x" * 50 + " end"])
    assert tfidf.families[0].terms == ("beginning",)
