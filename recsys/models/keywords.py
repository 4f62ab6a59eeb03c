"""What speaks for a topic before anything was learnt: lists of words with weights, and their counts in a text."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.errors import ModelError
from recsys.text import normalise, words

Lists = Mapping[str, Mapping[str, float]]
"""Topic → word → weight > 0."""


def shipped() -> Lists:
    """The lists in ``topic_words.txt``."""
    return read((resources.files("recsys.models") / "topic_words.txt").read_text("utf-8"))


def read(text: str) -> Lists:
    """The lists in ``text``: ``[topic]``, then lines ``weight: words``. Raises ModelError where it is not so."""
    lists: dict[str, dict[str, float]] = {}
    topic = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            topic = line.strip("[]")
            if topic in lists:
                raise ModelError(f"line {number}: the topic {topic} stands there again")
            lists[topic] = {}
            continue
        weight, _, listed = line.partition(": ")
        for word in map(normalise, listed.split() or [line]):
            if not topic or word in lists[topic] or not _is_weight(weight):
                raise ModelError(f"line {number}: {word!r} has no topic, no weight, or stands there again")
            lists[topic][word] = float(weight)
    return lists


def _is_weight(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None and float(text) > 0


class Keywords:
    """The ``words`` of all lists, sorted, and ``weights`` (topics × words, float32) in the order of ``topics``.

    A word of one character is counted where it stands alone, others wherever they stand, the longest first.
    """

    def __init__(self, lists: Lists, topics: Sequence[str]) -> None:
        self.words = tuple(sorted({word for topic in topics for word in lists.get(topic, ())}))
        self._column = {word: place for place, word in enumerate(self.words)}
        self.weights = np.zeros((len(topics), len(self.words)), np.float32)
        for row, topic in enumerate(topics):
            for word, weight in lists.get(topic, {}).items():
                self.weights[row, self._column[word]] = weight
        self._long = _pattern(word for word in self.words if len(word) > 1)
        self._short = frozenset(word for word in self.words if len(word) == 1)

    def count(self, text: str) -> Counter[str]:
        """How often each word of the lists is in ``text``."""
        found = Counter(self._long.findall(normalise(text))) if self._long else Counter()
        if self._short:
            found.update(word for word in words(text) if word in self._short)
        return found

    def transform(self, texts: Sequence[tuple[str, str]], *, title: float, softness: float) -> csr_matrix:
        """How much each word is in each (title, text), texts × words, float32, rows of a length below 1.

        1 + ln of the count, one in the title counting ``title`` times; a row is divided by its length plus
        ``softness``, so that few words say little and the many of a long text do not say more and more.
        """
        data: list[NDArray[np.float64]] = []
        columns: list[int] = []
        ends = [0]
        for head, body in texts:
            counts: dict[str, float] = dict(self.count(body))
            for word, times in self.count(head).items():
                counts[word] = counts.get(word, 0) + title * times
            columns += [self._column[word] for word in counts]
            values = np.array([1 + math.log(max(count, 1)) for count in counts.values()])
            data.append(values / (np.linalg.norm(values) + softness))
            ends.append(len(columns))
        flat = np.concatenate(data) if data else np.zeros(0)
        matrix = csr_matrix((flat.astype(np.float32), columns, ends), shape=(len(texts), len(self.words)))
        matrix.sort_indices()
        return matrix


def _pattern(listed: Iterable[str]) -> re.Pattern[str] | None:
    """One alternative for each first character, so that most of a text is passed over at once."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for word in sorted(listed, key=lambda word: (-len(word), word)):
        by_first[word[0]].append(word)
    branches = (f"{re.escape(first)}(?:{'|'.join(map(_tail, group))})" for first, group in sorted(by_first.items()))
    return re.compile("|".join(branches)) if by_first else None


def _tail(word: str) -> str:
    """What follows the first character; a word of Latin letters is not part of a longer one (app in apple)."""
    if not word.isascii():
        return re.escape(word[1:])
    return f"(?<![a-z0-9]{re.escape(word[0])}){re.escape(word[1:])}(?![a-z0-9])"
