"""What the headers of an answer say that we act on; a header that makes no sense says nothing.

Nothing is kept of a value that could not be sent back as it is: a validator is another header's text one day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

Header = Callable[[str], str | None]
"""The value of the header with this name."""

_LONGEST_TAG = 512
_TAG = re.compile(r'(W/)?"[!#-~]*"', re.ASCII)
_LOOSE_TAG = re.compile(r"[!#-~]+", re.ASCII)
_DATE = re.compile(r"[A-Za-z0-9,:+ -]{10,60}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,18}", re.ASCII)
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.ASCII | re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,18})", re.ASCII | re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])", re.ASCII | re.IGNORECASE)


def etag(header: Header) -> str | None:
    """The entity tag to ask with next time; servers that forget the quotes get it back as they gave it."""
    value = (header("ETag") or "").strip()
    fits = len(value) <= _LONGEST_TAG and (_TAG.fullmatch(value) or _LOOSE_TAG.fullmatch(value))
    return value if fits else None


def last_modified(header: Header) -> str | None:
    """The date to ask with next time, as the server wrote it."""
    value = (header("Last-Modified") or "").strip()
    return value if _DATE.fullmatch(value) and moment(value) is not None else None


def content_type(header: Header) -> tuple[str, str | None]:
    """Media type in lower case (empty where none is told) and charset."""
    value = header("Content-Type") or ""
    kind = _TYPE.match(value.strip())
    charset = _CHARSET.search(value)
    return kind[0].lower() if kind else "", charset[1].lower() if charset else None


def retry_after_s(header: Header, now_ms: int) -> int | None:
    """Seconds for which the server wants to be left alone (RFC 9110 §10.2.3), told as such or as a date.

    A date is compared with the server's own clock where it tells it.
    """
    value = (header("Retry-After") or "").strip()
    if _SECONDS.fullmatch(value):
        return int(value)
    at = moment(value)
    return None if at is None else max(0, (at - _server_now(header, now_ms)) // 1000)


def fresh_s(header: Header, now_ms: int) -> int | None:
    """Seconds for which the answer stays fresh (RFC 9111 §4.2); None where the server says nothing of it."""
    control = header("Cache-Control") or ""
    if _UNCACHED.search(control):
        return None
    found = _MAX_AGE.search(control)
    if found:
        age = (header("Age") or "").strip()
        return max(0, int(found[1]) - (int(age) if _SECONDS.fullmatch(age) else 0))
    expires = moment((header("Expires") or "").strip())
    return None if expires is None else max(0, (expires - _server_now(header, now_ms)) // 1000)


def moment(text: str) -> int | None:
    """The instant of an HTTP date (RFC 9110 §5.6.7), epoch ms; None for anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (OverflowError, ValueError):
        return None


def _server_now(header: Header, now_ms: int) -> int:
    told = moment((header("Date") or "").strip())
    return now_ms if told is None else told
