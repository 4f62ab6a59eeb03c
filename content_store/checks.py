"""What every record must satisfy before it is stored, whatever road it comes by."""

from __future__ import annotations

import re

from content_store.errors import BadRecord

LONGEST_ID = 200
"""Characters that an id or a label may have."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")


def identifier(value: str, what: str) -> str:
    """``value`` as an id or a label: 1 to ``LONGEST_ID`` characters, none of them a control character.

    ``what`` names it in the message. Raises BadRecord.
    """
    if not value or len(value) > LONGEST_ID:
        raise BadRecord(f"{what} must have 1 to {LONGEST_ID} characters, not {len(value)}")
    if _CONTROL.search(value):
        raise BadRecord(f"{what} {value!r} has a control character")
    _refuse_surrogates(value, what)
    return value


def label(value: str | None, what: str) -> str | None:
    """``value`` as an optional label; an empty one is none. Raises BadRecord."""
    return identifier(value, what) if value else None


def text(value: str | None, what: str) -> str | None:
    """``value`` as an optional text of any length; an empty one is none. Raises BadRecord for NUL or half a pair."""
    if not value:
        return None
    if "\x00" in value:
        raise BadRecord(f"{what} has a NUL character")
    _refuse_surrogates(value, what)
    return value


def _refuse_surrogates(value: str, what: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRecord(f"{what} is not valid text: {error.reason}") from error
