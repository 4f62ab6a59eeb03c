"""The topic of a text: a linear model whose prior is lists of words, so that it works before anything was reviewed.

Multinomial logistic regression over two kinds of features: the counts of the words of the lists, and TF-IDF terms of
the reviewed texts. Fitted is the most probable model (MAP): its weights are drawn to a Gaussian prior whose centre is
the lists for their words and zero for the terms. Without reviewed texts it is the lists; with many it is what editors
decided. That linear models of words and character pairs are hard to beat on topics is told by Wang and Manning 2012,
"Baselines and bigrams". The confidence in the likeliest topic is made true by a line through its log odds (Platt 1999;
that the likeliest topic alone is to be calibrated, Gupta and Ramdas 2022, "Top-label calibration"), drawn on texts that
the fit had not seen. Nothing is suggested below a threshold found on the same texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack

from content_store.errors import ModelError
from recsys.models.base import Arrays, Model
from recsys.models.keywords import Keywords, Lists
from recsys.text import TfIdf, pieces, words

Document = tuple[str, str]
"""Title and text; either may be empty."""

PRECISION_PRIOR = 20
"""So many suggestions of the wanted precision are added when one is estimated, lest a lucky few set the threshold."""
LINE_SPREAD = 0.3
"""Standard deviation of slope and offset: without many texts to tell otherwise they are those of the lists."""
_ALL_BUT = 1e-12


@dataclass(frozen=True)
class TopicsConfig:
    """Constants of the model, chosen by ``bench/topics.py``.

    ``scale``: how sure the lists are of themselves; ``softness`` and ``title``: see ``Keywords.transform``. ``ridge…``:
    penalty of the distance from the prior, for weights of the words of the lists, of the terms, and of the bias.
    ``characters`` of a text are read; a term must occur in ``fewest`` texts, and of each family the ``most``
    commonest are kept. ``steps`` of L-BFGS. ``precision``: share of the suggestions that should be right. ``slope``
    and ``offset`` of the log odds, and the ``threshold`` of confidence, are those of the lists, until there are
    ``tell`` reviewed texts and they are found in ``folds``.
    """

    scale: float = 3.0
    softness: float = 0.5
    title: float = 2.0
    ridge_words: float = 1.0
    ridge_terms: float = 0.01
    ridge_bias: float = 1.0
    characters: int = 2_000
    fewest: int = 2
    most: int = 12_000
    steps: int = 20
    precision: float = 0.9
    slope: float = 0.5
    offset: float = 0.1
    threshold: float = 0.65
    tell: int = 100
    folds: int = 3


class Guess(NamedTuple):
    """The likeliest topic of a text (a place in ``Topics.topics``), the next one, and the probability of each.

    ``sure``: whether the probability reaches the threshold. ``because``: what spoke for the topic, the strongest first.
    """

    topic: int
    runner_up: int
    confidence: float
    next_confidence: float
    sure: bool
    because: tuple[str, ...]


class Topics(Model):
    """Gives texts one of ``topics`` each."""

    name: ClassVar[str] = "topics"

    def __init__(self, topics: Sequence[str], lists: Lists, config: TopicsConfig | None = None) -> None:
        """Know ``topics`` by ``lists`` alone. Raises ModelError for fewer than two, or a list of another topic."""
        if len(topics) < 2 or set(lists) - set(topics):
            raise ModelError(f"topics: {len(topics)} topics, and lists of {sorted(set(lists) - set(topics))} besides")
        self.topics = tuple(topics)
        self.settings = config or TopicsConfig()
        self.lists = {topic: dict(listed) for topic, listed in lists.items()}
        self.keywords = Keywords(lists, topics)
        self.reviewed = 0
        self._uncalibrated()
        self._tfidf = self._bare()
        self._weights, self._bias = self._prior(0)

    def fit(self, documents: Sequence[Document], labels: Sequence[int]) -> Self:
        """Learn from reviewed ``documents`` and their topics (places in ``topics``), forgetting what was learnt before.

        The same documents in the same order give the same model. Raises ModelError for a label that is no topic.
        """
        known = np.asarray(labels, np.intp)
        if len(documents) != known.size or (known.size and not 0 <= known.min() <= known.max() < len(self.topics)):
            raise ModelError(f"topics: {len(documents)} texts with {known.size} topics, or a topic that is none")
        self.reviewed = int(known.size)
        self._tfidf = self._bare().fit(_joined(documents)) if known.size else self._bare()
        features = self._features(documents)
        self._uncalibrated()
        if known.size >= self.settings.tell:
            self._calibrate(features, known)
        self._weights, self._bias = self._solve(features, known)
        return self

    def probabilities(self, documents: Sequence[Document]) -> NDArray[np.float64]:
        """How probable each topic is (documents × topics, rows sum to 1)."""
        return self._softened(self._features(documents))

    def guess(self, documents: Sequence[Document], most: int = 6) -> list[Guess]:
        """The likeliest topic of each document, with at most ``most`` words that spoke for it."""
        features = self._features(documents)
        chance = self._softened(features)
        order = np.argsort(-chance, axis=1, kind="stable")
        spoken = self._spoken()
        return [
            Guess(
                int(first),
                int(second),
                float(row[first]),
                float(row[second]),
                bool(row[first] >= self.threshold and features.indptr[place] < features.indptr[place + 1]),
                self._because(features[place], int(first), spoken, most),
            )
            for place, (row, (first, second)) in enumerate(zip(chance, order[:, :2], strict=True))
        ]

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        kept = {"topics": list(self.topics), "lists": self.lists, "reviewed": self.reviewed}
        found = {"slope": self.slope, "offset": self.offset, "threshold": self.threshold}
        return kept | {"settings": asdict(self.settings)} | found

    def arrays(self) -> Arrays:
        """``weights`` (words and terms × topics, float32), ``bias`` (topics, float32), the terms (``TfIdf.arrays``)."""
        return {"weights": self._weights, "bias": self._bias} | self._tfidf.arrays()

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(config["topics"], config["lists"], TopicsConfig(**config["settings"]))
        model._tfidf.take(arrays)
        model.reviewed, model.threshold = config["reviewed"], config["threshold"]
        model.slope, model.offset = config["slope"], config["offset"]
        model._weights, model._bias = arrays["weights"], arrays["bias"]
        if model._weights.shape != (len(model.keywords.words) + model._tfidf.size, len(model.topics)):
            raise ModelError(f"topics: weights of shape {model._weights.shape} do not fit the words and terms")
        return model

    def _uncalibrated(self) -> None:
        settings = self.settings
        self.slope, self.offset, self.threshold = settings.slope, settings.offset, settings.threshold
        self.accuracy = self.listed = 0.0

    def _bare(self) -> TfIdf:
        settings = self.settings
        return TfIdf((words, pieces), fewest=settings.fewest, most=settings.most, characters=settings.characters)

    def _features(self, documents: Sequence[Document]) -> csr_matrix:
        settings = self.settings
        read = [(title, text[: settings.characters]) for title, text in documents]
        counted = self.keywords.transform(read, title=settings.title, softness=settings.softness)
        return hstack([counted, self._tfidf.transform(_joined(documents))], format="csr", dtype=np.float32)

    def _prior(self, terms: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The centre of the prior: the lists, and nothing for ``terms`` more features."""
        listed = self.keywords.weights.T * np.float32(self.settings.scale)
        unknown = np.zeros((terms, len(self.topics)), np.float32)
        return np.vstack([listed, unknown]), np.zeros(len(self.topics), np.float32)

    def _solve(self, features: csr_matrix, labels: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weights and the bias of least penalised loss (MAP)."""
        centre, bias = self._prior(features.shape[1] - len(self.keywords.words))
        if not labels.size:
            return centre, bias
        spread = self._spread(features.shape[1])
        # A server that suggests never fits: it does without what this brings along.
        from scipy.optimize import minimize

        loss = _Loss(features, labels, (features @ centre).astype(np.float64), spread)
        options = {"maxiter": self.settings.steps, "maxcor": 5}
        found = minimize(loss, np.zeros(loss.size), jac=True, method="L-BFGS-B", options=options)
        moved = found.x.reshape(loss.shape) * spread[:, None]
        return (centre + moved[:-1]).astype(np.float32), moved[-1].astype(np.float32)

    def _spread(self, size: int) -> NDArray[np.float64]:
        """How far from the prior each of ``size`` weights and the bias may be thought to lie: 1 ÷ √ridge."""
        settings = self.settings
        listed = len(self.keywords.words)
        ridge = np.repeat([settings.ridge_words, settings.ridge_terms, settings.ridge_bias], [listed, size - listed, 1])
        return np.asarray(1 / np.sqrt(ridge))

    def _calibrate(self, features: csr_matrix, labels: NDArray[np.intp]) -> None:
        """Set line and threshold by texts that a fit on the others had not seen, and tell how well that went.

        ``accuracy`` is the share of these texts whose topic was the likeliest, ``listed`` the same by the lists alone.
        """
        fold = np.arange(labels.size) % self.settings.folds
        scores = np.zeros((labels.size, len(self.topics)))
        for held in range(self.settings.folds):
            out = fold == held
            weights, bias = self._solve(features[~out], labels[~out])
            scores[out] = features[out] @ weights + bias
        chance = _softmax(scores)
        right = chance.argmax(1) == labels
        self.slope, self.offset = _line(chance.max(1), right, (self.settings.slope, self.settings.offset))
        chance = _straightened(chance, self.slope, self.offset)
        centre, _ = self._prior(features.shape[1] - len(self.keywords.words))
        self.accuracy = float(right.mean())
        self.listed = float(((features @ centre).argmax(1) == labels).mean())
        self.threshold = _threshold(chance.max(1), right, self.settings.precision)

    def _softened(self, features: csr_matrix) -> NDArray[np.float64]:
        chance = _softmax((features @ self._weights + self._bias).astype(np.float64))
        # Where no word is known there is nothing to be sure of.
        known = np.diff(features.indptr) > 0
        chance[known] = _straightened(chance[known], self.slope, self.offset)
        return chance

    def _spoken(self) -> tuple[str, ...]:
        """The words of the lists and of the terms, in the order of the features; pieces of words are left out."""
        return self.keywords.words + (self._tfidf.families[0].terms if self._tfidf.families else ())

    def _because(self, row: csr_matrix, topic: int, spoken: tuple[str, ...], most: int) -> tuple[str, ...]:
        """The words that raised ``topic`` above the mean of all, the strongest first, none within another."""
        weights = self._weights[row.indices]
        worth: dict[str, float] = {}
        for column, value in zip(row.indices, row.data * (weights[:, topic] - weights.mean(1)), strict=True):
            if column < len(spoken) and value > 0 and (len(spoken[column]) > 1 or column < len(self.keywords.words)):
                worth[spoken[column]] = worth.get(spoken[column], 0.0) + float(value)
        chosen: list[str] = []
        for word in sorted(worth, key=lambda word: (-worth[word], word)):
            if not any(word in other or other in word for other in chosen):
                chosen.append(word)
            if len(chosen) == most:
                break
        return tuple(chosen)


class _Loss:
    """The penalised loss of weights that are told by how many spreads they lie from the prior, and its gradient.

    Told so, all have the same penalty, which is what lets L-BFGS find its way in few steps.
    """

    def __init__(
        self, features: csr_matrix, labels: NDArray[np.intp], start: NDArray[np.float64], spread: NDArray[np.float64]
    ) -> None:
        """``start``: the scores (texts × topics) under the prior; ``spread`` of the weights and, last, the bias."""
        ones = np.ones((features.shape[0], 1))
        # Double precision: the line search gives up where a slope and a difference do not agree.
        self.features = csr_matrix(hstack([features, ones]) @ diags(spread), dtype=np.float64)
        self.turned = self.features.T.tocsr()
        self.start, self.wanted = start, np.eye(start.shape[1])[labels]
        self.shape = (spread.size, start.shape[1])
        self.size = spread.size * start.shape[1]

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        moved = flat.reshape(self.shape)
        chance = _softmax(self.start + self.features @ moved)
        lost = -np.log(np.maximum((chance * self.wanted).sum(1), 1e-300)).sum()
        gradient = self.turned @ (chance - self.wanted) + moved
        return float(lost + 0.5 * (flat @ flat)), gradient.ravel()


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chance: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return chance


def _straightened(chance: NDArray[np.float64], slope: float, offset: float) -> NDArray[np.float64]:
    """``chance`` with the log odds of each row's greatest on the line; it stays that, the others share the rest."""
    at = chance.argmax(1)[:, None]
    top = np.minimum(np.take_along_axis(chance, at, 1), 1 - _ALL_BUT)
    runner_up = np.partition(chance, -2, axis=1)[:, -2:-1]
    wanted = np.maximum(1 / (1 + np.exp(-slope * _log_odds(top) - offset)), runner_up / (1 - top + runner_up))
    moved = chance * ((1 - wanted) / (1 - top))
    np.put_along_axis(moved, at, wanted, 1)
    straight: NDArray[np.float64] = moved / moved.sum(1, keepdims=True)
    return straight


def _log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = np.log(chance / (1 - chance))
    return odds


def _line(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], listed: tuple[float, float]
) -> tuple[float, float]:
    """Slope and offset of the log odds of ``confidence`` that fit what is ``right`` best, drawn to ``listed``."""
    from scipy.optimize import minimize

    odds = _log_odds(np.minimum(confidence, 1 - _ALL_BUT))
    sign = np.where(right, 1.0, -1.0)

    def lost(line: NDArray[np.float64]) -> float:
        told = np.logaddexp(0, -sign * (line[0] * odds + line[1])).sum()
        return float(told + 0.5 * (((line - listed) / LINE_SPREAD) ** 2).sum())

    found = minimize(lost, listed, method="Nelder-Mead", bounds=[(0.05, 5), (-5, 5)], options={"xatol": 1e-4})
    return float(found.x[0]), float(found.x[1])


def _threshold(confidence: NDArray[np.float64], right: NDArray[np.bool_], precision: float) -> float:
    """The least confidence from which on the share that is ``right`` reaches ``precision``; 1 where it never does."""
    order = np.argsort(-confidence, kind="stable")
    suggested = np.arange(1, right.size + 1)
    estimate = (np.cumsum(right[order]) + precision * PRECISION_PRIOR) / (suggested + PRECISION_PRIOR)
    enough = np.flatnonzero(estimate >= precision)
    return float(confidence[order[enough[-1]]]) if enough.size else 1.0


def _joined(documents: Sequence[Document]) -> list[str]:
    return [f"{title}\n{text}" if title else text for title, text in documents]
