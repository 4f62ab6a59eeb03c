"""The pages for citizens, in Chinese, phones first. Everything on them works without JavaScript."""

from __future__ import annotations

from flask import Flask

from web.portal import explanation, feed, inbox, mine, progress, view
from web.portal.page import add

PAGES = (*feed.PAGES, *mine.PAGES, *inbox.PAGES, *explanation.PAGES, *progress.PAGES, *view.PAGES)
"""Address, method and handler of every page."""


def install(app: Flask) -> None:
    """Add the pages to ``app``, and what their templates need."""
    view.prepare(app)
    for page in PAGES:
        add(app, page)
