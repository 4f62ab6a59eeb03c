"""The loops over the candidates of a request that fill the ranker's table, see ``recsys.kernels``."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.kernels import compiled


@compiled
def places(values: Any, order: Any) -> Any:
    """The place of each value in its row (float64), ``order`` being that of each row; equal ones share the first."""
    found = np.empty(values.shape)
    for row in range(values.shape[0]):
        place, before = 0, np.nan
        for position in range(values.shape[1]):
            at = order[row, position]
            value = values[row, at]
            if value != before and not (np.isnan(value) and np.isnan(before) and position):
                place = position
            found[row, at] = place
            before = value
    return found


@compiled
def turned(values: Any) -> Any:
    """``values`` with the other sign, and infinity for NaN: NumPy is slow to sort rows with NaN in them."""
    found = np.empty(values.shape)
    for row in range(values.shape[0]):
        for position in range(values.shape[1]):
            value = values[row, position]
            found[row, position] = np.inf if np.isnan(value) else -value
    return found


@compiled
def standardised(values: Any, chosen: Any, tiny: float, out: Any) -> None:
    """``values`` (float32) of the ``chosen``, less their mean and by their deviation; NaN where they are infinite."""
    count, total = 0, 0.0
    for index in range(chosen.size):
        value = float(values[chosen[index]])
        out[index] = value
        if np.isfinite(value):
            count += 1
            total += value
    mean = total / count if count else 0.0
    square = 0.0
    for index in range(chosen.size):
        if np.isfinite(out[index]):
            square += (out[index] - mean) ** 2
    deviation = np.sqrt(square / count) + tiny if count else 1.0
    for index in range(chosen.size):
        out[index] = (out[index] - mean) / deviation if np.isfinite(out[index]) else np.nan


@compiled
def statics(
    chosen: Any,
    hour: float,
    readers: Any,
    born: Any,
    last: Any,
    created: Any,
    words: Any,
    engaged: Any,
    engaged_at: Any,
    since: float,
    usual_age: float,
    out: Any,
) -> None:
    """What is known of each of ``chosen``: 8 rows.

    Readers; hours since it is out, since it was met last and since it was made (NaN: unknown, or not yet); words;
    engagement decayed with a day; how much longer it is out than ``since``; how unlike ``usual_age`` its age is.
    """
    for index in range(chosen.size):
        item = chosen[index]
        age, made = hour - born[item], hour - created[item]
        out[0, index] = readers[item]
        out[1, index] = age
        out[2, index] = hour - last[item]
        out[3, index] = made if made >= 0 else np.nan
        out[4, index] = words[item]
        out[5, index] = engaged[item] * 2.0 ** ((engaged_at[item] - hour) / 24)
        out[6, index] = age - since
        out[7, index] = np.log1p(max(age, 0.0)) - usual_age


@compiled
def topics(chosen: Any, topic: Any, author: Any, read: Any, recent: Any, follows: Any, tiny: float, out: Any) -> None:
    """How the topic and the author of each of ``chosen`` stand to what was ``read`` (oldest first): 6 rows.

    The share of the topic, later items weighing more; the same over its share in ``recent``; that share; how often the
    topic follows the latest one, of all that do (``follows``: topics + 1 squared, the last one unknown); whether it is
    the latest one; the weight of the author.
    """
    unknown = follows.shape[0] - 1
    taste, share = np.zeros(unknown + 1), np.ones(unknown + 1)
    weight, whole = np.empty(read.size), 0.0
    for place in range(read.size):
        weight[place] = 0.95 ** (read.size - 1 - place)
        whole += weight[place]
        taste[topic[read[place]]] += weight[place]
    for place in range(recent.size):
        share[topic[recent[place]]] += 1.0
    latest = topic[read[read.size - 1]] if read.size else -1
    after = 0.0
    for code in range(unknown + 1):
        taste[code] /= whole + tiny
        share[code] /= recent.size + 1
        after += follows[latest, code]
    for index in range(chosen.size):
        code, by = topic[chosen[index]], author[chosen[index]]
        out[0, index] = taste[code]
        out[1, index] = taste[code] / share[code]
        out[2, index] = share[code]
        out[3, index] = follows[latest, code] / (1 + after)
        out[4, index] = 1.0 if read.size and code == latest else 0.0
        same = 0.0
        if by >= 0:
            for place in range(read.size):
                if author[read[place]] == by:
                    same += weight[place]
        out[5, index] = same
