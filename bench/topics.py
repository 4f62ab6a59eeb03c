"""How well topics and places are suggested: ``python -m bench.topics --help``. Prints the tables of its document.

The texts are Chinese abstracts whose discipline is known; ``DISCIPLINES`` says which of our topics a discipline is. A
seeded 1,200 of them are the test file; lists and constants were chosen by looking at the others only. Abstracts are
not what creators write, so two small sets of articles stand beside them: those of the demo, and short texts written by
hand for measuring (``tests.support.topic_texts``).
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from content_store.places import found_in
from content_store.settings import load_settings
from content_store.vocabulary import Topic
from recsys.classifying import SURE_OF_PLACE, place_of
from recsys.models import keywords
from recsys.models.topics import Document, Topics
from recsys.text import TfIdf, pieces, words
from tests.support.place_texts import place_texts
from tests.support.topic_texts import topic_texts
from web.demo.articles import demo_articles

SEED = 0
TEST = 1_200
BINS = 10
SIZES = (0, 30, 100, 300, 1_000)
LONG = 10_000
DISCIPLINES = {
    Topic.HEALTH: "中医学/中药学 基础医学/临床医学 药学 口腔医学 公共卫生与预防医学",
    Topic.PSYCHOLOGY: "心理学",
    Topic.NUTRITION_FOOD: "食品科学与工程",
    Topic.AGRICULTURE: "园艺学 水产 农业工程 作物学 农林经济管理 畜牧学/兽医学 农业资源利用 植物保护",
    Topic.SPACE: "航空宇航科学与技术",
    Topic.ASTRO_GEO: "天文学 地理学 大气科学 地质学/地质资源与地质工程 海洋科学 地球物理学 测绘科学与技术",
    Topic.ECOLOGY: "环境科学与工程",
    Topic.LIFE_SCI: "生物学/生物科学与工程",
    Topic.INFO_TECH: "计算机科学与技术 信息与通信工程 电子科学与技术",
    Topic.ENERGY: "石油与天然气工程 电气工程 动力工程及工程热物理 核科学与技术",
    Topic.MANUFACTURING: "机械工程 材料科学与工程 冶金工程 纺织科学与工程",
    Topic.MILITARY: "兵器科学与技术 军事学",
    Topic.GENERAL: "数学 物理学 力学 化学/化学工程与技术",
}
"""Topic → the disciplines that are it. Those that could be two of our topics or none (law, sports, forestry, mining,
water, optics, transport …) are left out, and serve as texts about which nothing should be suggested."""
TOPICS = [topic.value for topic in Topic]
TOPIC_OF = {
    discipline: TOPICS.index(topic) for topic, disciplines in DISCIPLINES.items() for discipline in disciplines.split()
}


class Texts(NamedTuple):
    """Documents and the places of their topics in ``TOPICS``."""

    documents: list[Document]
    labels: NDArray[np.intp]

    def part(self, start: int, end: int | None = None) -> Texts:
        """Those from ``start`` on and before ``end``."""
        return Texts(self.documents[start:end], self.labels[start:end])


class Corpus(NamedTuple):
    """The abstracts: to learn from, to test by, and those of disciplines that are none of our topics."""

    pool: Texts
    test: Texts
    others: list[Document]


def abstracts(data: Path) -> Corpus:
    """The corpus, in a seeded order."""
    frame = pd.read_parquet(data / "zh_science_abstracts.parquet")
    frame = frame[frame["category"].str.len() > 0].drop_duplicates("text")
    ours = frame[frame["category"].isin(TOPIC_OF)].sample(frac=1, random_state=SEED)
    texts = Texts([("", text) for text in ours["text"]], ours["category"].map(TOPIC_OF).to_numpy(np.intp))
    others = [("", text) for text in frame[~frame["category"].isin(TOPIC_OF)]["text"]]
    return Corpus(texts.part(TEST), texts.part(0, TEST), others)


def articles() -> dict[str, Texts]:
    """The two sets of articles for everybody."""
    demo = [((one.title, f"{one.summary}\n{one.body}"), TOPICS.index(one.topic)) for one in demo_articles()]
    short = [((title, text), TOPICS.index(topic)) for title, text, topic in topic_texts()]
    sets = {"articles of the demo": demo, "short texts": short}
    return {name: Texts([text for text, _ in rows], np.array([at for _, at in rows])) for name, rows in sets.items()}


def calibration(chance: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error: mean distance of confidence and share right in ten bins of confidence, weighted."""
    confidence = chance.max(1)
    at = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(at, right, BINS) - np.bincount(at, confidence, BINS))
    return float(gaps.sum() / right.size)


def at_best(chance: NDArray[np.float64], rounds: int = 200) -> float:
    """The mean calibration error of a model whose probabilities are true, on as many texts."""
    random = np.random.default_rng(SEED)
    return float(np.mean([calibration(chance, random.random(len(chance)) < chance.max(1)) for _ in range(rounds)]))


def macro_f1(labels: NDArray[np.intp], guessed: NDArray[np.intp]) -> float:
    """Mean F1 of the topics that ``labels`` have."""
    found = []
    for topic in np.unique(labels):
        hit = np.sum((labels == topic) & (guessed == topic))
        found.append(2 * hit / (np.sum(labels == topic) + np.sum(guessed == topic)))
    return float(np.mean(found))


def figures(model: Topics, texts: Texts) -> str:
    """Accuracy, macro-F1, calibration and what is suggested, as cells."""
    chance = model.probabilities(texts.documents)
    guessed, sure = chance.argmax(1), chance.max(1) >= model.threshold
    right = guessed == texts.labels
    of_sure = f"{right[sure].mean():.3f}" if sure.any() else "–"
    return (
        f"{right.mean():.3f} | {macro_f1(texts.labels, guessed):.3f} | {calibration(chance, right):.3f}"
        f" ({at_best(chance):.3f}) | {model.threshold:.2f} | {sure.mean():.3f} | {of_sure}"
    )


def learnt(texts: Texts) -> tuple[Topics, float]:
    """A model that learnt from ``texts``, and the seconds that it took."""
    start = time.perf_counter()
    model = Topics(TOPICS, keywords.shipped()).fit(texts.documents, texts.labels.tolist())
    return model, time.perf_counter() - start


def print_curve(corpus: Corpus) -> None:
    """Ours after more and more reviewed texts, on the test abstracts, the other disciplines and the articles."""
    sets = articles()
    for size in (*SIZES, len(corpus.pool.documents)):
        model, seconds = learnt(corpus.pool.part(0, size))
        start = time.perf_counter()
        model.guess(corpus.test.documents)
        rate = TEST / (time.perf_counter() - start)
        others = np.mean([guess.sure for guess in model.guess(corpus.others)])
        print(f"| {size:,} | {figures(model, corpus.test)} | {others:.3f} | {seconds:.1f} | {rate:,.0f} |", flush=True)
        for name, texts in sets.items():
            print(f"| {size:,}, {name} | {figures(model, texts)} | | | |", flush=True)
    demo, short = sets.values()
    print(f"| {len(demo.documents)} articles of the demo, short texts | {figures(learnt(demo)[0], short)} | | | |")
    again = Texts(corpus.pool.documents * 3, np.tile(corpus.pool.labels, 3)).part(0, LONG)
    print(f"fit on {LONG:,} texts, the same ones repeated: {learnt(again)[1]:.1f} s")


def print_peers(corpus: Corpus) -> None:
    """Accuracy and macro-F1 of others: the commonest topic, naive Bayes, and scikit-learn where it is installed."""
    for size in (100, 1_000, len(corpus.pool.documents)):
        part = corpus.pool.part(0, size)
        common = np.bincount(part.labels).argmax()
        told = {"the commonest topic": np.full(TEST, common), "naive Bayes": naive_bayes(part, corpus.test)}
        told |= sklearn_peers(part, corpus.test)
        told["ours"] = learnt(part)[0].probabilities(corpus.test.documents).argmax(1)
        for name, guessed in told.items():
            right = (guessed == corpus.test.labels).mean()
            print(f"| {size:,} | {name} | {right:.3f} | {macro_f1(corpus.test.labels, guessed):.3f} |", flush=True)


def naive_bayes(train: Texts, test: Texts, smoothing: float = 0.1) -> NDArray[np.intp]:
    """Multinomial naive Bayes over weighted words."""
    tfidf = TfIdf((words,), most=100_000, characters=2_000).fit(text for _, text in train.documents)
    features = tfidf.transform([text for _, text in train.documents])
    seen = np.eye(len(TOPICS))[train.labels]
    counts = (features.T @ seen).T + smoothing
    weights = np.log(counts / counts.sum(1, keepdims=True))
    prior = np.log(np.maximum(seen.sum(0), 1e-9) / seen.sum())
    scores = tfidf.transform([text for _, text in test.documents]) @ weights.T + prior
    return np.asarray(scores.argmax(1))


def sklearn_peers(train: Texts, test: Texts) -> dict[str, NDArray[np.intp]]:
    """What linear models of scikit-learn say, over words and over characters; nothing where it is not installed."""
    try:
        text = importlib.import_module("sklearn.feature_extraction.text")
        linear = importlib.import_module("sklearn.linear_model")
    except ImportError:
        return {}
    found = {}
    for name, tokeniser in (("words", words), ("characters and pairs", pieces)):
        vectors = text.TfidfVectorizer(analyzer=tokeniser, min_df=2, sublinear_tf=True)
        known = vectors.fit_transform([body for _, body in train.documents])
        model = linear.LogisticRegression(C=30, max_iter=500).fit(known, train.labels)
        found[f"logistic regression of scikit-learn, {name}"] = model.predict(
            vectors.transform([body for _, body in test.documents])
        )
    return found


def print_places() -> None:
    """Names found in the hand-written sentences, and the places of the articles of the demo."""
    found = wanted = hit = 0
    rows: Sequence[tuple[str, frozenset[str]]] = place_texts()
    for sentence, codes in rows:
        told = {place.code for place in found_in(sentence)}
        found, wanted, hit = found + len(told), wanted + len(codes), hit + len(told & codes)
    print(f"{len(rows)} sentences: precision {hit / found:.3f}, recall {hit / wanted:.3f} of {wanted} places")
    placed = [(one.place, place_of(one.title, f"{one.summary}\n{one.body}")) for one in demo_articles()]
    sure = [(place, guess.code) for place, guess in placed if place and guess.confidence >= SURE_OF_PLACE]
    same = sum(place[:4] == code[:4] for place, code in sure)
    wrong = sum(not place and guess.confidence >= SURE_OF_PLACE for place, guess in placed)
    have = sum(place is not None for place, _ in placed)
    of_them = f"{len(sure)} suggested, {same} in its prefecture; {wrong} of the others"
    print(f"{have} of {len(placed)} articles have a place: {of_them}")
    text = "\n".join(one.body for one in demo_articles())
    start = time.perf_counter()
    found_in(text)
    print(f"{len(text) / (time.perf_counter() - start) / 1e6:.1f} million characters a second")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("curve", "peers", "places"):
        parser.add_argument(f"--{name}", action="store_true")
    given = parser.parse_args()
    with threadpool_limits(1):
        if given.places:
            print_places()
        if given.curve or given.peers:
            corpus = abstracts(load_settings().datasets / "data")
            print(f"{len(corpus.pool.documents):,} to learn from, {TEST:,} test, {len(corpus.others):,} others")
        if given.curve:
            print_curve(corpus)
        if given.peers:
            print_peers(corpus)


if __name__ == "__main__":
    main()
