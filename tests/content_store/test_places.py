"""Which places of Sichuan a text names."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store import place_names
from content_store.places import PLACES, found_in, prefecture_of
from content_store.vocabulary import COUNTIES, Prefecture
from tests.support.place_texts import place_texts

NAMES = [*PLACES.values(), *place_names.ALIASES["510100"].split(), *place_names.NO_PLACES.split()]
NAMES += [*place_names.SHARED.split(), *place_names.WORDS.split(), *place_names.PROVINCE.split()]
NAMES += [*place_names.ELSEWHERE.split(), "南部", "东区", "，", "的", "市", "推", "构", "发展", "a", "\ud800", ""]


def codes(text: str) -> set[str]:
    return {place.code for place in found_in(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("广安区的孩子坐车去广安站", {"511602", "511600"}),
        ("推广安全知识，沿广安门外大街走", set()),
        ("广西充电桩新增两万个", set()),
        ("四川西充的柑橘", {"511325"}),
        ("海拔更高县城气温更低", set()),
        ("宜宾高县的早茶", {"511500", "511525"}),
        ("西部和南部多雨", set()),
        ("南部县的升钟湖", {"511321"}),
        ("甘肃金川集团", set()),
        ("阿坝金川的梨花", {"513200", "513226"}),
        ("创新都是从好奇心开始的", set()),
        ("成都新都的桂花", {"510100", "510114"}),
        ("河北雄安州际高速", set()),
        ("绵阳安州的牡丹", {"510700", "510705"}),
        ("北京的东区和西区", set()),
        ("攀枝花东区的钢厂", {"510400", "510402"}),
        ("买了三台显微镜", set()),
        ("绵阳三台的麦冬", {"510700", "510722"}),
        ("犍为的茉莉", {"511123"}),
        ("上海长宁的社区", set()),
        ("重庆南川区与大足区", set()),
        ("重庆九龙坡的动物园", set()),
        ("湖南益阳市资阳区", set()),
        ("石棉瓦要小心拆除", set()),
        ("雅安石棉的黄果柑", {"511800", "511824"}),
    ],
)
def test_a_name_that_is_a_word_or_belongs_to_others_is_settled_by_what_stands_around_it(
    text: str, expected: set[str]
) -> None:
    assert codes(text) == expected


def test_of_the_hard_sentences_nearly_all_names_are_found_and_nearly_nothing_else() -> None:
    found = wanted = hit = 0
    for text, expected in place_texts():
        told = codes(text)
        found, wanted, hit = found + len(told), wanted + len(expected), hit + len(told & expected)
    assert hit / found >= 0.97
    assert hit / wanted >= 0.97


@pytest.mark.parametrize("code", PLACES)
def test_every_place_is_found_by_its_full_name(code: str) -> None:
    assert code in codes(f"四川省{PLACES[code]}的科普")


@pytest.mark.parametrize("prefecture", Prefecture)
def test_every_prefecture_is_found_by_its_short_name(prefecture: Prefecture) -> None:
    assert codes(f"四川{prefecture.label}的科普基地") == codes(f"在{prefecture.label}，我们") == {prefecture.value}


def test_a_place_tells_where_and_how_often_it_is_named() -> None:
    [first, second] = found_in("旺苍县在广元。旺苍的茶园，旺苍县的红军小道。")
    assert (first.code, first.name, first.count, first.where) == ("510821", "旺苍县", 3, ((0, 3), (7, 9), (13, 16)))
    assert (second.code, second.count, second.prefecture) == ("510800", 1, Prefecture.GUANGYUAN)
    assert first.confidence > second.confidence > 0.5


def test_a_prefecture_that_only_says_where_a_county_lies_is_marked() -> None:
    found = {place.code: place for place in found_in("雅安宝兴是熊猫老家，雅安也下雨")}
    assert (found["511800"].count, found["511800"].qualifies, found["511827"].qualifies) == (2, 1, 0)


def test_another_province_in_the_text_makes_a_short_name_less_sure() -> None:
    [near], [far] = found_in("四川雅安的茶"), found_in("湖北的茶商到雅安")
    assert near.confidence > far.confidence


def test_prefectures_are_known_by_the_code_and_nothing_else_is() -> None:
    assert {prefecture_of(code) for code in COUNTIES} <= set(Prefecture)
    with pytest.raises(ValueError, match="no place of Sichuan"):
        prefecture_of("110101")


@settings(max_examples=60)
@given(st.lists(st.sampled_from(NAMES), max_size=12).map("".join))
def test_whatever_stands_in_a_row_each_find_is_in_the_text_and_finds_do_not_overlap(text: str) -> None:
    found = found_in(text)
    spans = sorted(chain.from_iterable(place.where for place in found))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    for place in found:
        assert place.code in PLACES
        assert place.name == PLACES[place.code]
        assert 0 < place.confidence <= 1
        assert len(place.where) == place.count > 0
        assert 0 <= place.qualifies <= place.count
    assert found == found_in(text)
