"""In which organisation a request is: that whose content, or whose review, its address names."""

from __future__ import annotations

from collections.abc import Mapping

from content_store import checks, contents, organisations
from content_store.db import Connection
from content_store.errors import BadRecord, UnknownContent, UnknownReview
from content_store.review import permits, records


def organisation_of_content(connection: Connection, parts: Mapping[str, str]) -> str:
    """For an address with the ``id`` of a content. Raises UnknownContent."""
    try:
        checks.identifier(parts["id"], "a content's id")
    except BadRecord as error:
        raise UnknownContent(error.message) from error
    return permits.place(connection, contents.get(connection, parts["id"]).id)


def organisation_of_review(connection: Connection, parts: Mapping[str, str]) -> str:
    """For an address with the ``id`` of a review. Raises UnknownReview."""
    try:
        checks.identifier(parts["id"], "a review's id")
    except BadRecord as error:
        raise UnknownReview(error.message) from error
    return records.get(connection, parts["id"]).organisation_id or organisations.ROOT
