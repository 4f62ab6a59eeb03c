"""What people say to each other about a version: to all of it, to words of it, or to what another one said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, schema
from content_store import schema_review as tables
from content_store.errors import BadRecord
from content_store.review import permits, records, trail
from content_store.review.trail import Actor
from content_store.review_words import ReviewStep

_row = tables.review_comments.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What ``name`` said; about the words ``quote``, which begin at character ``place`` of the body, where given."""

    id: str
    review_id: str
    step: ReviewStep | None
    account_id: str
    name: str
    parent_id: str | None
    text: str
    quote: str | None
    place: int | None
    created_at: int


def add(
    connection: Connection,
    review_id: str,
    actor: Actor,
    text: str,
    *,
    step: ReviewStep | None = None,
    parent_id: str | None = None,
    quote: str | None = None,
    place: int | None = None,
) -> str:
    """Say something; returns its id.

    Raises NotAllowed for who neither sees the queue nor wrote any of it, UnknownReview, and BadRecord for an empty
    text or the comment of another review as ``parent_id``.
    """
    review = records.get(connection, review_id)
    permits.insist_speaks(connection, actor, review.content_id, review.organisation_id)
    said = checks.text(text.strip(), "a comment")
    if not said:
        raise BadRecord("a comment says something")
    if parent_id is not None:
        answered = sa.exists().where(_row.id == parent_id, _row.review_id == review_id)
        if not connection.execute(sa.select(answered)).scalar_one():
            raise BadRecord(f"the review has no comment {parent_id}")
    row: dict[str, Any] = {
        "id": ids.new_id(),
        "review_id": review_id,
        "step": step,
        "account_id": actor.person,
        "text": said,
    }
    row |= {"parent_id": parent_id, "quote": checks.text(quote, "a quote"), "place": place}
    connection.execute(sa.insert(tables.review_comments), row | {"created_at": clock.now_ms()})
    told = {"comment_id": row["id"], "parent_id": parent_id, "step": step and step.value}
    trail.record(connection, actor, "comment", "review", review_id, None, told)
    return str(row["id"])


def of(connection: Connection, review_id: str) -> list[Comment]:
    """All comments of a review in the order of saying."""
    query = sa.select(tables.review_comments, schema.accounts.c.name).join(schema.accounts)
    rows = connection.execute(query.where(_row.review_id == review_id).order_by(_row.created_at, _row.id))
    found = []
    for row in rows:
        values = dict(row._mapping)
        found.append(Comment(**values | {"step": ReviewStep(row.step) if row.step else None}))
    return found


def threaded(comments: Sequence[Comment]) -> list[tuple[Comment, int]]:
    """Comments in the order of reading, each with its depth: every answer below what it answers, the oldest first."""
    answers: dict[str | None, list[Comment]] = {}
    for comment in comments:
        answers.setdefault(comment.parent_id, []).append(comment)
    found: list[tuple[Comment, int]] = []
    waiting = [(comment, 0) for comment in reversed(answers.get(None, []))]
    while waiting:
        comment, depth = waiting.pop()
        found.append((comment, depth))
        waiting += [(answer, depth + 1) for answer in reversed(answers.get(comment.id, []))]
    return found
