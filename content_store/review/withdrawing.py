"""A content is taken back at once, and a tombstone says that it was there and why it is gone.

Its status makes it disappear from feeds, lists and caches, which follow ``content_store.changes``. What was withdrawn
does not come back: its words are saved and reviewed anew (``versions.copy``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, notifications, schema, statements
from content_store import schema_review as tables
from content_store.content_records import Content
from content_store.errors import BadRecord, Unreviewed, Withdrawn
from content_store.review import permits, quarantining, records, trail, versions
from content_store.review.trail import Actor
from content_store.review_words import WithdrawReason
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import CONTENT_TRANSITIONS, ContentStatus

_table = tables.tombstones
_row = _table.c
_OWN = frozenset({ContentStatus.DRAFT, ContentStatus.IN_REVIEW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """That a content is gone: why, by whom (an account), when (epoch ms); ``version`` was its newest then."""

    id: str
    content_id: str
    version: int
    reason: WithdrawReason
    note: str
    withdrawn_by: str
    withdrawn_at: int

    @property
    def text(self) -> str:
        """What people read of the reason."""
        return f"{self.reason.label}：{self.note}" if self.note else self.reason.label


def withdraw(
    connection: Connection, content_id: str, actor: Actor, reason: WithdrawReason, note: str = ""
) -> Tombstone:
    """Take a content back, whatever its status, with what is queued about it; ``note`` is for everybody to read.

    Who wrote it may take a draft back, everything else needs ``withdraw``. Raises NotAllowed, UnknownContent, and
    BadRecord where it is withdrawn already or another reason is not told, Quarantined for a note with listed words.
    """
    content = versions.hold(connection, content_id)
    if content.status not in _OWN or not permits.wrote(connection, actor, content_id):
        permits.insist_of(connection, actor, Permission.WITHDRAW, content_id)
    said = checks.text(note.strip(), "a note") or ""
    if reason is WithdrawReason.OTHER and not said:
        raise BadRecord("another reason must be told in words")
    quarantining.refuse_listed(connection, said)
    if ContentStatus.WITHDRAWN not in CONTENT_TRANSITIONS[content.status]:
        raise BadRecord(f"content {content_id} is {content.status}")
    newest = sa.select(sa.func.max(tables.content_versions.c.version))
    version = connection.execute(newest.where(tables.content_versions.c.content_id == content_id)).scalar() or 0
    row: dict[str, Any] = {"id": ids.new_id(), "content_id": content_id, "version": version, "reason": reason}
    row |= {"note": said, "withdrawn_by": actor.person, "withdrawn_at": clock.now_ms()}
    connection.execute(sa.insert(_table), row)
    _take_back(connection, content)
    notifications.cancel(connection, content_id)
    before, after = {"status": content.status.value}, {"status": "withdrawn", "reason": reason.value, "note": said}
    trail.record(connection, actor, "withdraw", "content", content_id, before, after)
    return Tombstone(**row)


def tombstone(connection: Connection, content_id: str) -> Tombstone | None:
    """The newest tombstone of a content."""
    newest_first = (_row.withdrawn_at.desc(), _row.id.desc())
    query = sa.select(_table).where(_row.content_id == content_id).order_by(*newest_first).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Tombstone(**dict(row._mapping) | {"reason": WithdrawReason(row.reason)})


def refuse_withdrawn(connection: Connection, content_id: str) -> None:
    """Raises Withdrawn where the content was public and is gone; whoever asks for it is told why."""
    status = sa.select(schema.contents.c.status).where(schema.contents.c.id == content_id)
    if connection.execute(status).scalar_one_or_none() != ContentStatus.WITHDRAWN:
        return
    found = tombstone(connection, content_id)
    if found is not None and was_public(connection, content_id):
        raise Withdrawn(
            f"content {content_id} was withdrawn",
            reason=found.reason.value,
            text=found.text,
            withdrawn_at=found.withdrawn_at,
        )


def _take_back(connection: Connection, content: Content) -> None:
    records.cancel(connection, content.id)
    gone = {"status": ContentStatus.WITHDRAWN, "version": schema.contents.c.version + 1}
    with statements.refused(connection, Unreviewed):
        connection.execute(sa.update(schema.contents).where(schema.contents.c.id == content.id).values(gone))


def was_public(connection: Connection, content_id: str) -> bool:
    """Whether there was ever something for people to read: drafts leave no trace for them."""
    versions_of = tables.content_versions.c
    words = sa.exists().where(versions_of.content_id == content_id)
    out = sa.exists().where(versions_of.content_id == content_id, versions_of.live_from.is_not(None))
    had, was = connection.execute(sa.select(words, out)).one()
    return bool(was or not had)
