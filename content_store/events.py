"""The append-only log of what happened between citizens and contents.

An event is stored once by its id. A reading is one event that may be sent again with a larger ``dwell_ms`` or
``scroll``: the stored maximum grows, and nothing else of a stored event ever changes (the database refuses it).
``at`` is when it happened, ``received_at`` when we stored it, ``seq`` the order of storing; late events are welcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import checks, citizens, clock, contents, schema, statements
from content_store.errors import BadRecord, UnknownCitizen, UnknownContent
from content_store.event_stream import EventColumns as EventColumns
from content_store.event_stream import read_columns as read_columns
from content_store.vocabulary import EventKind

_events = schema.events
NAMES = tuple(column.name for column in _events.c)
"""The columns of an event, as ``of_row`` wants them."""
CONTACT = f"kind <> '{EventKind.IMPRESSION.value}'"
"""What events are that are more than impressions; in the words of the index that is for them."""
_KIND = NAMES.index("kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; ``at`` in epoch ms, ``dwell_ms`` ≥ 0, ``scroll`` the share of the page seen, 0 to 1.

    ``region``, ``device``, ``country`` and ``session`` are labels in the sender's own words.
    """

    id: str
    citizen_id: str
    content_id: str
    kind: EventKind
    at: int
    dwell_ms: int | None = None
    scroll: float | None = None
    region: str | None = None
    device: str | None = None
    country: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent(Event):
    """An event with its place in the log and the time of its storing (epoch ms)."""

    seq: int
    received_at: int


class Appended(NamedTuple):
    """How many rows were stored or grew a stored one, and how many changed nothing."""

    accepted: int
    duplicate: int


def append(connection: Connection, rows: Iterable[Event], *, received_at: int | None = None) -> Appended:
    """Store ``rows`` in their order, each id once.

    A row whose id is stored for the same citizen, content and kind is accepted where it grows ``dwell_ms`` or
    ``scroll``; any other row with a stored id is a duplicate. Raises BadRecord, UnknownCitizen or UnknownContent
    before anything is stored.
    """
    given = list(rows)
    for row in given:
        _check(row)
    _check_references(connection, given)
    now = clock.now_ms() if received_at is None else received_at
    statement = upsert(connection.dialect.name)
    accepted = 0
    for turn in turns([row.id for row in given]):
        values = [asdict(given[position]) | {"received_at": now} for position in turn]
        accepted += statements.affected(connection, statement, values)
    return Appended(accepted, len(given) - accepted)


def turns(ids: Sequence[str]) -> list[list[int]]:
    """Positions of ``ids`` in lists without a repeated id: first occurrences, then second ones, and so on.

    PostgreSQL refuses to touch a row twice in a statement, and what a repeat does depends on the row before it.
    """
    if len(set(ids)) == len(ids):
        return [list(range(len(ids)))] if ids else []
    seen: dict[str, int] = {}
    result: list[list[int]] = []
    for position, identifier in enumerate(ids):
        turn = seen.get(identifier, 0)
        seen[identifier] = turn + 1
        if turn == len(result):
            result.append([])
        result[turn].append(position)
    return result


def upsert(dialect: str) -> Any:
    """The insert that stores a new id and lets a stored reading grow."""
    insert = sqlite.insert(_events) if dialect == "sqlite" else postgresql.insert(_events)
    return growing(insert)


def growing(insert: Any) -> Any:
    """``insert`` with the clause that tells what a stored id means."""
    new = insert.excluded
    longer = new.dwell_ms > sa.func.coalesce(_events.c.dwell_ms, sa.literal_column("-1"))
    further = new.scroll > sa.func.coalesce(_events.c.scroll, sa.literal_column("-1"))
    same = [new[name] == _events.c[name] for name in ("citizen_id", "content_id", "kind")]
    return insert.on_conflict_do_update(
        index_elements=[_events.c.id],
        set_={
            "dwell_ms": sa.case((longer, new.dwell_ms), else_=_events.c.dwell_ms),
            "scroll": sa.case((further, new.scroll), else_=_events.c.scroll),
        },
        where=sa.and_(sa.or_(longer, further), *same),
    )


def history(
    connection: Connection, citizen_id: str, *, kinds: Collection[EventKind] | None = None, limit: int | None = None
) -> list[StoredEvent]:
    """One citizen's events, newest first; only ``kinds`` and at most ``limit`` of them where given."""
    query = sa.select(_events).where(_events.c.citizen_id == citizen_id)
    if kinds is not None:
        query = query.where(_events.c.kind.in_(sorted(kinds)))
    query = query.order_by(_events.c.at.desc(), _events.c.seq.desc()).limit(limit)
    return [_stored(row) for row in connection.execute(query)]


def of_row(row: Sequence[Any]) -> StoredEvent:
    """The event in a row with the columns ``NAMES``."""
    return StoredEvent(**dict(zip(NAMES, row, strict=True)) | {"kind": EventKind(row[_KIND])})


def id_at(connection: Connection, seq: int) -> str | None:
    """The id of the event at this place in the log; None where there is none."""
    return connection.execute(sa.select(_events.c.id).where(_events.c.seq == seq)).scalar_one_or_none()


def count(connection: Connection) -> int:
    """How many events are stored."""
    return connection.execute(sa.select(sa.func.count()).select_from(_events)).scalar_one()


def count_by_kind(connection: Connection) -> dict[EventKind, int]:
    """How many events of each kind are stored; kinds without any are absent."""
    query = sa.select(_events.c.kind, sa.func.count()).group_by(_events.c.kind)
    return {EventKind(kind): number for kind, number in connection.execute(query)}


def last_seq(connection: Connection) -> int:
    """The place of the event stored last; 0 where there is none."""
    return connection.execute(sa.select(sa.func.max(_events.c.seq))).scalar_one() or 0


def newest_at(connection: Connection) -> int | None:
    """When the newest event happened (epoch ms); None where there is none."""
    newest: int | None = connection.execute(sa.select(sa.func.max(_events.c.at))).scalar_one()
    return newest


def _stored(row: Any) -> StoredEvent:
    values = dict(row._mapping)
    values["kind"] = EventKind(values["kind"])
    return StoredEvent(**values)


def _check(row: Event) -> None:
    checks.identifier(row.id, "an event's id")
    for name in ("region", "device", "country", "session"):
        value = getattr(row, name)
        if value is not None:
            checks.identifier(value, name)
    if row.kind not in set(EventKind):
        raise BadRecord(f"event {row.id}: {row.kind!r} is no kind of event")
    if row.dwell_ms is not None and row.dwell_ms < 0:
        raise BadRecord(f"event {row.id}: dwell_ms {row.dwell_ms} is negative")
    if row.scroll is not None and not 0 <= row.scroll <= 1:
        raise BadRecord(f"event {row.id}: scroll {row.scroll} is not between 0 and 1")


def _check_references(connection: Connection, rows: list[Event]) -> None:
    lost = {row.citizen_id for row in rows} - citizens.known(connection, {row.citizen_id for row in rows})
    if lost:
        raise UnknownCitizen(f"no citizen has the id {_some(lost)}")
    lost = {row.content_id for row in rows} - contents.known(connection, {row.content_id for row in rows})
    if lost:
        raise UnknownContent(f"no content has the id {_some(lost)}")


def _some(ids: set[str]) -> str:
    shown = sorted(ids)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
