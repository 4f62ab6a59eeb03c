"""One clock: instants in UTC, days in Shanghai."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import clock


@pytest.fixture
def moved_back() -> Iterator[None]:
    """The clock's offset is taken back after the test."""
    yield
    clock.set_offset(0)


def test_a_fixed_clock_stands_still_and_goes_on_afterwards() -> None:
    before = clock.now_ms()
    with clock.fixed(5):
        assert clock.now_ms() == clock.now_ms() == 5
        with clock.fixed(6):
            assert clock.now_ms() == 6
        assert clock.now_ms() == 5
    assert clock.now_ms() >= before


def test_an_error_sets_a_fixed_clock_going_again() -> None:
    with pytest.raises(ZeroDivisionError), clock.fixed(5):
        raise ZeroDivisionError
    assert clock.now_ms() > 5


@pytest.mark.usefixtures("moved_back")
def test_an_offset_moves_the_clock_by_as_much() -> None:
    before = clock.now_ms()
    clock.set_offset(86_400)
    assert before + 86_400_000 <= clock.now_ms() < before + 86_460_000


def test_the_present_is_an_aware_datetime() -> None:
    with clock.fixed(1_735_704_000_000):
        assert clock.now() == datetime(2025, 1, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2024, 8, 25, 15, 59, 59, 999_000, tzinfo=UTC), date(2024, 8, 25)),
        (datetime(2024, 8, 25, 16, tzinfo=UTC), date(2024, 8, 26)),
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(1969, 12, 31, 15, 59, tzinfo=UTC), date(1969, 12, 31)),
    ],
)
def test_a_day_begins_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    ts_ms = round(instant.timestamp() * 1000)
    assert clock.day_of(ts_ms) == day
    with clock.fixed(ts_ms):
        assert clock.today() == day


@given(st.dates(date(1992, 1, 1), date(2200, 1, 1)))
def test_a_day_holds_its_first_and_last_millisecond_and_no_more(day: date) -> None:
    start = clock.start_of_day_ms(day)
    assert clock.day_of(start) == clock.day_of(start + clock.DAY_MS - 1) == day
    assert clock.day_of(start - 1) == day - timedelta(days=1)
    assert datetime.fromtimestamp(start / 1000, clock.SHANGHAI).isoformat() == f"{day}T00:00:00+08:00"
