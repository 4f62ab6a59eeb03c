"""我的: what is known of a citizen and what they can change of it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import citizens, inbox
from content_store.citizens import Changes
from content_store.vocabulary import Prefecture, Topic
from recsys.sentences import place
from web import auth
from web.api import history, me
from web.api.history import HistoryQuery
from web.portal.page import Page
from web.services import current


def show_mine() -> str:
    """The citizen's own page."""
    services, citizen_id = current(), auth.need_citizen()
    known = me.show(services)
    with services.database.connect() as connection:
        unread = inbox.unread(connection, citizen_id)
    return render_template(
        "portal/mine.html",
        me=known,
        unread=unread,
        history=history.show(services, HistoryQuery()).items,
        addable=[topic for topic in Topic if topic not in known.interests],
        prefectures=[(entry.value, place(entry)) for entry in Prefecture],
    )


def change_interests() -> Response:
    """Add or take away a topic."""
    added, removed = (_topics(request.form.getlist(name)) for name in ("add", "remove"))
    services, citizen_id = current(), auth.need_citizen()
    with services.database.begin() as connection:
        citizens.ensure(connection, [citizen_id])
        interests = citizens.get(connection, citizen_id).interests | added
        citizens.update(connection, citizen_id, interests=interests - removed)
    return redirect(url_for("show_mine", notice="saved"), 303)


def change_prefecture() -> Response:
    """Say where one lives, or no more."""
    _change(prefecture=citizens.prefecture(request.form.get("prefecture")))
    return redirect(url_for("show_mine", notice="saved"), 303)


def change_personalised() -> Response:
    """Switch personalisation on or off."""
    wanted = request.form.get("personalised") == "on"
    _change(personalised=wanted)
    return redirect(url_for("show_mine", notice="personalised" if wanted else "plain"), 303)


def forget() -> Response:
    """Forget what was done with one article, or with all."""
    id = request.form.get("content")
    if id is None:
        history.forget_all(current())
    else:
        history.forget(current(), id)
    return redirect(url_for("show_mine", notice="cleared" if id is None else "forgotten", _anchor="history"), 303)


def _change(**changes: object) -> None:
    told: Changes = changes  # type: ignore[assignment]
    services, citizen_id = current(), auth.need_citizen()
    with services.database.begin() as connection:
        citizens.ensure(connection, [citizen_id])
        citizens.update(connection, citizen_id, **told)


def _topics(values: Iterable[str]) -> frozenset[Topic]:
    """Raises BadRecord."""
    return frozenset(citizens.topic(value) for value in values)


PAGES = (
    Page("GET", "/me", show_mine),
    Page("POST", "/me/interests", change_interests),
    Page("POST", "/me/prefecture", change_prefecture),
    Page("POST", "/me/personalised", change_personalised),
    Page("POST", "/me/history", forget),
)
