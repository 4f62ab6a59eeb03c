"""No page of another site may act in a citizen's name.

A browser adds our cookie to requests that other sites make it send. Therefore: whatever changes something must not come
from another site, as the browser tells it; JSON must be declared as such, which other sites may not do; and a form
carries a token that only our pages know.
"""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from flask import Flask, request

from content_store import clock
from web import auth, signed
from web.errors import CrossSite, for_programmes
from web.services import Services, current

FORM_FIELD = "form_token"
FORM_HEADER = "X-Form-Token"
FORM_LIFE_MS = 7 * clock.DAY_MS
"""How long a page may stay open before its forms are no longer taken."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TIME = struct.Struct(">Q")


def form_token() -> str:
    """The token for the forms of the page at hand; whoever gets it becomes a guest if they are nobody yet."""
    at = _TIME.pack(clock.now_ms())
    return urlsafe_b64encode(at + _mac(current(), auth.need_citizen(), at)).decode("ascii")


def install(app: Flask, services: Services) -> None:
    """Refuse what another site may have caused, and give templates ``form_token()``."""
    app.jinja_env.globals["form_token"] = form_token

    @app.before_request
    def refuse() -> None:
        if request.method in _SAFE or request.endpoint is None or not auth.caller().by_cookie:
            return
        if _foreign():
            raise CrossSite("the request comes from another site")
        if not for_programmes(request.path) and not _holds_token(services):
            raise CrossSite("the form does not carry a valid token", hint="load the page again")


def _foreign() -> bool:
    """Whether the browser says that another site's page makes this request; what is no browser says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    # Compared as texts: what a browser sends needs no parsing, and what needs it was not sent by one.
    return origin is not None and origin.partition("://")[2] != request.host


def _holds_token(services: Services) -> bool:
    citizen_id = auth.caller().citizen_id
    text = request.headers.get(FORM_HEADER) or request.form.get(FORM_FIELD, "")
    if citizen_id is None:
        return False
    try:
        data = urlsafe_b64decode(text)
        (issued_at,) = _TIME.unpack_from(data)
    except (ValueError, struct.error):
        return False
    at, mac = data[: _TIME.size], data[_TIME.size :]
    return hmac.compare_digest(mac, _mac(services, citizen_id, at)) and clock.now_ms() - issued_at < FORM_LIFE_MS


def _mac(services: Services, citizen_id: str, at: bytes) -> bytes:
    # Of one session only: who signs in or out anew has pages that are anew, too.
    known = signed.found()
    session = b"\n" + known.session.id.encode() if known else b""
    return hmac.digest(services.keys.form, at + citizen_id.encode() + session, "sha256")
