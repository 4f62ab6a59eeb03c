"""``/api/v1/progress``: how far the target is."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import Field

from content_store import clock, contents, facts, ledger, quality
from content_store.errors import DatabaseError
from content_store.review_words import QualityGap
from content_store.vocabulary import Exclusion
from web.api.endpoint import Endpoint, Output
from web.services import Services


class DayCount(Output):
    """The services that counted on a day in Shanghai."""

    day: date
    counted: int


class NotCounted(Output):
    """Readings of the window that do not count, and why: a stable code, and the words for people."""

    reason: Exclusion
    text: str
    number: int


class NoQuality(Output):
    """Contents published in the window that are no quality items, and the first reason why not."""

    reason: QualityGap
    text: str
    number: int


class ProgressAnswer(Output):
    """Services (人次) against the target, on the days ``first`` to ``last`` in Shanghai, both included.

    ``baseline`` had been rendered before; ``goal`` is to be added to it, ``counted`` has been, ``today`` is today's
    part; ``total`` is baseline and counted; ``per_day`` has the days that have any; ``not_counted`` has the reasons why
    other readings do not count, the most frequent first. ``items_published`` were published in the window and can be
    read. Of the quality items ``items_goal`` are wanted and ``items_quality`` were published in the window; of these
    ``items_young`` have not lasted yet as long as rule ``items_rule`` asks. ``items_no_quality`` tells of the rest why.
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
    items_published: int
    per_day: list[DayCount]
    not_counted: list[NotCounted]
    items_quality: int = 0
    items_young: int = 0
    items_rule: int = quality.CURRENT.version
    items_no_quality: list[NoQuality] = Field(default_factory=list)


def show(services: Services) -> ProgressAnswer:
    """The count at this moment."""
    with services.database.snapshot() as connection:
        found = ledger.progress(connection, services.settings)
        outcomes = facts.outcomes(connection, found.first, found.last)
        since, before = map(clock.start_of_day_ms, (found.first, found.last + timedelta(days=1)))
        published = contents.count_published(connection, since, before)
        items = quality.count(connection, since, before)
    refused = {Exclusion(outcome): number for outcome, number in outcomes.items() if outcome != facts.COUNTED}
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
        items_published=published,
        per_day=[DayCount(day=day, counted=number) for day, number in found.per_day.items()],
        not_counted=[
            NotCounted(reason=reason, text=reason.label, number=number)
            for reason, number in sorted(refused.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        items_quality=items.items,
        items_young=items.young,
        items_no_quality=[NoQuality(reason=gap, text=gap.label, number=number) for gap, number in items.gaps.items()],
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
