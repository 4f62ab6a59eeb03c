"""What is suggested about a text, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.errors import ModelError
from content_store.places import PLACES
from content_store.vocabulary import Prefecture, Topic
from recsys.classifying import Classifier, Row, Taught, place_of, suggest
from recsys.models.topics import Topics
from tests.support.topic_texts import topic_texts
from web.demo.articles import demo_articles

LISTS = Classifier()


def test_a_suggestion_tells_the_topic_the_place_how_sure_it_is_and_on_what_it_rests() -> None:
    text = "石棉县的果农说，今年黄果柑亩产比去年高，病虫害少。"
    [found] = suggest([("a", "雅安石棉黄果柑迎来丰收", text)])
    assert (found.id, found.topic, found.place) == ("a", Topic.AGRICULTURE, "511824")
    assert (found.prefecture, found.county) == (Prefecture.YAAN, "511824")
    assert 0.65 < found.confidence <= 1
    assert {"果农", "亩产"} <= set(found.words)
    assert set(found.place_words) == {"雅安", "石棉", "石棉县"}
    assert found.sentence.startswith("机器建议主题：农业，把握")
    assert "依据：" in found.sentence
    assert "请您确认或改正" in found.sentence
    assert found.place_sentence.startswith("机器建议地区：石棉县，把握")


def test_where_the_machine_is_not_sure_it_suggests_nothing_and_says_so() -> None:
    [found] = suggest([("a", "周末去哪里", "约上朋友，带上水果和雨伞。")])
    assert found.topic is None
    assert found.sentence.startswith("机器没有把握，不作主题建议（较可能是")
    assert (found.place, found.prefecture, found.county, found.place_confidence) == (None, None, None, 0)
    assert found.place_sentence == "文中没有认得的四川地名，不作地区建议"


def test_a_text_without_a_known_word_is_said_to_have_none() -> None:
    [found] = suggest([("a", "", "嗯。")])
    assert (found.topic, found.words) == (None, ())
    assert found.sentence == "机器没有把握，不作主题建议（没有认得的词）"


def test_a_text_about_many_places_is_about_none() -> None:
    [found] = suggest([("a", "", "成都、绵阳、德阳、乐山、南充、达州都有雨。")])
    assert found.place is None
    assert found.place_sentence.startswith("机器没有把握，不作地区建议（文中提到：")


def test_a_county_is_suggested_only_where_most_of_what_is_said_is_of_it() -> None:
    assert place_of("旺苍的茶", "广元旺苍的茶园").code == "510821"
    assert place_of("广元的茶", "广元各县产茶，广元的旺苍、青川、剑阁也是。").code == "510800"


def test_what_is_named_in_the_title_weighs_more() -> None:
    assert place_of("自贡的恐龙", "化石也送到成都展出").code == "510300"
    assert place_of("恐龙", "化石从自贡送到成都展出").confidence < place_of("自贡恐龙", "化石送到成都").confidence


def test_what_is_suggested_about_the_articles_of_the_demo_is_mostly_right() -> None:
    articles = demo_articles()
    found = suggest((one.id, one.title, f"{one.summary}\n{one.body}") for one in articles)
    pairs = list(zip(articles, found, strict=True))
    told = [one.topic == guess.topic for one, guess in pairs if guess.topic]
    placed = [(one.place or "")[:4] == guess.place[:4] for one, guess in pairs if guess.place]
    assert len(told) >= 30
    assert sum(told) / len(told) >= 0.85
    assert len(placed) >= 15
    assert sum(placed) / len(placed) >= 0.9


def test_suggestions_come_in_the_order_of_the_rows_however_many() -> None:
    texts = topic_texts()
    rows = [Row(str(at), *texts[at % len(texts)][:2]) for at in range(600)]
    found = suggest(iter(rows))
    assert [one.id for one in found] == [row.id for row in rows]
    assert replace(found[599], id="") == replace(found[599 % len(texts)], id="")


def test_a_classifier_learns_from_what_people_decided_and_names_its_version() -> None:
    taught = [Taught("", f"今天的糖画摊子来了{at}个人", Topic.SPIRIT) for at in range(60)]
    learnt = Classifier.learnt(taught, "v1")
    [before], [after] = suggest([("a", "", "糖画摊子")]), suggest([("a", "", "糖画摊子")], learnt)
    assert before.topic is None
    assert (after.likeliest, after.model) == (Topic.SPIRIT, "v1")
    assert set(after.words) & {"糖画", "摊子", "画摊"}


def test_a_model_of_other_topics_is_refused() -> None:
    with pytest.raises(ModelError, match="other topics"):
        Classifier(Topics(["a", "b"], {}))


@settings(max_examples=40)
@given(
    st.text(max_size=20), st.lists(st.sampled_from(["成都", "地震", "旺苍县", "的", "<p>", "\x00", "茶"]), max_size=20)
)
def test_whatever_the_text_every_word_and_name_of_a_suggestion_stands_in_it(title: str, parts: list[str]) -> None:
    text = "".join(parts)
    [found] = LISTS.suggest([Row("a", title, text)])
    assert 0 < found.confidence <= 1
    assert all(name in f"{title}\n{text}" for name in found.place_words)
    assert found.place is None or found.place in PLACES
    assert bool(found.place_words) == bool(found.likeliest_place)
    assert found.likeliest != found.runner_up
    assert found.topic in (None, found.likeliest)
    assert found.sentence
    assert found.place_sentence
