"""The pages for citizens, in Chinese, phones first. Everything on them works without JavaScript."""

from __future__ import annotations

from flask import Flask

from web.portal import explanation, feed, mine, pictures, progress, view

PAGES = (*feed.PAGES, *mine.PAGES, *explanation.PAGES, *progress.PAGES, *pictures.PAGES, *view.PAGES)
"""Address, method and handler of every page."""


def install(app: Flask) -> None:
    """Add the pages to ``app``, and what their templates need."""
    view.prepare(app)
    for page in PAGES:
        app.add_url_rule(
            page.rule, page.handle.__name__, page.handle, methods=[page.method], provide_automatic_options=False
        )
