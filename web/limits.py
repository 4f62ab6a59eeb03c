"""How much one citizen and one network may ask for; other programmes are exempt.

The limits are there against scripts, not against people: far above what reading needs. A network is shared by many, so
it may ask for much more than a citizen. Without hot state nobody is limited.
"""

from __future__ import annotations

import math

from flask import Flask

from content_store.errors import HotStateError
from content_store.hot import Rate
from web import auth
from web.auth import Via
from web.errors import RateLimited
from web.services import Services

BURST_S = 10
"""A bucket holds as many requests as come back in this time."""


def install(app: Flask, services: Services) -> None:
    """Turn away, before anything is done for them, callers that ask for too much."""
    per_network = _rate(services.settings.rate_per_network)
    per_citizen = _rate(services.settings.rate_per_citizen)

    @app.before_request
    def limit() -> None:
        caller = auth.found()
        if caller is None or caller.via is Via.SERVICE:
            return
        _take(services, "network", caller.network, per_network)
        if caller.citizen_id is not None:
            _take(services, "citizen", caller.citizen_id, per_citizen)


def _rate(per_s: float) -> Rate | None:
    return Rate(per_s, max(1, math.ceil(per_s * BURST_S))) if per_s else None


def _take(services: Services, whose: str, name: str, rate: Rate | None) -> None:
    if rate is None:
        return
    try:
        taken = services.hot.take(f"{whose}:{name}", rate)
    except HotStateError:
        services.metrics.without_hot.labels("limits").inc()
        return
    if not taken.allowed:
        services.metrics.limited.labels(whose).inc()
        raise RateLimited(f"too many requests of one {whose}", max(1, math.ceil(taken.retry_after_s)))
