"""What a source said, as it said it: a file to be saved and looked at, which no browser shows by itself."""

from __future__ import annotations

from flask import Response, request

from content_store import contents
from content_store.db import Connection
from content_store.errors import UnknownOriginal
from content_store.ingest import keeping
from content_store.ingest.keeping import Original
from content_store.staff_vocabulary import Permission
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current

_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""It is a stranger's document: whatever takes it for a page runs nothing of it and asks nobody for anything."""

_DIGITS = 20


def save_original(id: str) -> Response:
    """The original ``number`` of the address, by default the newest one. Raises UnknownOriginal."""
    with current().database.connect() as connection:
        content = contents.get(connection, id)
        found = _wanted(connection, content.id, request.args.get("number"))
        data = keeping.read(connection, found)
    answer = Response(data, content_type="text/plain")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Content-Disposition"] = f'attachment; filename="original-{found.id}.txt"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _wanted(connection: Connection, content_id: str, number: str | None) -> Original:
    if number is None:
        kept = keeping.of_content(connection, content_id)
        if not kept:
            raise UnknownOriginal(f"nothing that was fetched is kept of content {content_id}")
        return kept[0]
    if not (number.isascii() and number.isdecimal() and len(number) < _DIGITS):
        raise UnknownOriginal(f"{number[:_DIGITS]!r} is no number of an original")
    return keeping.get(connection, content_id, int(number))


PAGES = (
    Page(
        "GET",
        "/staff/contents/<path:id>/original",
        save_original,
        Permission.SEE_QUEUE,
        organisation_of_content,
    ),
)
