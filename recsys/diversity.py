"""Variety in a list: in any five neighbours at most two of a topic and one of an author, while the rest allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPAN = 5
PER_TOPIC, PER_AUTHOR = 2, 1
AHEAD = 60


def diversified(
    topic: NDArray[np.int32], author: NDArray[np.int32], *, per_topic: int = PER_TOPIC, per_author: int = PER_AUTHOR
) -> NDArray[np.intp]:
    """A new order (positions, int64) of a ranked list, given the ``topic`` and ``author`` code of each entry.

    Greedy: the first entry whose topic and author the last four still allow comes next; where none of the next
    ``AHEAD`` does, simply the first. Unknown codes (-1) are never too many.
    """
    waiting = list(range(topic.size))
    topics, authors = topic.tolist(), author.tolist()
    order: list[int] = []
    while waiting:
        recent = order[1 - SPAN :]
        full_topics = _full([topics[place] for place in recent], per_topic)
        full_authors = _full([authors[place] for place in recent], per_author)
        chosen = 0
        for ahead, place in enumerate(waiting[:AHEAD]):
            if topics[place] not in full_topics and authors[place] not in full_authors:
                chosen = ahead
                break
        order.append(waiting.pop(chosen))
    return np.array(order, np.intp)


def _full(codes: Sequence[int], most: int) -> set[int]:
    """The codes that occur ``most`` times already."""
    return {code for code in codes if code >= 0 and codes.count(code) >= most}
