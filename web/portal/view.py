"""How pages look: the elder mode (关怀版), dates, and the way back from a form."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from content_store import citizens, clock
from content_store.vocabulary import Topic
from web.demo import FIRST_CITIZENS
from web.portal.page import Page
from web.services import services_of

COOKIE = "kepu_view"
ELDER = "elder"
_YEAR_S = 365 * 86_400
_NOTICES = {
    "dismissed": "好的，这篇不再出现，同类内容也会少一些。",
    "read": "已标为已读。",
    "saved": "已保存，下一页起生效。",
    "personalised": "个性化推荐已打开。",
    "forgotten": "已从阅读记录中删除，下一页起推荐不再参考它。",
    "cleared": "阅读记录已清空，下一页起推荐不再参考以前读过的文章。",
    "plain": "个性化推荐已关闭。现在看到的是新近发布和大家都在读的内容。",
}


def prepare(app: Flask) -> None:
    """Give the templates of ``app`` what every page needs. Raises DatabaseError."""
    with services_of(app).database.connect() as connection:
        simulated = bool(citizens.known(connection, FIRST_CITIZENS))
    app.jinja_env.filters["day"] = day
    app.jinja_env.filters["moment"] = clock.shown

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "elder": request.cookies.get(COOKIE) == ELDER,
            "here": request.full_path.rstrip("?"),
            "notice": _NOTICES.get(request.args.get("notice", "")),
            "simulated": simulated,
            "topic_label": topic_label,
        }


def day(at: int | None) -> str:
    """A date in Shanghai as people say it: 今天, 昨天, 3月5日, with the year where that is another; empty for None."""
    if at is None:
        return ""
    that, today = clock.day_of(at), clock.today()
    ago = (today - that).days
    if ago in (0, 1):
        return ("今天", "昨天")[ago]
    year = "" if that.year == today.year else f"{that.year}年"
    return f"{year}{that.month}月{that.day}日"


def topic_label(code: str) -> str:
    """The Chinese name of a topic."""
    return Topic(code).label


def back(otherwise: str = "/") -> str:
    """The address of ours that the form at hand names as the one it came from."""
    return local(request.form.get("back", ""), otherwise)


def local(named: str, otherwise: str) -> str:
    """``named`` where it is an address of ours."""
    # "//host" and "/\host" would lead to other sites, a line break into the headers.
    ours = named.startswith("/") and not named.startswith(("//", "/\\")) and named.isprintable()
    return named if ours else otherwise


def change_view() -> Response:
    """Switch between the usual look and that for old eyes."""
    answer = redirect(back(), 303)
    if request.form.get("view") == ELDER:
        answer.set_cookie(COOKIE, ELDER, max_age=_YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        answer.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    return answer


PAGES = (Page("POST", "/view", change_view),)
