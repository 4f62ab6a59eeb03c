"""Notifications: that we want to reach somebody about something, once. Those who send take it from here.

A row is unique by campaign, occurrence and citizen, so that whoever asks twice reaches nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import clock, ids, statements
from content_store import schema_review as tables
from content_store.review_words import NotificationState

_table = tables.notifications
_row = _table.c
_BATCH = 1_000


def queue(
    connection: Connection, campaign: str, occurrence: str, citizen_ids: Iterable[str], *, content_id: str | None = None
) -> dict[str, str]:
    """Queue a notification for each of ``citizen_ids`` who has none of this occurrence; ids of the new, by citizen."""
    insert: Any = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(_table)
    insert = insert.on_conflict_do_nothing().returning(_row.citizen_id, _row.id)
    told: dict[str, Any] = {"campaign": campaign, "occurrence": occurrence, "content_id": content_id}
    told |= {"state": NotificationState.QUEUED, "created_at": clock.now_ms()}
    made: dict[str, str] = {}
    for part in statements.chunks(sorted(set(citizen_ids)), _BATCH):
        rows = [
            told | {"citizen_id": citizen, "id": id} for citizen, id in zip(part, ids.new_ids(len(part)), strict=True)
        ]
        made.update((row.citizen_id, row.id) for row in connection.execute(insert, rows))
    return made


def cancel(connection: Connection, content_id: str) -> int:
    """Take back what is queued about a content; returns how many."""
    queued = sa.and_(_row.content_id == content_id, _row.state == NotificationState.QUEUED)
    return connection.execute(sa.update(_table).where(queued).values(state=NotificationState.CANCELLED)).rowcount


def count(connection: Connection, campaign: str, occurrence: str) -> dict[NotificationState, int]:
    """How many notifications of an occurrence are in each state."""
    which = sa.and_(_row.campaign == campaign, _row.occurrence == occurrence)
    rows = connection.execute(sa.select(_row.state, sa.func.count()).where(which).group_by(_row.state))
    return {NotificationState(state): number for state, number in rows}
