"""A page in one row, like an endpoint of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from werkzeug.wrappers import Response

from web import access
from web.access import Needs, Open, Where


@dataclass(frozen=True, slots=True)
class Page:
    """``rule`` as Flask writes it; the name of ``handle`` is that of the route.

    ``needs`` says who may ask for it, ``where`` in which organisation (``web/access.py``).
    """

    method: str
    rule: str
    handle: Callable[..., str | Response]
    needs: Needs = Open.EVERYONE
    where: Where | None = None


def add(app: Flask, page: Page) -> None:
    """Make ``page`` a route of ``app``."""
    name = page.handle.__name__
    app.add_url_rule(page.rule, name, page.handle, methods=[page.method], provide_automatic_options=False)
    access.declare(app, name, page.needs, page.where)
