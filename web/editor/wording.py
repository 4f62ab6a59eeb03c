"""Changing the words of a content: another version, or a correction of what is published. Nobody overwrites anybody."""

from __future__ import annotations

from typing import Any, cast

from flask import redirect, url_for
from werkzeug.wrappers import Response

from content_store import accounts, contents, suggestions
from content_store.content_records import Content
from content_store.db import Connection
from content_store.errors import BadRecord, UnknownVersion
from content_store.places import PLACES, prefecture_of
from content_store.review import correcting, submitting, versions
from content_store.review.correcting import Correction
from content_store.review.versions import FIELDS, SHOWN, Saving, Words
from content_store.review_words import AiUse
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import COUNTIES, ContentStatus, Prefecture, Topic
from web import errors, suggested, untold
from web.editor import acts, asking, refusals, shelf, told
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current

LONGEST_TAGS = 20
_REGIONS = {entry.value: [code for code in COUNTIES if prefecture_of(code) is entry] for entry in Prefecture}
"""The codes of the counties of each prefecture."""


def show_words(id: str) -> Response:
    """The form with the newest words."""
    with current().database.connect() as connection:
        number, words = _words(connection, contents.get(connection, id))
    return _page(id, number, _shown(words))


def save_words(id: str) -> Response:
    """Save what was changed as another version; of a published content with a note to its readers."""
    based_on = asking.number("based_on")
    if based_on is None:
        return _page(id, 0, _typed(), fault="表单不完整，请刷新页面再试。", status=422)
    with current().database.connect() as connection:
        content = contents.get(connection, id)
        _, before = _words(connection, content, based_on)
        correction = _pending(connection, content)
    shown, typed = _shown(before), _typed()
    changed = [name for name in FIELDS if typed[name] != shown[name]]
    faults = _faults(typed, changed, needs_note=_needs_note(content, correction))
    if faults:
        return _page(id, based_on, typed, faults=faults, status=422)
    if not changed:
        return _page(id, based_on, typed, fault="没有改动，所以没有保存新的一版。", status=422)
    try:
        with current().database.begin() as connection:
            words = {name: _stored(name, typed[name]) for name in changed}
            saving = _save(connection, content, correction, based_on, cast("Words", words))
    except refusals.REFUSALS as error:
        return _page(id, based_on, typed, fault=refusals.of_content(error), status=errors.status_of(type(error)))
    if saving.conflict is not None:
        return _conflict(id, saving, changed, typed)
    return _after(id, saving.version.version)


def _save(
    connection: Connection, content: Content, correction: Correction | None, based_on: int, words: Words
) -> Saving:
    me = asking.me(connection)
    if _needs_note(content, correction):
        note = asking.field("note")
        return correcting.correct(connection, content.id, me, based_on=based_on, note=note, **words)
    return versions.save(connection, content.id, me, based_on=based_on, **words)


def _after(id: str, version: int) -> Response:
    """Send the new version into review where that was asked for; it is saved in any case."""
    if asking.field("then") != "submit":
        return redirect(url_for("show_content_desk", id=id, notice="saved"), 303)
    try:
        submitting.send(current().database, id, asking.me, current().settings, version=version)
    except BadRecord:
        return _page(id, version, _typed(), fault=f"已保存为第 {version} 版，但{acts.NOT_READY}", status=422)
    except refusals.REFUSALS as error:
        said = f"已保存为第 {version} 版，但没有送审。{refusals.of_content(error)}"
        return _page(id, version, _typed(), fault=said, status=errors.status_of(type(error)))
    return redirect(url_for("show_content_desk", id=id, notice="submitted"), 303)


def _conflict(id: str, saving: Saving, changed: list[str], typed: dict[str, str]) -> Response:
    """Both people's words: theirs where only they changed something, one's own elsewhere."""
    conflict, latest = saving.conflict, saving.version
    assert conflict is not None
    merged = _shown(latest.words()) | {name: typed[name] for name in changed} | {"note": typed["note"]}
    with current().database.connect() as connection:
        who = accounts.names(connection, {conflict.by} if conflict.by else set()).get(conflict.by or "", "系统")
    theirs = [
        (told.FIELD_NAMES[name], told.value(name, was), told.value(name, now), name in changed)
        for name, (was, now) in conflict.changed.items()
    ]
    fault = (
        f"你编辑期间，{who}保存了第 {latest.version} 版，所以这次没有保存。你写的没有丢：都在下面的表单里，"
        "只有对方改了、你没有改的地方换成了对方的文字。请看清对方的改动，再保存一次。"
    )
    return _page(id, latest.version, merged, fault=fault, theirs=theirs, status=409)


def _page(
    id: str,
    based_on: int,
    words: dict[str, str],
    *,
    status: int = 200,
    fault: str | None = None,
    faults: asking.Faults | None = None,
    theirs: list[tuple[str, str, str, bool]] | None = None,
) -> Response:
    with current().database.connect() as connection:
        content = contents.get(connection, id)
        correction, suggestion = _pending(connection, content), _suggestion(connection, content, based_on)
    return shelf.page(
        "words.html",
        status=status,
        here=url_for("show_words", id=id),
        content=content,
        correction=correction,
        needs_note=_needs_note(content, correction),
        based_on=based_on,
        words=words,
        pictures=untold.fields(words["body"]),
        suggestion=suggestion,
        names=told.FIELD_NAMES,
        topics=list(Topic),
        ai_names=told.AI_NAMES,
        place_names=PLACES,
        regions=_REGIONS,
        fault=fault,
        faults=faults or {},
        theirs=theirs or [],
    )


def _words(connection: Connection, content: Content, number: int | None = None) -> tuple[int, dict[str, Any]]:
    """The words of a version (default: the newest); those that an imported content shows where it has none yet."""
    try:
        found = versions.get(connection, content.id, number) if number else versions.newest(connection, content.id)
    except UnknownVersion:
        words = {name: getattr(content, name) for name in SHOWN} | {"licence": None, "ai_use": None}
        return 1, words
    return found.version, found.words()


def _pending(connection: Connection, content: Content) -> Correction | None:
    """The correction that the newest version is, where it is not published yet."""
    try:
        newest = versions.newest(connection, content.id)
    except UnknownVersion:
        return None
    found = correcting.of_version(connection, content.id, newest.version)
    return found if found is not None and found.published_at is None else None


def _suggestion(connection: Connection, content: Content, number: int) -> suggested.Told | None:
    """What was suggested about the version in the form, while its content waits."""
    found = suggestions.get(connection, content.id, number) if content.status in suggestions.WAITING else None
    return suggested.told(found, None, None) if found else None


def _needs_note(content: Content, correction: Correction | None) -> bool:
    return content.status is ContentStatus.PUBLISHED and correction is None


def _shown(words: dict[str, Any]) -> dict[str, str]:
    """Words as the form has them."""
    shown = {name: str(words[name] or "").replace("\r\n", "\n").strip() for name in FIELDS if name != "tags"}
    return shown | {"tags": " ".join(words["tags"]), "note": ""}


def _typed() -> dict[str, str]:
    typed = {name: asking.field(name) for name in (*FIELDS, "note")}
    typed["body"] = untold.filled(typed["body"])
    return typed | {"tags": " ".join(_tags(typed["tags"]))}


def _stored(name: str, text: str) -> Any:
    return _tags(text) if name == "tags" else text or None


def _tags(text: str) -> list[str]:
    for sign in "，、,;；":
        text = text.replace(sign, " ")
    return list(dict.fromkeys(text.split()))


def _faults(typed: dict[str, str], changed: list[str], *, needs_note: bool) -> asking.Faults:
    faults: asking.Faults = {}
    if not typed["title"]:
        faults["title"] = "标题不能空着。"
    if not typed["body"] and "body" in changed:
        faults["body"] = "正文不能空着；要撤下这篇内容，请用“下架”。"
    if typed["topic"] and typed["topic"] not in set(Topic):
        faults["topic"] = "请从列表里选一个主题。"
    if typed["ai_use"] and typed["ai_use"] not in set(AiUse):
        faults["ai_use"] = "请从列表里选一项。"
    if typed["url"] and not typed["url"].startswith(("https://", "http://")):
        faults["url"] = "链接要以 https:// 或 http:// 开头。"
    if len(_tags(typed["tags"])) > LONGEST_TAGS:
        faults["tags"] = f"最多 {LONGEST_TAGS} 个标签。"
    if needs_note and not typed["note"]:
        faults["note"] = "请写明哪里错了、改成了什么：读过的市民会收到这段话。"
    return faults


PAGES = (
    Page("GET", "/staff/contents/<path:id>/words", show_words, Permission.CORRECT, organisation_of_content),
    Page("POST", "/staff/contents/<path:id>/words", save_words, Permission.CORRECT, organisation_of_content),
)
