"""Taking over what was suggested about a version: another version, saved by the person who decided so."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from content_store.errors import KepuError, UnknownVersion
from content_store.review import versions
from content_store.staff_vocabulary import Permission
from web import errors, suggested
from web.editor import asking, content, refusals
from web.editor.places import organisation_of_content
from web.portal.page import Page
from web.services import current

_GONE = "没有可以采用的建议：这一版没有建议，或者主题和地区已经与建议一致。"
_LATER = "这期间稿件有了新的一版，所以没有改动。请看清最新的一版，再决定要不要采用建议。"


def take_suggestion(id: str) -> Response:
    """Save the suggested topic, place or both as another version, based on the one that the form shows."""
    number, wanted = asking.number("version"), request.form.get(suggested.TAKEN, "").split()
    try:
        with current().database.begin() as connection:
            shown = versions.get(connection, id, number or 0)
            found = suggested.about(connection, shown)
            words = found.words(wanted) if found else {}
            me = asking.me(connection)
            saving = versions.save(connection, id, me, based_on=shown.version, **words) if words else None
            if saving is not None and saving.conflict is not None:
                # Nothing was typed that would be worth keeping: the suggestion is still there.
                versions.discard(connection, saving.conflict.kept, me)
    except (UnknownVersion, *refusals.REFUSALS) as error:
        return _refused(id, error)
    if saving is None:
        return content.show(id, fault=_GONE, status=422)
    if saving.conflict is not None:
        return content.show(id, fault=_LATER, status=409)
    return redirect(url_for("show_content_desk", id=id, notice="suggested"), 303)


def _refused(id: str, error: KepuError) -> Response:
    return content.show(id, refused=error, status=errors.status_of(type(error)))


PAGES = (
    Page("POST", "/staff/contents/<path:id>/suggestion", take_suggestion, Permission.CORRECT, organisation_of_content),
)
