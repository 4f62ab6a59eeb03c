"""One content: how it stands, its versions and reviews, and what one may do with it now."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.wrappers import Response

from content_store import accounts, clock, contents, organisations, suggestions
from content_store.content_records import Content
from content_store.db import Connection
from content_store.errors import KepuError
from content_store.ingest import keeping
from content_store.review import admitting, correcting, permits, quarantining, records, versions, withdrawing
from content_store.review.quarantining import Quarantine
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import ReviewState, WithdrawReason
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import CONTENT_TRANSITIONS, ContentStatus
from web import suggested
from web.editor import asking, refusals, shelf, told
from web.editor.asking import Faults
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current

_OVER = frozenset({ContentStatus.WITHDRAWN, ContentStatus.EXPIRED})
_BEFORE_OUT = frozenset(
    {ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.SCHEDULED, ContentStatus.PUBLISHED}
)
_ACTS = {
    "publishes": Permission.PUBLISH,
    "withdraws": Permission.WITHDRAW,
    "corrects": Permission.CORRECT,
    "lifts": Permission.REVIEW_FINAL,
}


def show_content_desk(id: str) -> Response:
    """The page."""
    return show(id)


def show(
    id: str,
    *,
    status: int = 200,
    fault: str | None = None,
    faults: Faults | None = None,
    refused: KepuError | None = None,
) -> Response:
    """The page, with what was wrong with a form, and all that was typed into it."""
    if refused is not None:
        fault = refusals.of_content(refused)
    with current().database.connect() as connection:
        given = _given(connection, contents.get(connection, id), asking.me(connection))
    typed = asking.typed() if status != 200 else {}
    given["here"] = url_for("show_content_desk", id=id)
    return shelf.page("content.html", status=status, fault=fault, faults=faults or {}, typed=typed, **given)


def _given(connection: Connection, content: Content, me: Actor) -> dict[str, Any]:
    made = versions.every(connection, content.id)
    reviews = records.of(connection, content.id)
    newest = made[-1] if made else None
    place = permits.place(connection, content.id)
    may = {name: permits.may(connection, me, permission, place) for name, permission in _ACTS.items()}
    held = quarantining.held(connection, content.id, newest.version) if newest else None
    passed = _publishable(content, newest, reviews, held)
    return {
        "content": content,
        "place": organisations.get(connection, place).name,
        "versions": made[::-1],
        "reviews": reviews[::-1],
        "names": _names(connection, made),
        "opened": next((one for one in reviews if one.state is ReviewState.OPEN), None),
        "newest": newest,
        "held": held,
        "past_holds": [one for one in quarantining.of(connection, content.id, newest.version) if one.lifted_at]
        if newest
        else [],
        "may": may,
        "waits": passed is not None and content.status in (ContentStatus.DRAFT, ContentStatus.IN_REVIEW),
        "publishable": passed if may["publishes"] else None,
        "unschedules": may["publishes"] and content.status is ContentStatus.SCHEDULED,
        "withdrawable": may["withdraws"] and ContentStatus.WITHDRAWN in CONTENT_TRANSITIONS[content.status],
        "copyable": may["corrects"] and content.status in _OVER,
        "editable": may["corrects"] and content.status not in _OVER,
        "submits": may["corrects"] and _unsubmitted(content, newest, reviews),
        "twin": admitting.twin_of(connection, content.id),
        "suggestion": _suggestion(connection, content, newest),
        "corrections": correcting.of(connection, content.id),
        "pending": correcting.of_version(connection, content.id, newest.version) if newest else None,
        "originals": keeping.of_content(connection, content.id),
        "tombstone": withdrawing.tombstone(connection, content.id),
        "kept": versions.kept(connection, content.id, me),
        "field_names": told.FIELD_NAMES,
        "reasons": list(WithdrawReason),
        "now": clock.now_ms(),
    }


def _suggestion(connection: Connection, content: Content, newest: Version | None) -> suggested.Told | None:
    """What was suggested about the newest words, while they wait."""
    return suggested.about(connection, newest) if newest and content.status in suggestions.WAITING else None


def _publishable(
    content: Content, newest: Version | None, reviews: list[Review], held: Quarantine | None
) -> int | None:
    """The newest version where it may be published now, or at another time than it is set for."""
    if newest is None or held is not None or content.status not in _BEFORE_OUT:
        return None
    out = content.status is ContentStatus.PUBLISHED and content.wording == newest.version
    passed = any(one.version == newest.version and one.state is ReviewState.PASSED for one in reviews)
    return newest.version if passed and not out else None


def _unsubmitted(content: Content, newest: Version | None, reviews: list[Review]) -> bool:
    """Whether the newest version waits for somebody to send it into review."""
    if newest is None or content.status in _OVER:
        return False
    done = {one.version for one in reviews if one.state in (ReviewState.OPEN, ReviewState.PASSED)}
    imported = content.status is ContentStatus.PUBLISHED and (content.wording or 1) == newest.version
    return newest.version not in done and not imported


def _names(connection: Connection, made: list[Version]) -> dict[str, str]:
    people = {one for version in made for one in (version.created_by, version.author_id) if one}
    return accounts.names(connection, people)


PAGES = (Page("GET", "/staff/contents/<path:id>", show_content_desk, Permission.SEE_QUEUE, organisation_of_content),)
