"""词表: the words that hold a text back or that reviewers are told of, and the topics that ask for a science review."""

from __future__ import annotations

from collections.abc import Iterable

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from content_store import contents, organisations, roles
from content_store.db import Connection
from content_store.errors import BadRecord, UnknownTerm
from content_store.review import quarantining, routes, terms
from content_store.review.quarantining import Rescan
from content_store.review.terms import Term
from content_store.review_words import Severity
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import Topic
from web import access, signed
from web.editor import asking, shelf
from web.portal.page import Page
from web.services import current

MOST_AT_ONCE = 200
EXPLAINED = {
    Severity.NOTICE: "只提醒审核人，不拦稿",
    Severity.QUARANTINE: "拦下，终审编辑写明理由可以放行",
    Severity.FORBIDDEN: "拦下，必须改掉才能继续",
}


def show_terms() -> Response:
    """The page."""
    return _page()


def add_terms() -> Response:
    """Put terms on the list, one a line, and look through once more what waits and what is published."""
    lines = [line.strip() for line in asking.field("terms").splitlines() if line.strip()]
    severity, reason = asking.chosen(Severity, asking.field("severity")), asking.field("reason")
    faults: asking.Faults = {}
    new: list[Term] = []
    if not lines or len(lines) > MOST_AT_ONCE:
        faults["terms"] = f"请填写 1 到 {MOST_AT_ONCE} 个词，一行一个。"
    if severity is None:
        faults["severity"] = "请选处理方式。"
    if not reason:
        faults["reason"] = "请写明为什么要收进词表，审核人会看到。"
    for line in lines if not faults else ():
        try:
            new.append(terms.term(line, severity or Severity.NOTICE, reason))
        except BadRecord:
            faults["terms"] = f"“{line}”不能收进词表：要有文字或数字，最长 {terms.LONGEST} 个字。"
    if faults:
        return _page(faults=faults, status=422)
    return _changed(f"已收进词表：{'、'.join(term.term for term in new)}。", add=new)


def remove_term() -> Response:
    """Take a term off the list; what it holds back already stays so until a person lets it pass."""
    word = request.form.get("term", "")
    if not word:
        return _page(fault="表单不完整，请看清页面再试一次。", status=422)
    try:
        return _changed(f"已从词表移除：{word}。已经隔离的稿件仍要由人放行。", remove=[word])
    except UnknownTerm:
        return _page(fault=f"词表里没有“{word}”，可能刚刚被别人移除了。", status=404)


def rescan_terms() -> Response:
    """Look through once more what waits and what is published."""
    return _changed("已按现在的词表重新查过一遍。")


def set_science() -> Response:
    """Let these topics, and no other, ask for a science review."""
    wanted = [Topic(code) for code in request.form.getlist("topic") if code in set(Topic)]
    with current().database.begin() as connection:
        before = routes.science_topics(connection)
        stale = asking.field("before") != _told(before)
        if not stale:
            routes.set_science_topics(connection, asking.me(connection), wanted)
    if stale:
        return _page(fault="这份名单刚刚被别人改过，所以没有保存。请看下面最新的名单，再改一次。", status=409)
    return redirect(url_for("show_terms", notice="science", _anchor="science"), 303)


def _changed(said: str, *, add: Iterable[Term] = (), remove: Iterable[str] = ()) -> Response:
    with current().database.begin() as connection:
        found = quarantining.change_list(connection, asking.me(connection), add=add, remove=remove)
    return _page(said=said, rescan=found)


def _page(
    *,
    status: int = 200,
    fault: str | None = None,
    faults: asking.Faults | None = None,
    said: str | None = None,
    rescan: Rescan | None = None,
) -> Response:
    with current().database.connect() as connection:
        changes = roles.may(connection, signed.who().account.id, Permission.PUBLISH, organisations.ROOT)
        listed = terms.every(connection)
        science = routes.science_topics(connection)
        titles = _titles(connection, rescan)
    return shelf.page(
        "terms.html",
        status=status,
        here=url_for("show_terms"),
        fault=fault,
        faults=faults or {},
        typed=asking.typed() if faults else {},
        said=said,
        rescan=rescan,
        titles=titles,
        terms=listed,
        explained=EXPLAINED,
        science=science,
        before=_told(science),
        topics=list(Topic),
        changes=changes,
    )


def _titles(connection: Connection, found: Rescan | None) -> dict[str, str]:
    if found is None:
        return {}
    cards = contents.cards(connection, [*found.held, *found.published])
    return {id: card.title for id, card in cards.items()}


def _told(topics: Iterable[Topic]) -> str:
    return " ".join(sorted(topics))


PAGES = (
    Page("GET", "/staff/review/terms", show_terms, Permission.SEE_QUEUE),
    *(
        Page("POST", f"/staff/review/terms{rest}", handle, Permission.PUBLISH, access.the_province)
        for rest, handle in (
            ("", add_terms),
            ("/remove", remove_term),
            ("/rescan", rescan_terms),
            ("/science", set_science),
        )
    ),
)
