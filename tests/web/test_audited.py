"""Every app of the tests is under watch (``tests.support.audited``); here: that the watch sees what it is there for."""

from __future__ import annotations

from flask import Flask, redirect
from werkzeug.wrappers import Response

from content_store import audit
from tests.support.audited import NOT_TOLD
from tests.web.conftest import opened
from tests.web.staff.conftest import Desk
from web import access
from web.access import Open


def page(app: Flask, name: str, *, told: bool, notice: str = "done") -> None:
    """A page of ``app`` under ``/staff`` that does something, and tells the log of it or not."""

    def act() -> Response:
        if told:
            with opened(app).database.begin() as connection:
                audit.record(connection, "cli:tests", "thing.do", "thing", name, None, None)
        return redirect(f"/staff?notice={notice}", 303)

    app.add_url_rule(f"/staff/{name}", name, act, methods=["POST"])
    access.declare(app, name, Open.EVERYONE)


def test_a_form_that_changes_something_in_silence_is_seen(app: Flask) -> None:
    page(app, "silent", told=False)
    page(app, "told", told=True)
    page(app, "idle", told=False, notice="same")
    desk = Desk(app.test_client())
    names = ("silent", "told", "idle")
    statuses = {name: desk.send(f"/staff/{name}", on="/staff/login").status_code for name in names}
    assert statuses == {"silent": 500, "told": 303, "idle": 303}


def test_what_is_changed_without_a_row_is_there(app: Flask) -> None:
    assert set(NOT_TOLD) <= set(app.view_functions)
