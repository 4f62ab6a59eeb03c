"""The pages of the creator alliance: for those who write, and for those who look after them.

alliance   创作联盟: the criteria, one's application and where it stands
works      我的作品: the list, a new work; ``work`` and ``work_acts`` one of them, ``work_form`` what may be said of it
incoming   待补充: what feeds brought and what waits for its author, several at once
calls      征集: open calls and invitations, as a member sees them
feeds      我的订阅源
members    达人管理, and ``series`` 征集管理: for those who manage creators
"""

from __future__ import annotations

from flask import Flask

from web.creators import alliance, calls, feeds, incoming, members, series, upload, work, work_acts, works
from web.portal.page import add

PAGES = (
    *alliance.PAGES,
    *works.PAGES,
    *incoming.PAGES,
    *upload.PAGES,
    *work.PAGES,
    *work_acts.PAGES,
    *calls.PAGES,
    *feeds.PAGES,
    *members.PAGES,
    *series.PAGES,
)
"""Address, method, handler and needs of every page."""


def install(app: Flask) -> None:
    """Add the pages to ``app``; what their templates need is there already."""
    for page in PAGES:
        add(app, page)
