"""Citizens: who reads, as little as must be known of them.

A guest is known by their events only; a registered citizen has an account. A prefecture, a birth year and interests
are there only where the citizen declared them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypedDict, Unpack, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, schema, statements
from content_store.driver import Driver, Insertion
from content_store.errors import BadRecord, UnknownCitizen
from content_store.vocabulary import CitizenKind, Prefecture, Topic

ADULT_AT = 18
OLDEST_BIRTH_YEAR = 1880

_citizens = schema.citizens
_KNOWN = "SELECT id FROM citizens WHERE id IN ?"
_GUESTS = Insertion.into(
    _citizens, ("id", "kind", "minor", "personalised", "created_at"), on_conflict="(id) DO NOTHING"
)
_interests = schema.citizen_interests


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """A citizen as stored; ``declared_minor`` is set where someone said so, ``created_at`` is epoch ms."""

    id: str
    kind: CitizenKind
    prefecture: Prefecture | None
    birth_year: int | None
    declared_minor: bool
    personalised: bool
    interests: frozenset[Topic]
    created_at: int

    @property
    def minor(self) -> bool:
        """Whether the citizen must be treated as a minor today: said to be one, or maybe not yet 18 by birth year."""
        return self.declared_minor or maybe_minor(self.birth_year)


class Changes(TypedDict, total=False):
    """What may be changed of a citizen; None forgets a prefecture or a birth year."""

    kind: CitizenKind
    prefecture: Prefecture | str | None
    birth_year: int | None
    minor: bool
    personalised: bool
    interests: Iterable[Topic | str]


def maybe_minor(birth_year: int | None) -> bool:
    """Whether one born in ``birth_year`` may be under 18 today: only the year is known, so the doubt is theirs."""
    return birth_year is not None and clock.today().year - birth_year <= ADULT_AT


def create(
    connection: Connection, *, id: str | None = None, created_at: int | None = None, **given: Unpack[Changes]
) -> Citizen:
    """Store a new citizen: a guest, personalised, unless ``given`` says otherwise; without ``id`` a new one is made.

    Raises BadRecord for a value outside the vocabulary or an id that is taken.
    """
    identifier = checks.identifier(id, "a citizen's id") if id is not None else ids.new_id()
    topics = _topics(given.get("interests", ()))
    now = clock.now_ms() if created_at is None else created_at
    row = {"kind": CitizenKind.GUEST, "personalised": True, "minor": False} | _columns(given)
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_citizens), row | {"id": identifier, "created_at": now})
    except sa.exc.IntegrityError as error:
        raise BadRecord(f"a citizen has the id {identifier} already") from error
    _declare(connection, identifier, topics)
    return get(connection, identifier)


def get(connection: Connection, id: str) -> Citizen:
    """The citizen with this id. Raises UnknownCitizen."""
    row = connection.execute(sa.select(_citizens).where(_citizens.c.id == id)).one_or_none()
    if row is None:
        raise UnknownCitizen(f"no citizen has the id {id}")
    return _citizen(row, _interests_of(connection, [id]).get(id, frozenset()))


def update(connection: Connection, id: str, **changes: Unpack[Changes]) -> Citizen:
    """Change what is given; ``interests`` replaces all of them. Raises UnknownCitizen or BadRecord."""
    columns = _columns(changes)
    topics = _topics(changes["interests"]) if "interests" in changes else None
    found = connection.execute(
        sa.update(_citizens).where(_citizens.c.id == id).values(columns)
        if columns
        else sa.update(_citizens).where(_citizens.c.id == id).values(id=id)
    )
    if not found.rowcount:
        raise UnknownCitizen(f"no citizen has the id {id}")
    if topics is not None:
        connection.execute(sa.delete(_interests).where(_interests.c.citizen_id == id))
        _declare(connection, id, topics)
    return get(connection, id)


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of ``ids`` that a citizen has."""
    driver = Driver(connection)
    found: set[str] = set()
    for part in statements.chunks(ids):
        found.update(id for (id,) in driver.rows(_KNOWN, part))
    return found


def ensure(connection: Connection, ids: Iterable[str]) -> int:
    """Make guests of those of ``ids`` that no citizen has; returns how many were made. Raises BadRecord."""
    now = clock.now_ms()
    # Sorted, so that they go into the index in order, and those who make the same guests at once wait in a row.
    new = sorted({checks.identifier(identifier, "a citizen's id") for identifier in ids})
    rows = [(identifier, CitizenKind.GUEST.value, False, True, now) for identifier in new]
    return Driver(connection).insert(_GUESTS, rows)


def count(connection: Connection) -> int:
    """How many citizens are stored."""
    return connection.execute(sa.select(sa.func.count()).select_from(_citizens)).scalar_one()


def every(connection: Connection, *, batch: int = 10_000) -> Iterator[Citizen]:
    """All citizens by id, read ``batch`` at a time."""
    # An option of the connection would outlive the statement.
    query = sa.select(_citizens).order_by(_citizens.c.id)
    result = connection.execute(query, execution_options={"yield_per": batch})
    for rows in result.partitions():
        interests = _interests_of(connection, [row.id for row in rows])
        for row in rows:
            yield _citizen(row, interests.get(row.id, frozenset()))


def some(connection: Connection, ids: Collection[str]) -> dict[str, Citizen]:
    """The citizens with these ids, by id; unknown ids are left out."""
    interests = _interests_of(connection, list(ids))
    found: dict[str, Citizen] = {}
    for part in statements.chunks(ids):
        for row in connection.execute(sa.select(_citizens).where(_citizens.c.id.in_(part))):
            found[row.id] = _citizen(row, interests.get(row.id, frozenset()))
    return found


def check(given: dict[str, Any]) -> dict[str, Any]:
    """A row for ``merge`` from what a file tells of a citizen: ``id`` and any columns; None and empty tell nothing.

    Raises BadRecord.
    """
    told = {name: value for name, value in given.items() if value is not None and value != ""}
    row: dict[str, Any] = {name: told.pop(name) for name in ("id", "created_at") if name in told}
    checks.identifier(row["id"], "a citizen's id")
    if "interests" in told:
        row["interests"] = _topics(told["interests"])
    return row | _columns(cast("Changes", told))


def merge(connection: Connection, rows: Collection[dict[str, Any]]) -> statements.Merged:
    """Store what ``rows`` (made by ``check``) tell: new citizens, registered unless they say otherwise, and changes of
    stored ones, who become registered too."""
    blank: dict[str, Any] = {"prefecture": None, "birth_year": None, "minor": False, "personalised": True}
    blank |= {"interests": frozenset(), "created_at": clock.now_ms()}
    stored = {id: _as_row(citizen) for id, citizen in some(connection, [row["id"] for row in rows]).items()}
    told = [{"kind": CitizenKind.REGISTERED} | row for row in rows]

    def change(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        return before | {name: value for name, value in row.items() if name != "created_at"}

    merged, changed = statements.merge(stored, told, lambda row: blank | row, change)
    columns = [column.name for column in _citizens.c]
    statements.replace(connection, _citizens, [{name: row[name] for name in columns} for row in changed])
    _replace_interests(connection, stored, {row["id"]: row["interests"] for row in changed})
    return merged


def prefecture(value: str | None) -> Prefecture | None:
    """The prefecture with this code or Chinese name (also with 市 or 州); an empty one is none. Raises BadRecord."""
    if not value:
        return None
    found = _PREFECTURES.get(value.strip())
    if found is None:
        raise BadRecord(f"{value!r} is no prefecture of Sichuan")
    return found


def topic(value: str) -> Topic:
    """The topic with this code or Chinese name. Raises BadRecord."""
    found = _TOPICS.get(value.strip())
    if found is None:
        raise BadRecord(f"{value!r} is no topic")
    return found


_TOPICS = {name: entry for entry in Topic for name in (entry.value, entry.label)}
_PREFECTURES = {
    name: entry for entry in Prefecture for name in (entry.value, entry.label, f"{entry.label}市", f"{entry.label}州")
}


def _columns(given: Changes) -> dict[str, Any]:
    columns: dict[str, Any] = {name: value for name, value in given.items() if name != "interests"}
    if "kind" in columns and columns["kind"] not in set(CitizenKind):
        raise BadRecord(f"{columns['kind']!r} is no kind of citizen")
    if "prefecture" in columns:
        columns["prefecture"] = prefecture(columns["prefecture"])
    year = columns.get("birth_year")
    if year is not None and not OLDEST_BIRTH_YEAR <= year <= clock.today().year:
        raise BadRecord(f"the birth year {year} is not between {OLDEST_BIRTH_YEAR} and this year")
    return columns


def _topics(values: Iterable[Topic | str]) -> frozenset[Topic]:
    return frozenset(topic(value) for value in values)


def _declare(connection: Connection, id: str, topics: frozenset[Topic]) -> None:
    if topics:
        connection.execute(
            sa.insert(_interests), [{"citizen_id": id, "topic": entry.value} for entry in sorted(topics)]
        )


def _replace_interests(
    connection: Connection, stored: dict[str, dict[str, Any]], told: dict[str, frozenset[Topic]]
) -> None:
    nothing: dict[str, Any] = {"interests": frozenset()}
    different = {id: topics for id, topics in told.items() if topics != stored.get(id, nothing)["interests"]}
    for part in statements.chunks([id for id in different if id in stored]):
        connection.execute(sa.delete(_interests).where(_interests.c.citizen_id.in_(part)))
    rows = [{"citizen_id": id, "topic": entry.value} for id, topics in different.items() for entry in sorted(topics)]
    if rows:
        connection.execute(sa.insert(_interests), rows)


def _as_row(citizen: Citizen) -> dict[str, Any]:
    row = asdict(citizen)
    row["minor"] = row.pop("declared_minor")
    return row


def _interests_of(connection: Connection, ids: list[str]) -> dict[str, frozenset[Topic]]:
    found: dict[str, set[Topic]] = {}
    for part in statements.chunks(ids):
        for row in connection.execute(sa.select(_interests).where(_interests.c.citizen_id.in_(part))):
            found.setdefault(row.citizen_id, set()).add(Topic(row.topic))
    return {id: frozenset(topics) for id, topics in found.items()}


def _citizen(row: Any, interests: frozenset[Topic]) -> Citizen:
    return Citizen(
        id=row.id,
        kind=CitizenKind(row.kind),
        prefecture=Prefecture(row.prefecture) if row.prefecture else None,
        birth_year=row.birth_year,
        declared_minor=row.minor,
        personalised=row.personalised,
        interests=interests,
        created_at=row.created_at,
    )
