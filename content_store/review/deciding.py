"""The verdict of a step: the version passes it, or goes back to its author with a reason.

A verdict is about the version that its giver read: it names that version and carries no text. So no edit is lost by
deciding, and none slips in.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, contents, statements
from content_store import schema_review as tables
from content_store.errors import AlreadyClaimed, BadRecord, MayNotReview, NotClaimed, Quarantined, ReviewClosed
from content_store.review import quarantining, queue, records, trail, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review_words import ReturnReason, ReviewState, ReviewStep, Verdict
from content_store.vocabulary import ContentStatus

_steps = tables.review_steps.c


def approve(
    connection: Connection, review_id: str, step: ReviewStep, actor: Actor, *, version: int, note: str = ""
) -> Review:
    """Let ``version`` pass the step; after the last one the review has passed, and the version may be published.

    Raises UnknownReview, ReviewClosed (over, another step, another version), NotClaimed and AlreadyClaimed (who decides
    has claimed it), Quarantined, MayNotReview.
    """
    review = _begin(connection, review_id, step, actor, version)
    if quarantining.held(connection, review.content_id, review.version) is not None:
        raise Quarantined("the version is in quarantine", hint="a person must let its words pass first")
    _decide(connection, review, step, actor, {"verdict": Verdict.PASSED, "note": checks.text(note, "a note")})
    after = records.get(connection, review_id)
    if all(one.verdict is Verdict.PASSED for one in after.steps):
        _close(connection, review_id, ReviewState.PASSED)
    trail.record(connection, actor, "pass", "review", review_id, None, {"step": step.value, "version": version})
    return records.get(connection, review_id)


def send_back(
    connection: Connection,
    review_id: str,
    step: ReviewStep,
    actor: Actor,
    *,
    version: int,
    reason: ReturnReason,
    note: str = "",
) -> Review:
    """Return ``version`` to its author for ``reason``; the content is a draft again, unless it is out.

    Raises as ``approve``, and BadRecord where the reason is another one and ``note`` does not tell it.
    """
    why = checks.text(note.strip(), "a note")
    if reason is ReturnReason.OTHER and not why:
        raise BadRecord("another reason must be told in words")
    review = _begin(connection, review_id, step, actor, version)
    _decide(connection, review, step, actor, {"verdict": Verdict.RETURNED, "reason": reason, "note": why})
    _close(connection, review_id, ReviewState.RETURNED)
    if contents.get(connection, review.content_id).status is ContentStatus.IN_REVIEW:
        contents.set_status(connection, review.content_id, ContentStatus.DRAFT)
    told = {"step": step.value, "version": version, "reason": reason.value}
    trail.record(connection, actor, "return", "review", review_id, None, told)
    return records.get(connection, review_id)


def _begin(connection: Connection, review_id: str, step: ReviewStep, actor: Actor, version: int) -> Review:
    """The review, which nobody else changes meanwhile."""
    versions.hold(connection, records.get(connection, review_id).content_id)
    review = records.get(connection, review_id)
    if review.version != version:
        raise ReviewClosed(f"the review {review_id} is of version {review.version}", hint="look at that version")
    queue.require_current(review, step)
    claimed = next(one.claimed_by for one in review.steps if one.step is step)
    if claimed is None:
        raise NotClaimed(f"nobody has the step {step.value}", hint="claim it first: your claim may have lapsed")
    if claimed != actor.account_id:
        raise AlreadyClaimed(f"somebody else has the step {step.value}", hint="your claim has lapsed")
    return review


def _decide(connection: Connection, review: Review, step: ReviewStep, actor: Actor, told: dict[str, Any]) -> None:
    mine = sa.and_(_steps.review_id == review.id, _steps.step == step, _steps.verdict.is_(None))
    decided = told | {"decided_by": actor.account_id, "decided_at": clock.now_ms()}
    with statements.refused(connection, MayNotReview):
        update = sa.update(tables.review_steps).where(mine, _steps.claimed_by == actor.account_id)
        done = connection.execute(update.values(decided)).rowcount
    if not done:
        raise ReviewClosed(f"the step {step.value} of the review {review.id} was decided a moment ago")


def _close(connection: Connection, review_id: str, state: ReviewState) -> None:
    told = {"state": state, "closed_at": clock.now_ms()}
    connection.execute(sa.update(tables.reviews).where(tables.reviews.c.id == review_id).values(told))
