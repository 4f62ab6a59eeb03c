"""All that somebody at the desk must see of a review: the words, what differs, what was said, and what was done."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import audit, contents, schema
from content_store.audit import Entry
from content_store.content_records import Content
from content_store.review import comments, correcting, diff, permits, quarantining, records, versions
from content_store.review.comments import Comment
from content_store.review.correcting import Correction
from content_store.review.diff import Piece
from content_store.review.quarantining import Quarantine
from content_store.review.records import Review
from content_store.review.terms import Hit
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import ReviewState

_MOST_TOLD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A review with all that belongs to it.

    ``compared`` is the version that ``pieces`` (by field, those that differ) are told from: the last one that passed a
    review, or the one before; None for a first one. ``hits`` are words of the term list as it is now. ``names`` are of
    the accounts that took or have steps, or wrote. ``told`` are rows of the audit log, the newest first. ``takes``:
    whether whoever looks may take the current step as far as permissions, words and earlier steps go.
    """

    content: Content
    review: Review
    version: Version
    compared: Version | None
    pieces: dict[str, list[Piece]]
    comments: list[Comment]
    hits: list[Hit]
    quarantines: list[Quarantine]
    correction: Correction | None
    names: dict[str, str]
    told: list[Entry]
    takes: bool


def case(connection: Connection, review_id: str, actor: Actor) -> Case:
    """The review as ``actor`` may see it.

    Raises NotAllowed for who neither sees the queue nor wrote any of it, and UnknownReview.
    """
    review = records.get(connection, review_id)
    content_id = review.content_id
    permits.insist_speaks(connection, actor, content_id, review.organisation_id)
    version = versions.get(connection, content_id, review.version)
    compared = _compared(connection, version)
    return Case(
        content=contents.get(connection, content_id),
        review=review,
        version=version,
        compared=compared,
        pieces={} if compared is None else pieces(compared, version),
        comments=comments.of(connection, review_id),
        hits=quarantining.hits(connection, version),
        quarantines=quarantining.of(connection, content_id, review.version),
        correction=correcting.of_version(connection, content_id, review.version),
        names=_names(connection, review, version),
        told=_told(connection, review),
        takes=permits.takes(connection, actor, review),
    )


def pieces(old: Version, new: Version) -> dict[str, list[Piece]]:
    """What differs between two versions, by field; tags are compared line by line."""
    was, now = old.words(), new.words()
    return {
        name: diff.compare(_text(was[name]), _text(now[name])) for name in versions.FIELDS if was[name] != now[name]
    }


def _compared(connection: Connection, version: Version) -> Version | None:
    """The last version before this one that passed its review; else the one it was made from."""
    reviewed = [one.version for one in records.of(connection, version.content_id) if one.state is ReviewState.PASSED]
    before = max((number for number in reviewed if number < version.version), default=version.based_on)
    return None if before is None else versions.get(connection, version.content_id, before)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)


def _names(connection: Connection, review: Review, version: Version) -> dict[str, str]:
    people = {one for step in review.steps for one in (step.claimed_by, step.decided_by)}
    people |= {version.author_id, version.created_by, review.opened_by}
    accounts = schema.accounts.c
    query = sa.select(accounts.id, accounts.name).where(accounts.id.in_(sorted(one for one in people if one)))
    return {row.id: row.name for row in connection.execute(query)}


def _told(connection: Connection, review: Review) -> list[Entry]:
    found = audit.entries(connection, limit=_MOST_TOLD, object_kind="content", object_id=review.content_id)
    found += audit.entries(connection, limit=_MOST_TOLD, object_kind="review", object_id=review.id)
    return sorted(found, key=lambda entry: -entry.seq)[:_MOST_TOLD]
