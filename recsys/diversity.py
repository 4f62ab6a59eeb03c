"""Variety in a list: in any five neighbours at most two of a topic and one of an author, while the rest allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SPAN = 5
PER_TOPIC, PER_AUTHOR = 2, 1


class Variety:
    """What the latest places of a list allow in the next one. Unknown codes (-1) are never too many."""

    def __init__(
        self,
        before: Iterable[tuple[int, int]] = (),
        *,
        per_topic: int | None = PER_TOPIC,
        per_author: int | None = PER_AUTHOR,
    ) -> None:
        """``before``: topic and author of the places before, in their order; None for a rule that is off."""
        self._most_topic, self._most_author = per_topic, per_author
        self._last_topics: list[int] = []
        self._last_authors: list[int] = []
        for topic, author in before:
            self._remember(topic, author)
        self._find_full()

    def add(self, topic: int, author: int) -> None:
        """An item of this topic and author takes the next place."""
        self._remember(topic, author)
        self._find_full()

    def _remember(self, topic: int, author: int) -> None:
        for last, code in ((self._last_topics, topic), (self._last_authors, author)):
            last.append(code)
            if len(last) == SPAN:
                del last[0]

    def _find_full(self) -> None:
        self._topics = _full(self._last_topics, self._most_topic)
        self._authors = _full(self._last_authors, self._most_author)

    def allows(self, topic: int, author: int) -> bool:
        """Whether an item of this topic and author may come next."""
        return topic not in self._topics and author not in self._authors

    def first(self, topics: Sequence[int], authors: Sequence[int]) -> int:
        """The first place of a list (0 where none is) whose topic and author are allowed."""
        full_topics, full_authors = self._topics, self._authors
        for place, topic in enumerate(topics):
            if topic not in full_topics and authors[place] not in full_authors:
                return place
        return 0


def diversified(
    topic: NDArray[np.int32], author: NDArray[np.int32], *, per_topic: int = PER_TOPIC, per_author: int = PER_AUTHOR
) -> NDArray[np.intp]:
    """A new order (positions, int64) of a ranked list, given the ``topic`` and ``author`` code of each entry.

    Greedy: the first entry whose topic and author the last four still allow comes next; where none does, the first.
    """
    waiting = list(range(topic.size))
    topics, authors = topic.tolist(), author.tolist()
    variety = Variety(per_topic=per_topic, per_author=per_author)
    order: list[int] = []
    while waiting:
        chosen = variety.first(topics, authors)
        variety.add(topics.pop(chosen), authors.pop(chosen))
        order.append(waiting.pop(chosen))
    return np.array(order, np.intp)


def _full(codes: list[int], most: int | None) -> set[int]:
    """The codes that occur ``most`` times already."""
    if most is None:
        return set()
    full = set(codes) if most == 1 else {code for code in codes if codes.count(code) >= most}
    full.discard(-1)
    return full
