"""机构与账号: the people of an organisation, as those see them who administer it."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from content_store import accounts, organisations, roles, sessions
from content_store.sessions import Limits
from content_store.staff_vocabulary import Permission
from web import access
from web.portal.page import Page
from web.services import current


def show_organisation(id: str) -> str:
    """The organisation, those right below it, and its own accounts with what they may do."""
    services = current()
    limits = Limits.of(services.settings)
    with services.database.connect() as connection:
        found = organisations.get(connection, id)
        tree = organisations.every(connection, id)
        people = [account for account in accounts.every(connection, id) if account.organisation_id == id]
        rows = [
            (account, roles.of_account(connection, account.id), sessions.of_account(connection, account.id, limits))
            for account in people
        ]
        names = {entry.id: entry.name for entry in organisations.every(connection)}
    return render_template(
        "staff/organisation.html",
        organisation=found,
        below=[entry for entry in tree if entry.parent_id == id],
        rows=rows,
        names=names,
        notice="已退出该账号的全部登录。" if request.args.get("notice") == "ended" else None,
    )


def end_sessions_of(id: str) -> Response:
    """End all sessions of an account; who does so must administer all that it may do."""
    actor = access.actor()
    with current().database.begin() as connection:
        roles.insist_administers(connection, actor, id)
        home = accounts.get(connection, id).organisation_id
        sessions.kill_all(connection, id, actor=actor)
    return redirect(url_for("show_organisation", id=home, notice="ended"), 303)


PAGES = (
    Page(
        "GET",
        "/staff/organisations/<path:id>",
        show_organisation,
        Permission.MANAGE_ACCOUNTS,
        access.organisation,
    ),
    Page(
        "POST",
        "/staff/accounts/<path:id>/sessions",
        end_sessions_of,
        Permission.MANAGE_ACCOUNTS,
        access.organisation_of_account,
    ),
)
