"""Who of those who work here makes the request at hand: known by the cookie of a session that the server keeps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Response as FlaskResponse
from flask import g, request
from werkzeug.wrappers import Response

from content_store import accounts, clock, sessions
from content_store.accounts import Account
from content_store.sessions import Limits, Session
from content_store.signing_in import Device
from web import auth, citizen_tokens
from web.services import Services, current

COOKIE = "kepu_staff"
_HOST = "__Host-"
"""Browsers let no other host, and nothing but https, set a cookie of such a name."""
DEVICE_COOKIE = "kepu_device"
DEVICE_PATH = "/staff"
LONGEST_COOKIE = 400


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who works here, and the session that they are in."""

    account: Account
    session: Session


def found() -> Signed | None:
    """Who is signed in; None for everyone else. Asks the database at most once a request, without the cookie never."""
    if "signed" not in g:
        token = request.cookies.get(cookie_name(), "")
        g.signed = _of(current(), token) if 0 < len(token) <= LONGEST_COOKIE else None
    known: Signed | None = g.signed
    return known


def who() -> Signed:
    """Who is signed in, on pages that need somebody who is."""
    known = found()
    assert known is not None
    return known


def cookie_name() -> str:
    """The name of the cookie, which over https is one that is guarded by browsers."""
    return (_HOST if request.is_secure else "") + COOKIE


def enter(response: Response, token: str, account_id: str) -> None:
    """Let the browser keep the session, and know it again as a device of this account."""
    options = {"httponly": True, "samesite": "Lax", "secure": request.is_secure}
    response.set_cookie(cookie_name(), token, path="/", **options)  # type: ignore[arg-type]
    if device(account_id) is None:
        text = f"{account_id} {secrets.token_hex(16)}"
        value = citizen_tokens.issue(current().keys.device, text, clock.now_ms())
        life = citizen_tokens.LIFE_MS // 1000
        response.set_cookie(DEVICE_COOKIE, value, max_age=life, path=DEVICE_PATH, **options)  # type: ignore[arg-type]


def leave(response: Response) -> None:
    """Let the browser forget the session; the device stays known."""
    response.delete_cookie(cookie_name(), path="/", httponly=True, samesite="Lax", secure=request.is_secure)


def device(account_id: str | None = None) -> Device | None:
    """The account that signed in with this browser last, and the browser's own name; None where nobody did.

    With ``account_id`` only where it was that one.
    """
    said = citizen_tokens.read(current().keys.device, request.cookies.get(DEVICE_COOKIE, ""), clock.now_ms())
    if said is None:
        return None
    known, _, id = said.citizen_id.partition(" ")
    return Device(known, f"device {id}") if account_id in (None, known) else None


def start(services: Services, account: Account) -> str:
    """A new session for somebody who has just proved who they are, in place of the one they came with; its token."""
    before = found()
    with services.database.begin() as connection:
        if before is not None:
            sessions.replace(connection, before.session)
        limits = Limits.of(services.settings)
        network, agent = auth.caller().network, request.headers.get("User-Agent")
        session, token = sessions.start(connection, account.id, limits, network=network, agent=agent)
    g.signed = Signed(account, session)
    return token


def forget() -> None:
    """Nobody is signed in any more, for the rest of this request."""
    g.signed = None


def _of(services: Services, token: str) -> Signed | None:
    with services.database.connect() as connection:
        session = sessions.find(connection, token, Limits.of(services.settings))
        if session is None:
            return None
        account = accounts.get(connection, session.account_id)
    if session.use_is_news(clock.now_ms()):
        with services.database.begin() as connection:
            sessions.note_use(connection, session.id)
    return Signed(account, session)


def is_private(response: FlaskResponse) -> None:
    """No browser keeps the page, not for going back either: somebody else may sit there next."""
    response.headers["Cache-Control"] = "no-store"
