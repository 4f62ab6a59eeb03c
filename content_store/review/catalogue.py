"""Lists of contents for those who look after them: what there is, what may be published, what waits for its time."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import organisations, schema
from content_store import schema_review as tables
from content_store.review_words import ReviewState
from content_store.vocabulary import ContentStatus, Topic

_contents, _versions, _reviews = schema.contents.c, tables.content_versions.c, tables.reviews.c
_held = tables.quarantines.c
_place = sa.func.coalesce(_versions.organisation_id, organisations.ROOT)
_BEFORE = (ContentStatus.DRAFT, ContentStatus.IN_REVIEW)


class Listed(NamedTuple):
    """A content in a list; ``version`` is its newest (None: it was imported). Instants are epoch ms.

    ``published_at`` of a scheduled one is when it is to be; ``held`` where the newest version is in quarantine;
    ``review_id`` is of the review that it is in.
    """

    id: str
    title: str
    topic: Topic | None
    status: ContentStatus
    organisation_id: str
    version: int | None
    created_at: int
    published_at: int | None
    expires_at: int | None
    held: bool
    review_id: str | None


def find(
    connection: Connection,
    reach: frozenset[str],
    *,
    text: str = "",
    status: ContentStatus | None = None,
    held: bool = False,
    limit: int = 50,
    skip: int = 0,
) -> list[Listed]:
    """The contents of the organisations of ``reach``, the newest first.

    ``text`` is an id, or part of a title in any case; with ``held`` only those in quarantine.
    """
    query = _query(reach)
    wanted = text.strip().replace("\x00", "")
    if wanted:
        query = query.where(sa.or_(_contents.id == wanted, _contents.title.icontains(wanted, autoescape=True)))
    if status is not None:
        query = query.where(_contents.status == status)
    if held:
        query = query.where(_in_quarantine())
    query = query.order_by(_contents.created_at.desc(), _contents.id).limit(limit).offset(skip)
    return [_listed(row) for row in connection.execute(query)]


def ready(connection: Connection, reach: frozenset[str], limit: int = 100) -> list[Listed]:
    """What has passed every step of its review and is neither out nor scheduled, the longest waiting first."""
    passed = sa.select(_reviews.closed_at).where(
        _reviews.content_id == _versions.content_id,
        _reviews.version == _versions.version,
        _reviews.state == ReviewState.PASSED,
    )
    better = sa.and_(_contents.status == ContentStatus.PUBLISHED, _contents.wording < _versions.version)
    waits = sa.or_(_contents.status.in_(_BEFORE), better)
    query = _query(reach).where(waits, passed.exists()).order_by(passed.scalar_subquery(), _contents.id).limit(limit)
    return [_listed(row) for row in connection.execute(query)]


def scheduled(connection: Connection, reach: frozenset[str], limit: int = 100) -> list[Listed]:
    """What is published by the clock, the next first."""
    query = _query(reach).where(_contents.status == ContentStatus.SCHEDULED)
    query = query.order_by(_contents.published_at, _contents.id).limit(limit)
    return [_listed(row) for row in connection.execute(query)]


def _query(reach: frozenset[str]) -> sa.Select[Any]:
    other = tables.content_versions.alias()
    newest = sa.select(sa.func.max(other.c.version)).where(other.c.content_id == _contents.id)
    words = sa.and_(
        _versions.content_id == _contents.id, _versions.version == newest.correlate(schema.contents).scalar_subquery()
    )
    opened = sa.and_(_reviews.content_id == _contents.id, _reviews.state == ReviewState.OPEN)
    in_review = sa.select(_reviews.id).where(opened).correlate(schema.contents).scalar_subquery()
    columns = (
        *(_contents.id, _contents.title, _contents.topic, _contents.status, _place.label("organisation_id")),
        *(_versions.version, _contents.created_at, _contents.published_at, _contents.expires_at),
        *(_in_quarantine().label("held"), in_review.label("review_id")),
    )
    query = sa.select(*columns).select_from(schema.contents.outerjoin(tables.content_versions, words))
    return query if organisations.ROOT in reach else query.where(_place.in_(sorted(reach)))


def _in_quarantine() -> sa.ColumnElement[bool]:
    held = sa.and_(_held.content_id == _contents.id, _held.version == _versions.version, _held.lifted_at.is_(None))
    return sa.exists().where(held)


def _listed(row: Any) -> Listed:
    topic = Topic(row.topic) if row.topic else None
    told = {"topic": topic, "status": ContentStatus(row.status), "held": bool(row.held)}
    return Listed(**row._asdict() | told)
