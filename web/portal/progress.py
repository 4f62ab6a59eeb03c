"""服务进度: how far the count of services is towards its target, and what was not counted and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from flask import render_template

from content_store import clock, ledger_rules, quality, reading_tokens
from web import auth
from web.api import progress
from web.api.progress import ProgressAnswer
from web.portal.page import Page
from web.services import current

SHOWN_DAYS = 14


class Bar(NamedTuple):
    """A day or a month (``first``: its first day in the window); ``share`` of the greatest shown, 0 to 1."""

    first: date
    number: int
    share: float


class Pace(NamedTuple):
    """Days of the window that have ``begun``, what even steps would make by their end, a day's step, and whether the
    window is ``over``."""

    begun: int
    expected: int
    per_day: int
    over: bool


def show_progress_page() -> str:
    """The page."""
    auth.need_citizen()
    found, today = progress.show(current()), clock.today()
    return render_template(
        "portal/progress.html",
        progress=found,
        pace=pace(found, today),
        days=last_days(found, today),
        months=months(found),
        missed=sum(entry.number for entry in found.not_counted),
        rule=ledger_rules.CURRENT,
        quality=quality.CURRENT,
        token_hours=reading_tokens.LIFETIME_MS // 3_600_000,
    )


def pace(found: ProgressAnswer, today: date) -> Pace:
    """Where an even pace would be at the end of ``today``."""
    begun = min(max((today - found.first).days + 1, 0), found.days)
    expected, per_day = round(found.goal * begun / found.days), round(found.goal / found.days)
    return Pace(begun, expected, per_day, today > found.last)


def last_days(found: ProgressAnswer, today: date, most: int = SHOWN_DAYS) -> list[Bar]:
    """The last ``most`` days of the window that have begun, the latest first, those without a service too."""
    last, counts = min(today, found.last), {entry.day: entry.counted for entry in found.per_day}
    days = [last - timedelta(days=ago) for ago in range(most)]
    return _bars((day, counts.get(day, 0)) for day in days if day >= found.first)


def months(found: ProgressAnswer) -> list[Bar]:
    """The months that have services, in order."""
    counts: dict[date, int] = {}
    for entry in found.per_day:
        month = max(entry.day.replace(day=1), found.first)
        counts[month] = counts.get(month, 0) + entry.counted
    return _bars(counts.items())


def _bars(counts: Iterable[tuple[date, int]]) -> list[Bar]:
    rows = list(counts)
    most = max((number for _, number in rows), default=0) or 1
    return [Bar(first, number, number / most) for first, number in rows]


PAGES = (Page("GET", "/progress", show_progress_page),)
