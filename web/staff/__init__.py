"""The pages for those who work here: signing in, and what is theirs; later ones add rows to ``PAGES``."""

from __future__ import annotations

from typing import Any

from flask import Flask

from web import signed
from web.portal.page import add
from web.staff import desk, log, people, sign_in, sign_ins

PAGES = (*sign_in.PAGES, *desk.PAGES, *sign_ins.PAGES, *people.PAGES, *log.PAGES)
"""Address, method, handler and needs of every page."""


def install(app: Flask) -> None:
    """Add the pages to ``app``, and what their templates need; those of the portal are there already."""

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {"signed_in": signed.found}

    for page in PAGES:
        add(app, page)
