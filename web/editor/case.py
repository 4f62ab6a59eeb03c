"""One review: the words as readers would see them, what differs, what was said and done, and what one may do now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response

from content_store import clock, organisations, suggestions
from content_store.db import Connection
from content_store.errors import KepuError
from content_store.review import comments, desk, permits, records, versions
from content_store.review.comments import Comment
from content_store.review.desk import Case
from content_store.review.trail import Actor
from content_store.review_words import ReturnReason, ReviewStep
from content_store.staff_vocabulary import Permission
from web import errors, suggested
from web.editor import asking, refusals, shelf, told
from web.editor.asking import Faults
from web.editor.places import organisation_of_review
from web.portal.markdown import shown
from web.portal.page import Page
from web.services import current

Act = Callable[[Connection, ReviewStep], str]
"""Does something about a step, in a transaction; returns the notice of it."""


def show_review(id: str) -> Response:
    """The page."""
    return show(id)


def do(id: str, act: Act) -> Response:
    """Do something about the step that the form names; where it is refused, say why above what was typed."""
    step = asking.chosen(ReviewStep, asking.field("step"))
    if step is None:
        return show(id, fault="表单不完整，请看清页面再试一次。", status=422)
    try:
        with current().database.begin() as connection:
            notice = act(connection, step)
    except refusals.REFUSALS as error:
        return show(id, refused=error, step=step, status=errors.status_of(type(error)))
    return redirect(url_for("show_review", id=id, notice=notice), 303)


def show(
    id: str,
    *,
    status: int = 200,
    fault: str | None = None,
    faults: Faults | None = None,
    refused: KepuError | None = None,
    step: ReviewStep | None = None,
) -> Response:
    """The page, with what was wrong with a form, and all that was typed into it."""
    with current().database.connect() as connection:
        actor = asking.me(connection)
        found = desk.case(connection, id, actor)
        given = _beside(connection, found, actor)
    if refused is not None:
        fault = refusals.of_review(refused, found, step, actor.person)
    given |= {"here": url_for("show_review", id=id), "case": found, "fault": fault, "faults": faults or {}}
    return shelf.page("case.html", status=status, typed=asking.typed() if status != 200 else {}, **given)


def _beside(connection: Connection, found: Case, actor: Actor) -> dict[str, Any]:
    review, version, step = found.review, found.version, found.review.current
    place = review.organisation_id or organisations.ROOT
    newest = versions.newest(connection, version.content_id).version
    opened = records.opened(connection, version.content_id)
    compared, talk, earlier = found.compared, comments.threaded(found.comments), _earlier(connection, found)
    return {
        "body": shown(connection, version.body),
        "differences": [] if compared is None else told.differences(found.pieces, compared, version),
        "place": organisations.get(connection, place).name,
        "suggestion": suggested.about(connection, version),
        "takes_suggestion": found.content.status in suggestions.WAITING,
        "region": told.place_name(version.place),
        "ai_name": told.AI_NAMES[version.ai_use] if version.ai_use else "没有说明",
        "field_names": told.FIELD_NAMES,
        "talk": talk,
        "earlier": earlier,
        "speakers": {one.id: one.name for talk in (talk, *(said for _, said in earlier)) for one, _ in talk},
        "trail": told.trail(connection, found.told, found.names),
        "reasons": list(ReturnReason),
        "step": step,
        "mine": step is not None and step.claimed_by == actor.account_id,
        "taken": step is not None and step.claimed_by not in (None, actor.account_id) and not _lapsed(step),
        "held": any(one.lifted_at is None for one in found.quarantines),
        "unfit": refusals.unfit(found, actor.person),
        "corrects": permits.may(connection, actor, Permission.CORRECT, place),
        "newer": newest if newest > version.version else None,
        "elsewhere": opened if opened is not None and opened.id != review.id else None,
        "now": clock.now_ms(),
    }


def _earlier(connection: Connection, found: Case) -> list[tuple[records.Review, list[tuple[Comment, int]]]]:
    """What was said in the content's other reviews, the newest first: answers to a return are found there."""
    others = [one for one in records.of(connection, found.content.id)[::-1] if one.id != found.review.id]
    said = [(one, comments.threaded(comments.of(connection, one.id))) for one in others]
    return [(one, talk) for one, talk in said if talk]


def _lapsed(step: records.Step) -> bool:
    return (step.claimed_until or 0) <= clock.now_ms()


PAGES = (Page("GET", "/staff/review/<path:id>", show_review, Permission.SEE_QUEUE, organisation_of_review),)
