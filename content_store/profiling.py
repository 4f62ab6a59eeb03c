"""Whom and what the law keeps out of personal profiles: minors, who switched it off, topics never inferred."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, history, schema, statements
from content_store.citizens import ADULT_AT
from content_store.vocabulary import NEVER_INFERRED


@dataclass(frozen=True, slots=True)
class Switches:
    """What a citizen said that governs their feed: whether they have a profile, the prefecture they declared, and the
    contents that may not speak for them because they want them forgotten."""

    profiled: bool = True
    prefecture: str | None = None
    forgotten: frozenset[str] = frozenset()


NO_SWITCHES = Switches()
"""Of a guest who declared nothing."""

# Said or maybe to be under 18 today, or with personalisation off.
_UNPROFILED = sa.or_(
    schema.citizens.c.minor,
    sa.not_(schema.citizens.c.personalised),
    sa.func.coalesce(schema.citizens.c.birth_year >= sa.bindparam("oldest_minor"), sa.false()),
)
SWITCHES = (
    "citizens.id, minor OR NOT personalised OR COALESCE(birth_year >= ?, FALSE), prefecture,"
    " EXISTS (SELECT 1 FROM forgotten WHERE citizen_id = citizens.id)"
)
"""Columns of one citizen for ``content_store.news``, by which requests ask: the id, whether they are without a profile,
as of ``oldest_minor``, their prefecture and whether they want something forgotten."""


def unprofiled_citizens(connection: Connection) -> frozenset[str]:
    """The ids of citizens without a profile: said or maybe to be under 18 today, or with personalisation off."""
    found = sa.select(schema.citizens.c.id).where(_UNPROFILED)
    return frozenset(connection.execute(found, {"oldest_minor": oldest_minor()}).scalars())


def switches(connection: Connection, ids: Collection[str] | None = None) -> dict[str, Switches]:
    """The switches of the citizens with these ``ids``, or of all, by id; who has ``NO_SWITCHES`` is left out.

    An id that no citizen has any more is without a profile: nothing may be told of who has been deleted.
    """
    row, year = schema.citizens.c, {"oldest_minor": oldest_minor()}
    query = sa.select(row.id, _UNPROFILED, row.prefecture)
    if ids is None:
        declared = connection.execute(query.where(sa.or_(_UNPROFILED, row.prefecture.is_not(None))), year)
        found = {id: Switches(not kept_out, prefecture) for id, kept_out, prefecture in declared}
    else:
        found = dict.fromkeys(ids, Switches(profiled=False))
        for part in statements.chunks(ids):
            for id, kept_out, prefecture in connection.execute(query.where(row.id.in_(part)), year):
                found[id] = Switches(not kept_out, prefecture)
    for id, contents in history.forgotten(connection, ids).items():
        found[id] = replace(found.get(id, NO_SWITCHES), forgotten=frozenset(contents))
    return {id: found_of for id, found_of in found.items() if found_of != NO_SWITCHES}


def uninferred_contents(connection: Connection) -> frozenset[str]:
    """The ids of contents on topics that no reading may speak for (health, psychology)."""
    found = sa.select(schema.contents.c.id).where(schema.contents.c.topic.in_(sorted(NEVER_INFERRED)))
    return frozenset(connection.execute(found).scalars())


def oldest_minor() -> int:
    """The first year of birth of those who may be under 18 today."""
    return clock.today().year - ADULT_AT
