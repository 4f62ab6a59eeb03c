"""Reviews and their steps as they are stored."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema_review as tables
from content_store.errors import UnknownReview
from content_store.review_words import ReturnReason, ReviewState, ReviewStep, Route, Verdict

_reviews, _steps = tables.reviews.c, tables.review_steps.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a review: who has it until when, or who said what about the version and when. Instants are epoch ms."""

    position: int
    step: ReviewStep
    claimed_by: str | None
    claimed_at: int | None
    claimed_until: int | None
    decided_by: str | None
    decided_at: int | None
    verdict: Verdict | None
    reason: ReturnReason | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The review of a version, with its steps in their order. Instants are epoch ms.

    ``basis`` is the reviewed version of which this one is a minor change, ``organisation_id`` whose reviewers have it.
    """

    id: str
    content_id: str
    version: int
    route: Route
    science: bool
    basis: int | None
    state: ReviewState
    urgent: bool
    organisation_id: str | None
    opened_at: int
    opened_by: str | None
    due_at: int
    closed_at: int | None
    steps: tuple[Step, ...]

    @property
    def current(self) -> Step | None:
        """The step that is to be taken now; None where the review is over."""
        if self.state is not ReviewState.OPEN:
            return None
        return next((step for step in self.steps if step.verdict is None), None)


def get(connection: Connection, id: str) -> Review:
    """The review with this id. Raises UnknownReview."""
    found = _where(connection, _reviews.id == id)
    if not found:
        raise UnknownReview(f"no review has the id {id}")
    return found[0]


def of(connection: Connection, content_id: str, version: int | None = None) -> list[Review]:
    """The reviews of a content, or of one version of it, the oldest first."""
    which = _reviews.content_id == content_id
    return _where(connection, which if version is None else sa.and_(which, _reviews.version == version))


def passed(connection: Connection, content_id: str, version: int) -> Review | None:
    """The review that the version has passed."""
    return next((one for one in of(connection, content_id, version) if one.state is ReviewState.PASSED), None)


def opened(connection: Connection, content_id: str) -> Review | None:
    """The review that a content is in."""
    found = _where(connection, sa.and_(_reviews.content_id == content_id, _reviews.state == ReviewState.OPEN))
    return found[0] if found else None


def _where(connection: Connection, which: sa.ColumnElement[bool]) -> list[Review]:
    query = sa.select(tables.reviews).where(which).order_by(_reviews.opened_at, _reviews.id)
    rows = connection.execute(query).all()
    steps: dict[str, list[Step]] = {row.id: [] for row in rows}
    mine = sa.select(tables.review_steps).where(_steps.review_id.in_(list(steps))).order_by(_steps.position)
    for step in connection.execute(mine) if steps else ():
        steps[step.review_id].append(_step(step))
    return [_review(row, steps[row.id]) for row in rows]


def _step(row: Any) -> Step:
    values = {field.name: getattr(row, field.name) for field in fields(Step)}
    values["step"] = ReviewStep(values["step"])
    values["verdict"] = Verdict(values["verdict"]) if values["verdict"] else None
    values["reason"] = ReturnReason(values["reason"]) if values["reason"] else None
    return Step(**values)


def _review(row: Any, steps: list[Step]) -> Review:
    values = dict(row._mapping) | {"steps": tuple(steps), "science": bool(row.science), "urgent": bool(row.urgent)}
    values["route"], values["state"] = Route(values["route"]), ReviewState(values["state"])
    return Review(**values)
