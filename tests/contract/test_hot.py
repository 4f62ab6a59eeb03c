"""What hot state promises, one body for the memory of a process and for a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store import clock
from content_store.hot import Hot, HotEvent, Rate, Seen, Taken, open_hot
from content_store.hot.base import (
    EVENT_LIFE_MS,
    EVENTS_KEPT,
    IMPRESSION_LIFE_MS,
    IMPRESSIONS_KEPT,
    SLATE_LIFE_MS,
)
from content_store.hot.buckets import SKEW_MS
from content_store.settings import Settings
from content_store.vocabulary import EventKind
from tests.conftest import NOON

MINUTE = 60_000


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.backend("redis"))])
def hot(request: pytest.FixtureRequest, settings_factory: Callable[..., Settings], fixed_clock: int) -> Iterator[Hot]:
    """Empty hot state of each kind, while the clock stands at noon."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    opened = open_hot(settings_factory(redis_url=url))
    assert opened.shared is (request.param == "redis")
    yield opened
    opened.close()


def test_a_slate_is_given_back_as_it_was_put(hot: Hot) -> None:
    hot.put_slate("a", b"\x00\xff anything")
    hot.put_slate("b", b"")
    assert hot.get_slate("a") == b"\x00\xff anything"
    assert hot.get_slate("b") == b""


def test_a_slate_of_an_array_is_given_back_as_its_bytes(hot: Hot) -> None:
    items = np.arange(20_000, dtype=np.int32)[::-1]
    hot.put_slate("a", items)
    assert np.array_equal(np.frombuffer(hot.get_slate("a") or b"", np.int32), items)


def test_an_unknown_slate_is_none(hot: Hot) -> None:
    assert hot.get_slate("nothing") is None


def test_a_later_slate_takes_the_place_of_an_earlier_one(hot: Hot) -> None:
    hot.put_slate("a", b"first and longer")
    hot.put_slate("a", b"second")
    assert hot.get_slate("a") == b"second"


def test_a_cursor_lives_for_half_an_hour_and_more(hot: Hot) -> None:
    assert SLATE_LIFE_MS > 30 * MINUTE
    hot.put_slate("a", b"list")
    with clock.fixed(NOON + 30 * MINUTE):
        assert hot.get_slate("a") == b"list"


def test_a_slate_goes_when_its_life_is_over(hot: Hot) -> None:
    hot.put_slate("a", b"list", life_ms=40 * MINUTE)
    with clock.fixed(NOON + 40 * MINUTE - 1):
        assert hot.get_slate("a") is not None
    hot.put_slate("b", b"list", life_ms=40 * MINUTE)
    with clock.fixed(NOON + 40 * MINUTE):
        assert hot.get_slate("b") is None


def test_each_look_at_a_slate_begins_its_life_anew(hot: Hot) -> None:
    hot.put_slate("a", b"list", life_ms=40 * MINUTE)
    for step in range(1, 5):
        with clock.fixed(NOON + step * 39 * MINUTE):
            assert hot.get_slate("a") == b"list"
    with clock.fixed(NOON + 4 * 39 * MINUTE + 40 * MINUTE):
        assert hot.get_slate("a") is None


def test_impressions_are_counted_with_their_last_time_the_newest_first(hot: Hot) -> None:
    hot.note_impressions("阿依", ["x", "y", "z w"], NOON - 5)
    hot.note_impressions("阿依", ["y"], NOON - 2)
    found = hot.impressions("阿依")
    assert found == {"y": Seen(2, NOON - 2), "z w": Seen(1, NOON - 5), "x": Seen(1, NOON - 5)}
    assert list(found) == ["y", "z w", "x"]


def test_an_impression_that_is_told_late_does_not_turn_the_last_time_back(hot: Hot) -> None:
    hot.note_impressions("a", ["x"], NOON)
    hot.note_impressions("a", ["x"], NOON - 9)
    assert hot.impressions("a") == {"x": Seen(2, NOON)}


def test_citizens_have_their_own_impressions_and_events(hot: Hot) -> None:
    hot.note_impressions("a", ["x"], NOON)
    hot.note_events("a", [HotEvent(EventKind.READ, "x", NOON)])
    assert hot.impressions("b") == {}
    assert hot.recent_events("b") == []


def test_only_the_last_impressions_are_kept(hot: Hot) -> None:
    hot.note_impressions("a", [f"c{number}" for number in range(IMPRESSIONS_KEPT)], NOON)
    hot.note_impressions("a", ["new"], NOON)
    found = hot.impressions("a")
    assert len(found) == IMPRESSIONS_KEPT
    assert "new" in found
    assert "c0" not in found


def test_old_impressions_are_not_told(hot: Hot) -> None:
    hot.note_impressions("a", ["old"], NOON)
    hot.note_impressions("a", ["new"], NOON + 1)
    with clock.fixed(NOON + IMPRESSION_LIFE_MS):
        assert list(hot.impressions("a")) == ["new"]


def test_noting_nothing_changes_nothing(hot: Hot) -> None:
    hot.note_impressions("a", [], NOON)
    hot.note_events("a", [])
    assert hot.impressions("a") == {}
    assert hot.recent_events("a") == []


def test_events_come_back_whole_the_last_noted_first(hot: Hot) -> None:
    first = [HotEvent(EventKind.CLICK, "一 二", NOON - 2), HotEvent(EventKind.READ, "一 二", NOON - 1)]
    hot.note_events("a", first)
    hot.note_events("a", [HotEvent(EventKind.NOT_INTERESTED, "y", NOON)])
    assert hot.recent_events("a") == [HotEvent(EventKind.NOT_INTERESTED, "y", NOON), *reversed(first)]


def test_only_the_last_events_are_kept_and_no_old_ones_told(hot: Hot) -> None:
    hot.note_events("a", [HotEvent(EventKind.READ, f"c{number}", NOON + number) for number in range(EVENTS_KEPT + 3)])
    found = hot.recent_events("a")
    assert [event.content_id for event in found] == [f"c{number}" for number in range(EVENTS_KEPT + 2, 2, -1)]
    with clock.fixed(NOON + EVENT_LIFE_MS + 9):
        assert [event.content_id for event in hot.recent_events("a")][-1] == "c10"


def test_who_is_forgotten_has_no_impressions_and_events_left(hot: Hot) -> None:
    for citizen in ("a", "b"):
        hot.note_impressions(citizen, ["x"], NOON)
        hot.note_events(citizen, [HotEvent(EventKind.READ, "x", NOON)])
    hot.forget("a")
    assert (hot.impressions("a"), hot.recent_events("a")) == ({}, [])
    assert hot.impressions("b") and hot.recent_events("b")


def test_a_bucket_gives_its_burst_and_then_says_when_to_come_again(hot: Hot) -> None:
    rate = Rate(per_s=2, burst=3)
    assert [hot.take("a", rate).allowed for _ in range(4)] == [True, True, True, False]
    assert hot.take("a", rate).retry_after_s == pytest.approx(0.5)
    with clock.fixed(NOON + 499):
        assert not hot.take("a", rate).allowed
    with clock.fixed(NOON + 500):
        assert hot.take("a", rate).allowed
        assert not hot.take("a", rate).allowed


def test_an_idle_bucket_fills_up_and_not_beyond(hot: Hot) -> None:
    rate = Rate(per_s=10, burst=2)
    hot.take("a", rate, 2)
    with clock.fixed(NOON + 1_000_000):
        assert [hot.take("a", rate).allowed for _ in range(3)] == [True, True, False]


def test_tokens_are_taken_all_or_none(hot: Hot) -> None:
    rate = Rate(per_s=1, burst=5)
    assert hot.take("a", rate, 3).allowed
    assert not hot.take("a", rate, 3).allowed
    assert hot.take("a", rate, 2).allowed


def test_more_than_a_bucket_holds_is_a_mistake_of_the_caller(hot: Hot) -> None:
    with pytest.raises(ValueError, match="6 tokens"):
        hot.take("a", Rate(per_s=1, burst=5), 6)


def test_buckets_do_not_share_tokens(hot: Hot) -> None:
    rate = Rate(per_s=1, burst=1)
    assert hot.take("a", rate).allowed
    assert hot.take("b", rate).allowed


def test_a_clock_put_right_stops_nobody(hot: Hot) -> None:
    rate = Rate(per_s=1, burst=2)
    with clock.fixed(NOON + 7_200_000):
        assert [hot.take("a", rate).allowed for _ in range(3)] == [True, True, False]
    assert [hot.take("a", rate).allowed for _ in range(3)] == [True, True, False]


def test_clocks_that_differ_a_little_find_a_bucket_no_emptier_than_empty_and_no_fuller(hot: Hot) -> None:
    rate = Rate(per_s=1, burst=2)
    with clock.fixed(NOON + SKEW_MS):
        hot.take("a", rate, 2)
    assert hot.take("a", rate) == Taken(False, 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    per_s=st.floats(0.1, 50),
    burst=st.integers(1, 8),
    asked=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 8)), max_size=25),
    name=st.uuids(),
)
def test_no_span_of_time_gives_more_than_the_burst_and_what_came_back_in_it(
    hot: Hot, per_s: float, burst: int, asked: list[tuple[int, int]], name: object
) -> None:
    rate, now, given_out = Rate(per_s, burst), NOON, []
    for wait, cost in asked:
        now += wait
        with clock.fixed(now):
            if cost <= burst and hot.take(str(name), rate, cost).allowed:
                given_out.append((now, cost))
    for start, (first, _) in enumerate(given_out):
        for end in range(start, len(given_out)):
            taken = sum(cost for _, cost in given_out[start : end + 1])
            assert taken <= burst + (given_out[end][0] - first) / 1000 * per_s + 1e-6


def test_many_takers_at_once_get_no_token_twice(hot: Hot) -> None:
    rate = Rate(per_s=0.001, burst=50)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(hot.take("a", rate).allowed for _ in range(25))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (100, 50)


def test_a_version_is_another_after_each_bump(hot: Hot) -> None:
    assert hot.version("contents") is None
    first = hot.bump("contents")
    assert hot.version("contents") == first
    assert hot.bump("contents") != first
    assert hot.version("contents") != first
    assert hot.version("snapshot") is None


def test_figures_are_numbers_and_a_ping_passes(hot: Hot) -> None:
    hot.ping()
    assert all(float(value) >= 0 for value in hot.figures().values())
