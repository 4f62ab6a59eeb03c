"""Which permission each act of review and publishing needs, and in which organisation: that whose content it is.

A content belongs to the organisation of its author, or to the province where nobody knows better. Its reviewers are
those of that organisation and of all above it. The permission is asked for at each act, not only at its beginning: who
lost a role between claim and verdict gives none.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import organisations, roles
from content_store import schema_review as tables
from content_store.errors import NotAllowed
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review_words import ReviewStep
from content_store.staff_vocabulary import Permission

_P = Permission
_PROOF = (_P.REVIEW_FIRST, _P.REVIEW_SECOND, _P.REVIEW_FINAL)
STEP_PERMISSIONS: dict[ReviewStep, tuple[Permission, ...]] = {
    ReviewStep.FIRST_REVIEW: (_P.REVIEW_FIRST,),
    ReviewStep.SCIENCE_REVIEW: (_P.REVIEW_SCIENCE,),
    ReviewStep.SECOND_REVIEW: (_P.REVIEW_SECOND,),
    ReviewStep.FINAL_REVIEW: (_P.REVIEW_FINAL,),
    ReviewStep.FIRST_PROOF: _PROOF,
    ReviewStep.SECOND_PROOF: _PROOF,
    ReviewStep.THIRD_PROOF: _PROOF,
}
"""Any one of them will do. Who reviews may read proofs, of other texts than those they reviewed."""

_versions = tables.content_versions.c
_HINT = "ask an administrator of the organisation, or of one above it"


def place(connection: Connection, content_id: str) -> str:
    """The organisation whose content it is; the province for one that was imported."""
    query = sa.select(_versions.organisation_id).where(_versions.content_id == content_id)
    found = connection.execute(query.order_by(_versions.version.desc()).limit(1)).scalar()
    return found or organisations.ROOT


def insist(connection: Connection, actor: Actor, permission: Permission, organisation_id: str | None) -> None:
    """Raises NotAllowed where ``actor`` does not have ``permission`` in the organisation (None: the province)."""
    _insist_any(connection, actor, (permission,), organisation_id)


def insist_step(connection: Connection, actor: Actor, step: ReviewStep, organisation_id: str | None) -> None:
    """Raises NotAllowed where ``actor`` may not take ``step`` of that organisation's contents, or is a programme."""
    _insist_any(connection, actor._replace(account_id=actor.person), STEP_PERMISSIONS[step], organisation_id)


def insist_of(connection: Connection, actor: Actor, permission: Permission, content_id: str) -> None:
    """Raises NotAllowed where ``actor`` does not have ``permission`` for the content."""
    insist(connection, actor, permission, place(connection, content_id))


def insist_writes(connection: Connection, actor: Actor, content_id: str) -> None:
    """Raises NotAllowed where ``actor`` may not change the content.

    Its writers may as long as they may write at all, and whoever may correct. A service token may what it made.
    """
    organisation_id = place(connection, content_id)
    if wrote(connection, actor, content_id) and may(connection, actor, _P.WRITE_WORKS, organisation_id):
        return
    insist(connection, actor, _P.CORRECT, organisation_id)


def insist_speaks(connection: Connection, actor: Actor, content_id: str, organisation_id: str | None) -> None:
    """Raises NotAllowed where ``actor`` neither sees the organisation's queue nor wrote any of the content."""
    if not wrote(connection, actor, content_id):
        insist(connection, actor, _P.SEE_QUEUE, organisation_id)


def may(connection: Connection, actor: Actor, permission: Permission, organisation_id: str | None) -> bool:
    """Whether ``actor`` has ``permission`` in the organisation (None: the province).

    Of somebody for whom another one sits at the terminal it is their own permission that is asked for.
    """
    who = actor.account_id or actor.logged
    return roles.allows(connection, who, permission, organisation_id or organisations.ROOT)


def takes(connection: Connection, actor: Actor, review: Review) -> bool:
    """Whether ``actor`` may take the current step: by permission, and having neither written nor taken another step."""
    if review.current is None or actor.account_id is None or unfit(connection, actor, review):
        return False
    return any(may(connection, actor, one, review.organisation_id) for one in STEP_PERMISSIONS[review.current.step])


def unfit(connection: Connection, actor: Actor, review: Review) -> tuple[str, str] | None:
    """Why ``actor`` may take no step of the review, and what to do; None where nothing of the kind is known."""
    if any(step.decided_by == actor.account_id for step in review.steps):
        return f"{actor.name} took another step of this review", "each step is for another person"
    by = sa.or_(_versions.created_by == actor.account_id, _versions.author_id == actor.account_id)
    mine = sa.and_(_versions.content_id == review.content_id, _versions.version <= review.version, by)
    if connection.execute(sa.select(sa.exists().where(mine))).scalar_one():
        return f"{actor.name} wrote some of these words", "nobody reviews what they wrote"
    return None


def wrote(connection: Connection, actor: Actor, content_id: str) -> bool:
    """Whether ``actor`` made, or is the author of, any version; of a programme: whether no person made one."""
    by: sa.ColumnElement[bool] = _versions.created_by.is_not(None)
    if actor.account_id is not None:
        by = sa.or_(_versions.created_by == actor.account_id, _versions.author_id == actor.account_id)
    found = connection.execute(sa.select(sa.exists().where(_versions.content_id == content_id, by))).scalar_one()
    return found if actor.account_id is not None else not found


def _insist_any(
    connection: Connection, actor: Actor, permissions: tuple[Permission, ...], organisation_id: str | None
) -> None:
    if not any(may(connection, actor, permission, organisation_id) for permission in permissions):
        wanted = " or ".join(permissions)
        where = organisation_id or organisations.ROOT
        raise NotAllowed(f"{actor.name} does not have {wanted} in {where}", hint=_HINT)
