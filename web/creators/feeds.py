"""我的订阅源: what is fetched from a creator's own sites, and how that goes."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import audit, roles
from content_store.alliance import standing
from content_store.creator_words import Licence
from content_store.db import Connection
from content_store.errors import BadRecord, FetchFailed, UnknownFeed
from content_store.ingest import feeds
from content_store.ingest.feeds import Feed
from content_store.ingest.pacing import Bounds
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import FETCHED_STATES
from web import access, signed
from web.access import Open
from web.creators import forms
from web.portal.page import Page
from web.services import current

MOST_FEEDS = 20
"""Of one account: each is asked for news, every few hours, for as long as it stands."""
_NOTICES = {
    "subscribed": "已接入，很快会第一次抓取。抓到的文章会先去重，再进入审核，不会直接发布。",
    "paused": "已暂停抓取。",
    "resumed": "已恢复抓取，很快会抓取一次。",
    "removed": "已移除。以前抓到的文章不受影响。",
}
_SURE = "请勾选，确认你有权授权本平台使用这些内容。"


def show_my_feeds() -> str:
    """The page."""
    return _page(notice=_NOTICES.get(request.args.get("notice", "")))


def subscribe_feed() -> str | Response:
    """Have a feed fetched from now on, with the statement by what right its works may be shown."""
    url, licence = forms.typed("url"), forms.chosen(Licence, "licence")
    wrong = {
        "url": forms.bad_address(url),
        "licence": None if licence else "请选择一种授权方式。",
        "sure": None if request.form.get("sure") == "yes" else _SURE,
    }
    if licence is not None and not any(wrong.values()):
        wrong["url"] = _subscribe(url, licence)
    if any(wrong.values()):
        return make_response(_page(wrong={name: what for name, what in wrong.items() if what}), 422)
    return redirect(url_for("show_my_feeds", notice="subscribed"), 303)


def pause_feed(id: str) -> Response:
    """Fetch one's feed no more for now."""
    with current().database.begin() as connection:
        before = _own(connection, id)
        _tell(connection, "feed.pause", id, _told(before), _told(feeds.pause(connection, id)))
    return redirect(url_for("show_my_feeds", notice="paused"), 303)


def resume_feed(id: str) -> Response:
    """Fetch one's feed again."""
    with current().database.begin() as connection:
        before = _own(connection, id)
        _tell(connection, "feed.resume", id, _told(before), _told(feeds.resume(connection, id)))
    return redirect(url_for("show_my_feeds", notice="resumed"), 303)


def remove_feed(id: str) -> Response:
    """Forget one's feed."""
    with current().database.begin() as connection:
        before = _own(connection, id)
        feeds.unsubscribe(connection, id)
        _tell(connection, "feed.unsubscribe", id, _told(before), None)
    return redirect(url_for("show_my_feeds", notice="removed"), 303)


def _subscribe(url: str, licence: Licence) -> str | None:
    """What is wrong with the address, if anything."""
    services, account = current(), signed.who().account
    try:
        with services.database.begin() as connection:
            if len(feeds.of_account(connection, account.id)) >= MOST_FEEDS:
                return f"最多接入 {MOST_FEEDS} 个订阅源，请先移除不用的。"
            made = feeds.subscribe(
                connection,
                url,
                account_id=account.id,
                organisation_id=account.organisation_id,
                licence=licence.label,
                bounds=Bounds.of(services.settings),
            )
            _tell(connection, "feed.subscribe", made.id, None, _told(made))
    except FetchFailed as error:
        return f"{error.problem.label}。"
    except BadRecord:
        return "这个订阅源已经有人接入了。如果它是你的，请联系运营人员。"
    return None


def _own(connection: Connection, id: str) -> Feed:
    """Raises UnknownFeed for one of somebody else, too."""
    found = feeds.get(connection, id)
    if found.account_id != signed.who().account.id:
        raise UnknownFeed(f"the account has no feed with the id {id}")
    return found


def _tell(
    connection: Connection, action: str, id: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    audit.record(connection, access.actor(), action, "feed", id, before, after)


def _told(feed: Feed) -> dict[str, Any]:
    told = {"url": feed.url, "state": feed.state.value, "licence": feed.licence}
    return told | {"account_id": feed.account_id, "organisation_id": feed.organisation_id}


def _page(*, notice: str | None = None, wrong: dict[str, str] | None = None) -> str:
    me = signed.who().account.id
    with current().database.connect() as connection:
        found = feeds.of_account(connection, me)
        standing_of = standing.why(connection, me)
        may_connect = roles.may(connection, me, Permission.CONNECT_FEEDS, None)
    return render_template(
        "creators/feeds.html",
        feeds=[(feed, feed.state in FETCHED_STATES) for feed in found],
        shut_out=standing_of,
        may_connect=may_connect,
        licences=forms.LICENCE_CHOICES,
        typed={name: request.form.get(name, "") for name in ("url", "licence", "sure")},
        here=url_for("show_my_feeds"),
        wrong=wrong or {},
        notice=notice,
        fault="有几处需要修改，见下面的提示。" if wrong else None,
    )


PAGES = (
    Page("GET", "/staff/creators/feeds", show_my_feeds, Open.SIGNED_IN),
    Page("POST", "/staff/creators/feeds", subscribe_feed, Permission.CONNECT_FEEDS),
    Page("POST", "/staff/creators/feeds/<path:id>/pause", pause_feed, Open.SIGNED_IN),
    Page("POST", "/staff/creators/feeds/<path:id>/resume", resume_feed, Permission.CONNECT_FEEDS),
    Page("POST", "/staff/creators/feeds/<path:id>/remove", remove_feed, Open.SIGNED_IN),
)
