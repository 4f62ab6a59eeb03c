"""Whom and what the law keeps out of personal profiles: minors, who switched it off, topics never inferred."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, schema, statements
from content_store.citizens import ADULT_AT
from content_store.vocabulary import NEVER_INFERRED


@dataclass(frozen=True, slots=True)
class Switches:
    """What of a citizen's row governs their feed: whether they have a profile, and the prefecture they declared."""

    profiled: bool = True
    prefecture: str | None = None


NO_SWITCHES = Switches()
"""Of a guest who declared nothing."""


def unprofiled_citizens(connection: Connection) -> frozenset[str]:
    """The ids of citizens without a profile: said or maybe to be under 18 today, or with personalisation off."""
    found = sa.select(schema.citizens.c.id).where(_unprofiled())
    return frozenset(connection.execute(found).scalars())


def switches(connection: Connection, ids: Collection[str] | None = None) -> dict[str, Switches]:
    """The switches of the citizens with these ``ids``, or of all, by id; who has ``NO_SWITCHES`` is left out.

    An id that no citizen has any more is without a profile: nothing may be told of who has been deleted.
    """
    row = schema.citizens.c
    query = sa.select(row.id, _unprofiled(), row.prefecture)
    if ids is None:
        declared = query.where(sa.or_(_unprofiled(), row.prefecture.is_not(None)))
        return {id: Switches(not kept_out, prefecture) for id, kept_out, prefecture in connection.execute(declared)}
    found = dict.fromkeys(ids, Switches(profiled=False))
    for part in statements.chunks(ids):
        for id, kept_out, prefecture in connection.execute(query.where(row.id.in_(part))):
            found[id] = Switches(not kept_out, prefecture)
    return {id: found_of for id, found_of in found.items() if found_of != NO_SWITCHES}


def uninferred_contents(connection: Connection) -> frozenset[str]:
    """The ids of contents on topics that no reading may speak for (health, psychology)."""
    found = sa.select(schema.contents.c.id).where(schema.contents.c.topic.in_(sorted(NEVER_INFERRED)))
    return frozenset(connection.execute(found).scalars())


def _unprofiled() -> sa.ColumnElement[bool]:
    """The condition of having no profile: said or maybe to be under 18 today, or with personalisation off."""
    row = schema.citizens.c
    maybe_minor = sa.func.coalesce(row.birth_year >= clock.today().year - ADULT_AT, sa.false())
    return sa.or_(row.minor, sa.not_(row.personalised), maybe_minor)
