"""征集管理: calls of 大咖说 and 大家说 as those see them who make them, whom they invite, and what was entered."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import accounts, clock, contents, organisations, roles
from content_store.alliance import creators, series
from content_store.alliance.series import MOST_ENTRIES, Call
from content_store.creator_words import Membership, SeriesKind
from content_store.db import Connection
from content_store.errors import BadRecord, CallClosed, NotAMember
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import Topic
from web import access, signed
from web.creators import forms
from web.creators.works import state_of
from web.portal.page import Page
from web.services import current

LONGEST_BRIEF = 2_000
_MONTH_MS = 30 * clock.DAY_MS
_FIELDS = ("series", "title", "brief", "topic", "organisation", "opens_at", "deadline_at", "most_entries")
_NOTICES = {
    "announced": "征集已发布。",
    "invite": "邀请已发出。",
    "postpone": "截止时间已修改。",
    "cancel": "征集已取消，已投的稿件不受影响。",
}


def show_series() -> str:
    """All calls that last, and the form for another one."""
    return _list()


def announce_call() -> str | Response:
    """Make a call."""
    typed = {name: forms.typed(name) for name in _FIELDS}
    wrong, told = _understood(typed)
    if wrong:
        return make_response(_list(typed=typed, wrong=wrong), 422)
    with current().database.begin() as connection:
        roles.insist(connection, access.actor(), Permission.MANAGE_CREATORS, typed["organisation"])
        made = series.announce(connection, actor=access.actor(), **told)
    return redirect(url_for("show_call", id=made.id, notice="announced"), 303)


def show_call(id: str) -> str:
    """One call with its invitations and entries."""
    return _one(id, notice=_NOTICES.get(request.args.get("notice", "")))


def change_call(id: str) -> str | Response:
    """Invite members, move the deadline, or take the call back (``act``)."""
    act, wrong = request.form.get("act", ""), ""
    with current().database.connect() as connection:
        _managed(connection, id)
    try:
        with current().database.begin() as connection:
            wrong = _change(connection, id, act)
    except NotAMember:
        wrong = "只能邀请联盟的正式成员，请重新选择。"
    except CallClosed:
        wrong = "这次征集已经结束或取消，不能再改。"
    except BadRecord:
        wrong = "没有修改成功，请检查填写的内容。"
    if wrong:
        return make_response(_one(id, act=act, wrong=wrong), 422)
    return redirect(url_for("show_call", id=id, notice=act), 303)


def _change(connection: Connection, id: str, act: str) -> str:
    """Do it; what is wrong, if anything."""
    actor = access.actor()
    if act == "invite":
        invited = request.form.getlist("account")
        if not invited:
            return "请先勾选要邀请的成员。"
        series.invite(connection, id, invited, actor=actor)
    elif act == "postpone":
        deadline = forms.instant(forms.typed("deadline_at"))
        if deadline is None or deadline <= clock.now_ms():
            return "请填写一个将来的时间。"
        series.postpone(connection, id, deadline, actor=actor)
    elif act == "cancel":
        if request.form.get("sure") != "yes":
            return "请先勾选，确认要取消。"
        series.cancel(connection, id, actor=actor)
    else:
        return "没有这种操作。"
    return ""


def _understood(typed: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    opens, deadline = (forms.instant(typed[name]) for name in ("opens_at", "deadline_at"))
    most = typed["most_entries"]
    number = int(most) if most.isascii() and most.isdecimal() and len(most) < 4 else 0
    ends = deadline is not None and deadline > max(opens or 0, clock.now_ms())
    wrong = {
        "series": None if typed["series"] in set(SeriesKind) else "请选择一个系列。",
        "title": forms.bad_label(typed["title"]),
        "brief": forms.too_long(typed["brief"], LONGEST_BRIEF),
        "topic": None if not typed["topic"] or typed["topic"] in set(Topic) else "请从列出的主题中选择。",
        "organisation": None if typed["organisation"] in _reach() else "请选择一个你负责的机构。",
        "opens_at": None if opens is not None else "请填写开始的日期和时间。",
        "deadline_at": None if ends else "截止时间要晚于开始时间，并且在将来。",
        "most_entries": None if 1 <= number <= MOST_ENTRIES else f"请填写 1 到 {MOST_ENTRIES} 之间的数。",
    }
    told = {
        "series": typed["series"],
        "title": typed["title"],
        "brief": typed["brief"] or None,
        "topic": typed["topic"] or None,
        "organisation_id": typed["organisation"],
        "opens_at": opens,
        "deadline_at": deadline,
        "most_entries": number,
    }
    return {name: what for name, what in wrong.items() if what}, told


def _reach() -> frozenset[str]:
    with current().database.connect() as connection:
        return roles.reach(connection, signed.who().account.id, Permission.MANAGE_CREATORS)


def _managed(connection: Connection, id: str) -> Call:
    """Raises UnknownCall, and NotAllowed where it is a call of others."""
    found = series.get(connection, id)
    roles.insist(connection, access.actor(), Permission.MANAGE_CREATORS, found.organisation_id)
    return found


def _list(*, typed: dict[str, str] | None = None, wrong: dict[str, str] | None = None) -> str:
    now, reach = clock.now_ms(), _reach()
    with current().database.connect() as connection:
        calls = [call for call in series.current(connection) if call.organisation_id in reach]
        places = [(one.id, one.name) for one in organisations.every(connection) if one.id in reach]
        counts = {call.id: _standing(connection, call) for call in calls}
    home = signed.who().account.organisation_id
    blank = {"series": SeriesKind.OPEN.value, "most_entries": "1", "organisation": home}
    blank |= {"opens_at": forms.as_field(now), "deadline_at": forms.as_field(now + _MONTH_MS)}
    return render_template(
        "creators/series.html",
        calls=[(call, call.takes(now), counts[call.id]) for call in calls],
        places=places,
        kinds=list(SeriesKind),
        topics=list(Topic),
        most=MOST_ENTRIES,
        typed=typed or blank,
        wrong=wrong or {},
        here=url_for("show_series"),
        fault="有几处需要修改，见下面的提示。" if wrong else None,
    )


def _standing(connection: Connection, call: Call) -> int:
    return sum(one.withdrawn_at is None for one in series.entries(connection, call.id))


def _one(id: str, *, act: str = "", wrong: str = "", notice: str | None = None) -> str:
    with current().database.connect() as connection:
        call = _managed(connection, id)
        invited, entered = series.invitations(connection, id), series.entries(connection, id)
        known = {account.id: account.name for account in accounts.every(connection)}
        members = creators.every(connection, Membership.ADMITTED)
        rows = [
            (one, content.title, state_of(content.status, None), known.get(one.account_id, ""))
            for one in entered
            for content in [contents.get(connection, one.content_id)]
        ]
    asked = {one.account_id for one in invited}
    lasts = call.cancelled_at is None and clock.now_ms() < call.deadline_at
    return render_template(
        "creators/call.html",
        call=call,
        lasts=lasts,
        invitations=[(one, known.get(one.account_id, "")) for one in invited],
        entries=rows,
        invitable=[(one.account_id, known.get(one.account_id, "")) for one in members if one.account_id not in asked],
        deadline=forms.typed("deadline_at") or forms.as_field(call.deadline_at),
        chosen=request.form.getlist("account"),
        act=act,
        wrong=wrong,
        here=url_for("show_call", id=id),
        notice=notice,
        fault=None,
    )


PAGES = (
    Page("GET", "/staff/creators/series", show_series, Permission.MANAGE_CREATORS),
    Page("POST", "/staff/creators/series", announce_call, Permission.MANAGE_CREATORS),
    Page("GET", "/staff/creators/series/<path:id>", show_call, Permission.MANAGE_CREATORS),
    Page("POST", "/staff/creators/series/<path:id>", change_call, Permission.MANAGE_CREATORS),
)
