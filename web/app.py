"""The wiring: settings in, a Flask app out. What happens to every request is listed in ``create_app``, in order."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask
from flask.json.provider import JSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from content_store.settings import Settings
from web import access, api, auth, creators, errors, forgery, limits, metrics, portal, security, services, staff
from web.lean import Lean
from web.services import Services

LARGEST_BODY = 1 << 20
"""Bytes of a request's body that are accepted."""


class _Orjson(JSONProvider):
    """JSON by orjson, for templates and whatever else asks the app for it."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


def create_app(settings: Settings, opened: Services | None = None) -> Flask:
    """The app over what ``settings`` name, or over services that are ``opened`` already.

    Raises SettingsError, DatabaseError or HotStateError where something cannot be used at all.
    """
    app = Lean("web")
    app.json = _Orjson(app)
    # An id may have slashes in it, also two in a row.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    held = opened or Services.open(settings)
    services.provide(app, held)
    errors.install(app)
    # Before a request: count, know the caller, limit, refuse forgeries and who may not. After it the same in reverse.
    metrics.install(app, held.metrics)
    held.metrics.tell_snapshot(held.recommender.models)
    security.install(app)
    auth.install(app, held)
    limits.install(app, held)
    auth.insist(app)
    creators.upload.widen(app)
    forgery.install(app, held)
    access.install(app, held)
    api.install(app)
    portal.install(app)
    staff.install(app)
    creators.install(app)
    if settings.trusted_proxies:
        number = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=number, x_proto=number, x_host=0)  # type: ignore[method-assign]
    return app
