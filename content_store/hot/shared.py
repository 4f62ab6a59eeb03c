"""Hot state in Redis, for many processes.

Keys: ``kepu:slate:KEY`` a string, 32 digits of expiry and life and then the list · ``kepu:seen:CITIZEN`` and
``kepu:did:CITIZEN`` lists, the newest first · ``kepu:bucket:NAME`` a number · ``kepu:version:WHAT`` a string. All but
the versions expire, so ``maxmemory-policy volatile-lru`` lets Redis shed what was used longest ago when it is full.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

from content_store import clock, ids
from content_store.errors import HotStateError
from content_store.hot import base
from content_store.hot.base import HotEvent, Seen
from content_store.hot.buckets import SKEW_MS, TAKE_LUA, Rate, Taken, cost_of, verdict
from content_store.hot.circuit import Circuit

if TYPE_CHECKING:
    import redis

T = TypeVar("T")

_PREFIX = "kepu:"
# Redis drops keys by its own clock; ours decides, so it may only come later.
_MARGIN_MS = 60_000

_GET_SLATE = """
local head = redis.call('GETRANGE', KEYS[1], 0, 31)
local now = tonumber(ARGV[1])
if #head < 32 or tonumber(string.sub(head, 1, 16)) <= now then
    return false
end
local life = tonumber(string.sub(head, 17, 32))
redis.call('SETRANGE', KEYS[1], 0, string.format('%016.0f', now + life))
redis.call('PEXPIRE', KEYS[1], life + tonumber(ARGV[2]))
return redis.call('GETRANGE', KEYS[1], 32, -1)
"""


class RedisHot:
    """The hot state behind ``client``, which must have short timeouts; ``circuit`` keeps callers from waiting twice."""

    shared = True

    def __init__(self, client: redis.Redis, circuit: Circuit | None = None) -> None:
        errors: Any = importlib.import_module("redis.exceptions")
        self._client = client
        self._silent = (errors.ConnectionError, errors.TimeoutError, OSError)
        self._refused = errors.RedisError
        self._circuit = circuit or Circuit()
        self._slate: Any = client.register_script(_GET_SLATE)
        self._take: Any = client.register_script(TAKE_LUA)

    def _ask(self, question: Callable[[], T]) -> T:
        self._circuit.enter()
        try:
            answer = question()
        except self._silent as error:
            self._circuit.failed(str(error))
            raise HotStateError(
                f"Redis does not answer: {error}", hint="check KEPU_REDIS_URL and the server"
            ) from error
        except self._refused as error:
            self._circuit.answered()
            raise HotStateError(f"Redis refuses: {error}", hint="check its memory and its rights") from error
        self._circuit.answered()
        return answer

    def put_slate(self, key: str, items: bytes | NDArray[Any], *, life_ms: int = base.SLATE_LIFE_MS) -> None:
        """See ``Hot``."""
        kept = items if isinstance(items, bytes) else items.tobytes()
        head = f"{clock.now_ms() + life_ms:016d}{life_ms:016d}".encode()
        self._ask(lambda: self._client.set(f"{_PREFIX}slate:{key}", head + kept, px=life_ms + _MARGIN_MS))

    def get_slate(self, key: str) -> bytes | None:
        """See ``Hot``."""
        found = self._ask(lambda: self._slate(keys=[f"{_PREFIX}slate:{key}"], args=[clock.now_ms(), _MARGIN_MS]))
        return found if isinstance(found, bytes) else None

    def note_impressions(self, citizen: str, contents: Sequence[str], at: int) -> None:
        """See ``Hot``."""
        entries = [base.impression_entry(content, at) for content in contents]
        self._note(f"{_PREFIX}seen:{citizen}", entries, base.IMPRESSIONS_KEPT, base.IMPRESSION_LIFE_MS)

    def impressions(self, citizen: str) -> dict[str, Seen]:
        """See ``Hot``."""
        return base.seen_of(self._noted(f"{_PREFIX}seen:{citizen}"), clock.now_ms())

    def note_events(self, citizen: str, events: Sequence[HotEvent]) -> None:
        """See ``Hot``."""
        entries = [base.event_entry(event) for event in events]
        self._note(f"{_PREFIX}did:{citizen}", entries, base.EVENTS_KEPT, base.EVENT_LIFE_MS)

    def recent_events(self, citizen: str) -> list[HotEvent]:
        """See ``Hot``."""
        return base.events_of(self._noted(f"{_PREFIX}did:{citizen}"), clock.now_ms())

    def _note(self, key: str, entries: list[bytes], most: int, life_ms: int) -> None:
        if not entries:
            return

        def note() -> None:
            with self._client.pipeline() as pipeline:
                pipeline.lpush(key, *entries)
                pipeline.ltrim(key, 0, most - 1)
                pipeline.pexpire(key, life_ms)
                pipeline.execute()

        self._ask(note)

    def _noted(self, key: str) -> list[bytes]:
        found: Any = self._ask(lambda: self._client.lrange(key, 0, -1))
        return list(found)

    def forget(self, citizen: str) -> None:
        """See ``Hot``."""
        self._ask(lambda: self._client.delete(f"{_PREFIX}seen:{citizen}", f"{_PREFIX}did:{citizen}"))

    def take(self, bucket: str, rate: Rate, cost: int = 1) -> Taken:
        """See ``Hot``."""
        numbers = [clock.now_ms(), repr(rate.full_ms), repr(cost_of(rate, cost)), SKEW_MS, _MARGIN_MS]
        late = self._ask(lambda: self._take(keys=[f"{_PREFIX}bucket:{bucket}"], args=numbers))
        return verdict(float(late))

    def bump(self, what: str) -> str:
        """See ``Hot``."""
        version = ids.new_id()
        self._ask(lambda: self._client.set(f"{_PREFIX}version:{what}", version))
        return version

    def version(self, what: str) -> str | None:
        """See ``Hot``."""
        found: Any = self._ask(lambda: self._client.get(f"{_PREFIX}version:{what}"))
        return None if found is None else bytes(found).decode()

    def figures(self) -> Mapping[str, float]:
        """How often Redis did not answer, and whether it is being left alone for that."""
        return {"failures": self._circuit.failures, "circuit_open": float(self._circuit.open)}

    def ping(self) -> None:
        """See ``Hot``."""
        self._ask(self._client.ping)

    def close(self) -> None:
        """See ``Hot``."""
        self._client.close()
