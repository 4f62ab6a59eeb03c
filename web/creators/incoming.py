"""待补充: what one's feeds brought, waiting for what only its author can say; several at once: a feed brings
dozens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import roles, suggestions
from content_store.creator_words import Licence
from content_store.db import Connection
from content_store.errors import (
    AltMissing,
    BadRecord,
    DuplicateWork,
    NotAllowed,
    ReviewClosed,
    UnknownVersion,
    Unreviewed,
)
from content_store.review import submitting, trail, versions, works
from content_store.review.versions import Words
from content_store.review.works import Unfinished
from content_store.review_words import AiUse
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import Topic
from web import signed, suggested, untold
from web.access import Open
from web.creators import forms
from web.portal.page import Page
from web.services import current
from web.suggested import Told

MOST = 100
"""Works that the page lists at a time; the others come after those that are done with."""
ALL = "all"
_CHANGED = "刚刚有了新的版本，请打开看看再提交"
_ELSEWHERE = "已经送审，或者不再是草稿"


class Row(NamedTuple):
    """A work of the list, with what was suggested about it, and whether it is ticked."""

    work: Unfinished
    suggestion: Told | None
    ticked: bool


class Refused(NamedTuple):
    """A work that was not sent into review, and why."""

    content_id: str
    title: str
    why: str


def show_incoming() -> str:
    """The list, ordered by what was suggested; ``tick`` ticks all of it, or those of one suggested topic."""
    sent = request.args.get("sent", "")
    notice = f"已送审 {int(sent)} 篇。" if sent.isascii() and sent.isdecimal() and len(sent) < 4 else None
    wanted = request.args.get("tick", "")
    return _page({"topic": wanted if wanted in set(Topic) else ""}, tick=wanted, notice=notice)


def complete_works() -> str | Response:
    """Say of all that are ticked what only their author can say, and submit each; refusals are told work by work."""
    typed = {name: forms.typed(name) for name in ("topic", "ai_use", "licence")}
    picked = _picked()
    wrong = {
        "pick": None if picked else "请先勾选要送审的文章。",
        "topic": None if typed["topic"] in set(Topic) else "请选择主题。",
        "ai_use": None if typed["ai_use"] in set(AiUse) else "请说明人工智能使用情况。",
        "licence": None if not typed["licence"] or typed["licence"] in set(Licence) else "请从列出的授权方式中选择。",
    }
    if any(wrong.values()):
        told = {name: what for name, what in wrong.items() if what}
        fault = "还没有送审，请先改好下面的几处。"
        return make_response(_page(typed, wrong=told, ticked=picked, fault=fault), 422)
    words = Words(topic=typed["topic"], ai_use=typed["ai_use"])
    if typed["licence"]:
        words["licence"] = Licence(typed["licence"]).label
    refused = [one for id, version in picked.items() if (one := _complete(id, version, words)) is not None]
    sent = len(picked) - len(refused)
    if not refused:
        return redirect(url_for("show_incoming", sent=sent), 303)
    said = f"已送审 {sent} 篇；" if sent else ""
    fault = f"{said}有 {len(refused)} 篇没有送审，原因见下面。"
    return make_response(_page(typed, refused=refused, ticked=picked, fault=fault), 200 if sent else 422)


def _complete(id: str, version: int, words: Words) -> Refused | None:
    """Save and submit one work, each in a transaction: what was said of it is kept where it cannot be submitted."""
    title = ""
    try:
        with current().database.begin() as connection:
            me = trail.account(connection, signed.who().account.id)
            if works.author(connection, id) != me.account_id:
                return Refused(id, "", "不是你的作品")
            title = versions.newest(connection, id).title
            saving = versions.save(connection, id, me, based_on=version, **words)
            if saving.conflict is not None:
                versions.discard(connection, saving.conflict.kept, me)
                return Refused(id, title, _CHANGED)
        submitting.send(current().database, id, lambda _: me, current().settings, version=saving.version.version)
    except DuplicateWork as error:
        return Refused(id, title, f"和已有的《{error.title}》重复，没有送审")
    except AltMissing as error:
        return Refused(id, title, f"已填好，但{untold.sentence(error.numbers)}")
    except NotAllowed:
        return Refused(id, title, "你现在不能提交作品")
    except (ReviewClosed, Unreviewed, UnknownVersion):
        return Refused(id, title, _ELSEWHERE)
    except BadRecord:
        return Refused(id, title, "没有正文，或者现在不能修改，请打开看看")
    return None


def _picked() -> dict[str, int]:
    """The works that are ticked, with the version that the page showed of each."""
    found = {}
    for entry in request.form.getlist("pick")[:MOST]:
        version, _, id = entry.partition(":")
        if version.isascii() and version.isdecimal() and len(version) < 7 and id:
            found[id] = int(version)
    return found


def _page(
    typed: Mapping[str, str],
    *,
    tick: str = "",
    ticked: Mapping[str, int] | None = None,
    wrong: Mapping[str, str] | None = None,
    refused: list[Refused] | None = None,
    notice: str | None = None,
    fault: str | None = None,
) -> str:
    me = signed.who().account.id
    with current().database.connect() as connection:
        found = works.unfinished(connection, me, limit=MOST + 1)
        groups = _groups(connection, found[:MOST], tick, ticked or {})
        may_write = roles.may(connection, me, Permission.WRITE_WORKS, None)
    return render_template(
        "creators/incoming.html",
        groups=groups,
        number=min(len(found), MOST),
        more=len(found) > MOST,
        may_write=may_write,
        typed={"topic": "", "ai_use": "", "licence": "", **typed},
        topics=list(Topic),
        licences=forms.LICENCE_CHOICES,
        ai_choices=forms.AI_CHOICES,
        wrong=wrong or {},
        refused=refused or [],
        here=url_for("show_incoming"),
        notice=notice,
        fault=fault,
    )


def _groups(
    connection: Connection, found: list[Unfinished], tick: str, ticked: Mapping[str, int]
) -> list[tuple[Topic | None, list[Row]]]:
    """The works by suggested topic, the largest group first; those without a suggestion last."""
    known = suggestions.some(connection, [work.content_id for work in found])
    groups: dict[Topic | None, list[Row]] = {}
    for work in found:
        one = known.get((work.content_id, work.version))
        told = suggested.told(one, None, None) if one else None
        topic = told.topic if told else None
        on = work.content_id in ticked or tick == ALL or (topic is not None and tick == topic)
        groups.setdefault(topic, []).append(Row(work, told, on))
    return sorted(groups.items(), key=_by_size)


def _by_size(group: tuple[Topic | None, list[Any]]) -> tuple[bool, int, str]:
    topic, rows = group
    return topic is None, -len(rows), topic or ""


PAGES = (
    Page("GET", "/staff/works/incoming", show_incoming, Open.SIGNED_IN),
    Page("POST", "/staff/works/incoming", complete_works, Permission.WRITE_WORKS),
)
