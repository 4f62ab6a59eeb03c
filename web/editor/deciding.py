"""Letting a version pass, sending it back, and saying something about it."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from content_store.db import Connection
from content_store.review import comments, deciding, records, versions
from content_store.review_words import ReturnReason, ReviewState, ReviewStep
from content_store.staff_vocabulary import Permission
from web import errors
from web.editor import asking, case, refusals
from web.editor.places import organisation_of_review
from web.portal.page import Page
from web.services import current

_QUOTED = ("title", "summary", "body")


def pass_step(id: str) -> Response:
    """Let the version that the form names pass the step."""

    def act(connection: Connection, step: ReviewStep) -> str:
        me, version = asking.me(connection), asking.number("version") or 0
        review = deciding.approve(connection, id, step, me, version=version, note=asking.field("note"))
        return "passed_all" if review.state is ReviewState.PASSED else "passed"

    return case.do(id, act)


def return_step(id: str) -> Response:
    """Send the version back to its author."""
    reason, why = asking.chosen(ReturnReason, asking.field("reason")), asking.field("why")
    if asking.field("step") and reason is None:
        return case.show(id, faults={"reason": "请选一个退回的原因，作者要知道改什么。"}, status=422)
    if reason is ReturnReason.OTHER and not why:
        return case.show(id, faults={"why": "选了“其他”，请写明是什么原因。"}, status=422)

    def act(connection: Connection, step: ReviewStep) -> str:
        me, version = asking.me(connection), asking.number("version") or 0
        deciding.send_back(connection, id, step, me, version=version, reason=reason or ReturnReason.OTHER, note=why)
        return "returned"

    return case.do(id, act)


def add_comment(id: str) -> Response:
    """Say something: about the version, about words of it, or in answer to what was said."""
    text, quote = asking.field("text"), asking.field("quote")
    if not text:
        return case.show(id, faults={"text": "请写下你的意见再提交。"}, status=422)
    with current().database.connect() as connection:
        review = records.get(connection, id)
        words = versions.get(connection, review.content_id, review.version)
    if quote and not any(quote in (getattr(words, name) or "") for name in _QUOTED):
        return case.show(id, faults={"quote": "这一版里没有找到引用的文字，请从稿件里原样复制。"}, status=422)
    place = (words.body or "").find(quote) if quote else -1
    try:
        with current().database.begin() as connection:
            comments.add(
                connection,
                id,
                asking.me(connection),
                text,
                step=review.current.step if review.current else None,
                parent_id=asking.field("parent") or None,
                quote=quote or None,
                place=place if place >= 0 else None,
            )
    except refusals.REFUSALS as error:
        return case.show(id, refused=error, status=errors.status_of(type(error)))
    return redirect(url_for("show_review", id=id, notice="added", _anchor="said"), 303)


PAGES = tuple(
    Page("POST", f"/staff/review/<path:id>/{name}", handle, Permission.SEE_QUEUE, organisation_of_review)
    for name, handle in (("pass", pass_step), ("return", return_step), ("comments", add_comment))
)
