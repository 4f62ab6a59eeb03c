"""Reviewed words go out: now, at their time, or in the place of those that they correct.

The row of a content then shows the words of the version, and no others: the database compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, contents, markdown, notifications, schema, statements
from content_store import schema_review as tables
from content_store.audit import Change
from content_store.content_records import Content
from content_store.errors import AltMissing, BadRecord, Quarantined, Unreviewed
from content_store.review import permits, quarantining, records, trail, versions
from content_store.review.trail import Actor
from content_store.review.versions import SHOWN, Version
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus

_contents = schema.contents
_versions = tables.content_versions.c
_corrections = tables.corrections.c
_PUBLISHER, _ENDER = trail.programme("publish_when_due"), trail.programme("expire")
_BEFORE = frozenset({ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.SCHEDULED, ContentStatus.PUBLISHED})


def publish(
    connection: Connection,
    content_id: str,
    actor: Actor,
    *,
    version: int,
    at: int | None = None,
    expires_at: int | None = None,
) -> Content:
    """Publish ``version``, which passed its review: now, or by the clock at ``at``; until ``expires_at``. Epoch ms.

    In a published content it replaces the words, as the correction that it is; what is out already stays as it is.
    Raises NotAllowed, UnknownContent, UnknownVersion, Unreviewed, Quarantined, BadRecord, and
    AltMissing for pictures that nothing is told of.
    """
    content = versions.hold(connection, content_id)
    permits.insist_of(connection, actor, Permission.PUBLISH, content_id)
    words = versions.get(connection, content_id, version)
    _require_publishable(connection, content, words)
    if content.status is ContentStatus.PUBLISHED and content.wording == version:
        return content
    later = _is_later(content, at, expires_at)
    _show(connection, content, words, ContentStatus.SCHEDULED if later else ContentStatus.PUBLISHED, at, expires_at)
    if not later:
        _note_live(connection, [content_id])
    shown = contents.get(connection, content_id)
    before = {"status": content.status.value, "version": content.wording}
    after = {"status": shown.status.value, "version": version, "at": shown.published_at, "until": shown.expires_at}
    trail.record(connection, actor, "schedule" if later else "publish", "content", content_id, before, after)
    return shown


def _is_later(content: Content, at: int | None, expires_at: int | None) -> bool:
    """Whether it is to be published by the clock. Raises BadRecord for moments that make no sense."""
    now = clock.now_ms()
    later = at is not None and at > now
    if later and content.status is ContentStatus.PUBLISHED:
        raise BadRecord("a correction is published at once", hint="wrong words are not left out until a later time")
    if expires_at is not None and expires_at <= max(at or now, now):
        raise BadRecord("a content ends after it was published")
    return later


def unschedule(connection: Connection, content_id: str, actor: Actor) -> Content:
    """Let a scheduled content wait for another decision; its review stands.

    Raises NotAllowed, UnknownContent, BadRecord.
    """
    content = versions.hold(connection, content_id)
    permits.insist_of(connection, actor, Permission.PUBLISH, content_id)
    if content.status is not ContentStatus.SCHEDULED:
        raise BadRecord(f"content {content_id} is {content.status} and not scheduled")
    found = contents.set_status(connection, content_id, ContentStatus.DRAFT)
    before = {"status": "scheduled", "at": content.published_at}
    trail.record(connection, actor, "unschedule", "content", content_id, before, {"status": "draft"})
    return found


def publish_due(connection: Connection) -> list[str]:
    """Publish the scheduled contents whose time has come; returns their ids, sorted. Those in quarantine wait."""
    due = contents.publish_due(connection)
    if due:
        _note_live(connection, due)
    told = {"status": "scheduled"}, {"status": "published"}
    trail.record_all(connection, _PUBLISHER, [Change("publish", "content", id, *told) for id in due])
    return due


def expire_due(connection: Connection) -> list[str]:
    """End what is published or scheduled and whose end has come; returns the ids, sorted.

    What is queued about it goes, and a review of its correction is over: nobody will read that any more.
    """
    over = contents.expire_due(connection)
    for id in over:
        records.cancel(connection, id)
        notifications.cancel(connection, id)
    trail.record_all(connection, _ENDER, [Change("expire", "content", id, None, {"status": "expired"}) for id in over])
    return over


def _require_publishable(connection: Connection, content: Content, words: Version) -> None:
    if content.status not in _BEFORE:
        raise BadRecord(f"content {content.id} is {content.status}", hint="save another version, and have it reviewed")
    if records.passed(connection, content.id, words.version) is None:
        raise Unreviewed(f"version {words.version} of content {content.id} has not passed every step of its review")
    if quarantining.held(connection, content.id, words.version) is not None:
        raise Quarantined("the version is in quarantine", hint="a person must let its words pass first")
    if untold := markdown.missing_alt(words.body):
        raise AltMissing([picture.number for picture in untold])
    if content.wording is not None and words.version < content.wording:
        raise BadRecord(f"version {content.wording} was published after version {words.version}")


def _show(
    connection: Connection, content: Content, words: Version, status: ContentStatus, at: int | None, end: int | None
) -> None:
    """Let the content's row show ``words``. Raises Unreviewed where the database refuses it."""
    told: dict[str, Any] = {name: value for name, value in words.words().items() if name in SHOWN}
    told |= {"wording": words.version, "version": _contents.c.version + 1, "status": status}
    if content.status is not ContentStatus.PUBLISHED:
        told["published_at"] = at if status is ContentStatus.SCHEDULED else clock.now_ms()
    if end is not None:
        told["expires_at"] = end
    if content.status is ContentStatus.DRAFT:  # put off, or changed since; what passed its review is in review again
        contents.set_status(connection, content.id, ContentStatus.IN_REVIEW)
    with statements.refused(connection, Unreviewed):
        connection.execute(sa.update(_contents).where(_contents.c.id == content.id).values(told))


def _note_live(connection: Connection, content_ids: Sequence[str]) -> None:
    """Write down since when the words of these contents have been out, and that corrections among them are."""
    now = clock.now_ms()
    shown = sa.exists().where(_contents.c.id == _versions.content_id, _contents.c.wording == _versions.version)
    mine = sa.and_(_versions.content_id.in_(content_ids), _versions.live_from.is_(None), shown)
    newest = sa.func.coalesce(sa.select(sa.func.max(schema.events.c.seq)).scalar_subquery(), 0)
    connection.execute(sa.update(tables.content_versions).where(mine).values(live_from=now, live_after=newest))
    out = sa.exists().where(_contents.c.id == _corrections.content_id, _contents.c.wording == _corrections.version)
    which = sa.and_(_corrections.content_id.in_(content_ids), _corrections.published_at.is_(None), out)
    wrong = sa.and_(_versions.content_id == _corrections.content_id, _versions.version == _corrections.wrong_version)
    begin = sa.func.coalesce(sa.select(_versions.live_after).where(wrong).scalar_subquery(), 0)
    connection.execute(sa.update(tables.corrections).where(which).values(published_at=now, told_until=begin))
