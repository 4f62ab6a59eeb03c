"""What a source said, as it said it: a file to be saved and looked at, which no browser shows by itself."""

from __future__ import annotations

from flask import Response, request

from content_store import contents
from content_store.errors import UnknownOriginal
from content_store.ingest import keeping
from content_store.staff_vocabulary import Permission
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current

_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""It is a stranger's document: whatever takes it for a page runs nothing of it and asks nobody for anything."""


def save_original(id: str) -> Response:
    """The original ``number`` of the address, by default the newest one. Raises UnknownOriginal."""
    number = request.args.get("number", "")
    with current().database.connect() as connection:
        content = contents.get(connection, id)
        if number.isascii() and number.isdecimal() and len(number) < 20:
            found = keeping.get(connection, content.id, int(number))
        else:
            found = next(iter(keeping.of_content(connection, content.id)), None)
        if found is None or (number and number != str(found.id)):
            raise UnknownOriginal(f"nothing that was fetched is kept of content {id} under {number[:20]!r}")
        data = keeping.read(connection, found)
    answer = Response(data, content_type="text/plain")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Content-Disposition"] = f'attachment; filename="original-{found.id}.txt"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


PAGES = (
    Page(
        "GET",
        "/staff/contents/<path:id>/original",
        save_original,
        Permission.SEE_QUEUE,
        organisation_of_content,
        people=True,
    ),
)
