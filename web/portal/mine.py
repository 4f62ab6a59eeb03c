"""我的: what is known of a citizen and what they can change of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import citizens, contents, events
from content_store.citizens import Changes
from content_store.vocabulary import READING_KINDS, Prefecture, Topic
from recsys.sentences import place
from web import auth
from web.api import me
from web.portal.page import Page
from web.services import Services, current

HISTORY = 50
_LOOKED_AT = 4 * HISTORY
"""Events that are looked at for so many different articles: one may be opened again and again."""


class Met(NamedTuple):
    """An article that the citizen opened or read, the last time (epoch ms); ``live`` where it can still be read."""

    id: str
    title: str
    at: int
    live: bool


def show_mine() -> str:
    """The citizen's own page."""
    services = current()
    auth.need_citizen()
    known = me.show(services)
    return render_template(
        "portal/mine.html",
        me=known,
        history=_history(services, known.id),
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


def _change(**changes: object) -> None:
    told: Changes = changes  # type: ignore[assignment]
    services, citizen_id = current(), auth.need_citizen()
    with services.database.begin() as connection:
        citizens.ensure(connection, [citizen_id])
        citizens.update(connection, citizen_id, **told)


def _topics(values: Iterable[str]) -> frozenset[Topic]:
    """Raises BadRecord."""
    return frozenset(citizens.topic(value) for value in values)


def _history(services: Services, citizen_id: str | None) -> list[Met]:
    """What the citizen met last, each article once, the latest first."""
    if citizen_id is None:
        return []
    with services.database.connect() as connection:
        found = events.history(connection, citizen_id, kinds=READING_KINDS, limit=_LOOKED_AT)
        latest: dict[str, int] = {}
        for event in found:
            latest.setdefault(event.content_id, event.at)
        chosen = dict(list(latest.items())[:HISTORY])
        cards = contents.cards(connection, chosen)
    return [Met(id, cards[id].title, at, cards[id].live) for id, at in chosen.items() if id in cards]


PAGES = (
    Page("GET", "/me", show_mine),
    Page("POST", "/me/interests", change_interests),
    Page("POST", "/me/prefecture", change_prefecture),
    Page("POST", "/me/personalised", change_personalised),
)
