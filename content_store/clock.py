"""The only place that reads the time. Instants are epoch milliseconds in UTC; days are days in Asia/Shanghai."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

# A fixed offset, not a zone file: China has had no summer time since 1991 and bare machines may have no tzdata.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

DAY_MS = 86_400_000
_SHANGHAI_MS = 8 * 3_600_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_fixed_ms: int | None = None
_offset_ms = 0


def now_ms() -> int:
    """The present instant, epoch milliseconds (UTC)."""
    if _fixed_ms is not None:
        return _fixed_ms
    return time.time_ns() // 1_000_000 + _offset_ms


def now() -> datetime:
    """The present instant as an aware UTC datetime, for what must be shown or serialised."""
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def today() -> date:
    """The present day in Shanghai."""
    return day_of(now_ms())


def day_of(ts_ms: int) -> date:
    """The Shanghai day in which the instant ``ts_ms`` (epoch milliseconds) lies."""
    return date.fromordinal(_EPOCH_ORDINAL + (ts_ms + _SHANGHAI_MS) // DAY_MS)


def iso_day_of(ts_ms: int) -> str:
    """The same in the form of ISO 8601."""
    return _iso((ts_ms + _SHANGHAI_MS) // DAY_MS)


@functools.lru_cache(100)
def _iso(day: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()


def start_of_day_ms(day: date) -> int:
    """The first instant of a Shanghai ``day``, epoch milliseconds."""
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY_MS - _SHANGHAI_MS


def shown(ts_ms: int) -> str:
    """The instant ``ts_ms`` (epoch milliseconds) as people in Shanghai write it, to the minute."""
    return f"{datetime.fromtimestamp(ts_ms / 1000, SHANGHAI):%Y-%m-%d %H:%M}"


def set_offset(seconds: float) -> None:
    """Move the clock by ``seconds`` from now on (the setting ``KEPU_CLOCK_OFFSET_S``)."""
    global _offset_ms
    _offset_ms = round(seconds * 1000)


@contextmanager
def fixed(ts_ms: int) -> Iterator[None]:
    """Stop the clock at ``ts_ms`` (epoch milliseconds) for all threads of the process; may be nested."""
    global _fixed_ms
    before, _fixed_ms = _fixed_ms, ts_ms
    try:
        yield
    finally:
        _fixed_ms = before
