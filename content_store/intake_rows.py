"""One event as it was sent, and whether it may be stored: all that can be said without looking into the records."""

from __future__ import annotations

from typing import Any, NamedTuple

from content_store import checks, reading_tokens
from content_store.errors import BadRecord, ReadingTokenError
from content_store.vocabulary import READING_KINDS, EventKind, Exclusion, Rejection

AHEAD_MS = 300_000
"""How far the clock of a sender may run ahead of ours."""
EARLIEST_MS = 315_532_800_000
"""1980-01-01 UTC: an instant before it is a mistake in the unit."""
LONGEST_DWELL_MS = 7 * 86_400_000
"""Nobody reads a page for longer, whatever their clock says."""

# Plain texts: whatever is not exactly a text costs the driver a microsecond to find out what it is.
_KINDS = {kind.value: kind.value for kind in EventKind}
_READING = {kind.value for kind in READING_KINDS}
_EXCLUSIONS = {exclusion.value: exclusion for exclusion in Exclusion}


class Incoming(NamedTuple):
    """An event as a caller sends it; every field may hold anything, and what is no event is rejected.

    Meant are: ``id`` text, for a reading that of its token · ``kind`` of ``EventKind`` · ``content_id`` text · ``at``
    epoch ms · ``dwell_ms`` ≥ 0 and ``scroll`` 0 to 1, both since the reading began · ``reading_token`` text.
    """

    id: Any = None
    kind: Any = None
    content_id: Any = None
    at: Any = None
    dwell_ms: Any = None
    scroll: Any = None
    reading_token: Any = None

    @classmethod
    def of(cls, sent: object) -> Incoming:
        """The event in a JSON value; what it lacks is None, and so is everything where it is no object."""
        if not isinstance(sent, dict):
            return cls()
        told = sent.get
        return cls(
            told("id"),
            told("kind"),
            told("content_id"),
            told("at"),
            told("dwell_ms"),
            told("scroll"),
            told("reading_token"),
        )


class Row(NamedTuple):
    """An event that may be stored, with what its token proves (``issued_at``, epoch ms) or why it proves nothing.

    ``kind`` is the value of an ``EventKind``.
    """

    id: str
    kind: str
    content_id: str
    at: int
    dwell_ms: int | None
    scroll: float | None
    issued_at: int | None
    problem: Exclusion | None


def judge(sent: Incoming, key: bytes, citizen_id: str, now_ms: int) -> Row | Rejection:
    """``sent`` by ``citizen_id`` as a row, or why it cannot be one."""
    id, kind_text, content_id, at, dwell_ms, scroll, token = sent
    if not _storable(id):
        return Rejection.BAD_ID
    kind = _KINDS.get(kind_text) if type(kind_text) is str else None
    if kind is None:
        return Rejection.UNKNOWN_KIND
    if not _storable(content_id):
        return Rejection.UNKNOWN_CONTENT
    if type(at) is not int or at < EARLIEST_MS:
        # What has more than 64 bits was read as a float.
        return Rejection.IN_THE_FUTURE if type(at) is float and at >= 2**64 else Rejection.BAD_TIME
    if at > now_ms + AHEAD_MS:
        return Rejection.IN_THE_FUTURE
    if dwell_ms is not None and not (type(dwell_ms) is int and 0 <= dwell_ms <= LONGEST_DWELL_MS):
        return Rejection.BAD_DWELL
    if scroll is not None:
        if type(scroll) not in (float, int) or not 0 <= scroll <= 1:
            return Rejection.BAD_SCROLL
        scroll = float(scroll)
    issued_at, problem = None, None
    if kind in _READING:
        issued_at, problem = _proof(token, key, id, citizen_id, content_id, now_ms)
    return Row(id, kind, content_id, at, dwell_ms, scroll, issued_at, problem)


def _storable(value: Any) -> bool:
    if type(value) is not str:
        return False
    if value.isascii() and value.isprintable():
        return 0 < len(value) <= checks.LONGEST_ID
    try:
        checks.identifier(value, "id")
    except BadRecord:
        return False
    return True


def _proof(
    token: Any, key: bytes, id: str, citizen_id: str, content_id: str, now_ms: int
) -> tuple[int | None, Exclusion | None]:
    if token is None:
        return None, Exclusion.NO_TOKEN
    if type(token) is not str:
        return None, Exclusion.BAD_TOKEN
    try:
        reading = reading_tokens.verify(
            key, token, reading_id=id, citizen_id=citizen_id, content_id=content_id, now_ms=now_ms
        )
    except ReadingTokenError as error:
        return None, _EXCLUSIONS[error.code]
    return reading.issued_at, None
