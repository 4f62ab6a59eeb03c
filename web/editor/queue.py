"""审核队列: what waits, for whom; and taking a step or giving it back."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from content_store import clock
from content_store.db import Connection
from content_store.review import queue
from content_store.review.queue import Waiting
from content_store.review_words import ReviewStep
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import Topic
from web import signed
from web.editor import asking, case, shelf
from web.editor.places import organisation_of_review
from web.portal.page import Page
from web.services import current

MOST = 200
"""Rows that a list has at most; whoever has more narrows it."""
VIEWS = {"open": "我可以领取的", "mine": "我领取的", "all": "全部"}


def show_queue() -> Response:
    """The page: one of three lists, narrowed by step and topic."""
    view = request.args.get("view", "open")
    view = view if view in VIEWS else "open"
    step = asking.chosen(ReviewStep, request.args.get("step"))
    topic = asking.chosen(Topic, request.args.get("topic"))
    with current().database.connect() as connection:
        lists = {name: _list(connection, name, step, topic) for name in VIEWS}
        places = shelf.names(connection)
    return shelf.page(
        "queue.html",
        rows=lists[view],
        counts={name: len(rows) for name, rows in lists.items()},
        most=MOST,
        views=VIEWS,
        view=view,
        step=step,
        topic=topic,
        steps=list(ReviewStep),
        topics=list(Topic),
        places=places,
        me=signed.who().account.id,
        now=clock.now_ms(),
    )


def claim_step(id: str) -> Response:
    """Take a step of the review, and begin to read."""
    services = current()

    def act(connection: Connection, step: ReviewStep) -> str:
        queue.claim(connection, id, step, asking.me(connection), hours=services.settings.review_claim_h)
        return "claimed"

    return case.do(id, act)


def release_step(id: str) -> Response:
    """Give a step back."""

    def act(connection: Connection, step: ReviewStep) -> str:
        return "released" if queue.release(connection, id, step, asking.me(connection)) else "gone"

    answer = case.do(id, act)
    to_queue = answer.status_code == 303 and request.form.get("from") == "queue"
    return redirect(url_for("show_queue", view="mine", notice="released"), 303) if to_queue else answer


def _list(connection: Connection, view: str, step: ReviewStep | None, topic: Topic | None) -> list[Waiting]:
    mine = signed.who().account.id
    if view == "all":
        return queue.waiting(connection, step=step, topic=topic, seen_by=mine, limit=MOST)
    if view == "mine":
        return queue.waiting(connection, step=step, topic=topic, claimed_by=mine, limit=MOST)
    now = clock.now_ms()
    found = queue.waiting(connection, step=step, topic=topic, account_id=mine, limit=MOST)
    return [row for row in found if row.claimed_by is None or (row.claimed_until or 0) <= now]


PAGES = (
    Page("GET", "/staff/review", show_queue, Permission.SEE_QUEUE),
    Page("POST", "/staff/review/<path:id>/claim", claim_step, Permission.SEE_QUEUE, organisation_of_review),
    Page("POST", "/staff/review/<path:id>/release", release_step, Permission.SEE_QUEUE, organisation_of_review),
)
