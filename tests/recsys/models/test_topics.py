"""The model of topics: what lists of words tell, and what reviewed texts teach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.errors import ModelError
from content_store.vocabulary import Topic
from recsys.models import base
from recsys.models.keywords import shipped
from recsys.models.topics import Document, Topics, TopicsConfig
from tests.support.topic_texts import topic_texts

TOPICS = [topic.value for topic in Topic]
LISTS = {"panda": {"熊猫": 2.0, "竹子": 1.0}, "quake": {"地震": 2.0, "震级": 1.0}}
NAMES = ("panda", "quake")


@pytest.fixture(scope="module")
def listed() -> Topics:
    return Topics(TOPICS, shipped())


def small() -> Topics:
    return Topics(NAMES, LISTS)


def reviewed(size: int) -> tuple[list[Document], list[int]]:
    """Texts with a word that no list has: 箭竹 for pandas, 断裂 for earthquakes."""
    pandas, quakes = ("保护区里的箭竹开花了", "箭竹林里有足迹"), ("断裂活动加强了", "断裂带在活动")
    documents = [("", (quakes if at % 2 else pandas)[at // 2 % 2] + f"，第{at}次") for at in range(size)]
    return documents, [at % 2 for at in range(size)]


def test_the_lists_alone_name_the_topic_of_most_short_texts(listed: Topics) -> None:
    texts = topic_texts()
    labels = np.array([TOPICS.index(topic) for _, _, topic in texts])
    guesses = listed.guess([(title, text) for title, text, _ in texts])
    right = np.array([guess.topic for guess in guesses]) == labels
    sure = np.array([guess.sure for guess in guesses])
    assert right.mean() >= 0.75
    assert sure.mean() >= 0.4
    assert right[sure].mean() >= 0.85


def test_a_guess_rests_on_words_of_the_text(listed: Topics) -> None:
    [guess] = listed.guess([("高血压", "血压计怎么用，降压药什么时候吃")], most=3)
    assert TOPICS[guess.topic] == Topic.HEALTH
    assert set(guess.because) <= {"高血压", "血压计", "降压药"}
    assert len(guess.because) == 3
    assert guess.sure
    assert guess.confidence > guess.next_confidence


@pytest.mark.parametrize("text", ["", "。", "昨天开了一个会"])
def test_a_text_without_known_words_is_unsure_and_rests_on_nothing(listed: Topics, text: str) -> None:
    [guess] = listed.guess([("", text)])
    assert not guess.sure
    assert guess.because == ()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=10), st.text(max_size=60)), max_size=4))
def test_probabilities_are_probabilities_whatever_the_text(documents: list[Document]) -> None:
    chance = small().probabilities(documents)
    assert chance.shape == (len(documents), 2)
    assert np.allclose(chance.sum(1), 1)
    assert chance.min(initial=1) >= 0


@given(
    st.lists(st.sampled_from(["熊猫", "竹子", "地震", "震级", "的"]), max_size=9),
    st.floats(0.05, 5),
    st.floats(-5, 5),
)
def test_putting_confidence_right_never_changes_which_topic_is_likeliest(
    parts: list[str], slope: float, offset: float
) -> None:
    documents = [("", "".join(parts))]
    model = small()
    before = model.probabilities(documents)
    model.slope, model.offset = slope, offset
    after = model.probabilities(documents)
    assert after[0, before.argmax()] >= after.max() - 1e-12
    assert np.isclose(after.sum(), 1)


def test_what_is_asked_beside_others_changes_no_answer(listed: Topics) -> None:
    documents = [(title, text) for title, text, _ in topic_texts()[:20]]
    together = listed.probabilities(documents)
    assert np.allclose(together, np.vstack([listed.probabilities([one]) for one in documents]), atol=1e-6)


def test_words_that_no_list_has_are_learnt_from_reviewed_texts() -> None:
    unknown = [("", "山上的箭竹"), ("", "一条断裂")]
    assert [guess.because for guess in small().guess(unknown)] == [(), ()]
    guesses = small().fit(*reviewed(40)).guess(unknown)
    assert [guess.topic for guess in guesses] == [0, 1]
    assert [guess.because[:1] for guess in guesses] == [("箭竹",), ("断裂",)]


def test_reviewed_texts_overrule_the_lists() -> None:
    documents, labels = [("", f"竹子编的篮子，第{at}只") for at in range(60)], [1] * 60
    model = small()
    assert model.guess(documents[:1])[0].topic == 0
    assert model.fit(documents, labels).guess(documents[:1])[0].topic == 1


def test_fitting_again_forgets_and_fitting_nothing_is_the_lists() -> None:
    model = small().fit(*reviewed(40))
    again = model.fit([], [])
    document = [("", "熊猫和箭竹")]
    assert again.reviewed == 0
    assert np.array_equal(again.probabilities(document), small().probabilities(document))


def test_the_same_texts_make_the_same_model() -> None:
    first, second = small().fit(*reviewed(120)), small().fit(*reviewed(120))
    assert first.config() == second.config()
    assert all(np.array_equal(first.arrays()[name], second.arrays()[name]) for name in first.arrays())


def test_a_model_is_kept_and_restored(tmp_path: Path) -> None:
    model = small().fit(*reviewed(120))
    base.save(model, tmp_path / "topics")
    restored = base.load(Topics, tmp_path / "topics")
    documents = [("熊猫", "箭竹"), ("", "地震断裂"), ("", "")]
    assert restored.guess(documents) == model.guess(documents)
    assert (restored.reviewed, restored.threshold) == (120, model.threshold)


def test_weights_that_do_not_fit_their_words_are_not_restored() -> None:
    model = small().fit(*reviewed(20))
    with pytest.raises(ModelError, match="do not fit"):
        Topics.restore(model.config(), model.arrays() | {"weights": np.zeros((3, 2), np.float32)})


@pytest.mark.parametrize(("texts", "labels"), [(1, [2]), (1, [-1]), (2, [0]), (0, [1])])
def test_labels_that_are_no_topics_or_too_few_are_refused(texts: int, labels: list[int]) -> None:
    with pytest.raises(ModelError, match="a topic that is none"):
        small().fit([("", "t")] * texts, labels)


def test_a_model_of_one_topic_or_with_a_list_of_another_is_refused() -> None:
    for topics, lists in ((["panda"], {}), (["panda", "tea"], LISTS)):
        with pytest.raises(ModelError, match="topics:"):
            Topics(topics, lists)


def test_with_too_few_reviewed_texts_the_threshold_is_the_configured_one() -> None:
    model = Topics(NAMES, LISTS, TopicsConfig(tell=50, threshold=0.8))
    assert model.fit(*reviewed(40)).threshold == 0.8
    assert model.fit(*reviewed(60)).threshold != 0.8


def test_where_reviewers_contradict_each_other_nothing_is_suggested() -> None:
    random = np.random.default_rng(0)
    documents = [("", f"熊猫与地震，第{at}次") for at in range(200)]
    model = small().fit(documents, random.integers(0, 2, 200).tolist())
    assert sum(guess.sure for guess in model.guess(documents)) <= 20


def test_reviewed_abstracts_teach_what_the_lists_do_not_know(datasets: Path) -> None:
    known = {"食品科学与工程": Topic.NUTRITION_FOOD, "大气科学": Topic.ASTRO_GEO, "计算机科学与技术": Topic.INFO_TECH}
    frame = pd.read_parquet(datasets / "data" / "zh_science_abstracts.parquet")
    frame = frame[frame["category"].isin(known)].drop_duplicates("text").sample(frac=1, random_state=3)
    labels = [TOPICS.index(known[category]) for category in frame["category"]]
    documents = [("", text) for text in frame["text"]]
    model = Topics(TOPICS, shipped())
    before = np.mean(
        [guess.topic == label for guess, label in zip(model.guess(documents[150:]), labels[150:], strict=True)]
    )
    after = model.fit(documents[:150], labels[:150]).guess(documents[150:])
    right = np.array([guess.topic for guess in after]) == labels[150:]
    sure = np.array([guess.sure for guess in after])
    assert right.mean() > before + 0.1
    assert right[sure].mean() > 0.85
    assert model.accuracy > model.listed
