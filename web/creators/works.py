"""我的作品: what one wrote and where it stands, and a new work."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import NamedTuple

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import ids, organisations, roles
from content_store.accounts import Account
from content_store.alliance import allowance, creators
from content_store.creator_words import Membership
from content_store.db import Connection
from content_store.errors import AllowanceUsed, BadRecord, NotAllowed, NotAMember
from content_store.review import admitting, trail, versions, works
from content_store.review.versions import Version, Words
from content_store.review.works import Work
from content_store.review_words import ContentOrigin, ReviewState
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus
from web import signed
from web.access import Open
from web.creators import work_form
from web.creators.alliance import allowances
from web.creators.work_form import Typed
from web.portal.page import Page
from web.services import Services, current

SOURCE = "天府科普创作达人联盟"
"""The source that works of members are shown with."""
_USED = "今天能提交的新作品已经用完，明天再来。你填写的内容还在下面，可以先复制保存。"
_STATES = {
    ContentStatus.DRAFT: "草稿",
    ContentStatus.IN_REVIEW: "审核中",
    ContentStatus.SCHEDULED: "已通过，等待发布",
    ContentStatus.PUBLISHED: "已发布",
    ContentStatus.EXPIRED: "已到期下线",
    ContentStatus.WITHDRAWN: "已下架",
}


class Room(NamedTuple):
    """How many new works are taken of somebody today, of how many; ``None`` where nobody counts: of staff."""

    left: int | None
    daily: int


def state_of(status: ContentStatus, review: ReviewState | None, *, lacking: bool = False) -> str:
    """Where a work stands, in words."""
    if lacking:
        return "来自订阅源，待补充"
    if status is ContentStatus.DRAFT and review is ReviewState.RETURNED:
        return "已退回，等你修改"
    if status is ContentStatus.PUBLISHED and review is ReviewState.OPEN:
        return "已发布，更正审核中"
    return _STATES[status]


def _state(work: Work, copy: bool) -> str:
    return "和已有的文章重复" if copy else state_of(work.status, work.review, lacking=work.lacking)


def room(connection: Connection, services: Services, account_id: str) -> Room:
    """What is left of somebody's allowance: that of the alliance holds for its members, suspended ones too."""
    creator = creators.find(connection, account_id)
    if creator is None or creator.state not in (Membership.ADMITTED, Membership.SUSPENDED):
        return Room(None, 0)
    daily = allowances(services)
    return Room(allowance.left(connection, account_id, daily), daily[creator.trust])


def show_works() -> str:
    """The list."""
    services, me = current(), signed.who().account.id
    with services.database.connect() as connection:
        found = works.of_author(connection, me)
        drafts = [work.content_id for work in found if work.status is ContentStatus.DRAFT]
        copies = admitting.copies(connection, drafts)
        may_write = roles.may(connection, me, Permission.WRITE_WORKS, None)
        left = room(connection, services, me)
    return render_template(
        "creators/works.html",
        works=[(work, _state(work, work.content_id in copies), _mark(work)) for work in found],
        waiting=sum(work.lacking for work in found),
        may_write=may_write,
        room=left,
    )


def show_new_work() -> str:
    """The form of a new work."""
    return new_page()


def make_work() -> str | Response:
    """Store a new work as a draft, which uses one of today's; the same form sent twice makes it once."""
    form, id = work_form.sent(), request.form.get("id", "")
    words = work_form.understood(form)
    if words is None:
        return make_response(new_page(form=form, id=id, fault="有几处需要修改，见下面的提示。"), 422)
    if work_form.is_plain():
        words["body"] = work_form.markdown_of_plain(form["body"]) or None
    fault = store(id, words)
    if fault is not None:
        return make_response(new_page(form=form, id=id, fault=fault), 422)
    return redirect(url_for("show_work", id=id, notice="made"), 303)


Also = Callable[[Connection, str], object]
"""What is stored with a work; it is told the account."""


def _nothing_else(connection: Connection, account_id: str) -> None:
    pass


def store(id: str, words: Words, also: Also = _nothing_else) -> str | None:
    """Store a new work under ``id``, which the form brought; what is in the way, for its writer, if anything.

    ``also`` is done in the same transaction. One that is theirs already is stored: the form was sent twice. That it is
    a copy is no hindrance: its page tells it. Raises NotAllowed, and what ``also`` raises.
    """
    services, account = current(), signed.who().account
    if not is_new_id(id):
        return "页面已经过期，请复制正文后重新打开这一页。"
    with services.database.connect() as connection:
        if works.author(connection, id) == account.id:
            return None
    try:
        with services.database.begin() as connection:
            _create(connection, services, account, id, words)
            also(connection, account.id)
        with services.database.begin() as connection:
            admitting.look(connection, id, trail.account(connection, account.id))
    except AllowanceUsed:
        return _USED
    except NotAMember:
        return "你的联盟成员资格已暂停，现在不能提交新作品。你填写的内容还在下面。"
    except BadRecord:
        with services.database.connect() as connection:
            return None if works.author(connection, id) == account.id else "这篇作品没有保存，请检查后再试。"
    return None


def is_new_id(id: str) -> bool:
    """Whether a form brought an id as we give them."""
    try:
        ids.made_at_ms(id)
    except ids.MalformedId:
        return False
    return str(uuid.UUID(id)) == id


def new_page(*, form: Typed | None = None, id: str = "", fault: str | None = None, upload_fault: str = "") -> str:
    """The page for a new work."""
    services, me = current(), signed.who().account.id
    with services.database.connect() as connection:
        creator = creators.find(connection, me)
        left = room(connection, services, me)
    return render_template(
        "creators/new_work.html",
        form=form or work_form.blank(creator.application if creator else None),
        id=id if is_new_id(id) else ids.new_id(),
        plain=work_form.is_plain(),
        room=left,
        here=url_for("show_new_work"),
        fault=fault,
        upload_fault=upload_fault,
        **work_form.choices(),
    )


def _create(connection: Connection, services: Services, account: Account, id: str, words: Words) -> Version:
    actor = trail.account(connection, account.id)
    creator = creators.find(connection, account.id)
    member = creator is not None and creator.state in (Membership.ADMITTED, Membership.SUSPENDED)
    if member:
        allowance.take(connection, account.id, allowances(services))
    source = SOURCE if member else organisations.get(connection, account.organisation_id).name
    place = _place(connection, account)
    origin = ContentOrigin.UPLOAD if member else ContentOrigin.EDITOR
    told = Words(**words | {"author": account.name, "source": source})
    return versions.create(connection, actor, origin, id=id, author_id=account.id, organisation_id=place, **told)


def _place(connection: Connection, account: Account) -> str:
    """Where the account writes: at home, or else where it may. Raises NotAllowed."""
    home, reach = account.organisation_id, roles.reach(connection, account.id, Permission.WRITE_WORKS)
    if home in reach or not reach:
        return home
    tops = [grant.organisation_id for grant in roles.of_account(connection, account.id)]
    found = next((place for place in tops if place in reach), None)
    if found is None:
        raise NotAllowed("the account may write nowhere")
    return found


def _mark(work: Work) -> str:
    """What the list calls attention to."""
    returned = work.status is ContentStatus.DRAFT and work.review is ReviewState.RETURNED
    return "lacking" if work.lacking else "returned" if returned else work.status.value


PAGES = (
    Page("GET", "/staff/works", show_works, Open.SIGNED_IN),
    Page("POST", "/staff/works", make_work, Permission.WRITE_WORKS),
    Page("GET", "/staff/works/new", show_new_work, Permission.WRITE_WORKS),
)
