"""What all tables share: where they are listed, how their rules are named, and a check that a value is one of a few."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """``column`` has one of ``values``, or nothing."""
    # Not IN: for each inserted row SQLite would build a table of the values, a third of the whole work.
    return sa.CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=column)
