"""创作联盟: what is asked of members, one's own application and where it stands, and the way out."""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store.alliance import allowance, creators
from content_store.alliance.admission import Criteria
from content_store.alliance.creators import Creator
from content_store.creator_words import Membership, Trust
from content_store.db import Connection
from content_store.errors import BadRecord, StaleRevision
from content_store.vocabulary import Topic
from web import signed
from web.access import Open
from web.creators import application_form, forms
from web.creators.application_form import Typed
from web.portal.page import Page
from web.services import Services, current

MEMBERS = (Membership.ADMITTED, Membership.SUSPENDED)
"""Those who change what they told, and need not apply."""
_MORE = 3
_NOTICES = {
    "applied": "申请已提交，审核结果会显示在这一页。",
    "amended": "资料已更新。",
    "left": "你已退出创作联盟。已发布的作品不受影响。",
}
_STALE = "这份资料刚刚在别处修改过。你填写的内容还在下面，核对后再提交一次，就会以这里的为准。"


def allowances(services: Services) -> dict[Trust, int]:
    """How many works a day are taken of each."""
    return dict(zip(Trust, services.settings.creator_allowances, strict=True))


def show_alliance() -> str:
    """The page."""
    return _page(notice=_NOTICES.get(request.args.get("notice", "")))


def apply_to_alliance() -> str | Response:
    """Apply, apply again, or change what one told; or show the form with more rows."""
    form = application_form.sent()
    if request.form.get("more"):
        return _page(form=form, more=_MORE)
    application = application_form.understood(form)
    if application is None:
        return make_response(_page(form=form, fault="有几处需要修改，见下面的提示。"), 422)
    me, revision = signed.who().account.id, _revision()
    try:
        with current().database.begin() as connection:
            before = creators.find(connection, me)
            if before is not None and before.state in MEMBERS:
                creators.amend(connection, me, application, revision=revision or before.revision)
                told = "amended"
            else:
                creators.apply(connection, me, application, revision=revision)
                told = "applied"
    except StaleRevision:
        return make_response(_page(form=form, fault=_STALE), 409)
    except BadRecord:
        return make_response(_page(form=form, fault="这份资料没有保存，请检查后再试。"), 422)
    return redirect(url_for("show_alliance", notice=told), 303)


def leave_alliance() -> str | Response:
    """Leave, where that was confirmed."""
    if request.form.get("sure") != "yes":
        return make_response(_page(wrong_leave="请先勾选，确认要退出。"), 422)
    try:
        with current().database.begin() as connection:
            creators.leave(connection, signed.who().account.id)
    except BadRecord:
        return make_response(_page(fault="现在不能退出：你不是联盟成员，也没有等待审核的申请。"), 409)
    return redirect(url_for("show_alliance", notice="left"), 303)


def _revision() -> int | None:
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _page(
    *,
    form: Typed | None = None,
    more: int = application_form.SPARE,
    notice: str | None = None,
    fault: str | None = None,
    wrong_leave: str | None = None,
) -> str:
    services, account = current(), signed.who().account
    criteria = Criteria.of(services.settings)
    with services.database.connect() as connection:
        creator = creators.find(connection, account.id)
        shown = form or application_form.of(creator.application if creator else None)
        told = _standing(connection, services, creator)
    return render_template(
        "creators/alliance.html",
        creator=creator,
        member=creator is not None and creator.state in MEMBERS,
        form=shown.with_spare(criteria.samples, more),
        criteria=criteria.told().values(),
        unmet=[] if creator is None else [criteria.told()[what] for what in criteria.unmet(creator.application)],
        topics=list(Topic),
        licences=forms.LICENCE_CHOICES,
        ai_choices=forms.AI_CHOICES,
        here=url_for("show_alliance"),
        notice=notice,
        fault=fault,
        wrong_leave=wrong_leave,
        **told,
    )


def _standing(connection: Connection, services: Services, creator: Creator | None) -> dict[str, object]:
    if creator is None:
        return {"history": [], "names": {}, "left": 0, "daily": 0}
    daily, steps = allowances(services), creators.history(connection, creator.account_id)
    return {
        "history": steps,
        "names": forms.names(connection, (step.actor for step in steps)),
        "left": allowance.left(connection, creator.account_id, daily),
        "daily": daily[creator.trust],
    }


PAGES = (
    Page("GET", "/staff/creators/me", show_alliance, Open.SIGNED_IN),
    Page("POST", "/staff/creators/me", apply_to_alliance, Open.SIGNED_IN),
    Page("POST", "/staff/creators/me/leave", leave_alliance, Open.SIGNED_IN),
)
