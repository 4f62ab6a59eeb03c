"""The steps that wait for somebody: what there is, who has what, and until when.

A step is claimed by one guarded update: of two who claim at once one has it, and the other is told who. A claim lapses
at its time, and a job gives it back (``release_lapsed``); whoever is still at it may claim again, or decide as long as
nobody else took it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store import schema_review as tables
from content_store.errors import AlreadyClaimed, MayNotReview, Quarantined, ReviewClosed
from content_store.review import quarantining, records, trail
from content_store.review.records import Review, Step
from content_store.review.trail import Actor
from content_store.review_words import ReviewState, ReviewStep, Route
from content_store.vocabulary import Topic

_reviews, _steps, _versions = tables.reviews.c, tables.review_steps.c, tables.content_versions.c
_held = tables.quarantines.c


class Waiting(NamedTuple):
    """A step that is to be taken now. Instants are epoch ms.

    ``overdue`` where the review should have been over; ``held`` where the version is in quarantine; ``claimed_by`` and
    ``claimed_name`` tell whose it is until ``claimed_until``.
    """

    review_id: str
    content_id: str
    version: int
    title: str
    topic: Topic | None
    route: Route
    step: ReviewStep
    urgent: bool
    organisation_id: str | None
    opened_at: int
    due_at: int
    overdue: bool
    held: bool
    claimed_by: str | None
    claimed_name: str | None
    claimed_until: int | None


def waiting(
    connection: Connection,
    *,
    step: ReviewStep | None = None,
    topic: Topic | None = None,
    organisation_id: str | None = None,
    account_id: str | None = None,
    claimed_by: str | None = None,
    limit: int = 100,
) -> list[Waiting]:
    """What waits, urgent things first and then what is due soonest.

    ``organisation_id`` narrows it to an organisation and all below it, ``account_id`` to what this person may do: none
    of their own words and no second step of a review; ``claimed_by`` to what somebody has.
    """
    query = _query()
    if step is not None:
        query = query.where(_steps.step == step)
    if topic is not None:
        query = query.where(_versions.topic == topic)
    if organisation_id is not None:
        query = query.where(_reviews.organisation_id.in_(_below(organisation_id)))
    if account_id is not None:
        query = query.where(~_wrote(account_id), ~_took(account_id))
    if claimed_by is not None:
        query = query.where(_steps.claimed_by == claimed_by)
    query = query.order_by(_reviews.urgent.desc(), _reviews.due_at, _reviews.id).limit(limit)
    now = clock.now_ms()
    return [_waiting(row, now) for row in connection.execute(query)]


def claim(connection: Connection, review_id: str, step: ReviewStep, actor: Actor, *, hours: float) -> Step:
    """Take the step for ``hours``; who has it already has it for so long from now.

    Raises UnknownReview, ReviewClosed where it is not what is to be done now, MayNotReview for a writer of the words or
    who took another step, Quarantined where the version is held back, AlreadyClaimed where somebody has it.
    """
    review = records.get(connection, review_id)
    require_current(review, step)
    _require_fit(connection, review, actor)
    if quarantining.held(connection, review.content_id, review.version) is not None:
        raise Quarantined("the version is in quarantine", hint="a person must let its words pass first")
    now = clock.now_ms()
    free = sa.or_(_steps.claimed_by.is_(None), _steps.claimed_by == actor.account_id, _steps.claimed_until <= now)
    told = {"claimed_by": actor.account_id, "claimed_at": now, "claimed_until": now + round(hours * 3_600_000)}
    taken = sa.update(tables.review_steps).where(_which(review_id, step), _steps.verdict.is_(None), free).values(told)
    if not connection.execute(taken).rowcount:
        raise _taken(connection, records.get(connection, review_id), step)
    trail.record(connection, actor, "claim", "review", review_id, None, {"step": step.value})
    return next(one for one in records.get(connection, review_id).steps if one.step is step)


def release(connection: Connection, review_id: str, step: ReviewStep, actor: Actor) -> bool:
    """Give a claimed step back; False where it is not theirs, or decided."""
    mine = sa.and_(_which(review_id, step), _steps.claimed_by == actor.account_id, _steps.verdict.is_(None))
    released = connection.execute(sa.update(tables.review_steps).where(mine).values(_NOBODY)).rowcount == 1
    if released:
        trail.record(connection, actor, "release", "review", review_id, {"step": step.value})
    return released


def release_lapsed(connection: Connection) -> int:
    """Give all steps back whose time is over and that nobody decided; returns how many."""
    lapsed = sa.and_(_steps.verdict.is_(None), _steps.claimed_until <= clock.now_ms())
    update = sa.update(tables.review_steps).where(lapsed).values(_NOBODY)
    rows = connection.execute(update.returning(_steps.review_id, _steps.step)).all()
    for row in rows:
        trail.record(connection, None, "lapse", "review", row.review_id, {"step": row.step})
    return len(rows)


def require_current(review: Review, step: ReviewStep) -> None:
    """Raises ReviewClosed where ``step`` is not what is to be done now."""
    current = review.current
    if current is None:
        raise ReviewClosed(f"the review {review.id} is {review.state.value}", hint="look at the newest version")
    if current.step is not step:
        raise ReviewClosed(f"the review {review.id} is at its step {current.step.value}, not {step.value}")


_NOBODY: dict[str, Any] = {"claimed_by": None, "claimed_at": None, "claimed_until": None}


def _which(review_id: str, step: ReviewStep) -> sa.ColumnElement[bool]:
    return sa.and_(_steps.review_id == review_id, _steps.step == step)


def _require_fit(connection: Connection, review: Review, actor: Actor) -> None:
    account = actor.account_id
    if any(step.decided_by == account for step in review.steps):
        raise MayNotReview(f"{actor.name} took another step of this review", hint="each step is for another person")
    mine = sa.and_(_reviews.id == review.id, _wrote(account))
    if connection.execute(sa.select(sa.exists().where(mine))).scalar_one():
        raise MayNotReview(f"{actor.name} wrote some of these words", hint="nobody reviews what they wrote")


def _taken(connection: Connection, review: Review, step: ReviewStep) -> AlreadyClaimed | ReviewClosed:
    """Why a claim failed, as it is seen afterwards."""
    found = next(one for one in review.steps if one.step is step)
    if found.verdict is not None or found.claimed_by is None:
        return ReviewClosed(f"the step {step.value} of the review {review.id} was decided a moment ago")
    name = connection.execute(sa.select(schema.accounts.c.name).where(schema.accounts.c.id == found.claimed_by))
    until = clock.shown(found.claimed_until or 0)
    return AlreadyClaimed(f"{name.scalar_one()} has the step {step.value} until {until}", hint="take another one")


def _query() -> sa.Select[Any]:
    """The current step of each open review, with what lists show."""
    other = tables.review_steps.alias()
    first = sa.select(sa.func.min(other.c.position)).where(other.c.review_id == _reviews.id, other.c.verdict.is_(None))
    held = sa.exists().where(
        _held.content_id == _reviews.content_id, _held.version == _reviews.version, _held.lifted_at.is_(None)
    )
    columns = (
        *(_reviews.id, _reviews.content_id, _reviews.version, _versions.title, _versions.topic, _reviews.route),
        *(_steps.step, _reviews.urgent, _reviews.organisation_id, _reviews.opened_at, _reviews.due_at),
        *(held.label("held"), _steps.claimed_by, schema.accounts.c.name, _steps.claimed_until),
    )
    current = sa.and_(
        _steps.review_id == _reviews.id, _steps.position == first.correlate(tables.reviews).scalar_subquery()
    )
    words = sa.and_(_versions.content_id == _reviews.content_id, _versions.version == _reviews.version)
    source = tables.reviews.join(tables.review_steps, current).join(tables.content_versions, words)
    source = source.outerjoin(schema.accounts, schema.accounts.c.id == _steps.claimed_by)
    return sa.select(*columns).select_from(source).where(_reviews.state == ReviewState.OPEN)


def _below(organisation_id: str) -> sa.Select[Any]:
    """The ids of an organisation and all below it."""
    table = schema.organisations
    tree = sa.select(table.c.id).where(table.c.id == organisation_id).cte("below", recursive=True)
    tree = tree.union(sa.select(table.c.id).where(table.c.parent_id == tree.c.id))
    return sa.select(tree.c.id)


def _wrote(account_id: str) -> sa.ColumnElement[bool]:
    """Whether the account wrote any of the words up to the review's version."""
    words = tables.content_versions.alias()
    by = sa.or_(words.c.created_by == account_id, words.c.author_id == account_id)
    return sa.exists().where(words.c.content_id == _reviews.content_id, words.c.version <= _reviews.version, by)


def _took(account_id: str) -> sa.ColumnElement[bool]:
    """Whether the account took a step of the review."""
    other = tables.review_steps.alias()
    return sa.exists().where(other.c.review_id == _reviews.id, other.c.decided_by == account_id)


def _waiting(row: Any, now: int) -> Waiting:
    return Waiting(
        review_id=row.id,
        content_id=row.content_id,
        version=row.version,
        title=row.title,
        topic=Topic(row.topic) if row.topic else None,
        route=Route(row.route),
        step=ReviewStep(row.step),
        urgent=bool(row.urgent),
        organisation_id=row.organisation_id,
        opened_at=row.opened_at,
        due_at=row.due_at,
        overdue=row.due_at < now,
        held=bool(row.held),
        claimed_by=row.claimed_by,
        claimed_name=row.name,
        claimed_until=row.claimed_until,
    )
