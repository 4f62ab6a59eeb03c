"""Arrays that grow with the catalogue and the log without being copied at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SPARE = 1.5


def grown(values: NDArray[Any], size: int, fill: float | bool) -> NDArray[Any]:
    """``values`` with at least ``size`` places on its last axis, the new ones holding ``fill``; half as many to spare.

    Returns ``values`` itself where there is room already.
    """
    have = values.shape[-1]
    if size <= have:
        return values
    room = max(size, int(have * SPARE))
    larger = np.full((*values.shape[:-1], room), fill, values.dtype)
    larger[..., :have] = values
    return larger
