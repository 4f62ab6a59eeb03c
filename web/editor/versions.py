"""One version of a content as readers would see it, and how it differs from another."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from content_store import contents
from content_store.errors import UnknownVersion
from content_store.markdown import missing_alt
from content_store.review import versions
from content_store.staff_vocabulary import Permission
from web.editor import shelf, told
from web.editor.places import organisation_of_content
from web.portal.markdown import shown
from web.portal.page import Page
from web.services import current


def show_version(id: str) -> Response:
    """The page of version ``number`` of the address (default: the newest), compared with ``old`` (default: the one
    that it was made from)."""
    number, old = (_number(name) for name in ("number", "old"))
    with current().database.connect() as connection:
        content = contents.get(connection, id)
        made = {one.version: one for one in versions.every(connection, id)}
        version = made.get(number or max(made, default=0))
        if number and version is None:
            raise UnknownVersion(f"content {id} has no version {number}")
        before = made.get(old or (version.based_on if version else None) or 0)
        text = version.body if version else content.body
        body = shown(connection, text)
    return shelf.page(
        "version.html",
        content=content,
        version=version,
        words=version or content,
        before=before,
        others=sorted(made, reverse=True),
        body=body,
        unsaid=len(missing_alt(text)),
        differences=told.between(before, version) if before and version and before is not version else [],
    )


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


PAGES = (Page("GET", "/staff/contents/<path:id>/version", show_version, Permission.SEE_QUEUE, organisation_of_content),)
