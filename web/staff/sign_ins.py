"""我的登录: where one is signed in, ending it there, and another password."""

from __future__ import annotations

import math

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import accounts, passwords, sessions, signing_in
from content_store.errors import BadCredentials, SignInDelayed, WeakPassword
from content_store.sessions import Limits
from web import signed
from web.access import Open
from web.portal.page import Page
from web.services import current

_NOTICES = {
    "changed": "密码已修改，其他地方的登录都已退出。",
    "ended": "已退出那一处登录。",
    "others": "其他地方的登录都已退出。",
    "must_change": "这是管理员给你的临时密码，请先设一个自己的密码。",
}
# The first that fits: most browsers name others after themselves, for the sake of old sites.
_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge 浏览器"),
    ("QQBrowser", "QQ 浏览器"),
    ("UCBrowser", "UC 浏览器"),
    ("HuaweiBrowser", "华为浏览器"),
    ("Firefox", "火狐浏览器"),
    ("Chrome", "Chrome 浏览器"),
    ("Safari", "Safari 浏览器"),
)
_SYSTEMS = (
    ("Windows", "Windows 电脑"),
    ("Android", "安卓手机"),
    ("iPhone", "苹果手机"),
    ("iPad", "苹果平板"),
    ("HarmonyOS", "鸿蒙手机"),
    ("Macintosh", "苹果电脑"),
    ("Linux", "Linux 电脑"),
)
_WEAK = (
    f"新密码不能用：至少 {passwords.SHORTEST} 个字，不要用常见的密码、纯数字、键盘上连着的键，也不要用自己的名字。"
    "一句自己记得住的话就很好。"
)


def show_sign_ins() -> str:
    """The page."""
    return _page(notice=_NOTICES.get(request.args.get("notice", "")))


def change_password() -> Response:
    """Take another password, for which the present one must be known; every other session ends."""
    services, known = current(), signed.who()
    present, new, again = (request.form.get(name, "") for name in ("present", "new", "again"))
    fault = _fault(present, new, again)
    if fault:
        return make_response(_page(fault=fault), 422)
    try:
        hashed = passwords.chosen(new, login=known.account.login, name=known.account.name)
        signing_in.prove(services.database, known.session, present)
    except WeakPassword:
        return make_response(_page(fault=_WEAK), 422)
    except BadCredentials:
        return make_response(_page(fault="现在的密码不对，请再试一次。"), 422)
    except SignInDelayed as error:
        minutes = math.ceil(error.retry_after_s / 60)
        return make_response(_page(fault=f"试错的次数太多，请在 {minutes} 分钟后再试。"), 429)
    with services.database.begin() as connection:
        account = accounts.change_password(connection, known.account.id, hashed, keep_session=known.session.id)
    # The session that goes on gets a new token, too: whoever knew the old one has nothing left.
    token = signed.start(services, account)
    answer = redirect(url_for("show_sign_ins", notice="changed"), 303)
    signed.enter(answer, token, account.id)
    return answer


def end_session() -> Response:
    """End one session of one's own, or all but the one at hand."""
    services, known = current(), signed.who()
    id, mine = request.form.get("session", ""), known.account.id
    with services.database.begin() as connection:
        if id == "others":
            sessions.kill_all(connection, mine, actor=mine, keep=known.session.id)
        else:
            sessions.end(connection, mine, id, actor=mine)
    return redirect(url_for("show_sign_ins", notice="others" if id == "others" else "ended"), 303)


def browser(agent: str | None) -> str:
    """What a browser says of itself, in words that its owner knows; as it is where we do not know it."""
    if not agent:
        return "未知的浏览器"
    name = next((label for sign, label in _BROWSERS if sign in agent), None)
    system = next((label for sign, label in _SYSTEMS if sign in agent), None)
    return agent if name is None else f"{system}上的{name}" if system else name


def _fault(present: str, new: str, again: str) -> str | None:
    """What is wrong with the form by itself."""
    if not present or not new:
        return "请填写现在的密码和新密码。"
    if new != again:
        return "两次填写的新密码不一样，请再填一次。"
    if new == present:
        return "新密码和现在的密码一样，请换一个。"
    return None


def _page(*, notice: str | None = None, fault: str | None = None) -> str:
    services, known = current(), signed.who()
    limits = Limits.of(services.settings)
    with services.database.connect() as connection:
        lasting = sessions.of_account(connection, known.account.id, limits)
    return render_template(
        "staff/sign_ins.html",
        account=known.account,
        here=url_for("show_sign_ins"),
        current=known.session.id,
        sessions=[(session, browser(session.agent)) for session in lasting],
        idle_min=services.settings.session_idle_min,
        hours=services.settings.session_hours,
        shortest=passwords.SHORTEST,
        notice=notice,
        fault=fault,
    )


PAGES = (
    Page("GET", "/staff/me", show_sign_ins, Open.SIGNED_IN),
    Page("POST", "/staff/me/password", change_password, Open.SIGNED_IN),
    Page("POST", "/staff/me/sessions", end_session, Open.SIGNED_IN),
)
