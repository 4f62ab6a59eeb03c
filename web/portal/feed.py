"""The feed, an article, and what a citizen says of one."""

from __future__ import annotations

import hashlib

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import checks, clock, contents, credits
from content_store.contents import Content
from content_store.errors import BadCursor, BadRecord, UnknownContent
from content_store.intake import Incoming
from content_store.review import withdrawing
from content_store.vocabulary import LIVE_STATUSES, EventKind, Topic
from recsys.feed import Ask
from web import auth
from web.api import events, feed_page, me
from web.auth import Via
from web.errors import NotFound
from web.portal.markdown import shown
from web.portal.page import Page
from web.services import Services, current

PER_PAGE = 20
RELATED = 6
EVENTS_PATH = "/api/v1/events"


def show_feed_page() -> str | Response:
    """The citizen's feed, or that of one topic."""
    services, citizen = current(), auth.need_citizen()
    topic, cursor = _topic(request.args.get("topic")), request.args.get("cursor")
    try:
        page = feed_page.compose(services, Ask(citizen, PER_PAGE, cursor, topic))
    except BadCursor:
        # An address that someone kept or shortened: the beginning is what they want.
        return redirect(url_for("show_feed_page", topic=topic), 303)
    interests = me.show(services).interests
    channels = [*interests, *(entry for entry in Topic if entry not in interests)]
    return render_template("portal/feed.html", page=page, topic=topic, channels=channels, first=cursor is None)


def show_article(id: str) -> str:
    """An article with what is near it; a citizen who opens it has met it."""
    services = current()
    content = _readable(services, id)
    with services.database.connect() as connection:
        beside, body = credits.of(connection, content), shown(connection, content.body)
    if auth.caller().via is Via.COOKIE and auth.seen_by_someone():
        services.openings.note(_event(content.id, EventKind.CLICK), events.sender(services))
    near = feed_page.related(services, content.id, auth.need_citizen(), RELATED)
    return render_template(
        "portal/article.html",
        content=content,
        beside=beside,
        body=body,
        link=content.url if content.url and content.url.startswith(("https://", "http://")) else None,
        near=near,
        events_path=EVENTS_PATH if _takes_events() else None,
    )


def dismiss() -> Response:
    """The citizen is not interested in an article."""
    services = current()
    content = _readable(services, request.form.get("content", ""))
    found = services.intake.receive([_event(content.id, EventKind.NOT_INTERESTED)], events.sender(services))
    if found.rejected:
        raise NotFound(f"content {content.id} is not there any more: {found.rejected[0].code.value}")
    topic = _topic(request.form.get("topic"))
    return redirect(url_for("show_feed_page", topic=topic, notice="dismissed"), 303)


def _topic(text: str | None) -> Topic | None:
    try:
        return Topic(text) if text else None
    except ValueError:
        raise NotFound(f"there is no topic {text!r}") from None


def _readable(services: Services, id: str) -> Content:
    """The content with this id. Raises NotFound where none that may be shown has it, Withdrawn where one once did."""
    try:
        checks.identifier(id, "a content's id")
        with services.database.connect() as connection:
            content = contents.get(connection, id)
            withdrawing.refuse_withdrawn(connection, id)
    except (UnknownContent, BadRecord):
        raise NotFound(f"no content has the id {id!r}") from None
    due = content.published_at is None or content.published_at <= clock.now_ms()
    if content.status not in LIVE_STATUSES or not due:
        raise NotFound(f"content {id} may not be shown")
    return content


def _event(content_id: str, kind: EventKind) -> Incoming:
    """An event of the citizen at hand that happens once a day."""
    told = "\n".join((auth.need_citizen(), content_id, kind, clock.today().isoformat()))
    id = f"page-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    return Incoming(id=id, kind=kind.value, content_id=content_id, at=clock.now_ms())


def _takes_events() -> bool:
    """Whether the API takes in what pages measure."""
    return any(rule.rule == EVENTS_PATH for rule in current_app.url_map.iter_rules())


PAGES = (
    Page("GET", "/", show_feed_page),
    Page("GET", "/contents/<path:id>", show_article),
    Page("POST", "/not-interested", dismiss),
)
