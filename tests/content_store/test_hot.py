"""Reaching Redis, doing without it, and the bounds of memory."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from content_store import hot
from content_store.errors import HotStateError
from content_store.hot import Hot, HotEvent, Rate
from content_store.hot.circuit import Circuit
from content_store.hot.memory import MemoryHot
from content_store.hot.shared import RedisHot
from content_store.settings import Settings
from content_store.vocabulary import EventKind
from tests.support.servers import Valkey, redis_program

NOON = 1_735_704_000_000


def test_without_a_url_there_is_no_client(settings_factory: Callable[..., Settings]) -> None:
    assert hot.connect(settings_factory()) is None


def test_a_client_reads_what_another_wrote(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    settings = settings_factory(redis_url=redis_url)
    first, second = hot.connect(settings), hot.connect(settings)
    assert first is not None
    assert second is not None
    first.set("词", "星")
    assert second.get("词") == "星".encode()


def test_a_server_that_is_not_there_is_named_without_its_password(settings_factory: Callable[..., Settings]) -> None:
    settings = settings_factory(redis_url="redis://:geheim@127.0.0.1:1/0")
    with pytest.raises(HotStateError, match=r"redis://:\*\*\*@127\.0\.0\.1:1/0") as caught:
        hot.connect(settings)
    assert "geheim" not in caught.value.message


def test_processes_share_what_is_in_redis(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    settings = settings_factory(redis_url=redis_url)
    one, other = hot.open_hot(settings), hot.open_hot(settings)
    one.put_slate("a", b"list")
    one.note_events("a", [HotEvent(EventKind.READ, "x", NOON)])
    assert other.get_slate("a") == b"list"
    rate = Rate(per_s=0.001, burst=1)
    assert one.take("a", rate).allowed
    assert not other.take("a", rate).allowed
    assert one.bump("contents") == other.version("contents")


def test_everything_in_redis_but_versions_expires(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    opened = hot.open_hot(settings_factory(redis_url=redis_url))
    opened.put_slate("a", b"list")
    opened.get_slate("a")
    opened.note_impressions("a", ["x"], NOON)
    opened.note_events("a", [HotEvent(EventKind.READ, "x", NOON)])
    opened.take("a", Rate(per_s=1, burst=1))
    client = hot.connect(settings_factory(redis_url=redis_url))
    assert client is not None
    keys: list[Any] = client.keys("*")
    assert sorted(keys) == [b"kepu:bucket:a", b"kepu:did:a", b"kepu:seen:a", b"kepu:slate:a"]
    assert all(client.pttl(key) > 0 for key in keys)


def test_a_program_starts_without_its_redis_and_each_call_says_so(settings_factory: Callable[..., Settings]) -> None:
    opened = hot.open_hot(settings_factory(redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(HotStateError, match="does not answer"):
        opened.get_slate("a")


CALLS: dict[str, Callable[[Hot], object]] = {
    "put_slate": lambda opened: opened.put_slate("a", b"list"),
    "get_slate": lambda opened: opened.get_slate("a"),
    "note_impressions": lambda opened: opened.note_impressions("a", ["x"], NOON),
    "impressions": lambda opened: opened.impressions("a"),
    "note_events": lambda opened: opened.note_events("a", [HotEvent(EventKind.READ, "x", NOON)]),
    "recent_events": lambda opened: opened.recent_events("a"),
    "forget": lambda opened: opened.forget("a"),
    "take": lambda opened: opened.take("a", Rate(per_s=1, burst=1)),
    "bump": lambda opened: opened.bump("a"),
    "version": lambda opened: opened.version("a"),
    "ping": lambda opened: opened.ping(),
}


@pytest.mark.backend("redis")
@pytest.mark.parametrize("name", CALLS)
def test_a_redis_that_goes_away_is_an_error_of_ours_in_every_call(
    name: str, settings_factory: Callable[..., Settings]
) -> None:
    program = redis_program()
    if program is None:
        pytest.skip("no Redis server")
    with Valkey(program) as server:
        opened = hot.open_hot(settings_factory(redis_url=server.url))
        CALLS[name](opened)
    with pytest.raises(HotStateError):
        CALLS[name](opened)
    assert opened.figures() == {"failures": 1, "circuit_open": 1}


@pytest.mark.backend("redis")
def test_a_redis_that_comes_back_is_used_again(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    # The address is where a live server can be reached only after the first try.
    path = Path(redis_url.removeprefix("unix://"))
    late = path.with_name("late")
    client = hot._client(settings_factory(redis_url=f"unix://{late}"), 1.0)
    assert client is not None
    opened = RedisHot(client, Circuit(pause_s=0))
    with pytest.raises(HotStateError):
        opened.ping()
    late.symlink_to(path)
    try:
        opened.ping()
        assert opened.figures() == {"failures": 1, "circuit_open": 0}
    finally:
        late.unlink()


@pytest.mark.backend("redis")
def test_a_restart_of_redis_between_two_calls_is_not_noticed(settings_factory: Callable[..., Settings]) -> None:
    program = redis_program()
    if program is None:
        pytest.skip("no Redis server")
    with Valkey(program) as first, Valkey(program) as second:
        link = first.folder / "link"
        link.symlink_to(first.url.removeprefix("unix://"))
        opened = hot.open_hot(settings_factory(redis_url=f"unix://{link}"))
        opened.take("a", Rate(per_s=1, burst=1))
        link.unlink()
        link.symlink_to(second.url.removeprefix("unix://"))
        admin = hot.connect(settings_factory(redis_url=first.url))
        assert admin is not None
        admin.client_kill_filter(_type="normal", skipme=True)
        # The second server has never seen the script either.
        assert opened.take("a", Rate(per_s=1, burst=1)).allowed
        assert opened.figures() == {"failures": 0, "circuit_open": 0}


@pytest.fixture
def mute_server() -> Iterator[socket.socket]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def _callers(server: socket.socket) -> int:
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_a_redis_that_says_nothing_is_asked_once_and_then_left_alone(
    settings_factory: Callable[..., Settings], mute_server: socket.socket
) -> None:
    client = hot._client(settings_factory(redis_url=f"redis://127.0.0.1:{mute_server.getsockname()[1]}/0"), 0.05)
    assert client is not None
    opened = RedisHot(client, Circuit(pause_s=3600))
    for _ in range(20):
        with pytest.raises(HotStateError):
            opened.take("a", Rate(per_s=1, burst=1))
    assert _callers(mute_server) == 1
    assert opened.figures() == {"failures": 1, "circuit_open": 1}


def test_after_a_pause_one_caller_tries_and_the_others_still_do_without() -> None:
    circuit = Circuit(pause_s=0)
    circuit.enter()
    circuit.failed("gone")
    circuit._pause_s = 3600
    circuit.enter()
    with pytest.raises(HotStateError, match="gone"):
        circuit.enter()
    circuit.answered()
    circuit.enter()
    assert not circuit.open


def test_a_refusal_of_redis_opens_no_circuit(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    settings = settings_factory(redis_url=redis_url)
    opened, client = hot.open_hot(settings), hot.connect(settings)
    assert client is not None
    client.set("kepu:seen:a", "not a list")
    with pytest.raises(HotStateError, match="refuses"):
        opened.impressions("a")
    opened.ping()
    assert opened.figures() == {"failures": 0, "circuit_open": 0}


def test_memory_stays_within_its_cap_and_drops_what_was_used_longest_ago() -> None:
    opened = MemoryHot(cap_bytes=4 << 20)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(3_000):
            opened.put_slate(f"slate{number}", orjson.dumps(["c" * 40] * 45))
            opened.get_slate("slate0")
            opened.note_impressions(f"citizen{number}", [f"content-{place:04}" for place in range(20)], NOON)
            opened.note_events(f"citizen{number}", [HotEvent(EventKind.READ, "content-0001", NOON)])
            opened.take(f"bucket{number}", Rate(per_s=1, burst=1))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown <= 4 << 20
    assert opened.figures()["bytes"] <= 4 << 20
    assert opened.figures()["slates_evicted"] > 0
    assert opened.get_slate("slate0") is not None
    assert opened.get_slate("slate1") is None
    assert opened.get_slate("slate2999") is not None


def test_what_is_larger_than_the_room_for_it_is_not_kept_and_drives_nothing_out() -> None:
    opened = MemoryHot(cap_bytes=1 << 20)
    opened.put_slate("small", b"list")
    opened.put_slate("large", bytes(1 << 20))
    assert opened.get_slate("large") is None
    assert opened.get_slate("small") == b"list"
    assert opened.figures()["bytes"] <= 1 << 20


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_a_rate_that_lets_nothing_pass_is_refused(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        Rate(per_s, burst)
