"""收件箱: what we have to tell a citizen, the newest first."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web import auth
from web.api import inbox
from web.api.inbox import InboxQuery
from web.portal.page import Page
from web.services import current


def show_inbox_page() -> str:
    """The page."""
    auth.need_citizen()
    return render_template("portal/inbox.html", inbox=inbox.show(current(), InboxQuery()))


def change_inbox() -> Response:
    """The citizen has read one message, or all of them."""
    id = request.form.get("message")
    if id is None:
        inbox.mark_all_read(current())
    else:
        inbox.mark_read(current(), id)
    return redirect(url_for("show_inbox_page", notice="read"), 303)


PAGES = (Page("GET", "/inbox", show_inbox_page), Page("POST", "/inbox/read", change_inbox))
