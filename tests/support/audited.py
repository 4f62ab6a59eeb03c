"""An app under watch: every form of those who work here that did something left a row in the audit log."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, g, request

from content_store import audit
from web.services import services_of

CHANGES_NOTHING = frozenset({"same"})
"""Notices after forms that were taken and left all as it was."""

NOT_TOLD = {
    "discard_kept": "one's own words that could not be saved are thrown away; nobody else ever saw them",
    "drop_kept": "the same, on the pages of creators",
    "release_step": "what is not one's own any more is given back by saying so; the log of the rest has its own tests",
}
"""What is changed without a row, and why."""


def watch(app: Flask) -> None:
    """Let a request fail that changed something under ``/staff`` in silence: its test must see that."""
    database = services_of(app).database

    def newest() -> int:
        with database.connect() as connection:
            return audit.head(connection).seq

    def known() -> bool:
        """Whether the form brings the id of something that is in the log: it may have been sent twice."""
        with database.connect() as connection:
            id = request.form.get("id", "")
            return bool(audit.entries(connection, limit=1, object_kind="content", object_id=id))

    def begin() -> None:
        if request.method == "POST" and request.path.startswith("/staff"):
            g.newest_row = newest()

    def end(answer: Response) -> Response:
        before = g.pop("newest_row", None)
        if before is not None and answer.status_code == 303 and not _idle(answer):
            assert newest() > before or known(), f"{request.endpoint} left no row in the audit log"
        return answer

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(end)


def _idle(answer: Response) -> bool:
    notice = parse_qs(urlsplit(answer.headers["Location"]).query).get("notice", [""])[0]
    return notice in CHANGES_NOTHING or request.endpoint in NOT_TOLD
