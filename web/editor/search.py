"""内容管理: looking for contents by title, id and status, within the organisations that one may see."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from content_store.review import catalogue
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus
from web.editor import asking, shelf
from web.portal.page import Page
from web.services import current

PER_PAGE = 50
MOST_PAGES = 200
HELD = "held"
"""What stands for quarantine in the list of statuses."""


def show_contents() -> Response:
    """The page."""
    text, state = request.args.get("q", "").strip(), request.args.get("state", "")
    asked = request.args.get("page", "1")
    number = min(max(int(asked), 1), MOST_PAGES) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    with current().database.connect() as connection:
        rows = catalogue.find(
            connection,
            shelf.reach(connection),
            text=text,
            status=asking.chosen(ContentStatus, state),
            held=state == HELD,
            limit=PER_PAGE + 1,
            skip=(number - 1) * PER_PAGE,
        )
        places = shelf.names(connection)
    return shelf.page(
        "contents.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE and number < MOST_PAGES,
        number=number,
        text=text,
        state=state,
        held=HELD,
        states=list(ContentStatus),
        places=places,
    )


PAGES = (Page("GET", "/staff/contents", show_contents, Permission.SEE_QUEUE),)
