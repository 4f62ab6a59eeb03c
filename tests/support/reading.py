"""A small town of readers with tastes, whose log has a known answer: who read one half of a shelf reads the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from content_store import citizens, contents, events
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import EventKind

DAY = 86_400_000
START = 1_704_038_400_000  # 2024-01-01 in Shanghai

Row = tuple[str, str, str, int]


@dataclass(frozen=True)
class Batch:
    """Events as columns, like those that the records give."""

    citizen: NDArray[Any]
    content: NDArray[Any]
    kind: NDArray[Any]
    at: NDArray[np.int64]
    region: NDArray[Any]
    device: NDArray[Any]


def columns(rows: Sequence[tuple[Any, ...]], size: int = 1000) -> list[Batch]:
    """``rows`` of citizen, item, kind, at and optionally region and device, in batches."""
    padded = [(*row, None, None)[:6] for row in rows]
    found = []
    for start in range(0, len(padded), size):
        parts = list(zip(*padded[start : start + size], strict=True))
        arrays = [np.array(part, np.int64 if place == 3 else object) for place, part in enumerate(parts)]
        found.append(Batch(*arrays))
    return found


def town(citizens: int = 60, shelves: int = 3, books: int = 8, *, days: int = 30, seed: int = 0) -> list[Row]:
    """Each citizen reads most books of one shelf, at times spread over ``days``."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for citizen in range(citizens):
        shelf = citizen % shelves
        for book in rng.permutation(books)[: books - 2]:
            at = START + int(rng.integers(0, days * DAY))
            rows.append((f"c{citizen:02d}", f"shelf{shelf}-book{book}", "read", at))
    return sorted(rows, key=lambda row: row[3])


def record(database: Database, rows: Sequence[Row]) -> None:
    """Store ``rows`` with their citizens and contents."""
    with database.begin() as connection:
        citizens.ensure(connection, {who for who, *_ in rows})
        contents.ensure(connection, {what for _, what, *_ in rows})
        events.append(
            connection,
            [
                Event(id=str(place), citizen_id=who, content_id=what, kind=EventKind(kind), at=at)
                for place, (who, what, kind, at) in enumerate(rows)
            ],
        )


def shelves_of(items: Iterable[str]) -> list[str]:
    """The shelf of each item."""
    return [item.partition("-")[0] for item in items]
