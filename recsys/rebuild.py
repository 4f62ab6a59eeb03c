"""The fast layer made anew from the records: everything that happened, the newest of it event by event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from content_store import changes, clock, contents, profiling
from content_store.contents import Outline
from content_store.db import Connection, Database
from content_store.event_follower import EventFollower
from content_store.event_stream import EventColumns
from content_store.profiling import NO_SWITCHES, Switches
from content_store.vocabulary import NEVER_INFERRED, EventKind
from recsys.coding import factorize
from recsys.features.log import KIND_CODE
from recsys.live import HOUR_MS, Live, Static
from recsys.names import Names

_TEXT = np.zeros(0, object)
_NO_EVENTS = EventColumns(np.zeros(0, np.int64), _TEXT, _TEXT, _TEXT, np.zeros(0, np.int64), _TEXT, _TEXT)
_BATCH = 50_000
_OLD_AT_ONCE = 400_000
_NEW_AT_ONCE = 20_000


@dataclass(frozen=True)
class Contacts:
    """Events that are more than impressions, as numbers; one entry each. ``at`` is epoch ms."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    at: NDArray[np.int64]
    kind: NDArray[np.int8]
    region: NDArray[np.int32]
    device: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.at.size)

    def taken(self, rows: NDArray[np.intp] | slice) -> Contacts:
        """These ``rows``."""
        return Contacts(*(getattr(self, field.name)[rows] for field in fields(self)))

    def rows(self) -> Iterator[tuple[int, int, float, int, int, int]]:
        """What ``Live.update`` wants to know of each."""
        hours = self.at / HOUR_MS
        columns = (self.user, self.item, hours, self.kind, self.region, self.device)
        return zip(*(column.tolist() for column in columns), strict=True)


@dataclass(frozen=True)
class MadeAnew:
    """A fast layer, and what it knows of the records.

    ``seq``: it has every event up to this place in the log; ``taken``: the places after it whose events it has, too;
    ``cursor``: of ``changes``, before everything read; ``due``: when contents that are not to be shown yet are
    (position and epoch ms).
    """

    live: Live
    seq: int
    taken: set[int]
    cursor: int
    due: dict[int, int]


def made_anew(database: Database, names: Names, recent: int) -> MadeAnew:
    """The fast layer of everything recorded, the newest ``recent`` contacts (by their own time) event by event.

    Events are taken in the order of time. Who and what is not in ``names`` yet is added.
    """
    live = Live(Static.unknown(len(names.items)), len(names.citizens))
    with database.connect() as connection:
        cursor = changes.now(connection)
        declared = profiling.switches(connection)
        heed_all(names, declared)
        due = describe_all(connection, live, names)
        known = len(names.items)
        log, seq, taken = _read(connection, names, declared)
    for place in range(known, len(names.items)):
        live.withdraw(place)  # nothing is known of it yet: its content came while this was reading
    live.unprofiled, live.forgotten = names.unprofiled, names.forgotten
    order = np.argsort(log.at, kind="stable")
    old, new = order[: max(0, order.size - recent)], order[max(0, order.size - recent) :]
    for part in _by_citizen(log.user, old):
        some = log.taken(part)
        live.remember(some.user, some.item, some.at / HOUR_MS, some.kind)
    for start in range(0, new.size, _NEW_AT_ONCE):
        for row in log.taken(new[start : start + _NEW_AT_ONCE]).rows():
            live.update(*row)
    return MadeAnew(live, seq, taken, cursor, due)


def heed_all(names: Names, declared: Mapping[str, Switches]) -> None:
    """Let ``names`` say of every citizen it knows what ``declared`` (of all who declared anything) says."""
    for place in names.declared() - {names.citizens.get(id) for id in declared}:
        names.heed(place, NO_SWITCHES)
    for id, switches in declared.items():
        if id in names.citizens:
            names.heed(names.citizens.get(id), switches)


def describe_all(connection: Connection, live: Live, names: Names) -> dict[int, int]:
    """Tell ``live`` of all contents that are recorded, and of none besides; returns when others are due."""
    told: dict[int, int | None] = {}
    for outline in contents.outlines(connection):
        told[names.add("items", outline.id)] = describe(live, names, outline)
    for place in range(len(names.items)):
        if place not in told:
            live.withdraw(place)
    return {place: at for place, at in told.items() if at is not None}


def describe(live: Live, names: Names, outline: Outline) -> int | None:
    """Tell ``live`` what a content is, and whether it may be shown now; returns when it may where that is later."""
    place, now = names.add("items", outline.id), clock.now_ms()
    live.describe(
        place,
        topic=names.add("topics", outline.topic),
        author=names.add("authors", outline.author),
        created=np.nan if outline.published_at is None else outline.published_at / HOUR_MS,
        private=outline.topic in NEVER_INFERRED,
    )
    appeared = min(outline.created_at, now) if outline.published_at is None else outline.published_at
    if outline.published and appeared <= now:
        live.publish(place, appeared / HOUR_MS)
        return None
    live.withdraw(place)
    return appeared if outline.published else None


def is_contact(columns: EventColumns) -> NDArray[np.bool_]:
    """Which events are more than impressions."""
    contact: NDArray[np.bool_] = columns.kind != EventKind.IMPRESSION.value
    return contact


def contacts_of(columns: EventColumns, names: Names) -> Contacts:
    """The events of ``columns`` that are more than impressions; who and what is new gets a position.

    An event without a region is taken to have happened in the prefecture that its citizen declared.
    """
    kept = is_contact(columns)
    codes, kinds = factorize(columns.kind[kept])
    user, region = names.add_all("citizens", columns.citizen[kept]), names.add_all("regions", columns.region[kept])
    return Contacts(
        user,
        names.add_all("items", columns.content[kept]),
        columns.at[kept],
        np.array([KIND_CODE[kind] for kind in kinds], np.int8)[codes],
        np.where(region >= 0, region, names.homes(user)),
        names.add_all("devices", columns.device[kept]),
    )


def _read(connection: Connection, names: Names, declared: Mapping[str, Switches]) -> tuple[Contacts, int, set[int]]:
    """Every event that is recorded, in the order of storing; up to which place they are all there; those after it."""
    parts, after = [contacts_of(_NO_EVENTS, names)], [_NO_EVENTS.seq]
    reader = EventFollower(batch=_BATCH, contacts=True)
    for columns in reader.poll(connection):
        for id in declared.keys() & set(columns.citizen.tolist()):
            names.heed(names.add("citizens", id), declared[id])
        parts.append(contacts_of(columns, names))
        after = [seq[seq > reader.settled] for seq in (*after, columns.seq)]
    columns_of = ([getattr(part, field.name) for part in parts] for field in fields(Contacts))
    taken = set(np.concatenate(after).tolist())
    return Contacts(*(np.concatenate(column) for column in columns_of)), reader.settled, taken


def _by_citizen(user: NDArray[np.int32], rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """``rows`` in parts of bounded size, all of a citizen's in one, in their order."""
    rows = rows[np.argsort(user[rows], kind="stable")]
    owner, start = user[rows], 0
    while start < rows.size:
        last = owner[min(start + _OLD_AT_ONCE, rows.size) - 1]
        end = int(np.searchsorted(owner, last, "right"))
        yield rows[start:end]
        start = end
