"""What is done with a content: sending it into review, publishing, withdrawing, copying, lifting a quarantine."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, url_for
from werkzeug.wrappers import Response

from content_store import clock
from content_store.db import Connection
from content_store.errors import BadRecord
from content_store.review import publishing, quarantining, submitting, versions, withdrawing
from content_store.review_words import WithdrawReason
from content_store.staff_vocabulary import Permission
from web import errors
from web.editor import asking, content, refusals
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current


def submit_content(id: str) -> Response:
    """Send the version that the form names into review."""
    version = asking.number("version")
    if version is None:
        return _incomplete(id)
    settings, urgent = current().settings, bool(asking.field("urgent"))
    try:
        submitting.send(
            *(current().database, id, asking.me, settings),
            version=version,
            urgent=urgent,
            distinct=asking.field("distinct"),
        )
    except BadRecord:
        return content.show(id, fault=NOT_READY, status=422)
    except refusals.REFUSALS as error:
        return content.show(id, refused=error, status=errors.status_of(type(error)))
    return _done(id, "submitted")


NOT_READY = "还不能送审：标题、正文、主题和人工智能使用情况都要填好。请先补齐再送审。"


def publish_content(id: str) -> Response:
    """Publish the version that the form names: now, or at a time to come; until another, where given."""
    version, later = asking.number("version"), asking.field("when") == "later"
    if version is None or not asking.field("when"):
        return _incomplete(id)
    now, faults = clock.now_ms(), dict[str, str]()
    at, expires_at = _instant("at", faults) if later else None, _instant("expires_at", faults)
    if later and "at" not in faults and (at is None or at <= now):
        faults["at"] = "请填一个以后的时间；要马上发布，请选“现在发布”。"
    if expires_at is not None and expires_at <= max(at or now, now):
        faults["expires_at"] = "到期时间要在发布之后。"
    if faults:
        return content.show(id, faults=faults, status=422)

    def act(connection: Connection) -> str:
        me = asking.me(connection)
        publishing.publish(connection, id, me, version=version, at=at, expires_at=expires_at)
        return "scheduled" if later else "published"

    return _do(id, act)


def unschedule_content(id: str) -> Response:
    """Let a scheduled content wait for another decision."""

    def act(connection: Connection) -> str:
        publishing.unschedule(connection, id, asking.me(connection))
        return "unscheduled"

    return _do(id, act)


def withdraw_content(id: str) -> Response:
    """Take the content back at once; readers find the reason in its place."""
    reason, note = asking.chosen(WithdrawReason, asking.field("reason")), asking.field("note")
    if reason is None:
        return content.show(id, faults={"withdraw": "请选下架的原因，读者会看到。"}, status=422)
    if reason is WithdrawReason.OTHER and not note:
        return content.show(id, faults={"withdraw_note": "选了“其他原因”，请写明是什么原因。"}, status=422)

    def act(connection: Connection) -> str:
        withdrawing.withdraw(connection, id, asking.me(connection), reason, note)
        return "withdrawn"

    return _do(id, act)


def copy_content(id: str) -> Response:
    """Begin anew what was withdrawn or has expired."""

    def act(connection: Connection) -> str:
        versions.copy(connection, id, asking.me(connection))
        return "copied"

    return _do(id, act)


def lift_quarantine(id: str) -> Response:
    """Let a version pass that was held back for its words."""
    version, reason = asking.number("version"), asking.field("lift")
    if version is None:
        return _incomplete(id)
    if not reason:
        return content.show(id, faults={"lift": "请写明为什么这些词在这里可以用。"}, status=422)

    def act(connection: Connection) -> str:
        quarantining.lift(connection, id, version, asking.me(connection), reason)
        return "lifted"

    return _do(id, act)


def discard_kept(id: str) -> Response:
    """Throw away what one could not save."""

    def act(connection: Connection) -> str:
        versions.discard(connection, asking.field("kept"), asking.me(connection))
        return "discarded"

    return _do(id, act)


def _do(id: str, act: Callable[[Connection], str]) -> Response:
    try:
        with current().database.begin() as connection:
            notice = act(connection)
    except refusals.REFUSALS as error:
        return content.show(id, refused=error, status=errors.status_of(type(error)))
    return _done(id, notice)


def _done(id: str, notice: str) -> Response:
    return redirect(url_for("show_content_desk", id=id, notice=notice), 303)


def _incomplete(id: str) -> Response:
    return content.show(id, fault="表单不完整，请看清页面再试一次。", status=422)


def _instant(name: str, faults: asking.Faults) -> int | None:
    try:
        return asking.instant(name)
    except BadRecord:
        faults[name] = "请按“2025-01-31 09:30”的样子填写日期和时间。"
        return None


PAGES = tuple(
    Page("POST", f"/staff/contents/<path:id>/{name}", handle, needs, organisation_of_content)
    for name, handle, needs in (
        ("submit", submit_content, Permission.CORRECT),
        ("publish", publish_content, Permission.PUBLISH),
        ("unschedule", unschedule_content, Permission.PUBLISH),
        ("withdraw", withdraw_content, Permission.WITHDRAW),
        ("copy", copy_content, Permission.CORRECT),
        ("lift", lift_quarantine, Permission.REVIEW_FINAL),
        ("discard", discard_kept, Permission.SEE_QUEUE),
    )
)
