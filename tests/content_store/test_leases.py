"""Leases: one holder at a time, taken over from the silent, and no clock on the wall has a say."""

from __future__ import annotations

import pytest

from content_store import clock, leases
from content_store.db import Database
from content_store.leases import Lease, Sign, Watch


class Elapsed:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


def acquire(database: Database, holder: str, watch: Watch[str]) -> Lease | None:
    with database.begin() as connection:
        return leases.acquire(connection, "leader", holder, lease_ms=1000, watch=watch)


def available(database: Database, watch: Watch[str]) -> bool:
    with database.connect() as connection:
        return leases.available(connection, "leader", watch)


def renew(database: Database, lease: Lease | None) -> bool:
    assert lease is not None
    with database.begin() as connection:
        return leases.renew(connection, lease)


def test_a_lease_has_one_holder(database: Database, elapsed: Elapsed) -> None:
    watch: Watch[str] = Watch(elapsed)
    assert available(database, watch)
    assert acquire(database, "a", watch) == Lease("leader", "a", 1)
    assert not available(database, watch)
    assert acquire(database, "b", watch) is None
    with database.connect() as connection:
        assert leases.holder(connection, "leader") == "a"
        assert leases.holder(connection, "other") is None


def test_a_holder_that_gives_signs_of_life_keeps_it(database: Database, elapsed: Elapsed) -> None:
    mine = acquire(database, "a", Watch(elapsed))
    watch: Watch[str] = Watch(elapsed)
    for _ in range(5):
        assert not available(database, watch)
        elapsed.now += 0.75
        assert renew(database, mine)
    assert acquire(database, "b", watch) is None


def test_a_silent_holder_is_followed_by_one_with_a_higher_token_and_refused(
    database: Database, elapsed: Elapsed
) -> None:
    silent = acquire(database, "a", Watch(elapsed))
    watch: Watch[str] = Watch(elapsed)
    assert not available(database, watch)
    elapsed.now += 0.75
    assert not available(database, watch)
    elapsed.now += 0.25
    assert available(database, watch)
    assert acquire(database, "b", watch) == Lease("leader", "b", 2)
    assert not renew(database, silent)
    # What the old holder lets go of is not what the new one holds.
    assert silent is not None
    with database.begin() as connection:
        leases.release(connection, silent)
        assert leases.holder(connection, "leader") == "b"


def test_two_that_watched_the_same_silence_do_not_both_take_over(database: Database, elapsed: Elapsed) -> None:
    acquire(database, "a", Watch(elapsed))
    first: Watch[str] = Watch(elapsed)
    second: Watch[str] = Watch(elapsed)
    assert not available(database, first)
    assert not available(database, second)
    elapsed.now += 2
    assert acquire(database, "b", first)
    assert acquire(database, "c", second) is None


def test_a_lease_that_was_let_go_of_is_free_at_once(database: Database, elapsed: Elapsed) -> None:
    mine = acquire(database, "a", Watch(elapsed))
    assert mine is not None
    with database.begin() as connection:
        leases.release(connection, mine)
        assert leases.holder(connection, "leader") is None
    assert not renew(database, mine)
    assert acquire(database, "b", Watch(elapsed)) == Lease("leader", "b", 2)


@pytest.mark.parametrize("hours", [-2, 2, 24 * 365 * 50])
def test_a_clock_that_is_set_breaks_no_lease_and_keeps_none(database: Database, elapsed: Elapsed, hours: int) -> None:
    watch: Watch[str] = Watch(elapsed)
    with clock.fixed(1_700_000_000_000):
        mine = acquire(database, "a", watch)
        assert not available(database, watch)
    with clock.fixed(1_700_000_000_000 + hours * 3_600_000):
        assert not available(database, watch)
        assert renew(database, mine)
        assert not available(database, watch)
        elapsed.now += 1
        assert available(database, watch)


def test_a_watch_begins_anew_when_something_moves_or_was_gone() -> None:
    elapsed = Elapsed()
    watch: Watch[str] = Watch(elapsed)
    still, moved = {"x": Sign((1, 0), 1000)}, {"x": Sign((1, 1), 1000)}
    assert watch.lapsed(still) == []
    elapsed.now = 0.5
    assert watch.lapsed(moved) == []
    elapsed.now = 1.25
    assert watch.lapsed(moved) == []
    elapsed.now = 1.5
    assert watch.lapsed(moved) == ["x"]
    assert watch.lapsed({}) == []
    assert watch.lapsed(moved) == []
