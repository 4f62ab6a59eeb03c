"""The inbox (收件箱): what we have to tell a citizen, kept until they have read it or it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, ids
from content_store import schema_review as tables
from content_store.errors import UnknownMessage
from content_store.review_words import InboxKind

_table = tables.inbox_messages
_row = _table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message; it is about ``content_id`` where given. Instants are epoch ms."""

    id: str
    kind: InboxKind
    title: str
    body: str
    content_id: str | None
    created_at: int
    read_at: int | None
    expires_at: int | None


def put(
    connection: Connection,
    notified: Mapping[str, str],
    kind: InboxKind,
    title: str,
    body: str,
    *,
    content_id: str | None = None,
    expires_at: int | None = None,
) -> None:
    """Put a message into the inbox of each citizen of ``notified``, for whom it is a notification's id."""
    told: dict[str, Any] = {"kind": kind, "title": title, "body": body, "content_id": content_id}
    told |= {"created_at": clock.now_ms(), "expires_at": expires_at}
    new = ids.new_ids(len(notified))
    rows = [
        told | {"id": id, "citizen_id": citizen, "notification_id": notification}
        for id, (citizen, notification) in zip(new, notified.items(), strict=True)
    ]
    if rows:
        connection.execute(sa.insert(_table), rows)


def of(connection: Connection, citizen_id: str, limit: int = 100) -> list[Message]:
    """The messages of a citizen that are not over, the newest first."""
    columns = [_row[name] for name in Message.__dataclass_fields__]
    query = sa.select(*columns).where(_mine(citizen_id)).order_by(_row.created_at.desc(), _row.id.desc()).limit(limit)
    return [Message(**dict(row._mapping) | {"kind": InboxKind(row.kind)}) for row in connection.execute(query)]


def unread(connection: Connection, citizen_id: str) -> int:
    """How many messages a citizen has not read."""
    query = sa.select(sa.func.count()).select_from(_table).where(_mine(citizen_id), _row.read_at.is_(None))
    return connection.execute(query).scalar_one()


def mark_read(connection: Connection, citizen_id: str, id: str) -> None:
    """The citizen has read the message; the first time stays. Raises UnknownMessage where it is none of theirs."""
    first = sa.func.coalesce(_row.read_at, clock.now_ms())
    mine = sa.and_(_row.id == id, _mine(citizen_id))
    if not connection.execute(sa.update(_table).where(mine).values(read_at=first)).rowcount:
        raise UnknownMessage("the inbox has no such message")


def mark_all_read(connection: Connection, citizen_id: str) -> int:
    """The citizen has read everything; returns how much that newly concerns."""
    mine = sa.and_(_mine(citizen_id), _row.read_at.is_(None))
    return connection.execute(sa.update(_table).where(mine).values(read_at=clock.now_ms())).rowcount


def _mine(citizen_id: str) -> sa.ColumnElement[bool]:
    lasts = sa.or_(_row.expires_at.is_(None), _row.expires_at > clock.now_ms())
    return sa.and_(_row.citizen_id == citizen_id, lasts)
