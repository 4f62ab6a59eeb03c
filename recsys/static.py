"""What is known of the items before anyone reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.models.growing import grown


@dataclass(frozen=True)
class Static:
    """What is known of the items before anyone reads them; one entry per item, maybe more to spare.

    ``topic``, ``author``: int32 codes, -1 unknown. ``created``: hours, NaN unknown. ``words``: length, NaN unknown.
    ``private``: of a topic from which nothing may be inferred (bool); None where no item is.
    """

    topic: NDArray[np.int32]
    author: NDArray[np.int32]
    created: NDArray[np.float64]
    words: NDArray[np.float64]
    private: NDArray[np.bool_] | None = None

    @classmethod
    def unknown(cls, items: int) -> Static:
        """``items`` items of which nothing is known."""
        code, number = np.full(items, -1, np.int32), np.full(items, np.nan)
        return cls(code, code.copy(), number, number.copy())

    def grown(self, items: int) -> Static:
        """The same with room for ``items``, nothing being known of the new ones."""
        return Static(
            grown(self.topic, items, -1),
            grown(self.author, items, -1),
            grown(self.created, items, np.nan),
            grown(self.words, items, np.nan),
            None if self.private is None else grown(self.private, items, False),
        )

    def copy(self) -> Static:
        """The same in arrays of its own."""
        private = None if self.private is None else self.private.copy()
        return Static(self.topic.copy(), self.author.copy(), self.created.copy(), self.words.copy(), private)
