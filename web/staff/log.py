"""操作记录: the newest rows of the audit log, for those who audit the whole province."""

from __future__ import annotations

from flask import render_template, request

from content_store import accounts, audit, clock
from content_store.staff_vocabulary import Permission
from web import access
from web.portal.page import Page
from web.services import current

SHOWN = 50


def show_log() -> str:
    """The page; ``below`` goes on with older rows."""
    text = request.args.get("below", "")
    below = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    with current().database.connect() as connection:
        found = audit.entries(connection, limit=SHOWN, below=below)
        names = {account.id: account.name for account in accounts.every(connection)}
        head = audit.head(connection)
    rows = [(entry, clock.shown(entry.at), names.get(entry.actor, entry.actor)) for entry in found]
    older = found[-1].seq if found and found[-1].seq > 1 else None
    return render_template("staff/log.html", rows=rows, head=head, older=older)


PAGES = (Page("GET", "/staff/audit", show_log, Permission.READ_AUDIT, access.the_province),)
