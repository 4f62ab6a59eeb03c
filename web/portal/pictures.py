"""Pictures of works, by their digest: the same for everyone and for ever, so that every cache may keep them."""

from __future__ import annotations

from flask import Response, request

from content_store.errors import UnknownPicture
from content_store.uploads import store
from content_store.uploads.addresses import FOLDER
from web.errors import NotFound
from web.portal.page import Page
from web.services import current

_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""A browser that opens a picture by itself shows it and nothing else, whatever it takes it for."""
_FOR_EVER = "public, max-age=31536000, immutable"


def show_picture(digest: str) -> Response:
    """A picture at its widest."""
    return _answered(digest, None)


def show_picture_at_width(digest: str, width: int) -> Response:
    """A picture at one of the widths in which it is kept."""
    return _answered(digest, width)


def _answered(digest: str, width: int | None) -> Response:
    """Raises NotFound where there is none, or none that may be shown any more."""
    try:
        with current().database.connect() as connection:
            found = store.serve(connection, digest, width)
    except UnknownPicture as error:
        raise NotFound(error.message) from None
    answer = Response(found.data, content_type=found.media_type)
    answer.headers["Cache-Control"] = _FOR_EVER
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Content-Disposition"] = "inline"
    answer.set_etag(f"{digest}-{found.width}")
    answer.make_conditional(request)
    return answer


PAGES = (
    Page("GET", f"{FOLDER}<string(length=64):digest>", show_picture),
    Page("GET", f"{FOLDER}<string(length=64):digest>/<int:width>", show_picture_at_width),
)
