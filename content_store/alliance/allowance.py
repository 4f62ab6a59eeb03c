"""How many works a member may hand in on a day: enough for people, too few for a machine that floods reviewers."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, schema_creators
from content_store.alliance import creators
from content_store.creator_words import Membership, Trust
from content_store.driver import Driver
from content_store.errors import AllowanceUsed, NotAMember

_days = schema_creators.creator_days
_TAKE = """
    INSERT INTO creator_days (account_id, day, taken) VALUES (?, ?, 1)
    ON CONFLICT (account_id, day) DO UPDATE SET taken = creator_days.taken + 1 WHERE creator_days.taken < ?
    RETURNING taken
"""


def left(connection: Connection, account_id: str, allowances: Mapping[Trust, int]) -> int:
    """How many works the creator may still hand in today (of Shanghai); 0 for who is no member."""
    creator = creators.find(connection, account_id)
    if creator is None or creator.state is not Membership.ADMITTED:
        return 0
    where = (_days.c.account_id == account_id, _days.c.day == clock.today().isoformat())
    taken = connection.execute(sa.select(_days.c.taken).where(*where)).scalar() or 0
    return max(0, allowances[creator.trust] - taken)


def take(connection: Connection, account_id: str, allowances: Mapping[Trust, int]) -> int:
    """Use one of today's, in the transaction that stores the work; how many were used with it.

    Two who use the last one at the same moment do not both get it. Raises NotAMember, AllowanceUsed.
    """
    creator = creators.find(connection, account_id)
    if creator is None or creator.state is not Membership.ADMITTED:
        state = "has not applied" if creator is None else f"is {creator.state}"
        raise NotAMember(f"account {account_id} {state}", hint="works are taken of members of the alliance")
    most = allowances[creator.trust]
    day = clock.today().isoformat()
    taken = Driver(connection).rows(_TAKE, account_id, day, most) if most > 0 else []
    if not taken:
        raise AllowanceUsed(f"{most} works of {account_id} were taken on {day}", hint="hand the next one in tomorrow")
    number: int = taken[0][0]
    return number
