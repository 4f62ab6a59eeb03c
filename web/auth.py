"""Who is calling: a citizen by cookie or token, another programme by its service token, or nobody yet.

A visitor becomes a guest when a handler first needs to know them apart (``need_citizen``): an id is drawn and the
answer carries it in a signed cookie. Their row is made when there is something to store (``citizens.ensure``), so that
passing robots leave none.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from flask import Flask, Response, g, request

from content_store import checks, citizens, clock, ids, keys
from content_store.errors import BadRecord, KepuError
from content_store.keys import Key
from web import citizen_tokens
from web.errors import Forbidden, Unauthenticated
from web.services import Services, current

COOKIE = "kepu_citizen"
CITIZEN_HEADER = "X-Citizen"
CITIZEN_PATTERN = "^[!-~]+$"
LONGEST_CITIZEN_HEADER = 12 * checks.LONGEST_ID
"""Characters; one of an id may have four bytes, each of which may be written as ``%XX``."""
TOKEN_PREFIX = "kepu_citizen_"
FOR_EVERYONE = frozenset({"static", "healthz", "readyz", "metrics", "show_picture", "show_picture_at_width"})
"""The endpoints that answer everyone alike: nobody is asked who they are there, nor limited."""


class Via(StrEnum):
    """What a caller is known by."""

    NOTHING = "nothing"
    COOKIE = "cookie"
    TOKEN = "token"
    SERVICE = "service"


@dataclass(slots=True)
class Caller:
    """Who makes the request at hand: ``citizen_id`` None where nobody is known, ``network`` the sender's."""

    via: Via
    citizen_id: str | None
    network: str
    key: Key | None = None
    cookie: str | None = None
    """A cookie to be set with the answer."""

    @property
    def by_cookie(self) -> bool:
        """Whether a browser may have been made to send this request by another site."""
        return self.via in (Via.NOTHING, Via.COOKIE)


def install(app: Flask, services: Services) -> None:
    """Find out who calls, before each request that is answered for someone, and send the cookie that is due."""

    @app.before_request
    def load() -> None:
        if request.endpoint in FOR_EVERYONE:
            return
        try:
            g.caller = _identified(services)
        except KepuError as error:
            # Told by ``insist``, once it is known that the network may ask at all.
            g.caller, g.refusal = Caller(Via.NOTHING, None, network_of(request.remote_addr)), error

    @app.after_request
    def remember(response: Response) -> Response:
        caller = found()
        if caller is not None and caller.cookie is not None:
            response.set_cookie(
                COOKIE,
                caller.cookie,
                max_age=citizen_tokens.LIFE_MS // 1000,
                httponly=True,
                samesite="Lax",
                secure=request.is_secure,
            )
        return response


def insist(app: Flask) -> None:
    """Refuse a request whose credentials are no good; called after whatever must come before that."""

    @app.before_request
    def refuse() -> None:
        if "refusal" in g:
            raise g.refusal


def found() -> Caller | None:
    """Who makes the request at hand; None where it is answered alike for everyone."""
    known: Caller | None = g.get("caller")
    return known


def caller() -> Caller:
    """Who makes the request at hand, which must not be one that is answered alike for everyone."""
    known: Caller = g.caller
    return known


def seen_by_someone() -> bool:
    """Whether somebody asked for this very page to look at it: not a browser in advance, nor one for its head only."""
    return request.method == "GET" and "Sec-Purpose" not in request.headers


def need_citizen() -> str:
    """The citizen whom the request is for; a visitor who is nobody yet becomes a guest.

    Raises Forbidden where another programme does not say for whom it acts.
    """
    known = caller()
    if known.citizen_id is None:
        if known.via is Via.SERVICE:
            raise Forbidden("this needs a citizen", hint=f"say for whom by the header {CITIZEN_HEADER}")
        known.citizen_id = ids.new_id()
        known.cookie = citizen_tokens.issue(current().keys.cookie, known.citizen_id, clock.now_ms())
    return known.citizen_id


def citizen_token(services: Services, citizen_id: str) -> tuple[str, int]:
    """A token by which a client without cookies is known as this citizen, and when it ends (epoch ms)."""
    now = clock.now_ms()
    token = TOKEN_PREFIX + citizen_tokens.issue(services.keys.bearer, citizen_id, now)
    return token, now + citizen_tokens.LIFE_MS


def network_key(services: Services) -> str | None:
    """An opaque name of the sender's network; None for another programme, whose network is no citizen's."""
    return None if caller().via is Via.SERVICE else _opaque(services, caller().network)


def device_key(services: Services) -> str | None:
    """An opaque name for devices that look alike from within one network; None for another programme."""
    if caller().via is Via.SERVICE:
        return None
    return _opaque(services, f"{caller().network}\n{request.headers.get('User-Agent', '')}")


def _opaque(services: Services, label: str) -> str:
    return hmac.digest(services.keys.network, label.encode(), "sha256")[:16].hex()


@functools.lru_cache(4_096)
def network_of(address: str | None) -> str:
    """The network of an IP address: an IPv4 address itself, an IPv6 one's /64; what is no address has its own."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _identified(services: Services) -> Caller:
    headers, network = request.headers, network_of(request.remote_addr)
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Unauthenticated("only bearer tokens are known here", hint="send Authorization: Bearer TOKEN")
        known = _by_token(services, credentials.strip(), network)
    else:
        known = _by_cookie(services, network)
    if CITIZEN_HEADER in headers and known.via is not Via.SERVICE:
        raise Forbidden(
            f"{CITIZEN_HEADER} is for service tokens only", hint="send it with a service token, or not at all"
        )
    return known


def _by_cookie(services: Services, network: str) -> Caller:
    text, now = request.cookies.get(COOKIE, ""), clock.now_ms()
    said = citizen_tokens.read(services.keys.cookie, text, now) if text else None
    if said is None:
        return Caller(Via.NOTHING, None, network)
    known = Caller(Via.COOKIE, said.citizen_id, network)
    if now - said.issued_at >= citizen_tokens.RENEW_MS:
        known.cookie = citizen_tokens.issue(services.keys.cookie, said.citizen_id, now)
    return known


def _by_token(services: Services, token: str, network: str) -> Caller:
    if token.startswith(keys.PREFIX):
        return _service(services, token, network)
    said = None
    if token.startswith(TOKEN_PREFIX):
        said = citizen_tokens.read(services.keys.bearer, token.removeprefix(TOKEN_PREFIX), clock.now_ms())
    if said is None:
        raise Unauthenticated("the token is none of ours, or too old")
    return Caller(Via.TOKEN, said.citizen_id, network)


def _service(services: Services, token: str, network: str) -> Caller:
    """Another programme, and the citizen for whom it acts, who is made where new."""
    with services.database.connect() as connection:
        key = keys.verify(connection, token)
        citizen_id = _named()
        new = citizen_id is not None and not citizens.known(connection, [citizen_id])
    if citizen_id is not None and new:
        with services.database.begin() as connection:
            citizens.ensure(connection, [citizen_id])
    if key.use_is_news(clock.now_ms()):
        with services.database.begin() as connection:
            keys.note_use(connection, key.id)
    return Caller(Via.SERVICE, citizen_id, network, key)


def _named() -> str | None:
    """The citizen for whom another programme acts; None where it does not say. Raises BadRecord."""
    named = request.headers.get(CITIZEN_HEADER)
    if named is None:
        return None
    if len(named) > LONGEST_CITIZEN_HEADER or not re.fullmatch(CITIZEN_PATTERN, named):
        raise BadRecord(f"{CITIZEN_HEADER} is no percent-encoded id")
    return checks.identifier(unquote(named), "the citizen's id")
