"""Pacing: between the bounds, never before a server wants it, and no later than it may ask for."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.clock import DAY_MS
from content_store.ingest import pacing
from content_store.ingest.pacing import MOST_ASKED_MS, Bounds, Plan, Wishes, after_answer, after_failure
from content_store.settings import load_settings

NOON = 1_735_704_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
BOUNDS = Bounds(30 * MINUTE, DAY_MS)

bounds = st.tuples(st.integers(1, 7 * DAY_MS), st.integers(1, 7 * DAY_MS)).map(lambda two: Bounds(min(two), max(two)))
moments = st.integers(0, 4_000_000_000_000)
chances = st.floats(0, 1, exclude_max=True)
spans = st.none() | st.integers(0, 10**18)
wishes = st.builds(
    Wishes,
    retry_after_s=spans,
    fresh_s=spans,
    ttl_s=spans,
    skip_hours=st.frozensets(st.integers(0, 23)),
    skip_days=st.frozensets(st.integers(0, 6)),
)
plans = st.builds(
    lambda now, chance, wishes, bounds, interval, new, failures: (
        now,
        wishes,
        bounds,
        [
            after_answer(now, interval, new, bounds, lambda: chance, wishes),
            after_failure(now, interval, failures, bounds, lambda: chance, wishes),
        ],
    ),
    moments,
    chances,
    wishes,
    bounds,
    st.integers(1, 30 * DAY_MS),
    st.integers(0, 10**6),
    st.integers(1, 10**6),
)
Planned = tuple[int, Wishes, Bounds, list[Plan]]


@given(plans)
def test_no_fetch_is_sooner_than_the_lower_bound_and_what_the_server_asked_for(planned: Planned) -> None:
    now, wishes, bounds, found = planned
    asked = min((wishes.retry_after_s or 0) * 1000, MOST_ASKED_MS)
    assert all(plan.next_at >= now + max(bounds.least_ms, asked) for plan in found)


@given(plans)
def test_no_fetch_is_later_than_the_upper_bound_unless_the_server_asked_for_it(planned: Planned) -> None:
    now, wishes, bounds, found = planned
    asked = min((wishes.retry_after_s or 0) * 1000, MOST_ASKED_MS)
    skipping = 7 * DAY_MS if wishes.skip_hours or wishes.skip_days else 0
    assert all(plan.next_at <= now + max(bounds.most_ms, asked) + skipping for plan in found)


@given(plans)
def test_no_fetch_is_at_an_hour_or_on_a_day_to_be_skipped_where_others_are_left(planned: Planned) -> None:
    _, wishes, _, found = planned
    if len(wishes.skip_hours) < 24 and len(wishes.skip_days) < 7:
        for plan in found:
            at = datetime.fromtimestamp(plan.next_at // 1000, UTC)
            assert at.hour not in wishes.skip_hours
            assert at.weekday() not in wishes.skip_days


@given(moments, chances, bounds, st.integers(1, 30 * DAY_MS), st.integers(0, 1000), st.integers(0, 1000))
def test_more_news_never_make_a_feed_be_asked_later(
    now: int, chance: float, bounds: Bounds, interval: int, few: int, more: int
) -> None:
    few, more = sorted((few, more))
    with_few = after_answer(now, interval, few, bounds, lambda: chance)
    with_more = after_answer(now, interval, more, bounds, lambda: chance)
    assert with_more.interval_ms <= with_few.interval_ms
    assert bounds.least_ms <= with_more.interval_ms <= bounds.most_ms


@given(moments, chances, bounds, st.integers(1, 10**6))
def test_a_failure_leaves_the_interval_as_it_was(now: int, chance: float, bounds: Bounds, failures: int) -> None:
    assert after_failure(now, 12_345, failures, bounds, lambda: chance).interval_ms == 12_345


def test_failures_spread_over_ever_longer_times() -> None:
    least = [after_failure(0, 1, failures, BOUNDS, lambda: 0.0).next_at for failures in range(1, 9)]
    most = [after_failure(0, 1, failures, BOUNDS, lambda: 0.999999).next_at / HOUR for failures in range(1, 9)]
    assert set(least) == {30 * MINUTE}
    assert [round(hours, 1) for hours in most] == [1, 2, 4, 8, 16, 24, 24, 24]


def test_a_wish_for_years_is_listened_to_for_a_while() -> None:
    years = 10 * 365 * 86_400
    patient = after_failure(NOON, HOUR, 1, BOUNDS, lambda: 0.0, Wishes(retry_after_s=years))
    assert patient.next_at == NOON + 7 * DAY_MS
    for wish in (Wishes(fresh_s=years), Wishes(ttl_s=years)):
        assert after_answer(NOON, HOUR, 1, BOUNDS, lambda: 0.0, wish).next_at == NOON + DAY_MS


def test_hours_to_skip_are_those_of_greenwich() -> None:
    # Noon in Shanghai is four in Greenwich.
    wish = Wishes(skip_hours=frozenset({4, 5}))
    assert after_answer(NOON, HOUR, 1, BOUNDS, lambda: 0.5, wish).next_at == NOON + 2 * HOUR
    everything = Wishes(skip_hours=frozenset(range(24)))
    assert after_answer(NOON, HOUR, 1, BOUNDS, lambda: 0.5, everything).next_at == NOON + 30 * MINUTE


def fetched_for(days: int, published: list[int]) -> tuple[float, float]:
    """Fetches a day, and hours for which an item waited on average, of a feed that publishes at these times."""
    chance = random.Random(7).random
    at, interval, fetches, seen, waited = 0, pacing.first(BOUNDS), 0, 0, 0
    while at < days * DAY_MS:
        fetches += 1
        new = [then for then in published[seen:] if then <= at]
        seen += len(new)
        waited += sum(at - then for then in new)
        at, interval = after_answer(at, interval, len(new), BOUNDS, chance)
    return fetches / days, waited / max(1, seen) / HOUR


@pytest.mark.parametrize(
    ("every_h", "most_fetches", "most_hours"),
    [(0.5, 48, 0.6), (4, 20, 2), (24, 9, 7), (7 * 24, 4, 20), (10**6, 1.5, 0)],
)
def test_a_feed_is_asked_as_often_as_it_brings_news(every_h: float, most_fetches: float, most_hours: float) -> None:
    published = [int(number * every_h * HOUR) for number in range(1, int(90 * 24 / every_h) + 1)]
    fetches, hours = fetched_for(90, published)
    assert fetches <= most_fetches
    assert hours <= most_hours


def test_the_bounds_are_settings() -> None:
    settings = load_settings({"KEPU_FEED_LEAST_MINUTES": "10", "KEPU_FEED_MOST_MINUTES": "720"})
    assert Bounds.of(settings) == Bounds(10 * MINUTE, 12 * HOUR)
