"""Who may ask for what: each route says which permission it needs, and one place looks whether the caller has it.

A route that says nothing is closed. docs/access.md tells the same for every route, and a test tries them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flask import Flask, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from content_store import accounts, audit, organisations, roles
from content_store.db import Connection
from content_store.staff_vocabulary import Permission
from web import auth, signed
from web.errors import Forbidden, NotFound, Unauthenticated, for_programmes
from web.services import Services

_EXTENSION = "kepu_access"
STAFF_PATH = "/staff"
"""All below it is for people who are signed in: service tokens are refused, whatever they may."""
BEFORE_THE_PASSWORD = frozenset({"show_sign_ins", "change_password", "sign_out"})
"""The routes that are open to somebody whose password was given to them and is not changed yet."""


class Open(StrEnum):
    """What a route may need that is no permission: nothing, or that somebody is signed in."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed_in"


Needs = Permission | Open
Where = Callable[[Connection, Mapping[str, str]], str | None]
"""From the parts of the address to the organisation that the request is about; None: any in which the caller may.

It may raise an error of the tree for what does not exist. The connection is for reading.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route needs, and in which organisation."""

    needs: Needs
    where: Where | None = None


def the_province(connection: Connection, parts: Mapping[str, str]) -> str:
    """For what concerns everyone: the root."""
    return organisations.ROOT


def organisation(connection: Connection, parts: Mapping[str, str]) -> str:
    """For an address with the ``id`` of an organisation. Raises UnknownOrganisation."""
    return organisations.get(connection, parts["id"]).id


def organisation_of_account(connection: Connection, parts: Mapping[str, str]) -> str:
    """For an address with the ``id`` of an account: the organisation it belongs to. Raises UnknownAccount."""
    return accounts.get(connection, parts["id"]).organisation_id


def declare(app: Flask, route: str, needs: Needs, where: Where | None = None) -> None:
    """Say what the route (by its name) needs."""
    rules_of(app)[route] = Rule(needs, where)


def rules_of(app: Flask) -> dict[str, Rule]:
    """What each route of ``app`` needs, by its name."""
    rules: dict[str, Rule] = app.extensions.setdefault(_EXTENSION, {})
    return rules


def install(app: Flask, services: Services) -> None:
    """Let nobody through to a route who may not ask for it; called after all that finds out who calls."""
    rules = rules_of(app)
    declare(app, "static", Open.EVERYONE)

    @app.before_request
    def guard() -> AnyResponse | None:
        if request.endpoint is None:
            return None
        rule = rules.get(request.endpoint)
        if rule is None:
            raise Forbidden("the route does not say who may ask for it")
        # No id has NUL in it, and PostgreSQL cannot even be asked for one.
        if _for_people(request.path) and "\0" in request.path:
            raise NotFound(f"nothing is at {request.path!r}")
        return None if rule.needs is Open.EVERYONE else _judge(services, rule)

    @app.after_request
    def keep_private(response: Response) -> Response:
        if _for_people(request.path):
            signed.is_private(response)
        return response


def actor() -> str:
    """Who makes the request at hand, as the audit log names them: an account, or a service token.

    Raises Unauthenticated where it is neither.
    """
    caller = auth.found()
    if caller is not None and caller.key is not None:
        return audit.of_key(caller.key.id)
    known = signed.found()
    if known is None:
        raise Unauthenticated("nobody is signed in", hint="sign in, or send a service token")
    return known.account.id


def _for_people(path: str) -> bool:
    """Whether a page is for people who work here: no programme asks for it, and no cache keeps it."""
    return path == STAFF_PATH or path.startswith(f"{STAFF_PATH}/")


def _judge(services: Services, rule: Rule) -> AnyResponse | None:
    """Raises NotAllowed, Forbidden or Unauthenticated; a person who is not signed in is shown where to do so."""
    caller, known = auth.caller(), signed.found()
    if caller.key is None and known is None:
        return _to_sign_in()
    held_up = known is not None and caller.key is None and known.account.must_change_password
    if held_up and request.endpoint not in BEFORE_THE_PASSWORD:
        return _to_change_password()
    if caller.key is not None and (isinstance(rule.needs, Open) or _for_people(request.path)):
        raise Forbidden("this is for people who are signed in, not for service tokens")
    if isinstance(rule.needs, Open):
        return None
    with services.database.connect() as connection:
        place = rule.where(connection, request.view_args or {}) if rule.where else None
        roles.insist(connection, actor(), rule.needs, place)
    return None


def _to_sign_in() -> AnyResponse:
    if for_programmes(request.path) or request.method not in ("GET", "HEAD"):
        raise Unauthenticated("nobody is signed in", hint="sign in, or send a service token")
    return redirect(url_for("show_sign_in", back=request.full_path.rstrip("?")), 303)


def _to_change_password() -> AnyResponse:
    if for_programmes(request.path) or request.method not in ("GET", "HEAD"):
        raise Forbidden("the password must be changed first")
    return redirect(url_for("show_sign_ins", notice="must_change"), 303)
