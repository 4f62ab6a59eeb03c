"""登录与退出: into a session and out of it."""

from __future__ import annotations

import math

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import sessions, signing_in
from content_store.errors import BadCredentials, HotStateError, SignInDelayed
from content_store.hot import Rate
from content_store.sessions import Session
from web import auth, signed
from web.access import Open
from web.errors import RateLimited
from web.portal import view
from web.portal.page import Page
from web.services import Services, current

PER_NETWORK = Rate(0.5, 30)
"""Attempts to sign in of one network, whoever they are for: 30 at once, one every two seconds for long."""

_WRONG = "用户名或密码不对，请再试一次。忘了密码请联系本单位的管理员。"


def show_sign_in() -> str | Response:
    """The page, for whoever is not signed in."""
    if signed.found() is not None:
        return redirect(view.local(request.args.get("back", ""), url_for("show_desk")), 303)
    return _page()


def sign_in() -> Response:
    """Take login and password, and begin a session."""
    services = current()
    _limit(services)
    login, password = request.form.get("login", ""), request.form.get("password", "")
    try:
        account = signing_in.authenticate(services.database, login, password, device=signed.device())
    except BadCredentials:
        return make_response(_page(fault=_WRONG, login=login), 422)
    except SignInDelayed as error:
        refusal = make_response(_page(fault=_wait(error.retry_after_s), login=login), 429)
        refusal.headers["Retry-After"] = str(error.retry_after_s)
        return refusal
    token = signed.start(services, account)
    answer = redirect(view.back(url_for("show_desk")), 303)
    signed.enter(answer, token, account.id)
    return answer


def sign_out() -> Response:
    """End the session at hand."""
    services, known = current(), signed.who()
    _end(services, known.session)
    signed.forget()
    answer = redirect(url_for("show_sign_in", notice="out"), 303)
    signed.leave(answer)
    return answer


def _end(services: Services, session: Session) -> None:
    with services.database.begin() as connection:
        sessions.end(connection, session.account_id, session.id, actor=session.account_id)


def _page(**given: str) -> str:
    out = request.args.get("notice") == "out"
    back = request.form.get("back") or request.args.get("back", "")
    return render_template("staff/sign_in.html", back=back, notice="已退出登录。" if out else None, **given)


def _wait(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return f"试错的次数太多，请在{f' {seconds} 秒' if seconds < 60 else f' {minutes} 分钟'}后再试。"


def _limit(services: Services) -> None:
    """Raises RateLimited where this network tries too often; without hot state nobody is limited, as elsewhere."""
    try:
        taken = services.hot.take(f"sign-in:{auth.caller().network}", PER_NETWORK)
    except HotStateError:
        services.metrics.without_hot.labels("limits").inc()
        return
    if not taken.allowed:
        services.metrics.limited.labels("network").inc()
        raise RateLimited("too many attempts to sign in", max(1, math.ceil(taken.retry_after_s)))


PAGES = (
    Page("GET", "/staff/login", show_sign_in),
    Page("POST", "/staff/login", sign_in),
    Page("POST", "/staff/logout", sign_out, Open.SIGNED_IN),
)
