"""One of one's works: where it stands and what reviewers said, another version of it, its review, and its history.

What else is done with it, beside its words, is in ``work_acts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import contents, places, roles, suggestions
from content_store.db import Connection
from content_store.errors import (
    AltMissing,
    BadRecord,
    DuplicateWork,
    ReviewClosed,
    UnknownContent,
    UnknownVersion,
    Unreviewed,
)
from content_store.review import comments, desk, quarantining, records, submitting, trail, versions, withdrawing, works
from content_store.review.records import Review
from content_store.review.versions import Conflict, Version
from content_store.review_words import AiUse, ContentOrigin, Verdict
from content_store.staff_vocabulary import Permission
from content_store.upload_words import UploadWarning
from content_store.vocabulary import ContentStatus, Topic
from web import signed, suggested, untold
from web.access import Open
from web.creators import forms, twins, work_form
from web.creators.work_form import LABELS, Typed
from web.creators.works import state_of
from web.portal import markdown
from web.portal.page import Page
from web.services import current


@dataclass(frozen=True, slots=True)
class Reply:
    """What was written to reviewers and refused: in which review, in answer to which comment, and why."""

    review: str
    parent: str
    text: str
    wrong: str


_NOTICES = {
    "made": "已存为草稿。可以继续修改，写好后送审。",
    "saved": "已保存。",
    "same": "没有改动，不用另存。",
    "submitted": "已送审，审核进展会显示在这一页。",
    "taken": "已按你选的建议填好并保存，请核对。",
    "answered": "已发给审核人员。",
    "copied": "已复制为新的一版草稿。改好以后重新送审。",
    "recalled": "已撤回审核，可以继续修改。",
    "discarded": "已丢弃那份没有保存的修改。",
}
_LOCKED = "这篇作品现在不能修改。你填写的内容还在下面，可以先复制保存。"
_FAULTS = "有几处需要修改，见下面的提示；你填写的内容都还在。"
_CONFLICT = "你编辑期间，这篇作品又有了新的版本，所以还没有保存。你写的内容一字未丢，请对照后决定。"
_DUPLICATE = "已保存，但没有送审：这篇作品已经有了，见下面的说明。"
_OPEN_TO_CHANGE = (ContentStatus.DRAFT,)
_OVER = (ContentStatus.WITHDRAWN, ContentStatus.EXPIRED)


def show_work(id: str) -> str:
    """The work; ``kept`` puts what could not be saved back into the form, ``warned`` tells of an upload."""
    warned = [UploadWarning(code) for code in request.args.getlist("warned") if code in set(UploadWarning)]
    return page(id, notice=_NOTICES.get(request.args.get("notice", "")), warned=warned, kept=request.args.get("kept"))


def save_work(id: str) -> str | Response:
    """Save another version, based on the one that the form shows; with ``then=submit`` send it to review too."""
    form, submits = work_form.sent(), request.form.get("then") == "submit"
    form.fields["body"] = untold.filled(form["body"])
    with current().database.connect() as connection:
        insist_own(connection, id)
        locked = contents.get(connection, id).status not in _OPEN_TO_CHANGE
        taken = _take(connection, id, form)
    if locked:
        return make_response(page(id, form=form, fault=_LOCKED), 409)
    words, based_on = work_form.understood(form, whole=submits), _number("based_on")
    if words is None:
        return make_response(page(id, form=form, fault=_FAULTS), 422)
    try:
        with current().database.begin() as connection:
            actor = trail.account(connection, signed.who().account.id)
            saving = versions.save(connection, id, actor, based_on=based_on, **words)
            # What was kept before is in this form, too: saved, or kept anew.
            versions.discard(connection, request.form.get("kept", ""), actor)
    except (BadRecord, UnknownVersion):
        return make_response(page(id, form=form, fault=_LOCKED), 409)
    if saving.conflict is not None:
        return make_response(page(id, form=form, fault=_CONFLICT, conflict=saving.conflict), 409)
    if submits:
        return _submit(id, saving.version.version)
    same = saving.version.version == based_on
    return redirect(url_for("show_work", id=id, notice="same" if same else "taken" if taken else "saved"), 303)


def _take(connection: Connection, id: str, form: Typed) -> bool:
    """Put what was suggested into the fields that the button named, if one was pressed; whether there was any."""
    wanted = request.form.get(suggested.TAKEN, "").split()
    found = suggestions.get(connection, id, _number("based_on")) if wanted else None
    words = suggested.told(found, None, None).words(wanted) if found else {}
    form.fields |= {name: str(value) for name, value in words.items()}
    return bool(words)


def show_work_history(id: str) -> str:
    """All versions, and how the one of ``version`` differs from the one before it."""
    with current().database.connect() as connection:
        insist_own(connection, id)
        all = versions.every(connection, id)
        wanted = request.args.get("version", "")
        shown = next((one for one in all if str(one.version) == wanted), all[-1])
        before = next((one for one in all if one.version == shown.version - 1), None)
        names = forms.names(connection, (one.created_by for one in all))
        body = markdown.shown(connection, shown.body)
    return render_template(
        "creators/history.html",
        id=id,
        versions=all[::-1],
        shown=shown,
        before=before,
        pieces={} if before is None else desk.pieces(before, shown),
        names=names,
        labels=LABELS,
        words_of=spoken,
        body=body,
    )


def spoken(name: str, value: Any) -> str:
    """The value of a field as people read it."""
    if name == "topic" and value:
        return Topic(value).label if value in set(Topic) else str(value)
    if name == "ai_use" and value:
        return forms.AI_CHOICES[AiUse(value)] if value in set(AiUse) else str(value)
    if name == "place" and value:
        return places.PLACES.get(str(value), str(value))
    return "、".join(value) if isinstance(value, list | tuple) else str(value or "（空）")


def _submit(id: str, version: int) -> str | Response:
    services, me = current(), signed.who().account.id
    try:
        submitting.send(
            services.database, id, lambda connection: trail.account(connection, me), services.settings, version=version
        )
    except DuplicateWork:
        return make_response(page(id, fault=_DUPLICATE), 409)
    except AltMissing as error:
        return make_response(page(id, fault=f"已保存，但没有送审：{untold.sentence(error.numbers)}"), 422)
    except (ReviewClosed, BadRecord, Unreviewed):
        return make_response(page(id, fault="已保存，但没有送审：这个版本已经审过，或者在别处送审了。"), 409)
    return redirect(url_for("show_work", id=id, notice="submitted"), 303)


def insist_own(connection: Connection, id: str) -> None:
    """Raises UnknownContent for the work of anybody else: that there is one is not told."""
    if works.author(connection, id) != signed.who().account.id:
        raise UnknownContent(f"no work of this account has the id {id}")


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def page(
    id: str,
    *,
    form: Typed | None = None,
    notice: str | None = None,
    fault: str | None = None,
    conflict: Conflict | None = None,
    warned: list[UploadWarning] | None = None,
    kept: str | None = None,
    reply: Reply | None = None,
) -> str:
    """The page, with what was wrong with a form, and all that was typed into it."""
    with current().database.connect() as connection:
        insist_own(connection, id)
        latest = versions.newest(connection, id)
        held_back = versions.kept(connection, id, trail.account(connection, signed.who().account.id))
        told = _told(connection, latest)
        told["names"] |= forms.names(connection, [conflict.by if conflict else None])
    restored = next((entry for entry in held_back if entry[0] == kept), None)
    if form is None and restored is not None:
        form = work_form.of(latest.words() | dict(restored[2]))
    current_kept = conflict.kept if conflict else (kept if restored else request.form.get("kept", ""))
    return render_template(
        "creators/work.html",
        form=form or work_form.of(latest.words()),
        based_on=_based_on(latest, conflict),
        kept=current_kept,
        held_back=[entry for entry in held_back if entry[0] != current_kept],
        conflict=conflict,
        here=url_for("show_work", id=id),
        labels=LABELS,
        words_of=spoken,
        pictures=untold.fields(latest.body if form is None else form["body"]),
        reply=reply,
        warned=warned or [],
        notice=notice,
        fault=fault,
        **told,
        **work_form.choices(),
    )


def _based_on(latest: Version, conflict: Conflict | None) -> int:
    """The version that the form was made from; after a conflict the newest, which its writer has now seen."""
    return latest.version if conflict else _number("based_on") or latest.version


def _told(connection: Connection, latest: Version) -> dict[str, Any]:
    """Where the work stands and what was said of it, the newest review first."""
    id, me = latest.content_id, signed.who().account.id
    content, reviews = contents.get(connection, id), records.of(connection, id)[::-1]
    last = reviews[0] if reviews else None
    lacking = content.status is ContentStatus.DRAFT and content.origin is ContentOrigin.FEED and _unfinished(latest)
    tombstone = withdrawing.tombstone(connection, id)
    deciders = (step.decided_by for review in reviews for step in review.steps)
    return {
        "id": id,
        "latest": latest,
        "body": markdown.shown(connection, latest.body),
        "content": content,
        "state": state_of(content.status, last.state if last else None, lacking=lacking),
        "twin": twins.told(connection, id, me) if content.status in _OPEN_TO_CHANGE else None,
        "review": last if last and last.current else None,
        "reviews": [(one, _returned(one), comments.threaded(comments.of(connection, one.id))) for one in reviews],
        "tombstone": tombstone if content.status is ContentStatus.WITHDRAWN else None,
        "restarts": content.status in _OVER and roles.may(connection, me, Permission.WRITE_WORKS, None),
        "lacking": lacking,
        "suggestion": _suggestion(connection, latest),
        "held": quarantining.held(connection, id, latest.version),
        "me": me,
        "names": forms.names(connection, deciders),
        "editable": content.status in _OPEN_TO_CHANGE and roles.may(connection, me, Permission.WRITE_WORKS, None),
    }


def _unfinished(version: Version) -> bool:
    """Whether what a feed brought waits for what only its author can say."""
    return version.topic is None or version.ai_use is None


def _suggestion(connection: Connection, latest: Version) -> suggested.Told | None:
    """What was suggested for what is not chosen yet."""
    found = suggested.about(connection, latest)
    if found is None:
        return None
    left = found._replace(topic=None if latest.topic else found.topic, place=None if latest.place else found.place)
    return left if left.differs or latest.topic is None else None


def _returned(review: Review) -> list[Any]:
    """The steps at which the version was sent back."""
    return [step for step in review.steps if step.verdict is Verdict.RETURNED]


PAGES = (
    Page("GET", "/staff/works/<path:id>", show_work, Open.SIGNED_IN),
    Page("POST", "/staff/works/<path:id>", save_work, Permission.WRITE_WORKS),
    Page("GET", "/staff/works/<path:id>/history", show_work_history, Open.SIGNED_IN),
)
