"""A frozen dataset: everything known before an instant and nothing after it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.vocabulary import READING_KINDS
from recsys.coding import positions
from recsys.features.interest import InterestConfig, interest
from recsys.features.log import KINDS, Columns, Encoded, EventLog, Ids, encode, frozen

_READING = np.array([kind in READING_KINDS for kind in KINDS])


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom and what the law keeps out of profiles (PIPL, algorithm rules 2022).

    ``unprofiled``: ids of citizens without a profile (minors, personalisation off). ``uninferred``: ids of items on
    topics that are never inferred (health, psychology). ``forgotten``: by citizen the items that they want forgotten.
    Their events still count in the log, that is in aggregates.
    """

    unprofiled: Collection[str] = frozenset()
    uninferred: Collection[str] = frozenset()
    forgotten: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was known before ``as_of`` (epoch ms).

    ``citizens``, ``items``, ``regions``, ``devices``: sorted ids and labels (object arrays of str); ``matrix``:
    citizens × items interests (float32 CSR, see ``interest``); ``profiled`` (citizens, bool) and ``inferable`` (items,
    bool) tell whom and what it may speak of, ``forgotten`` (n × 2, int32: citizen and item, sorted) of which pairs it
    may not; ``log``: every event, for the fast layer and for aggregates.
    """

    as_of: int
    citizens: Ids
    items: Ids
    regions: Ids
    devices: Ids
    log: EventLog
    profiled: NDArray[np.bool_]
    inferable: NDArray[np.bool_]
    forgotten: NDArray[np.int32]
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
        forgotten = _forgotten(encoded, rules.forgotten)
        return cls._of(encoded, profiled, inferable, forgotten, as_of, config or InterestConfig())

    @classmethod
    def _of(
        cls,
        encoded: Encoded,
        profiled: NDArray[np.bool_],
        inferable: NDArray[np.bool_],
        forgotten: NDArray[np.int32],
        as_of: int,
        config: InterestConfig,
    ) -> Self:
        matrix = interest(encoded.log, profiled, inferable, config, forgotten)
        labels = (encoded.citizens, encoded.items, encoded.regions, encoded.devices)
        for column in (*labels, profiled, inferable, forgotten):
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
            forgotten=forgotten,
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
        whom, what = (
            np.searchsorted(used, self.forgotten[:, column]) for column, used in enumerate((profiles, contents))
        )
        there = np.isin(self.forgotten[:, 0], profiles) & np.isin(self.forgotten[:, 1], contents)
        forgotten = np.column_stack([whom, what]).astype(np.int32)[there]
        return self._of(encoded, self.profiled[profiles], self.inferable[contents], forgotten, as_of, self.config)

    def is_forgotten(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which pairs of citizen and item (positions) somebody wants forgotten (bool)."""
        pairs = self.forgotten[:, 0] * np.int64(self.items.size) + self.forgotten[:, 1]
        return np.isin(user * np.int64(self.items.size) + item, pairs)

    def silent(self) -> dict[int, frozenset[int]]:
        """By citizen (position) the items that they want forgotten."""
        found: dict[int, set[int]] = {}
        for citizen, item in self.forgotten.tolist():
            found.setdefault(citizen, set()).add(item)
        return {citizen: frozenset(items) for citizen, items in found.items()}

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
        return positions(self.items, list(ids))

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
        for column in (*self.log.arrays().values(), self.profiled, self.inferable, self.forgotten, *matrix):
            digest.update(f"{column.dtype}{column.shape}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def _among(ids: Ids, chosen: Collection[str]) -> NDArray[np.bool_]:
    wanted = chosen if isinstance(chosen, set | frozenset) else frozenset(chosen)
    return np.fromiter((value in wanted for value in ids), bool, ids.size)


def _forgotten(encoded: Encoded, wanted: Mapping[str, Collection[str]]) -> NDArray[np.int32]:
    """The pairs of ``wanted`` that the log knows, as positions (n × 2, int32), sorted."""
    pairs = sorted((citizen, item) for citizen, items in wanted.items() for item in items)
    whom, what = (
        positions(ids, [pair[column] for pair in pairs]) for column, ids in enumerate((encoded.citizens, encoded.items))
    )
    found: NDArray[np.int32] = np.column_stack([whom, what]).astype(np.int32)
    return found[(found >= 0).all(axis=1)]


def _used(codes: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """``codes`` renumbered without gaps in the same order, and the old codes that are in use; -1 stays."""
    used = np.zeros(count, bool)
    used[codes[codes >= 0]] = True
    rank = np.append(np.cumsum(used) - 1, -1).astype(np.int32)
    return rank[codes], np.flatnonzero(used)
