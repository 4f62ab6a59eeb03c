"""A frozen dataset: everything known before an instant and nothing after it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.vocabulary import READING_KINDS
from recsys.features.interest import InterestConfig, interest
from recsys.features.log import KINDS, Columns, Encoded, EventLog, Ids, encode, frozen

_READING = np.array([kind in READING_KINDS for kind in KINDS])


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom and what the law keeps out of profiles (PIPL, algorithm rules 2022).

    ``unprofiled``: ids of citizens without a profile (minors, personalisation off). ``uninferred``: ids of items on
    topics that are never inferred (health, psychology). Their events still count in the log, that is in aggregates.
    """

    unprofiled: Collection[str] = frozenset()
    uninferred: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was known before ``as_of`` (epoch ms).

    ``citizens``, ``items``, ``regions``, ``devices``: sorted ids and labels (object arrays of str); ``matrix``:
    citizens × items interests (float32 CSR, see ``interest``); ``profiled`` (citizens, bool) and ``inferable`` (items,
    bool) tell whom and what it may speak of; ``log``: every event, for the fast layer and for aggregates.
    """

    as_of: int
    citizens: Ids
    items: Ids
    regions: Ids
    devices: Ids
    log: EventLog
    profiled: NDArray[np.bool_]
    inferable: NDArray[np.bool_]
    config: InterestConfig
    matrix: csr_matrix = field(repr=False)

    @classmethod
    def build(
        cls,
        log: Iterable[Columns],
        *,
        as_of: int,
        rules: Rules | None = None,
        config: InterestConfig | None = None,
    ) -> Self:
        """The dataset of the events of ``log`` with ``at`` < ``as_of``; the order of events does not matter.

        An event that arrived late enters by its own ``at``. Raises KeyError on an unknown kind.
        """
        rules = rules or Rules()
        encoded = encode(log, as_of)
        profiled = ~_among(encoded.citizens, rules.unprofiled)
        inferable = ~_among(encoded.items, rules.uninferred)
        return cls._of(encoded, profiled, inferable, as_of, config or InterestConfig())

    @classmethod
    def _of(
        cls,
        encoded: Encoded,
        profiled: NDArray[np.bool_],
        inferable: NDArray[np.bool_],
        as_of: int,
        config: InterestConfig,
    ) -> Self:
        matrix = interest(encoded.log, profiled, inferable, config)
        for column in (encoded.citizens, encoded.items, encoded.regions, encoded.devices, profiled, inferable):
            column.setflags(write=False)
        return cls(
            as_of=as_of,
            citizens=encoded.citizens,
            items=encoded.items,
            regions=encoded.regions,
            devices=encoded.devices,
            log=encoded.log,
            profiled=profiled,
            inferable=inferable,
            config=config,
            matrix=matrix,
        )

    def before(self, as_of: int) -> Self:
        """What ``build`` would have given for this earlier ``as_of``, without reading the log again.

        Raises ValueError where ``as_of`` is later than this dataset's.
        """
        if as_of > self.as_of:
            raise ValueError("a dataset cannot tell what came after it")
        log = self.log.head(int(np.searchsorted(self.log.at, as_of)))
        user, profiles = _used(log.user, self.citizens.size)
        item, contents = _used(log.item, self.items.size)
        region, regions = _used(log.region, self.regions.size)
        device, devices = _used(log.device, self.devices.size)
        earlier = frozen(EventLog(user, item, log.kind, log.at, region, device))
        encoded = Encoded(
            earlier, self.citizens[profiles], self.items[contents], self.regions[regions], self.devices[devices]
        )
        return self._of(encoded, self.profiled[profiles], self.inferable[contents], as_of, self.config)

    @property
    def reading(self) -> NDArray[np.bool_]:
        """Which events of the log are clicks or reads (events, bool)."""
        return _READING[self.log.kind]

    def reads_per_item(self) -> NDArray[np.int64]:
        """Clicks and reads of each item by everybody (items, int64): an aggregate, nobody is left out."""
        counts: NDArray[np.int64] = np.bincount(self.log.item[self.reading], minlength=self.items.size)
        return counts

    def item_positions(self, ids: Collection[str]) -> NDArray[np.intp]:
        """The position of each id among the items, -1 where it has none."""
        found: NDArray[np.intp] = pd.Index(self.items).get_indexer(pd.Index(list(ids), dtype=object))
        return found

    def counts(self) -> dict[str, int]:
        """Sizes for manifests and for people."""
        return {
            "events": len(self.log),
            "reads": int(self.reading.sum()),
            "citizens": int(self.citizens.size),
            "profiled": int(self.profiled.sum()),
            "items": int(self.items.size),
            "pairs": int(self.matrix.nnz),
        }

    def span(self) -> tuple[int, int] | None:
        """The times of the first and the last event (epoch ms); None without events."""
        return (int(self.log.at[0]), int(self.log.at[-1])) if len(self.log) else None

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything in the dataset: equal datasets, and only they, have equal fingerprints."""
        digest = hashlib.sha256(repr((self.as_of, self.config)).encode())
        for ids in (self.citizens, self.items, self.regions, self.devices):
            digest.update(repr(ids.tolist()).encode())
        matrix: list[NDArray[Any]] = [self.matrix.data, self.matrix.indices, self.matrix.indptr]
        for column in (*self.log.arrays().values(), self.profiled, self.inferable, *matrix):
            digest.update(f"{column.dtype}{column.shape}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def _among(ids: Ids, chosen: Collection[str]) -> NDArray[np.bool_]:
    wanted = chosen if isinstance(chosen, set | frozenset) else frozenset(chosen)
    return np.fromiter((value in wanted for value in ids), bool, ids.size)


def _used(codes: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """``codes`` renumbered without gaps in the same order, and the old codes that are in use; -1 stays."""
    used = np.zeros(count, bool)
    used[codes[codes >= 0]] = True
    rank = np.append(np.cumsum(used) - 1, -1).astype(np.int32)
    return rank[codes], np.flatnonzero(used)
