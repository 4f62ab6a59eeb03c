"""Organisations: a tree whose root is the province. What is granted in one holds in all that are below it.

That it stays a tree is seen to by the database, also where two move at once; see migration 0009. Who calls has looked
whether the actor may (``MANAGE_ORGANISATIONS`` in the organisation above, and in both where one is moved).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from content_store import audit, checks, clock, ids, locks, schema
from content_store.audit import Change
from content_store.driver import Driver
from content_store.errors import BadRecord, UnknownOrganisation
from content_store.staff_vocabulary import PARENT_KINDS
from content_store.vocabulary import COUNTIES, OrganisationKind, Prefecture

ROOT = "510000"
"""The id of the province, which is its code by GB/T 2260; those of prefectures are theirs."""
PROVINCE = "四川省"
LONGEST_NAME = 100

_TREE = "organisations"
_AUTONOMOUS = frozenset({Prefecture.ABA, Prefecture.GARZE, Prefecture.LIANGSHAN})
_table = schema.organisations


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation as stored; ``region`` is a code by GB/T 2260, ``created_at`` epoch ms."""

    id: str
    parent_id: str | None
    kind: OrganisationKind
    name: str
    region: str | None
    created_at: int


def create(
    connection: Connection,
    *,
    actor: str,
    parent_id: str,
    kind: OrganisationKind | str,
    name: str,
    region: str | None = None,
    id: str | None = None,
) -> Organisation:
    """A new organisation below ``parent_id``; without ``id`` one is made, without ``region`` it has its parent's.

    Raises UnknownOrganisation, or BadRecord for a kind that cannot be there, or a name or an id that is taken.
    """
    locks.hold(Driver(connection), [_TREE])
    parent, kind = get(connection, parent_id), _kind(kind)
    _refuse_parent(kind, parent)
    identifier = checks.identifier(id, "an organisation's id") if id else ids.new_id()
    row: dict[str, Any] = {"id": identifier, "parent_id": parent_id}
    row |= {"kind": kind, "name": _name(name), "region": _region(region) or parent.region}
    made = _insert(connection, row)
    audit.record_all(connection, actor, [_creation(made)])
    return made


def rename(connection: Connection, id: str, name: str, *, actor: str) -> Organisation:
    """Give it another name. Raises UnknownOrganisation, or BadRecord for a name that its parent has already."""
    return _update(connection, id, actor, "organisation.rename", name=_name(name))


def move(connection: Connection, id: str, parent_id: str, *, actor: str) -> Organisation:
    """Put it, with all below it, under another one. Raises UnknownOrganisation, or BadRecord where that cannot be."""
    # Before any row is locked, so that two moves wait for each other in one place only.
    locks.hold(Driver(connection), [_TREE])
    _refuse_parent(get(connection, id).kind, get(connection, parent_id))
    return _update(connection, id, actor, "organisation.move", parent_id=parent_id)


def get(connection: Connection, id: str) -> Organisation:
    """The organisation with this id. Raises UnknownOrganisation."""
    row = connection.execute(sa.select(_table).where(_table.c.id == id)).one_or_none() if "\x00" not in id else None
    if row is None:
        raise UnknownOrganisation(f"no organisation has the id {id!r}", hint="`kepu organisations list` shows them all")
    return _organisation(row)


def find(connection: Connection, text: str) -> Organisation:
    """The organisation with this id, or the only one with this name. Raises UnknownOrganisation, BadRecord."""
    try:
        return get(connection, text)
    except UnknownOrganisation:
        rows = connection.execute(sa.select(_table).where(_table.c.name == text.replace("\x00", ""))).all()
        if not rows:
            raise
    if len(rows) > 1:
        among = ", ".join(sorted(row.id for row in rows))
        raise BadRecord(f"{len(rows)} organisations are called {text}", hint=f"name one by its id: {among}")
    return _organisation(rows[0])


def every(connection: Connection, below: str | None = None) -> list[Organisation]:
    """All organisations, or ``below`` with all under it: each after its parent, brothers by region, kind and name."""
    rows = [_organisation(row) for row in connection.execute(sa.select(_table))]
    rows.sort(key=lambda row: (row.region or "", list(OrganisationKind).index(row.kind), row.name, row.id))
    children: dict[str | None, list[Organisation]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    waiting = children.get(None, []) if below is None else [row for row in rows if row.id == below]
    found, waiting = [], waiting[::-1]
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(children.get(found[-1].id, []))
    return found


def subtree(connection: Connection, id: str) -> frozenset[str]:
    """The ids of the organisation and of all below it; none where it does not exist."""
    tree = below(sa.select(_table.c.id).where(_table.c.id == id))
    return frozenset(connection.execute(sa.select(tree.c.id)).scalars())


def ancestors(connection: Connection, id: str) -> list[str]:
    """The ids of the organisation and of all above it, the nearest first; none where it does not exist."""
    up = above(id)
    return list(connection.execute(sa.select(up.c.id).order_by(up.c.height)).scalars())


def above(id: str) -> Any:
    """A query of the ids of the organisation and all above it (``id``), with how far above they are (``height``)."""
    start = sa.select(_table.c.id, _table.c.parent_id, sa.literal(0).label("height")).where(_table.c.id == id)
    up = start.cte("up", recursive=True)
    return up.union_all(
        sa.select(_table.c.id, _table.c.parent_id, up.c.height + 1).join(up, _table.c.id == up.c.parent_id)
    )


def below(tops: sa.Select[Any]) -> Any:
    """A query of the ids (``id``) of the organisations that ``tops`` selects, and of all below them, each once."""
    down = tops.cte("down", recursive=True)
    return down.union(sa.select(_table.c.id).join(down, _table.c.parent_id == down.c.id))


def seed(connection: Connection, *, actor: str) -> list[Organisation]:
    """Make the province and its prefectures as far as they are not there yet; returns those that were made."""
    locks.hold(Driver(connection), [_TREE])
    rows: list[dict[str, Any]] = [{"id": ROOT, "parent_id": None, "kind": OrganisationKind.PROVINCE, "name": PROVINCE}]
    for entry in Prefecture:
        name = entry.label + ("州" if entry in _AUTONOMOUS else "市")
        rows.append({"id": entry.value, "parent_id": ROOT, "kind": OrganisationKind.PREFECTURE, "name": name})
    there = set(connection.execute(sa.select(_table.c.id)).scalars())
    made = [_insert(connection, row | {"region": row["id"]}) for row in rows if row["id"] not in there]
    audit.record_all(connection, actor, [_creation(row) for row in made])
    return made


def _insert(connection: Connection, row: dict[str, Any]) -> Organisation:
    row["created_at"] = clock.now_ms()
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_table), row)
    except IntegrityError as error:
        raise BadRecord(f"an organisation {row['name']} ({row['id']}) is there already") from error
    return get(connection, row["id"])


def _update(connection: Connection, id: str, actor: str, action: str, **values: str) -> Organisation:
    before = get(connection, id)
    try:
        with connection.begin_nested():
            connection.execute(sa.update(_table).where(_table.c.id == id).values(values))
    except IntegrityError as error:
        reason = "its name is taken there, or it would be below itself"
        raise BadRecord(f"{before.name} cannot be changed so: {reason}") from error
    told = {key: getattr(before, key) for key in values}
    audit.record(connection, actor, action, "organisation", id, told, values)
    return get(connection, id)


def _creation(made: Organisation) -> Change:
    told = {"parent_id": made.parent_id, "kind": made.kind, "name": made.name, "region": made.region}
    return Change("organisation.create", "organisation", made.id, None, told)


def _refuse_parent(kind: OrganisationKind, parent: Organisation) -> None:
    if parent.kind not in PARENT_KINDS[kind]:
        among = ", ".join(sorted(PARENT_KINDS[kind])) or "none"
        raise BadRecord(f"a {kind} cannot be below a {parent.kind}", hint=f"it may be below: {among}")


def _kind(value: str) -> OrganisationKind:
    if value not in set(OrganisationKind):
        raise BadRecord(f"{value!r} is no kind of organisation", hint=f"there are: {', '.join(OrganisationKind)}")
    return OrganisationKind(value)


def _name(value: str) -> str:
    name = checks.identifier(value.strip(), "an organisation's name")
    if len(name) > LONGEST_NAME:
        raise BadRecord(f"an organisation's name has at most {LONGEST_NAME} characters")
    return name


def _region(value: str | None) -> str | None:
    """A code by GB/T 2260: six digits, of this province."""
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) == 6 and value.startswith(ROOT[:2])):
        raise BadRecord(
            f"{value!r} is no code of a region here", hint=f"one is {Prefecture.CHENGDU}, {next(iter(COUNTIES))}"
        )
    return value


def _organisation(row: Any) -> Organisation:
    return Organisation(**{**row._mapping, "kind": OrganisationKind(row.kind)})
