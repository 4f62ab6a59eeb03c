"""When a feed is to be fetched again: arithmetic alone, all chance given.

A feed that brings news is asked sooner the next time, one that brings none later; between the bounds of the settings.
What a server asks for (``Retry-After``, freshness, ``ttl``, hours to skip) puts the next fetch off and never brings it
forward; as servers also ask for years, each such wish has a cap. Failures double the wait, with full jitter (Brooker,
Exponential Backoff and Jitter, 2015), and never end the asking: only HTTP 410 does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from content_store.clock import DAY_MS
from content_store.settings import Settings

Chance = Callable[[], float]
"""A number from 0 up to 1, like ``random.random``."""

MOST_ASKED_MS = 7 * DAY_MS
"""The longest that a server's own wish (``Retry-After``, 429, 503) is obeyed."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days that RSS names in ``skipDays``, in lower case."""

_SPREAD = 0.1
_LATER = 1.5
_WEEK_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between these two, in ms, lies the time from one fetch of a feed to the next."""

    least_ms: int
    most_ms: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        return cls(settings.feed_least_minutes * 60_000, settings.feed_most_minutes * 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a server and its feed ask for: seconds, and hours (0 to 23, GMT) and days (0: Monday) not to come in."""

    retry_after_s: int | None = None
    fresh_s: int | None = None
    ttl_s: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


class Plan(NamedTuple):
    """The next fetch (epoch ms), and the interval (ms) from which the one after that will be reckoned."""

    next_at: int
    interval_ms: int


NO_WISHES = Wishes()


def first(bounds: Bounds) -> int:
    """The interval (ms) that a feed begins with: short, so that its ways are soon known."""
    return bounds.least_ms


def after_answer(
    now: int, interval_ms: int, new_items: int, bounds: Bounds, chance: Chance, wishes: Wishes = NO_WISHES
) -> Plan:
    """The plan after an answer at ``now`` that brought ``new_items`` items that had not been there.

    ``n`` items within an interval are one in every ``n``-th part of it, and half of that is how often to look.
    """
    changed = interval_ms // (2 * new_items) if new_items > 0 else int(interval_ms * _LATER)
    interval_ms = _within(changed, bounds)
    # Feeds that were taken up at one moment drift apart.
    spread = int(interval_ms * (1 - _SPREAD + 2 * _SPREAD * chance()))
    return Plan(_granted(now, _within(spread, bounds), bounds, wishes), interval_ms)


def after_failure(
    now: int, interval_ms: int, failures: int, bounds: Bounds, chance: Chance, wishes: Wishes = NO_WISHES
) -> Plan:
    """The plan after the failure at ``now`` that is the ``failures``-th in a row; the interval stays as it was."""
    doubled = min(bounds.least_ms << min(failures, 32), bounds.most_ms)
    wait = bounds.least_ms + int(chance() * (doubled - bounds.least_ms))
    return Plan(_granted(now, wait, bounds, wishes), interval_ms)


def asked_to_stay_away_ms(retry_after_s: int | None) -> int:
    """How long (ms) a server's ``Retry-After`` (seconds) is obeyed."""
    return min((retry_after_s or 0) * 1000, MOST_ASKED_MS)


def _within(interval_ms: int, bounds: Bounds) -> int:
    return min(max(interval_ms, bounds.least_ms), bounds.most_ms)


def _granted(now: int, wait: int, bounds: Bounds, wishes: Wishes) -> int:
    """``wait`` ms from ``now`` on, put off as far as ``wishes`` ask for and are listened to."""
    # Freshness and ttl are set by people who know nothing of us, often to a year.
    unasked = min(max(wishes.fresh_s or 0, wishes.ttl_s or 0) * 1000, bounds.most_ms)
    at = now + max(wait, unasked, asked_to_stay_away_ms(wishes.retry_after_s))
    return _welcome(at, wishes)


def _welcome(at: int, wishes: Wishes) -> int:
    """``at``, or else the beginning of the first hour after it that is not to be skipped; a week of them is no wish."""
    start = at
    for _ in range(_WEEK_HOURS):
        then = datetime.fromtimestamp(start // 1000, UTC)
        if then.hour not in wishes.skip_hours and then.weekday() not in wishes.skip_days:
            return start
        whole = then.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        start = int(whole.timestamp()) * 1000
    return at
