"""Whether works are taken of somebody now: of members, and of accounts that never had to do with the alliance.

Who applied and was not admitted yet, was refused, is suspended or has left is *shut out* until they are a member again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema_creators
from content_store.creator_words import Membership

_table = schema_creators.creators
_row = _table.c


def shut_out(account_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """A condition on rows with an ``account_id``: whose it is, is shut out."""
    # The table by another name, so that it is never taken for one of the query around.
    their = _table.alias()
    return sa.exists().where(their.c.account_id == account_id, their.c.state != Membership.ADMITTED)


def why(connection: Connection, account_id: str) -> Membership | None:
    """How somebody stands who is shut out; None for whoever is not."""
    query = sa.select(_row.state).where(_row.account_id == account_id, _row.state != Membership.ADMITTED)
    state = connection.execute(query).scalar_one_or_none()
    return None if state is None else Membership(state)
