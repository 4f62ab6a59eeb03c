"""工作台: the first page after signing in: who one is, what one may do, and where that is done."""

from __future__ import annotations

from flask import render_template

from content_store import organisations, roles
from content_store.staff_vocabulary import Permission
from web import signed
from web.access import Open
from web.portal.page import Page
from web.services import current


def show_desk() -> str:
    """The page."""
    known = signed.who()
    with current().database.connect() as connection:
        grants = roles.of_account(connection, known.account.id)
        names = {entry.id: entry.name for entry in organisations.every(connection)}
        may = roles.permissions_anywhere(connection, known.account.id)
        province = roles.may(connection, known.account.id, Permission.READ_AUDIT, organisations.ROOT)
    managed = sorted(
        {grant.organisation_id for grant in grants if Permission.MANAGE_ACCOUNTS in grant.role.permissions}
    )
    return render_template(
        "staff/desk.html",
        account=known.account,
        home=names.get(known.account.organisation_id, ""),
        grants=[(grant.role.label, names.get(grant.organisation_id, "")) for grant in grants],
        may=[entry.label for entry in Permission if entry in may],
        managed=[(id, names.get(id, "")) for id in managed],
        sees_log=province,
    )


PAGES = (Page("GET", "/staff", show_desk, Open.SIGNED_IN),)
