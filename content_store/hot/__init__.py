"""Hot state: what is quick to lose and quick to rebuild. In Redis where many processes share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from content_store.errors import HotStateError
from content_store.settings import Settings, mask

if TYPE_CHECKING:
    import redis

SOCKET_TIMEOUT_S = 2.0


def connect(settings: Settings) -> redis.Redis | None:
    """A client of the Redis that ``settings`` name, its connection tried; None where they name none.

    Raises HotStateError where it does not answer.
    """
    if settings.redis_url is None:
        return None
    try:
        import redis
    except ModuleNotFoundError as error:
        raise HotStateError("the Redis client is not installed", hint="pip install 'tianfu-kepu[redis]'") from error
    try:
        # The timeouts are given because their defaults differ between versions of the library.
        client = redis.Redis.from_url(
            settings.redis_url, socket_timeout=SOCKET_TIMEOUT_S, socket_connect_timeout=SOCKET_TIMEOUT_S
        )
        client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise HotStateError(
            f"Redis at {mask(settings.redis_url)} cannot be used: {error}", hint="check KEPU_REDIS_URL and the server"
        ) from error
    return client
