"""Feeds: claimed by one worker, one of each host at a time, and recorded whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import clock, schema
from content_store.db import Database, open_database
from content_store.errors import BadRecord, FetchFailed, LeaseLost, UnknownFeed
from content_store.ingest import feeds, hosts
from content_store.ingest.feeds import Brought, Claim, Feed, Outcome
from content_store.ingest.fetching import Fetched
from content_store.ingest.hosts import Gates
from content_store.ingest.pacing import Bounds, Wishes
from content_store.leases import Watch
from content_store.problems import FetchProblem
from content_store.settings import load_settings
from content_store.vocabulary import FeedState
from tests.support.hostile import Hostile, page, reach, redirect

NOON = 1_735_704_000_000
MINUTE = 60_000
BOUNDS = Bounds(30 * MINUTE, clock.DAY_MS)
ANSWER = Fetched(
    url="http://a.test/feed",
    moved_to=None,
    status=200,
    not_modified=False,
    body=b"<rss/>",
    content_type="application/rss+xml",
    charset=None,
    etag='"1"',
    last_modified="Wed, 01 Jan 2025 04:00:00 GMT",
    retry_after_s=None,
    fresh_s=None,
    wire_bytes=6,
)

pytestmark = pytest.mark.usefixtures("fixed_clock")


class Elapsed:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def people(request: pytest.FixtureRequest) -> Iterator[None]:
    if "database" in request.fixturenames:
        with request.getfixturevalue("database").begin() as connection:
            root = {"id": "sc", "kind": "province", "name": "四川", "created_at": 0}
            connection.execute(sa.insert(schema.organisations), root)
            account = {"id": "li", "login": "li", "name": "李", "organisation_id": "sc", "created_at": 0}
            connection.execute(sa.insert(schema.accounts), account)
    yield


def subscribe(database: Database, *urls: str) -> list[Feed]:
    with database.begin() as connection:
        options: Any = {"account_id": "li", "organisation_id": "sc", "licence": "CC BY 4.0", "bounds": BOUNDS}
        return [feeds.subscribe(connection, url, **options) for url in urls]


def claim(database: Database, *, limit: int = 10, worker: str = "w", watch: Watch[str] | None = None) -> list[Claim]:
    with database.begin() as connection:
        return feeds.claim_due(connection, worker, limit=limit, lease_ms=1000, watch=watch or Watch())


def record(database: Database, claimed: Claim, outcome: Outcome, chance: float = 0.5) -> Feed:
    with database.begin() as connection:
        found = feeds.record(connection, claimed, outcome, bounds=BOUNDS, chance=lambda: chance)
    assert found is not None
    return found


def get(database: Database, feed: Feed) -> Feed:
    with database.connect() as connection:
        return feeds.get(connection, feed.id)


def urls(claims: list[Claim]) -> set[str]:
    return {found.feed.url for found in claims}


def test_a_feed_is_kept_under_one_spelling_of_its_address_and_is_due_at_once(database: Database) -> None:
    [feed] = subscribe(database, "HTTP://A.test:80/feed#top")
    assert (feed.url, feed.host, feed.state, feed.next_at) == ("http://a.test/feed", "a.test", FeedState.ACTIVE, NOON)
    assert (feed.problem, feed.failures, feed.interval_ms) == (None, 0, BOUNDS.least_ms)
    with pytest.raises(BadRecord, match="there already"):
        subscribe(database, "http://a.test./feed")
    with database.connect() as connection:
        assert feeds.of_account(connection, "li") == feeds.every(connection) == [feed]
        assert feeds.every(connection, [FeedState.GONE]) == feeds.of_account(connection, "wang") == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"account_id": "nobody"}, "exist"), ({"organisation_id": "x"}, "exist"), ({"licence": " "}, "licence")],
)
def test_a_feed_belongs_to_somebody_and_has_a_licence(database: Database, changed: dict[str, str], told: str) -> None:
    options: Any = {"account_id": "li", "organisation_id": "sc", "licence": "CC BY 4.0", "bounds": BOUNDS} | changed
    with pytest.raises(BadRecord, match=told), database.begin() as connection:
        feeds.subscribe(connection, "http://a.test/", **options)
    with pytest.raises(FetchFailed), database.begin() as connection:
        feeds.subscribe(connection, "file:///etc/passwd", **options)


def test_of_each_host_one_feed_is_claimed_at_a_time_the_longest_due_first(database: Database) -> None:
    first, second, other = subscribe(database, "http://a.test/1", "http://a.test/2", "https://b.test/1")
    claims = claim(database)
    assert urls(claims) == {first.url, other.url}
    assert claim(database, worker="v") == []
    done = next(found for found in claims if found.feed == first)
    record(database, done, Brought(fetched=ANSWER))
    assert urls(claim(database, worker="v")) == {second.url}
    with database.connect() as connection:
        assert feeds.next_due_at(connection) == NOON


def test_no_more_are_claimed_than_wanted(database: Database) -> None:
    subscribe(database, *(f"http://{name}.test/" for name in "abcde"))
    assert len(claim(database, limit=2)) == 2
    assert len(claim(database, limit=2)) == 2
    assert len(claim(database, limit=2)) == 1


def test_an_answer_is_recorded_with_what_to_ask_next_time(database: Database) -> None:
    subscribe(database, "http://a.test/feed")
    [claimed] = claim(database)
    feed = record(database, claimed, Brought(fetched=ANSWER, new_items=3, title="科普四川\0"))
    assert (feed.etag, feed.last_modified, feed.title) == (ANSWER.etag, ANSWER.last_modified, "科普四川")
    assert (feed.last_fetched_at, feed.last_changed_at) == (NOON, NOON)
    assert feed.next_at == NOON + 30 * MINUTE
    with clock.fixed(NOON + 30 * MINUTE - 1):
        assert claim(database) == []
    with clock.fixed(NOON + 30 * MINUTE):
        [claimed] = claim(database)
        same = replace(ANSWER, not_modified=True, etag=None, last_modified=None)
        feed = record(database, claimed, Brought(fetched=same))
    assert (feed.etag, feed.last_modified) == (ANSWER.etag, ANSWER.last_modified)
    assert (feed.last_changed_at, feed.interval_ms) == (NOON, 45 * MINUTE)
    with clock.fixed(feed.next_at):
        [claimed] = claim(database)
        feed = record(database, claimed, Brought(fetched=replace(ANSWER, etag=None)))
    assert feed.etag is None


def test_the_wishes_of_server_and_feed_put_the_next_fetch_off(database: Database) -> None:
    subscribe(database, "http://a.test/feed")
    [claimed] = claim(database)
    feed = record(database, claimed, Brought(fetched=replace(ANSWER, fresh_s=7_200), new_items=1))
    assert feed.next_at == NOON + 120 * MINUTE
    with clock.fixed(feed.next_at):
        [claimed] = claim(database)
        feed = record(database, claimed, Brought(fetched=ANSWER, new_items=1, wishes=Wishes(ttl_s=14_400)))
        assert feed.next_at == clock.now_ms() + 240 * MINUTE


def test_a_failure_is_seen_and_forgotten_with_the_next_answer(database: Database) -> None:
    subscribe(database, "http://a.test/feed")
    for failures, minutes in ((1, 45), (2, 75), (3, 135)):
        [claimed] = claim(database)
        feed = record(database, claimed, FetchFailed(FetchProblem.DNS, "a.test stands for no address"))
        assert (feed.state, feed.failures, feed.problem) == (FeedState.FAILING, failures, FetchProblem.DNS)
        assert (feed.error, feed.next_at) == ("a.test stands for no address", NOON + minutes * MINUTE)
        with database.begin() as connection:
            connection.execute(sa.update(schema.feeds).values(next_at=NOON))
    [claimed] = claim(database)
    feed = record(database, claimed, Brought(fetched=ANSWER))
    assert (feed.state, feed.failures, feed.problem, feed.error) == (FeedState.ACTIVE, 0, None, None)


def test_a_feed_that_is_gone_is_left_alone_until_a_person_resumes_it(database: Database) -> None:
    [feed] = subscribe(database, "http://a.test/feed")
    [claimed] = claim(database)
    gone = record(database, claimed, FetchFailed(FetchProblem.GONE, "410", status=410))
    assert (gone.state, gone.problem) == (FeedState.GONE, FetchProblem.GONE)
    with clock.fixed(NOON + 10 * clock.DAY_MS):
        assert claim(database) == []
        with database.begin() as connection:
            assert feeds.next_due_at(connection) is None
            assert feeds.resume(connection, feed.id).state == FeedState.ACTIVE
        assert len(claim(database)) == 1


def test_a_host_that_is_asked_too_often_rests_for_all_its_feeds(database: Database) -> None:
    subscribe(database, "http://a.test/1", "http://a.test/2", "http://b.test/1")
    claimed, other = sorted(claim(database), key=lambda found: found.feed.url)
    record(database, claimed, FetchFailed(FetchProblem.RATE_LIMITED, "429", status=429, retry_after_s=600))
    record(database, other, FetchFailed(FetchProblem.SERVER_ERROR, "503", status=503, retry_after_s=600))
    assert claim(database) == []
    with clock.fixed(NOON + 600_000 - 1):
        assert claim(database) == []
    with clock.fixed(NOON + 600_000):
        assert urls(claim(database)) == {"http://a.test/2"}


def test_a_page_that_fails_leaves_the_other_feeds_of_its_host_alone(database: Database) -> None:
    subscribe(database, "http://a.test/1", "http://a.test/2")
    [claimed] = claim(database)
    record(database, claimed, FetchFailed(FetchProblem.SERVER_ERROR, "503", status=503, retry_after_s=600))
    assert urls(claim(database)) == {"http://a.test/2"}


def test_a_rest_of_years_ends_after_a_day(database: Database) -> None:
    subscribe(database, "http://a.test/1", "http://a.test/2")
    [claimed] = claim(database)
    record(database, claimed, FetchFailed(FetchProblem.RATE_LIMITED, "429", retry_after_s=10**15))
    with clock.fixed(NOON + clock.DAY_MS):
        assert urls(claim(database)) == {"http://a.test/2"}


def test_a_clock_that_was_ahead_keeps_nothing_waiting(database: Database) -> None:
    subscribe(database, "http://a.test/1", "http://b.test/1")
    with clock.fixed(NOON + 1000 * clock.DAY_MS):
        for claimed in claim(database):
            record(database, claimed, FetchFailed(FetchProblem.RATE_LIMITED, "429", retry_after_s=10**15))
    assert len(claim(database)) == 2


def test_a_busy_host_is_nobodys_failure(database: Database) -> None:
    [before] = subscribe(database, "http://a.test/1")
    [claimed] = claim(database)
    after = record(database, claimed, FetchFailed(FetchProblem.HOST_BUSY, "b.test is being fetched from"))
    assert after == replace(before, next_at=after.next_at)
    assert NOON < after.next_at <= NOON + 5 * MINUTE


def test_a_feed_moves_for_good_where_its_address_did(database: Database) -> None:
    subscribe(database, "http://a.test/feed")
    [claimed] = claim(database)
    moved = record(database, claimed, Brought(fetched=replace(ANSWER, moved_to="https://b.test/feed")))
    assert (moved.url, moved.host, moved.etag) == ("https://b.test/feed", "b.test", ANSWER.etag)
    with clock.fixed(moved.next_at):
        [claimed] = claim(database)
        assert claimed.hold.host == "b.test"


def test_a_feed_does_not_move_onto_another(database: Database) -> None:
    subscribe(database, "http://a.test/feed", "https://b.test/feed")
    claimed = min(claim(database), key=lambda found: found.feed.url)
    stayed = record(database, claimed, Brought(fetched=replace(ANSWER, moved_to="https://b.test/feed")))
    assert stayed.url == "http://a.test/feed"


def test_what_a_person_did_meanwhile_stands(database: Database) -> None:
    paused, forgotten = subscribe(database, "http://a.test/1", "http://b.test/1")
    claims = {found.feed.url: found for found in claim(database)}
    with database.begin() as connection:
        feeds.pause(connection, paused.id)
        feeds.unsubscribe(connection, forgotten.id)
        with pytest.raises(UnknownFeed):
            feeds.unsubscribe(connection, forgotten.id)
    assert record(database, claims[paused.url], Brought(fetched=ANSWER)).state == FeedState.PAUSED
    with database.begin() as connection:
        outcome = Brought(fetched=ANSWER)
        assert feeds.record(connection, claims[forgotten.url], outcome, bounds=BOUNDS) is None
        with pytest.raises(UnknownFeed):
            feeds.get(connection, forgotten.id)
    with clock.fixed(NOON + 10 * clock.DAY_MS):
        assert claim(database) == []


def test_a_feed_that_is_given_back_is_due_as_before(database: Database) -> None:
    [feed] = subscribe(database, "http://a.test/1")
    [claimed] = claim(database)
    with database.begin() as connection:
        feeds.release(connection, claimed)
    assert get(database, feed) == feed
    assert len(claim(database)) == 1


def test_who_gives_signs_of_life_keeps_the_host_and_who_is_silent_loses_it_with_the_outcome(database: Database) -> None:
    [feed] = subscribe(database, "http://a.test/1")
    [silent] = claim(database)
    elapsed = Elapsed()
    watch: Watch[str] = Watch(elapsed)
    assert claim(database, worker="v", watch=watch) == []
    elapsed.now += 0.9
    with database.begin() as connection:
        assert feeds.renew(connection, silent)
    assert claim(database, worker="v", watch=watch) == []
    elapsed.now += 0.9
    assert claim(database, worker="v", watch=watch) == []
    elapsed.now += 0.1
    [taken] = claim(database, worker="v", watch=watch)
    assert (taken.feed, taken.hold.token) == (feed, silent.hold.token + 1)
    with database.begin() as connection:
        assert not feeds.renew(connection, silent)
        feeds.release(connection, silent)
    with pytest.raises(LeaseLost):
        record(database, silent, Brought(fetched=ANSWER))
    assert get(database, feed) == feed
    assert record(database, taken, Brought(fetched=ANSWER)).etag == ANSWER.etag


def test_the_outcome_and_what_became_of_it_are_one(database: Database) -> None:
    [feed] = subscribe(database, "http://a.test/1")
    [claimed] = claim(database)
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        feeds.record(connection, claimed, Brought(fetched=ANSWER), bounds=BOUNDS)
        raise ZeroDivisionError
    assert get(database, feed) == feed
    record(database, claimed, Brought(fetched=ANSWER))


def test_many_workers_at_once_never_meet(database: Database) -> None:
    subscribe(database, *(f"http://{host}.test/{number}" for host in "abcd" for number in range(3)))
    fetched: list[str] = []
    busy: Counter[str] = Counter()
    met: list[str] = []

    def work(worker: int) -> None:
        watch: Watch[str] = Watch()
        for _ in range(40):
            for claimed in claim(database, limit=2, worker=str(worker), watch=watch):
                busy[claimed.feed.host] += 1
                if busy[claimed.feed.host] > 1:
                    met.append(claimed.feed.host)
                fetched.append(claimed.feed.url)
                busy[claimed.feed.host] -= 1
                record(database, claimed, Brought(fetched=ANSWER))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert met == []
    assert sorted(fetched) == sorted({f"http://{host}.test/{number}" for host in "abcd" for number in range(3)})


def _claim_and_die(url: str) -> None:
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    with clock.fixed(NOON), database.begin() as connection:
        assert feeds.claim_due(connection, "doomed", limit=1, lease_ms=1000, watch=Watch())
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_worker_had_begun_is_taken_over(database: Database, database_url: str) -> None:
    [feed] = subscribe(database, "http://a.test/1")
    doomed = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(database_url,))
    doomed.start()
    doomed.join(60)
    assert doomed.exitcode == -signal.SIGKILL
    elapsed = Elapsed()
    watch: Watch[str] = Watch(elapsed)
    assert claim(database, watch=watch) == []
    elapsed.now += 1
    [taken] = claim(database, watch=watch)
    assert (taken.feed, taken.hold.token) == (feed, 2)


def gates(database: Database, holder: str, *held: str, watch: Watch[str] | None = None) -> Gates:
    return Gates(database, holder, lease_ms=1000, watch=watch or Watch(), held=lambda: held)


def test_a_redirect_enters_another_host_only_while_nobody_else_is_there(database: Database) -> None:
    with Hostile(page()) as server, Hostile(redirect(server.url())) as first:
        fetcher = reach(first, server)
        fetcher.get(first.url(), gate=gates(database, "w"))
        with database.begin() as connection:
            hosts.ensure(connection, "hostile.test")
            token = hosts.token_of(connection, "hostile.test", NOON, ())
            assert token == 2
            hold = hosts.acquire(connection, "hostile.test", "v", token=token, lease_ms=1000, lapsed={})
            assert hold is not None
        with pytest.raises(FetchFailed) as caught:
            fetcher.get(first.url(), gate=gates(database, "w"))
        assert caught.value.problem is FetchProblem.HOST_BUSY
        fetcher.get(first.url(), gate=gates(database, "v", "hostile.test"))
        with database.begin() as connection:
            hosts.release(connection, hold)
        fetcher.get(first.url(), gate=gates(database, "w"))


def test_a_host_is_left_when_the_fetch_fails(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), gates(database, "w")("a.test"):
        raise ZeroDivisionError
    with gates(database, "v")("a.test"):
        pass
