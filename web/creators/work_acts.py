"""What is done with one of one's works beside its words: answering reviewers, taking it back, beginning it anew."""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from content_store.errors import BadRecord, NotAllowed, ReviewClosed, UnknownReview
from content_store.review import comments, records, submitting, trail, versions
from content_store.staff_vocabulary import Permission
from web import signed
from web.access import Open
from web.creators import forms
from web.creators.work import Reply, insist_own, page
from web.portal.page import Page
from web.services import current

LONGEST_ANSWER = 2_000


def answer_reviewers(id: str) -> str | Response:
    """Say something in one of the work's reviews: in answer to what was said there (``parent``), or by itself."""
    review_id, parent, text = request.form.get("review", ""), request.form.get("parent", ""), forms.typed("text")
    wrong = forms.too_long(text, LONGEST_ANSWER) if text else "请先写下要说的话。"
    if not wrong:
        try:
            with current().database.begin() as connection:
                insist_own(connection, id)
                if records.get(connection, review_id).content_id != id:
                    raise UnknownReview(f"the work has no review {review_id}")
                me = trail.account(connection, signed.who().account.id)
                comments.add(connection, review_id, me, text, parent_id=parent or None)
        except (BadRecord, UnknownReview):
            wrong = "没有发出：要答复的意见找不到了，请看最新的页面再试。"
    if wrong:
        return make_response(page(id, reply=Reply(review_id, parent, text, wrong)), 422)
    return redirect(url_for("show_work", id=id, notice="answered", _anchor="said"), 303)


def recall_work(id: str) -> str | Response:
    """Take the work back from review."""
    try:
        with current().database.begin() as connection:
            insist_own(connection, id)
            review = records.opened(connection, id)
            if review is None:
                raise ReviewClosed("the work is in no review")
            submitting.recall(connection, review.id, trail.account(connection, signed.who().account.id))
    except ReviewClosed:
        return make_response(page(id, fault="这篇作品现在不在审核中，没有可以撤回的。"), 409)
    return redirect(url_for("show_work", id=id, notice="recalled"), 303)


def restart_work(id: str) -> str | Response:
    """Begin anew what was withdrawn or has expired: the same words as another version, to be changed and reviewed."""
    try:
        with current().database.begin() as connection:
            insist_own(connection, id)
            versions.copy(connection, id, trail.account(connection, signed.who().account.id))
    except BadRecord:
        return make_response(page(id, fault="这篇作品没有下架，也没有到期，不用重新起草。"), 409)
    except NotAllowed:
        return make_response(page(id, fault="你现在不能提交作品，所以不能重新起草。"), 403)
    return redirect(url_for("show_work", id=id, notice="copied"), 303)


def drop_kept(id: str) -> Response:
    """Throw away what could not be saved."""
    with current().database.begin() as connection:
        insist_own(connection, id)
        me = trail.account(connection, signed.who().account.id)
        versions.discard(connection, request.form.get("kept", ""), me)
    return redirect(url_for("show_work", id=id, notice="discarded"), 303)


PAGES = (
    Page("POST", "/staff/works/<path:id>/comments", answer_reviewers, Open.SIGNED_IN),
    Page("POST", "/staff/works/<path:id>/copy", restart_work, Permission.WRITE_WORKS),
    Page("POST", "/staff/works/<path:id>/kept", drop_kept, Open.SIGNED_IN),
    Page("POST", "/staff/works/<path:id>/recall", recall_work, Permission.WRITE_WORKS),
)
