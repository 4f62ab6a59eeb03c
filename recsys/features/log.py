"""The event log as sorted columns of small integers, read in batches so that memory follows the codes, not the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from content_store.vocabulary import EventKind
from recsys.coding import factorize

KINDS = tuple(EventKind)
KIND_CODE = {kind.value: code for code, kind in enumerate(KINDS)}

Ids = NDArray[np.object_]


class Columns(Protocol):
    """A batch of events as arrays of equal length: text except ``at`` (epoch ms, int64); missing labels are None."""

    @property
    def citizen(self) -> NDArray[Any]: ...
    @property
    def content(self) -> NDArray[Any]: ...
    @property
    def kind(self) -> NDArray[Any]: ...
    @property
    def at(self) -> NDArray[np.int64]: ...
    @property
    def region(self) -> NDArray[Any]: ...
    @property
    def device(self) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events sorted by time, then by the other columns; all arrays have one entry per event and are read-only.

    ``user``, ``item``: int32 positions in the sorted ids; ``kind``: int8 position in ``KINDS``; ``at``: int64 epoch ms;
    ``region``, ``device``: int32 positions in the sorted labels, -1 where the event has none.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    kind: NDArray[np.int8]
    at: NDArray[np.int64]
    region: NDArray[np.int32]
    device: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.at.size)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def head(self, rows: int) -> Self:
        """The first ``rows`` events with the same codes."""
        return type(self)(**{name: column[:rows] for name, column in self.arrays().items()})


@dataclass(frozen=True, slots=True)
class Encoded:
    """A log with the sorted ids and labels (object arrays of str) that its codes stand for."""

    log: EventLog
    citizens: Ids
    items: Ids
    regions: Ids
    devices: Ids


class _Encoder:
    """Text to codes in the order of first sight; ``sorted`` renumbers them by the text."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}
        self._parts: list[NDArray[np.int32]] = []

    def add(self, values: NDArray[Any]) -> None:
        codes, uniques = factorize(values)
        known = self._code
        table = np.fromiter((known.setdefault(value, len(known)) for value in uniques), np.int32, len(uniques))
        self._parts.append(np.where(codes >= 0, table[codes] if table.size else -1, -1).astype(np.int32))

    def sorted(self) -> tuple[NDArray[np.int32], Ids]:
        ids = np.empty(len(self._code), object)
        ids[:] = list(self._code)
        order = np.argsort(ids, kind="stable")
        rank = np.full(ids.size + 1, -1, np.int32)  # the last entry answers for code -1
        rank[order] = np.arange(ids.size, dtype=np.int32)
        codes = np.concatenate(self._parts) if self._parts else np.zeros(0, np.int32)
        self._parts.clear()
        return rank[codes], ids[order]


def encode(batches: Iterable[Columns], as_of: int) -> Encoded:
    """The events with ``at`` < ``as_of`` (epoch ms), whatever their order. Raises KeyError on an unknown kind."""
    encoders = {name: _Encoder() for name in ("citizen", "content", "region", "device")}
    kinds: list[NDArray[np.int8]] = [np.zeros(0, np.int8)]
    times: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for batch in batches:
        early = np.asarray(batch.at) < as_of
        for name, encoder in encoders.items():
            encoder.add(np.asarray(getattr(batch, name), object)[early])
        codes, uniques = factorize(np.asarray(batch.kind, object)[early])
        kinds.append(np.array([KIND_CODE[kind] for kind in uniques], np.int8)[codes])
        times.append(np.asarray(batch.at, np.int64)[early])
    (user, citizens), (item, items), (region, regions), (device, devices) = (
        encoder.sorted() for encoder in encoders.values()
    )
    log = EventLog(user, item, np.concatenate(kinds), np.concatenate(times), region, device)
    return Encoded(_in_order(log, items.size), citizens, items, regions, devices)


def _in_order(log: EventLog, items: int) -> EventLog:
    """``log`` sorted by every column, time first, so that equal events in another order give equal bytes."""
    order = np.argsort(log.at, kind="stable")
    same = np.diff(log.at[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False)[: len(log)])
    rows = order[tied]  # few: sorting by all the columns is left to them
    what = (log.user[rows].astype(np.int64) * max(items, 1) + log.item[rows]) * len(KINDS) + log.kind[rows]
    order[tied] = rows[np.lexsort((log.device[rows], log.region[rows], what, log.at[rows]))]
    return frozen(EventLog(**{name: column[order] for name, column in log.arrays().items()}))


def frozen(log: EventLog) -> EventLog:
    """``log`` with its arrays made read-only."""
    for column in log.arrays().values():
        column.setflags(write=False)
    return log
