"""The grid of due times: the same whenever it is asked, whatever ran before."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import clock
from content_store.clock import DAY_MS
from content_store.schedule import Schedule

INTERVALS = [number for number in range(1, 86_401) if 86_400 % number == 0]
TEXTS = (
    st.sampled_from(INTERVALS).map(lambda seconds: f"every {seconds}s")
    | st.lists(st.tuples(st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=4).map(
        lambda times: ",".join(f"{hour:02d}:{minute:02d}" for hour, minute in times)
    )
    | st.just("off")
)
INSTANTS = st.integers(-(10**12), 10**13)


def at(text: str) -> int:
    """The instant of a local time in Shanghai."""
    return round(datetime.fromisoformat(f"{text}+08:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "last", "following"),
    [
        ("03:30", "2025-01-01 03:30", "2025-01-02 03:30"),
        ("15:30, 03:30", "2025-01-01 03:30", "2025-01-01 15:30"),
        ("23:00", "2024-12-31 23:00", "2025-01-01 23:00"),
        ("12:00", "2025-01-01 12:00", "2025-01-02 12:00"),
        ("Every 15m", "2025-01-01 12:00", "2025-01-01 12:15"),
        ("every 8 h", "2025-01-01 08:00", "2025-01-01 16:00"),
        ("every 24h", "2025-01-01 00:00", "2025-01-02 00:00"),
        ("every 1s", "2025-01-01 12:00", "2025-01-01 12:00:01"),
    ],
)
def test_times_are_those_of_a_day_in_shanghai(text: str, last: str, following: str) -> None:
    schedule, noon = Schedule.parse(text), at("2025-01-01 12:00")
    assert schedule.last(noon) == at(last)
    assert schedule.next(noon) == at(following)


@given(TEXTS, INSTANTS)
def test_nothing_is_due_between_the_last_and_the_next_time(text: str, instant: int) -> None:
    schedule = Schedule.parse(text)
    last, following = schedule.last(instant), schedule.next(instant)
    if last is None or following is None:
        assert last is following is None
        return
    assert last <= instant < following
    assert schedule.last(following - 1) == last
    assert schedule.next(last) == following
    assert schedule.last(last) == last


@given(TEXTS, INSTANTS, st.integers(0, 3 * DAY_MS), st.integers(1, 30))
def test_missed_times_are_the_newest_in_order(text: str, after: int, span: int, most: int) -> None:
    schedule = Schedule.parse(text)
    found = schedule.newest(after, after + span, most)
    walked: list[int] = []
    due = schedule.next(after)
    while due is not None and due <= after + span and len(walked) < 100_000:
        walked.append(due)
        due = schedule.next(due)
    if len(walked) < 100_000:
        assert found == walked[-most:]


@given(TEXTS)
def test_a_schedule_is_written_as_it_is_read(text: str) -> None:
    assert Schedule.parse(str(Schedule.parse(text))) == Schedule.parse(text)


def test_every_day_has_the_same_times() -> None:
    schedule = Schedule.parse("00:00,23:59")
    for day in (date(1969, 12, 31), date(2024, 2, 29), date(2100, 1, 1)):
        start = clock.start_of_day_ms(day)
        assert schedule.newest(start - 1, start + DAY_MS - 1, 9) == [start, start + DAY_MS - 60_000]


def test_off_is_never_due() -> None:
    off = Schedule.parse("off")
    assert (off.last(0), off.next(0), off.newest(0, 10**13, 9), str(off)) == (None, None, [], "off")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24:00",
        "3:60",
        "03:30;04:30",
        "03:30,",
        "every",
        "every 0m",
        "every 7h",
        "every 2d",
        "every -1h",
        "٠٣:٣٠",
        "on",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Schedule.parse(text)


@pytest.mark.parametrize(("period", "offsets"), [(0, (0,)), (10, (10,)), (10, (-1,)), (10, (2, 1)), (10, (1, 1))])
def test_a_grid_that_is_none_is_refused(period: int, offsets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        Schedule(period, offsets)
