"""The works of somebody: each content of which they wrote a version, with where it stands."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema
from content_store import schema_review as tables
from content_store.review_words import ContentOrigin, ReviewState
from content_store.vocabulary import ContentStatus

_versions, _reviews, _contents = tables.content_versions.c, tables.reviews.c, schema.contents.c

MOST_LISTED = 200


class Work(NamedTuple):
    """A content by its newest version, saved at ``saved_at`` (epoch ms); ``review`` is how its last review stands.

    ``lacking``: a feed brought it, and it waits for what only its author can say.
    """

    content_id: str
    title: str
    version: int
    status: ContentStatus
    review: ReviewState | None
    saved_at: int
    lacking: bool = False


class Unfinished(NamedTuple):
    """A draft that a feed brought, without a topic or an AI-use statement, by its newest version."""

    content_id: str
    version: int
    title: str
    summary: str | None
    source: str | None
    licence: str | None
    saved_at: int


def of_author(connection: Connection, account_id: str, *, limit: int = MOST_LISTED) -> list[Work]:
    """The works of an account, the one saved last first."""
    newest = _newest()
    last = tables.reviews.alias()
    latest = sa.select(last.c.id).where(last.c.content_id == _contents.id)
    latest = latest.order_by(last.c.opened_at.desc(), last.c.id.desc()).limit(1)
    joined = tables.content_versions.join(schema.contents, _contents.id == _versions.content_id)
    joined = joined.outerjoin(
        tables.reviews, _reviews.id == latest.correlate(schema.contents, tables.content_versions).scalar_subquery()
    )
    columns = (_versions.content_id, _versions.title, _versions.version, _contents.status, _reviews.state)
    query = sa.select(*columns, _versions.created_at, _lacks().label("lacking")).select_from(joined)
    query = query.where(_versions.author_id == account_id, _versions.version == newest)
    query = query.order_by(_versions.created_at.desc(), _versions.content_id).limit(limit)
    return [
        Work(id, title, version, ContentStatus(status), ReviewState(state) if state else None, at, bool(lacks))
        for id, title, version, status, state, at, lacks in connection.execute(query)
    ]


def unfinished(connection: Connection, account_id: str, *, limit: int) -> list[Unfinished]:
    """What feeds brought of an account's works and what waits for its author, the newest first."""
    columns = [_versions[name] for name in ("content_id", "version", "title", "summary", "source", "licence")]
    joined = tables.content_versions.join(schema.contents, _contents.id == _versions.content_id)
    query = sa.select(*columns, _versions.created_at).select_from(joined)
    query = query.where(_versions.author_id == account_id, _versions.version == _newest(), _lacks())
    rows = connection.execute(query.order_by(_versions.created_at.desc(), _versions.content_id).limit(limit))
    return [Unfinished._make(row) for row in rows]


def author(connection: Connection, content_id: str) -> str | None:
    """Whose work the content is; None where it is nobody's, or there is none."""
    query = sa.select(_versions.author_id).where(_versions.content_id == content_id)
    return connection.execute(query.order_by(_versions.version.desc()).limit(1)).scalar()


def _lacks() -> sa.ColumnElement[bool]:
    said = sa.or_(_versions.topic.is_(None), _versions.ai_use.is_(None))
    return sa.and_(_contents.origin == ContentOrigin.FEED, _contents.status == ContentStatus.DRAFT, said)


def _newest() -> sa.ScalarSelect[int]:
    other = tables.content_versions.alias()
    number = sa.select(sa.func.max(other.c.version)).where(other.c.content_id == _versions.content_id)
    return number.correlate(tables.content_versions).scalar_subquery()
