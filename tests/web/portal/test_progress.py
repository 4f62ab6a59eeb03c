"""服务进度: the count as the ledger tells it, and what did not count."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from content_store import clock, reading_tokens
from content_store.intake import Caller, Incoming
from tests.support.shelves import shelved
from tests.web.conftest import opened
from tests.web.portal.conftest import Browser
from web.api.progress import DayCount, ProgressAnswer
from web.portal.progress import Bar, last_days, months, pace

FIRST, LAST = date(2025, 1, 21), date(2025, 2, 9)


def told(goal: int = 200, **per_day: int) -> ProgressAnswer:
    """A count with these numbers on the days ``d0121`` and so on."""
    days = [DayCount(day=date(2025, int(name[1:3]), int(name[3:])), counted=count) for name, count in per_day.items()]
    counted = sum(per_day.values())
    return ProgressAnswer(
        baseline=1000,
        goal=goal,
        counted=counted,
        total=1000 + counted,
        today=0,
        first=FIRST,
        last=LAST,
        days=20,
        items_goal=5,
        items_published=0,
        per_day=days,
        not_counted=[],
    )


@pytest.fixture
def reader(make_app: Callable[..., Flask], fixed_clock: int) -> Browser:
    """A browser of an app whose window began ten days ago; somebody read twelve articles, three of them too briefly."""
    today = clock.today()
    app = make_app(target_from="2024-12-23", target_until=today.replace(month=3).isoformat(), target_goal=1000)
    services, now = opened(app), fixed_clock
    ids = shelved(services.database, 12)
    for number, id in enumerate(ids):
        at = now - (number % 2) * clock.DAY_MS
        token = reading_tokens.issue(services.keys.reading, citizen_id="王", content_id=id, issued_at=at - 60_000)
        dwell = 5_000 if number < 3 else 60_000
        row = Incoming(reading_tokens.reading_id(token), "read", id, at, dwell, 1.0, token)
        answer = services.intake.receive([row], Caller(citizen_id="王", make_guest=True), at)
        assert answer.accepted == 1
    return Browser(app.test_client())


def test_the_page_tells_what_was_counted_and_what_was_not_and_why(reader: Browser) -> None:
    text = re.sub(r"<[^>]+>|\s+", "", reader.see("/progress"))
    assert "新增科普服务9人次" in text
    assert "已完成0.90%目标1,000人次" in text
    assert "今天4人次" in text
    assert "1月1日412月31日512月30日0" in text
    assert "另有3次阅读没有计入" in text
    assert "阅读时间太短3" in text
    assert "今天是第10天" in text
    assert "目标5,000篇优质内容" in text


def test_the_api_tells_the_same(reader: Browser) -> None:
    answer = reader.client.get("/api/v1/progress").get_json()
    assert answer["not_counted"] == [{"reason": "too_short", "text": "阅读时间太短", "number": 3}]
    assert answer["counted"] == sum(day["counted"] for day in answer["per_day"]) == 9
    assert answer["items_published"] == 9  # of the twelve, those of the last days before today


def test_it_is_linked_from_every_page(reader: Browser) -> None:
    for path in ("/", "/me", "/how"):
        assert 'href="/progress"' in reader.see(path)


def test_an_empty_count_is_told_as_one(browser: Browser) -> None:
    text = browser.see("/progress")
    assert "统计期内没有被排除的阅读" in text
    assert "90,000,000" in text


def test_days_are_listed_latest_first_also_those_without_services() -> None:
    found = told(d0121=10, d0203=40, d0205=20)
    assert last_days(found, date(2025, 2, 5), 3) == [
        Bar(date(2025, 2, 5), 20, 0.5),
        Bar(date(2025, 2, 4), 0, 0.0),
        Bar(date(2025, 2, 3), 40, 1.0),
    ]
    assert [day.first.day for day in last_days(found, date(2025, 1, 22))] == [22, 21]
    assert last_days(found, date(2026, 1, 1), 1) == [Bar(LAST, 0, 0.0)]
    assert last_days(found, date(2025, 1, 1)) == []


def test_months_begin_where_the_window_does() -> None:
    found = told(d0121=10, d0131=10, d0201=40)
    assert months(found) == [Bar(FIRST, 20, 0.5), Bar(date(2025, 2, 1), 40, 1.0)]
    assert months(told()) == []


@pytest.mark.parametrize(
    ("today", "begun", "expected", "over"),
    [
        (date(2025, 1, 20), 0, 0, False),
        (date(2025, 1, 21), 1, 10, False),
        (date(2025, 2, 9), 20, 200, False),
        (date(2025, 3, 1), 20, 200, True),
    ],
)
def test_an_even_pace_is_told_by_the_days_that_have_begun(today: date, begun: int, expected: int, over: bool) -> None:
    assert pace(told(), today) == (begun, expected, 10, over)
