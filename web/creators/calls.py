"""征集: what is called for in 大咖说 and 大家说, invitations, and what one enters."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import clock
from content_store.alliance import creators, series
from content_store.alliance.series import Call
from content_store.creator_words import Membership, SeriesKind
from content_store.db import Connection
from content_store.errors import BadRecord, CallClosed, NotAMember, NotInvited, UnknownContent
from content_store.review import works
from content_store.review.works import Work
from content_store.vocabulary import ContentStatus
from web import signed
from web.access import Open
from web.portal.page import Page
from web.services import current

_NOTICES = {
    "entered": "已投稿。截止前可以撤回。",
    "back": "已撤回投稿，作品还在“我的作品”里。",
    "accepted": "已接受邀请，可以投稿了。",
    "declined": "已婉拒邀请。截止前可以改变主意。",
}
_OVER = frozenset({ContentStatus.WITHDRAWN, ContentStatus.EXPIRED})


class Shown(NamedTuple):
    """A call as a member sees it: their answer to an invitation (None: none), what they entered, and what they can."""

    call: Call
    open: bool
    invited: bool
    accepted: bool | None
    entered: list[tuple[str, str]]
    enterable: list[Work]


def show_calls() -> str:
    """The page."""
    return _page(notice=_NOTICES.get(request.args.get("notice", "")))


def enter_call(id: str) -> str | Response:
    """Enter a work of one's own, or take one back (``back``)."""
    back, content_id = request.form.get("back", ""), request.form.get("work", "")
    me = signed.who().account.id
    fault = ""
    try:
        with current().database.begin() as connection:
            if back:
                series.take_back(connection, id, me, back)
            else:
                series.get(connection, id)
                fault = "" if content_id else "请先选择一篇作品。"
                if content_id:
                    series.enter(connection, id, me, content_id)
    except CallClosed:
        fault = "这次征集现在不接受投稿，也不能撤回：还没开始，或者已经截止。"
    except NotAMember:
        fault = "只有创作联盟的成员可以投稿。"
    except NotInvited:
        fault = "这次征集只接受受邀并已接受邀请的成员投稿。"
    except (BadRecord, UnknownContent):
        fault = "没有投稿：只能投自己的作品，并且不能超过这次征集允许的篇数。" if not back else "这篇作品没有投过稿。"
    if fault:
        return make_response(_page(faults={id: fault}), 422)
    return redirect(url_for("show_calls", notice="back" if back else "entered"), 303)


def answer_invitation(id: str) -> str | Response:
    """Accept or decline."""
    accept = request.form.get("answer") == "accept"
    with current().database.begin() as connection:
        closed = not _lasts(series.get(connection, id))
        if not closed:
            series.answer(connection, id, signed.who().account.id, accept=accept)
    if closed:
        return make_response(_page(fault="这次征集已经结束，不用再答复。"), 409)
    return redirect(url_for("show_calls", notice="accepted" if accept else "declined"), 303)


def _page(*, notice: str | None = None, fault: str | None = None, faults: dict[str, str] | None = None) -> str:
    me = signed.who().account.id
    with current().database.connect() as connection:
        creator = creators.find(connection, me)
        mine = [work for work in works.of_author(connection, me) if work.status not in _OVER]
        answers = {one.call_id: one.accepted for one in series.invited_to(connection, me)}
        shown = [_shown(connection, call, mine, answers) for call in series.current(connection)]
    return render_template(
        "creators/calls.html",
        calls=[one for one in shown if one.invited or one.call.series is SeriesKind.OPEN],
        member=creator is not None and creator.state is Membership.ADMITTED,
        works=mine,
        here=url_for("show_calls"),
        notice=notice,
        fault=fault,
        faults=faults or {},
    )


def _shown(connection: Connection, call: Call, mine: list[Work], answers: dict[str, Any]) -> Shown:
    me = signed.who().account.id
    standing = [
        one.content_id
        for one in series.entries(connection, call.id)
        if one.account_id == me and one.withdrawn_at is None
    ]
    titles = {work.content_id: work.title for work in mine}
    may = call.series is SeriesKind.OPEN or answers.get(call.id)
    room = call.takes(clock.now_ms()) and may and len(standing) < call.most_entries
    return Shown(
        call,
        call.takes(clock.now_ms()),
        call.id in answers,
        answers.get(call.id),
        [(id, titles.get(id, "已下架的作品")) for id in standing],
        [work for work in mine if work.content_id not in standing] if room else [],
    )


def _lasts(call: Call) -> bool:
    return call.cancelled_at is None and clock.now_ms() < call.deadline_at


PAGES = (
    Page("GET", "/staff/creators/calls", show_calls, Open.SIGNED_IN),
    Page("POST", "/staff/creators/calls/<path:id>/entries", enter_call, Open.SIGNED_IN),
    Page("POST", "/staff/creators/calls/<path:id>/answer", answer_invitation, Open.SIGNED_IN),
)
