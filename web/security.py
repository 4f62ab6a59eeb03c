"""What every answer says about what a browser may do with it: only our own files, no inline script, no frames."""

from __future__ import annotations

import secrets

from flask import Flask, Request, Response, g, request

from web.errors import for_programmes
from web.lean import Plain

_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TO_PROGRAMMES = _ALWAYS | {"Content-Security-Policy": _API_POLICY, "Cache-Control": "private, no-store"}
_HSTS = "max-age=31536000"


def nonce() -> str:
    """The nonce of the request's page: ``<script nonce="{{ nonce() }}">`` and the like are let pass."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    value: str = g.nonce
    return value


def page_policy(nonce: str) -> str:
    """The Content-Security-Policy of a page."""
    own = f"'self' 'nonce-{nonce}'"
    return (
        f"default-src 'none'; script-src {own}; style-src {own}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def install(app: Flask) -> None:
    """Give every answer of ``app`` the headers, and templates ``nonce()``."""
    app.jinja_env.globals["nonce"] = nonce

    @app.after_request
    def harden(response: Response) -> Response:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        programme = for_programmes(asked.path)
        wanted = _TO_PROGRAMMES if programme else _ALWAYS | {"Content-Security-Policy": page_policy(nonce())}
        if asked.is_secure:
            wanted = wanted | {"Strict-Transport-Security": _HSTS}
        if not programme and asked.endpoint != "static":
            # What is shown is personal: no cache on the way may keep it. A browser may keep a page for going back.
            wanted = wanted | {"Cache-Control": "private, no-cache"}
        # What an answer says of itself stays. Each ``setdefault`` would go through all headers, and raise and catch.
        said = {name.lower() for name, _ in response.headers}
        missing = [(name, value) for name, value in wanted.items() if name.lower() not in said]
        if isinstance(response, Plain):
            response.fixed = missing
        else:
            response.headers.extend(missing)
        return response
