"""Whether the process lives, whether it can serve, and its metrics: for machines that watch it."""

from __future__ import annotations

import logging
from typing import Literal

from flask import Flask, Response

from content_store.errors import DatabaseError, HotStateError, SnapshotError
from web import access, metrics
from web.access import Open
from web.api.endpoint import Endpoint, Output
from web.clockwork import Clocked
from web.services import Services, current

log = logging.getLogger(__name__)


class Alive(Output):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Output):
    """``degraded`` where a part is missing that can be done without; the parts tell ``ok`` or what is the matter.

    ``jobs``: whether this process does what is due by the clock; ``off`` where that is left to others.
    """

    status: Literal["ok", "degraded"]
    database: Literal["ok"] = "ok"
    hot: Literal["ok", "unavailable"]
    snapshot: Literal["ok", "absent", "unreadable"]
    jobs: Clocked


def alive(services: Services) -> Alive:
    """Answers as long as there is someone to answer."""
    return Alive()


def ready(services: Services) -> Ready:
    """Whether requests can be served. Raises DatabaseError where they cannot."""
    services.database.ping()
    hot, snapshot, jobs = _hot(services), _snapshot(services), services.clockwork.state
    well = hot == snapshot == "ok" and jobs is not Clocked.STOPPED
    return Ready(status="ok" if well else "degraded", hot=hot, snapshot=snapshot, jobs=jobs)


def _hot(services: Services) -> Literal["ok", "unavailable"]:
    try:
        services.hot.ping()
    except HotStateError as error:
        log.warning("serving without hot state: %s", error)
        return "unavailable"
    return "ok"


def _snapshot(services: Services) -> Literal["ok", "absent", "unreadable"]:
    """Whether one is active and in its place; its checksums are looked at by who opens it."""
    try:
        active = services.snapshots.activations().active
    except SnapshotError as error:
        log.warning("serving without a snapshot: %s", error)
        return "unreadable"
    return "ok" if active in services.snapshots.versions() else "absent"


def install_metrics(app: Flask) -> None:
    """Let ``app`` show its metrics; they are no JSON, hence no endpoint like the others."""

    def page() -> Response:
        return Response(current().metrics.page(), content_type=metrics.CONTENT_TYPE)

    app.add_url_rule("/metrics", "metrics", page, methods=["GET"], provide_automatic_options=False)
    access.declare(app, "metrics", Open.EVERYONE)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/healthz",
        name="healthz",
        summary="Whether the process lives",
        handle=alive,
        answer=Alive,
        personal=False,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        name="readyz",
        summary="Whether requests can be served, and with what parts missing",
        handle=ready,
        answer=Ready,
        fails=(DatabaseError,),
        personal=False,
    ),
)
