"""The JSON API: one module per noun, each with its models, its handlers and its rows of ``ENDPOINTS``."""

from __future__ import annotations

import orjson
from flask import Flask, Response

from web import access
from web.access import Open
from web.api import contents, events, feed, health, history, inbox, me, progress
from web.api.endpoint import Endpoint, add
from web.api.openapi import document

ENDPOINTS: tuple[Endpoint, ...] = (
    *feed.ENDPOINTS,
    *events.ENDPOINTS,
    *contents.ENDPOINTS,
    *progress.ENDPOINTS,
    *me.ENDPOINTS,
    *history.ENDPOINTS,
    *inbox.ENDPOINTS,
    *health.ENDPOINTS,
)
"""All of them; ``/metrics`` and the document itself are the only other addresses that are no pages."""

DOCUMENT_PATH = "/api/v1/openapi.json"


def install(app: Flask) -> None:
    """Add every endpoint, and the document about them, to ``app``."""
    for endpoint in ENDPOINTS:
        add(app, endpoint)
    health.install_metrics(app)
    text = orjson.dumps(document(ENDPOINTS))

    def openapi() -> Response:
        return Response(text, content_type="application/json")

    app.add_url_rule(DOCUMENT_PATH, "openapi", openapi, methods=["GET"], provide_automatic_options=False)
    access.declare(app, "openapi", Open.EVERYONE)
