"""Whom and what the law keeps out of personal profiles: minors, who switched it off, topics never inferred."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store.citizens import ADULT_AT
from content_store.vocabulary import NEVER_INFERRED


def unprofiled_citizens(connection: Connection) -> frozenset[str]:
    """The ids of citizens without a profile: said or maybe to be under 18 today, or with personalisation off."""
    row = schema.citizens.c
    maybe_minor = row.birth_year >= clock.today().year - ADULT_AT
    found = sa.select(row.id).where(sa.or_(row.minor, sa.not_(row.personalised), maybe_minor))
    return frozenset(connection.execute(found).scalars())


def uninferred_contents(connection: Connection) -> frozenset[str]:
    """The ids of contents on topics that no reading may speak for (health, psychology)."""
    found = sa.select(schema.contents.c.id).where(schema.contents.c.topic.in_(sorted(NEVER_INFERRED)))
    return frozenset(connection.execute(found).scalars())
