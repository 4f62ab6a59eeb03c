"""Hot state: what is quick to lose and quick to rebuild. In Redis where many processes share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from content_store.errors import HotStateError
from content_store.hot.base import Hot as Hot
from content_store.hot.base import HotEvent as HotEvent
from content_store.hot.base import Seen as Seen
from content_store.hot.buckets import Rate as Rate
from content_store.hot.buckets import Taken as Taken
from content_store.hot.memory import MemoryHot
from content_store.hot.shared import RedisHot
from content_store.settings import Settings, mask

if TYPE_CHECKING:
    import redis

SOCKET_TIMEOUT_S = 2.0

SERVING_TIMEOUT_S = 0.5
"""How long a request may wait for a connection to Redis, and as long again for its answer."""


def open_hot(settings: Settings) -> Hot:
    """The hot state of ``settings``: in Redis where they name one, which need not answer yet, otherwise in memory.

    Raises HotStateError where the client is not installed or the URL cannot be used.
    """
    client = _client(settings, SERVING_TIMEOUT_S)
    return MemoryHot(settings.hot_memory_mb << 20) if client is None else RedisHot(client)


def connect(settings: Settings) -> redis.Redis | None:
    """A client of the Redis that ``settings`` name, its connection tried; None where they name none.

    Raises HotStateError where it does not answer.
    """
    client = _client(settings, SOCKET_TIMEOUT_S)
    if client is None:
        return None
    import redis

    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        client.close()
        raise _unusable(settings, error) from error
    return client


def _client(settings: Settings, timeout_s: float) -> redis.Redis | None:
    if settings.redis_url is None:
        return None
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError as error:
        raise HotStateError("the Redis client is not installed", hint="pip install 'tianfu-kepu[redis]'") from error
    # Given, because their defaults differ between versions of the library. A connection that the server has closed
    # meanwhile is made anew once; what was waited for in vain is not waited for again.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    try:
        return redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=retry,
            retry_on_timeout=False,
            health_check_interval=0,
        )
    except ValueError as error:
        raise _unusable(settings, error) from error


def _unusable(settings: Settings, error: Exception) -> HotStateError:
    url = mask(settings.redis_url or "")
    return HotStateError(f"Redis at {url} cannot be used: {error}", hint="check KEPU_REDIS_URL and the server")
