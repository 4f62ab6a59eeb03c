"""How strongly a citizen's events speak for their interest in an item.

=================  ======  =================================================================================
kind               weight  why
=================  ======  =================================================================================
impression         0       shown is not chosen
click              0.5     opened, perhaps left at once
read               1       the unit
like, follow       2, 3    a deliberate sign; ``follow`` is also the consent that never-inferred items need
save, share        3, 3    kept for later, or vouched for in front of others
comment            2.5     took the trouble to write
not_interested,    –       removes all that the citizen showed for the item up to and at that moment; what comes
report                     later counts again
=================  ======  =================================================================================

An interest is the sum of weight · 0.5 ** (age / half-life) over the events of the pair, at most ``ceiling`` (a script
that opens one article a hundred times says no more than a devoted reader), and gone below ``FLOOR``. Age is counted
from the newest event of the log: a log that ended years ago says as much as one that ends now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.vocabulary import NEGATIVE_KINDS, EventKind
from recsys.features.log import KIND_CODE, KINDS, EventLog

WEIGHTS: dict[EventKind, float] = {
    EventKind.CLICK: 0.5,
    EventKind.READ: 1.0,
    EventKind.LIKE: 2.0,
    EventKind.COMMENT: 2.5,
    EventKind.SAVE: 3.0,
    EventKind.SHARE: 3.0,
    EventKind.FOLLOW: 3.0,
}
FLOOR = 1e-6
DAY_MS = 86_400_000.0

_WEIGHT = np.array([WEIGHTS.get(kind, 0.0) for kind in KINDS])
_NEGATIVE = np.array([kind in NEGATIVE_KINDS for kind in KINDS])
_FOLLOW = KIND_CODE[EventKind.FOLLOW]
_NOTHING = np.zeros((0, 2), np.int32)


@dataclass(frozen=True, slots=True)
class InterestConfig:
    """``half_life_days``: age at which an event counts half, None for no decay; ``ceiling``: the largest interest.

    Raises ValueError where either is not positive.
    """

    half_life_days: float | None = None
    ceiling: float = 5.0

    def __post_init__(self) -> None:
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ValueError("a half-life must be positive; None means no decay")
        if not self.ceiling > 0:
            raise ValueError("the ceiling of an interest must be positive")


def interest(
    log: EventLog,
    profiled: NDArray[np.bool_],
    inferable: NDArray[np.bool_],
    config: InterestConfig,
    forgotten: NDArray[np.int32] = _NOTHING,
) -> csr_matrix:
    """Interests at the end of ``log`` as a citizens × items float32 matrix with sorted indices.

    ``profiled`` (citizens, bool): others keep an empty row. ``inferable`` (items, bool): the other items enter a
    citizen's row only after that citizen followed them. ``forgotten`` (n × 2, citizen and item): pairs without a cell.
    """
    items = max(inferable.size, 1)
    pair = log.user.astype(np.int64) * items + log.item
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    pair = pair[starts]
    user, item = pair // items, pair % items
    value, followed = _strength(log, order, starts, config)
    kept = (value > FLOOR) & profiled[user] & (inferable[item] | followed)
    kept &= ~np.isin(pair, forgotten[:, 0].astype(np.int64) * items + forgotten[:, 1])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(user[kept], minlength=profiled.size))])
    parts = (value[kept].astype(np.float32), item[kept].astype(np.int32), indptr.astype(np.int32))
    return csr_matrix(parts, shape=(profiled.size, inferable.size))


def _strength(
    log: EventLog, order: NDArray[np.intp], starts: NDArray[np.intp], config: InterestConfig
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Per pair its interest (float64) and whether a follow stands; its rows are together in ``order``."""
    if not starts.size:
        return np.zeros(0), np.zeros(0, bool)
    kind, at = log.kind[order], log.at[order]
    never = np.iinfo(np.int64).min
    refused = np.maximum.reduceat(np.where(_NEGATIVE[kind], at, never), starts)
    stands = at > np.repeat(refused, np.diff(starts, append=order.size))
    weight = np.where(stands, _WEIGHT[kind], 0.0)
    if config.half_life_days is not None:
        weight *= np.exp2((at - log.at[-1]) / (config.half_life_days * DAY_MS))
    followed = np.logical_or.reduceat(stands & (kind == _FOLLOW), starts)
    return np.minimum(np.add.reduceat(weight, starts), config.ceiling), followed
