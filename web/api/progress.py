"""``/api/v1/progress``: how far the target is."""

from __future__ import annotations

from datetime import date

from content_store import ledger
from content_store.errors import DatabaseError
from web.api.endpoint import Endpoint, Output
from web.services import Services


class DayCount(Output):
    """The services that counted on a day in Shanghai."""

    day: date
    counted: int


class ProgressAnswer(Output):
    """Services (人次) against the target, on the days ``first`` to ``last`` in Shanghai, both included.

    ``baseline`` had been rendered before; ``goal`` is to be added to it, ``counted`` has been, ``today`` is today's
    part; ``total`` is baseline and counted; ``per_day`` has the days that have any.
    """

    baseline: int
    goal: int
    counted: int
    total: int
    today: int
    first: date
    last: date
    days: int
    items_goal: int
    per_day: list[DayCount]


def show(services: Services) -> ProgressAnswer:
    """The count at this moment."""
    with services.database.connect() as connection:
        found = ledger.progress(connection, services.settings)
    return ProgressAnswer(
        baseline=found.baseline,
        goal=found.goal,
        counted=found.counted,
        total=found.total,
        today=found.today,
        first=found.first,
        last=found.last,
        days=found.days,
        items_goal=found.items_goal,
        per_day=[DayCount(day=day, counted=number) for day, number in found.per_day.items()],
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/progress",
        name="show_progress",
        summary="Services rendered, against the target",
        handle=show,
        answer=ProgressAnswer,
        fails=(DatabaseError,),
    ),
)
