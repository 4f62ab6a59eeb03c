"""All jobs of the clock, with their schedules and rules."""

from __future__ import annotations

from content_store.settings import Settings
from push.jobs import (
    expire,
    facts_of_the_day,
    ingest,
    publish_when_due,
    release_claims,
    retention,
    retrain,
    suggest_topics,
    tell_corrections,
)
from push.jobs.base import Job
from push.jobs.facts_of_the_day import Facts


def table(settings: Settings, *, facts: Facts | None = None) -> tuple[Job, ...]:
    """Every job, scheduled as ``settings`` say; without ``facts`` there are no facts of the day."""
    jobs = [publish_when_due.job(settings), expire.job(settings), retrain.job(settings), retention.job(settings)]
    jobs += [release_claims.job(settings), tell_corrections.job(settings), ingest.job(settings)]
    jobs.append(suggest_topics.job(settings))
    if facts is not None:
        jobs.append(facts_of_the_day.job(settings, facts))
    return tuple(jobs)
