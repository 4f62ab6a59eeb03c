"""The review of a version begins, or is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, contents, ids, markdown, statements
from content_store import schema_review as tables
from content_store.content_records import Content
from content_store.db import Database
from content_store.errors import AltMissing, BadRecord, DuplicateWork, ReviewClosed, Unreviewed
from content_store.ingest import originals
from content_store.review import admitting, permits, records, routes, trail, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import ReviewState, Route
from content_store.settings import Settings
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import LIVE_STATUSES, ContentStatus


def submit(
    connection: Connection,
    content_id: str,
    actor: Actor,
    settings: Settings,
    *,
    version: int,
    urgent: bool = False,
    route: Route | None = None,
    distinct: str = "",
) -> Review:
    """Open the review of ``version``, which must be the newest; without ``route`` on the shortest that it may take.

    Its reviewers are those of the organisation whose content it is. That it is ``urgent``, and why it is ``distinct``
    from what it is a copy of, is for who may publish to say. Raises NotAllowed for that, and for who may not change it;
    ReviewClosed where it is not the newest, or in review already; BadRecord for a route that it may not take or words
    without title, body, topic or AI-use statement; AltMissing for pictures that nothing is told of; Unreviewed where
    the database refuses it. Raises DuplicateWork where another content has its words: whose source it is then, if that
    is caught within the transaction (``send``).
    """
    # Before the content: who stores what feeds bring takes them in this order.
    originals.hold(connection)
    content = versions.hold(connection, content_id)
    permits.insist_writes(connection, actor, content_id)
    if urgent or distinct:
        permits.insist_of(connection, actor, Permission.PUBLISH, content_id)
    latest = versions.newest(connection, content_id)
    _require_ready(connection, content, latest, version)
    overruled = _insist_distinct(connection, content, latest, actor, distinct)
    chosen, basis = _route(connection, latest, settings, route)
    opened: dict[str, Any] = {"route": chosen, "basis": basis, "urgent": urgent, "opened_by": actor.account_id}
    id = _open(connection, latest, settings, opened)
    if content.status is ContentStatus.DRAFT:
        contents.set_status(connection, content_id, ContentStatus.IN_REVIEW)
    told = {"review_id": id, "version": version, "route": chosen.value, "urgent": urgent, **overruled}
    trail.record(connection, actor, "submit", "content", content_id, {"status": content.status.value}, told)
    return records.get(connection, id)


def send(
    database: Database,
    content_id: str,
    who: Callable[[Connection], Actor],
    settings: Settings,
    *,
    version: int,
    urgent: bool = False,
    distinct: str = "",
) -> None:
    """``submit`` in a transaction of its own. Of a copy it is kept that it is one; then DuplicateWork is raised."""
    with database.begin() as connection:
        try:
            submit(connection, content_id, who(connection), settings, version=version, urgent=urgent, distinct=distinct)
            return
        except DuplicateWork as error:
            duplicate = error
    raise duplicate


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


def _open(connection: Connection, version: Version, settings: Settings, told: dict[str, Any]) -> str:
    """Store the review and its steps; its id. Raises Unreviewed."""
    now, science = clock.now_ms(), routes.asks_science(connection, version)
    review = told | {"id": ids.new_id(), "content_id": version.content_id, "version": version.version}
    review |= {"science": science, "state": ReviewState.OPEN, "organisation_id": version.organisation_id}
    review |= {"opened_at": now, "due_at": now + round(settings.review_due_h * 3_600_000)}
    places = routes.positions(told["route"], science)
    steps = [{"review_id": review["id"], "step": step, "position": place} for step, place in places.items()]
    with statements.refused(connection, Unreviewed):
        connection.execute(sa.insert(tables.reviews), review)
        connection.execute(sa.insert(tables.review_steps), steps)
    return str(review["id"])


def _insist_distinct(
    connection: Connection, content: Content, latest: Version, actor: Actor, reason: str
) -> dict[str, str]:
    """Keep the words as the content's own. What the log is to be told, where they are so only because of ``reason``.

    Raises DuplicateWork, but not for a content that is out: what is wrong in it can be corrected whatever it is.
    """
    said = checks.text(reason.strip(), "a reason")
    twin = admitting.twin_of(connection, content.id) if said else None
    found = admitting.admit(connection, latest, actor, distinct=bool(said))
    if found is not None and content.status not in LIVE_STATUSES:
        raise DuplicateWork(found.content_id, found.title, found.status)
    return {"like": twin.content_id, "distinct": f"不是重复：{said}"} if twin else {}


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
