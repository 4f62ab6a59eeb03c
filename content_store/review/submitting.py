"""The review of a version begins, or is taken back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, contents, ids, markdown, statements
from content_store import schema_review as tables
from content_store.content_records import Content
from content_store.errors import AltMissing, BadRecord, ReviewClosed, Unreviewed
from content_store.review import permits, records, routes, trail, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import ReviewState, Route
from content_store.settings import Settings
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus


def submit(
    connection: Connection,
    content_id: str,
    actor: Actor,
    settings: Settings,
    *,
    version: int,
    urgent: bool = False,
    route: Route | None = None,
) -> Review:
    """Open the review of ``version``, which must be the newest; without ``route`` on the shortest that it may take.

    Its reviewers are those of the organisation whose content it is; that it is ``urgent`` is for who may publish to
    say. Raises NotAllowed for that, and for who may not change it; ReviewClosed where it is not the newest, or in
    review already; BadRecord for a route that it may not take or words without title, body, topic or AI-use statement;
    AltMissing for pictures that nothing is told of; Unreviewed where the database refuses it.
    """
    content = versions.hold(connection, content_id)
    permits.insist_writes(connection, actor, content_id)
    if urgent:
        permits.insist_of(connection, actor, Permission.PUBLISH, content_id)
    latest = versions.newest(connection, content_id)
    _require_ready(connection, content, latest, version)
    chosen, basis = _route(connection, latest, settings, route)
    now = clock.now_ms()
    review = {"id": ids.new_id(), "content_id": content_id, "version": version, "route": chosen, "basis": basis}
    review |= {"science": routes.asks_science(connection, latest), "state": ReviewState.OPEN, "urgent": urgent}
    review |= {"organisation_id": latest.organisation_id, "opened_by": actor.account_id}
    review |= {"opened_at": now, "due_at": now + round(settings.review_due_h * 3_600_000)}
    places = routes.positions(chosen, bool(review["science"]))
    steps = [{"review_id": review["id"], "step": step, "position": place} for step, place in places.items()]
    with statements.refused(connection, Unreviewed):
        connection.execute(sa.insert(tables.reviews), review)
        connection.execute(sa.insert(tables.review_steps), steps)
    if content.status is ContentStatus.DRAFT:
        contents.set_status(connection, content_id, ContentStatus.IN_REVIEW)
    told = {"review_id": review["id"], "version": version, "route": chosen.value, "urgent": urgent}
    trail.record(connection, actor, "submit", "content", content_id, {"status": content.status.value}, told)
    return records.get(connection, str(review["id"]))


def recall(connection: Connection, review_id: str, actor: Actor) -> Review:
    """Take an open review back; the content is a draft again, unless it is out.

    Raises NotAllowed, UnknownReview, ReviewClosed.
    """
    review = records.get(connection, review_id)
    content = versions.hold(connection, review.content_id)
    permits.insist_writes(connection, actor, content.id)
    told = {"state": ReviewState.CANCELLED, "closed_at": clock.now_ms()}
    open_one = sa.and_(tables.reviews.c.id == review_id, tables.reviews.c.state == ReviewState.OPEN)
    if not connection.execute(sa.update(tables.reviews).where(open_one).values(told)).rowcount:
        raise ReviewClosed(f"the review {review_id} is over")
    if content.status is ContentStatus.IN_REVIEW:
        contents.set_status(connection, content.id, ContentStatus.DRAFT)
    trail.record(connection, actor, "recall", "review", review_id, {"state": "open"}, {"state": "cancelled"})
    return records.get(connection, review_id)


def _require_ready(connection: Connection, content: Content, latest: Version, version: int) -> None:
    id = content.id
    if version != latest.version:
        raise ReviewClosed(f"the newest version of content {id} is {latest.version}", hint="look at it first")
    if content.status in (ContentStatus.WITHDRAWN, ContentStatus.EXPIRED):
        raise BadRecord(f"content {id} is {content.status}", hint="save another version first")
    if records.opened(connection, id) is not None:
        raise ReviewClosed(f"version {version} of content {id} is in review already")
    if records.passed(connection, id, version) is not None:
        raise ReviewClosed(f"version {version} of content {id} has passed its review")
    lacking = [name for name in ("title", "body", "topic", "ai_use") if not getattr(latest, name)]
    if lacking:
        raise BadRecord(f"the version lacks {', '.join(lacking)}", hint="reviewers must see all that readers will")
    if untold := markdown.missing_alt(latest.body):
        raise AltMissing([picture.number for picture in untold])


def _route(
    connection: Connection, version: Version, settings: Settings, wanted: Route | None
) -> tuple[Route, int | None]:
    """Raises BadRecord where ``wanted`` is shorter than the version may take."""
    chosen, basis = routes.choose(connection, version, settings)
    if wanted is None or wanted is chosen:
        return chosen, basis
    if wanted is not Route.FULL:
        raise BadRecord(f"the version may not take the route {wanted.value}: {wanted.label}")
    return wanted, None
