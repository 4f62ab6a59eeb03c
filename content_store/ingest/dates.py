"""Dates as feeds write them → epoch milliseconds (UTC).

feedparser reads most of them; here is what it cannot know: that a time without a zone, or in "CST", is Chinese time in
a Chinese feed, and how Chinese people write dates.
"""

from __future__ import annotations

import calendar
import re
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from content_store.clock import SHANGHAI

_EARLIEST = 1
_LATEST = 4_102_444_800_000
"""2100-01-01; a date beyond is a mistake."""
_LONGEST = 100

_WRITTEN = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:(?:\s*[T,，]\s*|\s+|(?<=日))(上午|下午|晚上|中午)?\s*(\d{1,2})\s*[:：时点]\s*(\d{1,2})?\s*分?"
    r"(?:\s*:?\s*(\d{1,2})(?:[.,]\d{1,9})?\s*秒?)?)?"
    r"\s*(Z|UTC|GMT|CST|[+-]\d{1,2}:?\d{2}|[+-]\d{2})?\s*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{10}|\d{13}")
_ZONE = re.compile(r"(?:\d\s*Z|[+-]\d{2}:?\d{2}|\b(?!CST\b|AM\b|PM\b)[A-Z]{1,5})\s*(?:\([^)]*\))?\s*$", re.IGNORECASE)
_WITHOUT_TIME = re.compile(r"(?!.*\d:\d)")


def instant(written: str, parsed: time.struct_time | None = None, *, chinese: bool = False) -> int | None:
    """When ``written`` is, or None where it is no date. ``parsed`` is what feedparser made of it (UTC); ``chinese``
    says that a time of no known zone is Shanghai's."""
    written = written.strip()[:_LONGEST]
    if _NUMBER.fullmatch(written):
        return _sensible(int(written) * (1 if len(written) == 13 else 1000))
    if found := _WRITTEN.fullmatch(written):
        return _sensible(_of_match(found, chinese))
    try:
        parsed = parsed or _of_mail(written)
        ms = calendar.timegm(parsed) * 1000 if parsed else None
    except (ValueError, OverflowError):
        return None
    if ms is not None and chinese and not _ZONE.search(written) and not _WITHOUT_TIME.match(written):
        # feedparser takes an unknown zone for UTC, and CST for the central time of America.
        ms -= (8 + (6 if re.search(r"\bCST\s*$", written) else 0)) * 3_600_000
    return _sensible(ms)


def _of_mail(written: str) -> time.struct_time | None:
    """A date of RFC 5322 that feedparser leaves alone, as one without a zone, taken for UTC."""
    found = parsedate_tz(written)
    if found is None or found[0] < 1970:
        return None
    return time.gmtime(calendar.timegm(found[:9]) - (found[9] or 0))


def _of_match(found: re.Match[str], chinese: bool) -> int | None:
    year, month, day = (int(found[group]) for group in (1, 2, 3))
    hour, minute, second = (int(found[group] or 0) for group in (5, 6, 7))
    if found[4] in ("下午", "晚上") and hour < 12:
        hour += 12
    zone = _zone((found[8] or "").upper(), chinese and found[5] is not None)
    try:
        at = datetime(year, month, day, tzinfo=zone) + timedelta(hours=hour, minutes=minute, seconds=second)
    except (ValueError, OverflowError):
        return None
    if hour > 24 or minute > 59 or second > 60:
        return None
    return round(at.timestamp() * 1000)


def _zone(name: str, chinese: bool) -> timezone:
    if name in ("Z", "UTC", "GMT"):
        return UTC
    if name == "CST":
        return SHANGHAI if chinese else timezone(timedelta(hours=-6))
    if not name:
        return SHANGHAI if chinese else UTC
    digits = name[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if offset >= timedelta(hours=24):
        return UTC
    return timezone(-offset if name[0] == "-" else offset)


def _sensible(ms: int | None) -> int | None:
    return ms if ms is not None and _EARLIEST <= ms <= _LATEST else None
