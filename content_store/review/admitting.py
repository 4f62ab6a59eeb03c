"""Whether what is about to be reviewed is there already: then it is a source of that, and no second item.

A draft claims nothing: somebody else's text in it would keep out whoever wrote that. What is submitted does, and what
is the same and submitted later, by whatever road, is a copy of it (``content_store/ingest/originals.py``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import contents, statements
from content_store import schema_review as tables
from content_store.ingest import originals, sources
from content_store.ingest.as_text import text_of
from content_store.ingest.originals import Verdict, Work
from content_store.ingest.shelf import Match
from content_store.ingest.sources import Source
from content_store.review import permits, trail, versions, withdrawing, works
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import WithdrawReason
from content_store.vocabulary import ContentStatus, SourceKind

_versions = tables.content_versions.c

HOUSE = "house"
"""The source of works that have no author."""


@dataclass(frozen=True, slots=True)
class Twin:
    """The content that a work is a copy of; ``author_id`` is whose that is (an account)."""

    content_id: str
    title: str
    status: ContentStatus
    author_id: str | None


def look(connection: Connection, content_id: str, actor: Actor) -> Twin | None:
    """The content that the newest words of a draft are a copy of, which they are then a source of; None: of none.

    To be called before the transaction's first row of the audit log. Raises UnknownVersion.
    """
    originals.hold(connection)
    return admit(connection, versions.newest(connection, content_id), actor, claims=False)


def admit(
    connection: Connection, latest: Version, actor: Actor, *, claims: bool = True, distinct: bool = False
) -> Twin | None:
    """``look``, where the works are held; with ``claims`` words that are no copy are the content's own from now on.

    Where a person has said that they are ``distinct`` they are no copy, whatever they are like.
    """
    before = twin_of(connection, latest.content_id)
    author = latest.author_id
    source = Source(
        kind=SourceKind.UPLOAD,
        id=author or HOUSE,
        account_id=author or actor.account_id,
        guid=latest.content_id,
    )
    work = Work(latest.title, text_of(latest.body) if latest.body else latest.summary or "", source)
    stands = partial(_stands, connection, distinct)
    found = originals.admit(connection, latest.content_id, work, claims=claims, stands=stands)
    if found.verdict is not Verdict.COPY:
        return None
    if before is None or before.content_id != found.content_id:
        told = {"copy": latest.content_id, "version": latest.version}
        trail.record(connection, actor, "join", "content", found.content_id, None, told)
    return _twin(connection, found.content_id)


def twin_of(connection: Connection, content_id: str) -> Twin | None:
    """The content that a work was found to be a copy of when it was last looked at."""
    found = copies(connection, [content_id]).get(content_id)
    return None if found is None else _twin(connection, found)


def copies(connection: Connection, content_ids: Collection[str]) -> dict[str, str]:
    """Those of the works that were found to be copies when they were last looked at, and of which content."""
    # Whose work it is never changes.
    first = sa.select(_versions.content_id, _versions.author_id).where(_versions.version == 1)
    brought: dict[str, str] = {}
    for part in statements.chunks(content_ids):
        rows = connection.execute(first.where(_versions.content_id.in_(part)))
        brought |= {id: author or HOUSE for id, author in rows}
    return sources.copies(connection, brought)


def _twin(connection: Connection, content_id: str) -> Twin:
    content = contents.get(connection, content_id)
    return Twin(content.id, content.title, content.status, works.author(connection, content.id))


def _stands(connection: Connection, distinct: bool, match: Match) -> bool:
    """Whether a content keeps others of its words out. One that its writer took back unread, or that went because
    there was another, does not."""
    if distinct or match.status is not ContentStatus.WITHDRAWN:
        return not distinct
    grave = withdrawing.tombstone(connection, match.content_id)
    if grave is None or withdrawing.was_public(connection, match.content_id):
        return grave is None or grave.reason is not WithdrawReason.DUPLICATE
    return not permits.wrote(connection, Actor(grave.withdrawn_by, ""), match.content_id)
