"""待发布: what passed its review and waits for somebody or for its time; and how many quality items there are."""

from __future__ import annotations

from datetime import timedelta

from werkzeug.wrappers import Response

from content_store import clock, quality
from content_store.review import catalogue
from content_store.staff_vocabulary import Permission
from web.editor import shelf
from web.portal.page import Page
from web.services import current


def show_ready() -> Response:
    """The page."""
    settings = current().settings
    since = clock.start_of_day_ms(settings.target_from)
    before = clock.start_of_day_ms(settings.target_until + timedelta(days=1))
    with current().database.snapshot() as connection:
        reach = shelf.reach(connection)
        ready, scheduled = catalogue.ready(connection, reach), catalogue.scheduled(connection, reach)
        count, places = quality.count(connection, since, before), shelf.names(connection)
    return shelf.page(
        "ready.html",
        ready=ready,
        scheduled=scheduled,
        places=places,
        count=count,
        rule=quality.CURRENT,
        goal=settings.target_items,
        first=settings.target_from,
        last=settings.target_until,
    )


PAGES = (Page("GET", "/staff/review/ready", show_ready, Permission.SEE_QUEUE),)
