"""达人管理: who applied and what of the criteria they do not meet, who is a member, and every decision about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import accounts, roles
from content_store.alliance import creators
from content_store.alliance.admission import Criteria
from content_store.alliance.creators import Creator
from content_store.creator_words import MEMBERSHIP_TRANSITIONS, Membership, Trust
from content_store.db import Connection
from content_store.errors import BadRecord, CriteriaNotMet
from content_store.review import works
from content_store.review_words import ReviewState
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus
from web import access, signed
from web.creators import forms
from web.creators.works import state_of
from web.portal.page import Page
from web.services import current

LONGEST_REASON = 500
_NOTICES = {
    "admit": "已接纳为联盟成员，可以投稿了。",
    "refuse": "已记录为未通过，理由会显示给申请人。",
    "suspend": "已暂停成员资格，对方暂时不能投稿。",
    "reinstate": "已恢复成员资格。",
    "trust": "信任等级已修改。",
}
_ACTS: dict[str, tuple[Membership, Membership]] = {
    "admit": (Membership.APPLIED, Membership.ADMITTED),
    "refuse": (Membership.APPLIED, Membership.REFUSED),
    "suspend": (Membership.ADMITTED, Membership.SUSPENDED),
    "reinstate": (Membership.SUSPENDED, Membership.ADMITTED),
}
"""From which state to which."""
assert all(after in MEMBERSHIP_TRANSITIONS[before] for before, after in _ACTS.values())

Decision = Callable[[Connection, str, str, str], Any]


def show_creators() -> str:
    """Those of the organisations in which whoever looks manages creators, by state; who waits longest first."""
    services, me = current(), signed.who().account.id
    criteria = Criteria.of(services.settings)
    with services.database.connect() as connection:
        reach = roles.reach(connection, me, Permission.MANAGE_CREATORS)
        people = {account.id: account for account in accounts.every(connection) if account.organisation_id in reach}
        found = [one for one in creators.every(connection) if one.account_id in people]
    groups = {
        state: [
            (one, people[one.account_id].name, [criteria.told()[what] for what in criteria.unmet(one.application)])
            for one in found
            if one.state is state
        ]
        for state in Membership
    }
    return render_template(
        "creators/members.html", waiting=groups.pop(Membership.APPLIED), groups=groups, here=url_for("show_creators")
    )


def show_creator(id: str) -> str:
    """What somebody told of themselves, how they came where they are, and what may be decided."""
    return _page(id, notice=_NOTICES.get(request.args.get("notice", "")))


def decide_creator(id: str) -> str | Response:
    """Admit, refuse, suspend or reinstate (``act``), or set the trust; all but a plain admission with a reason."""
    act, reason = request.form.get("act", ""), forms.typed("reason")
    wrong = forms.too_long(reason, LONGEST_REASON)
    if not wrong and not reason and act != "admit":
        wrong = "请写明理由，对方会看到。"
    if wrong:
        return make_response(_page(id, act=act, reason=reason, wrong=wrong), 422)
    try:
        with current().database.begin() as connection:
            _decision(act)(connection, id, access.actor(), reason)
    except CriteriaNotMet:
        why = "申请人还没有达到全部条件。要破格接纳，请写明理由。"
        return make_response(_page(id, act=act, reason=reason, wrong=why), 422)
    except BadRecord:
        why = "这个决定没有生效：状态可能刚刚变化，或者这是你自己的申请。"
        return make_response(_page(id, act=act, reason=reason, fault=why), 409)
    return redirect(url_for("show_creator", id=id, notice=act), 303)


def _decision(act: str) -> Decision:
    """Raises BadRecord for what is none."""
    found = {
        "admit": _admit,
        "refuse": lambda connection, id, actor, reason: creators.refuse(connection, id, reason, actor=actor),
        "suspend": lambda connection, id, actor, reason: creators.suspend(connection, id, reason, actor=actor),
        "reinstate": lambda connection, id, actor, reason: creators.reinstate(connection, id, reason, actor=actor),
        "trust": _set_trust,
    }.get(act)
    if found is None:
        raise BadRecord(f"{act!r} is no decision")
    return found


def _admit(connection: Connection, id: str, actor: str, reason: str) -> Creator:
    criteria = Criteria.of(current().settings)
    return creators.admit(connection, id, criteria, actor=actor, exception=reason or None)


def _set_trust(connection: Connection, id: str, actor: str, reason: str) -> Creator:
    value = request.form.get("trust", "")
    if value not in {str(int(trust)) for trust in Trust}:
        raise BadRecord(f"{value!r} is no trust level")
    return creators.set_trust(connection, id, Trust(int(value)), reason, actor=actor)


def _page(
    id: str,
    *,
    act: str = "",
    reason: str = "",
    wrong: str | None = None,
    notice: str | None = None,
    fault: str | None = None,
) -> str:
    criteria = Criteria.of(current().settings)
    with current().database.connect() as connection:
        creator, account = creators.get(connection, id), accounts.get(connection, id)
        steps, theirs = creators.history(connection, id), works.of_author(connection, id)
        names = forms.names(connection, (step.actor for step in steps))
    published = sum(work.status is ContentStatus.PUBLISHED for work in theirs)
    failed = sum(work.status is ContentStatus.WITHDRAWN or work.review is ReviewState.RETURNED for work in theirs)
    return render_template(
        "creators/member.html",
        creator=creator,
        account=account,
        unmet=[criteria.told()[what] for what in criteria.unmet(creator.application)],
        history=steps,
        names=names,
        works=[(work, state_of(work.status, work.review)) for work in theirs],
        published=published,
        failed=failed,
        earned=creators.earned(published, failed),
        trusts=list(Trust),
        acts={name for name, (before, _) in _ACTS.items() if before is creator.state},
        ai_choices=forms.AI_CHOICES,
        act=act,
        reason=reason,
        wrong=wrong,
        mine=id == signed.who().account.id,
        here=url_for("show_creator", id=id),
        notice=notice,
        fault=fault,
    )


PAGES = (
    Page("GET", "/staff/creators", show_creators, Permission.MANAGE_CREATORS),
    Page(
        "GET",
        "/staff/creators/members/<path:id>",
        show_creator,
        Permission.MANAGE_CREATORS,
        access.organisation_of_account,
    ),
    Page(
        "POST",
        "/staff/creators/members/<path:id>",
        decide_creator,
        Permission.MANAGE_CREATORS,
        access.organisation_of_account,
    ),
)
