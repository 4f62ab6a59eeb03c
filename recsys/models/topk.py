"""Exact retrieval: the best ``k`` of many scores for little more than the price of computing them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE = 768
MARGIN = 1.5

_UNSCORED = 0x7F800000
"""The sort key of ``-inf``, which is the largest."""

Scores = NDArray[np.float32]
Places = NDArray[np.int64]


def best(scores: Scores, k: int) -> Places:
    """Positions of the ``k`` largest of ``scores`` (one-dimensional), best first; int64, at most k.

    Equal scores rank the smaller position first; ``-inf`` never appears. A sample of the scores gives a bound that
    about 1.5k of them reach; only those are sorted. Where fewer than k reach it, the k-th of all is found instead.
    """
    size = scores.size
    if MARGIN * k < size and size > SAMPLE:
        sample = scores[:: size // SAMPLE].copy()
        place = sample.size - max(1, int(MARGIN * k * sample.size / size))
        sample.partition(place)
        bound = sample[place]
        places = (scores >= bound).nonzero()[0]
        if k <= places.size <= size // 2:
            return _in_order(scores, places, positive=bound > 0)[:k]
    return _in_order(scores, _reaching_kth(scores, k), positive=False)[:k]


def retrieve(
    vector: Scores, factors: Scores, k: int, *, excluded: NDArray[np.integer] | None = None
) -> tuple[Places, Scores]:
    """The best ``k`` items for a citizen: (positions, scores), best first.

    ``vector`` (factors) and ``factors`` (items × factors) are float32; ``excluded`` positions never appear.
    """
    scores = factors @ vector
    if excluded is not None:
        scores[excluded] = -np.inf
    places = best(scores, k)
    return places, scores[places]


def _reaching_kth(scores: Scores, k: int) -> Places:
    if k <= 0:
        return np.zeros(0, np.int64)
    if k >= scores.size:
        return np.arange(scores.size)
    return np.flatnonzero(scores >= np.partition(scores, scores.size - k)[scores.size - k])


def _in_order(scores: Scores, places: Places, *, positive: bool) -> Places:
    """``places`` by falling score, then by position, without those at ``-inf``; ``positive`` tells that all scores are.

    Score and position become one integer each, since numpy sorts integers several times faster than by two keys: the
    bits of a positive float grow with it, those of a negative one fall.
    """
    words = np.empty((places.size, 2), "<i4")
    words[:, 0] = places
    bits = (scores[places] if positive else scores[places] + np.float32(0)).view(np.int32)
    if not positive:
        bits ^= (bits >> 31) & 0x7FFFFFFF
    np.invert(bits, out=words[:, 1])
    words.view("<i8").ravel().sort()
    end = places.size if positive else int(np.searchsorted(words[:, 1], _UNSCORED))
    return words[:end, 0].astype(np.int64)
