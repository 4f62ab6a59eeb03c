"""``kepu jobs``: what the clock did, what is due next and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from content_store import clock, facts, leases
from content_store import jobs as records
from content_store.db import Connection, open_database
from content_store.errors import UnknownJob
from content_store.jobs import Occurrence
from content_store.settings import Settings
from content_store.vocabulary import JobState
from push.agenda import LEADER
from push.jobs.base import Job
from push.jobs.table import table

_BEGUN = (JobState.RUNNING, JobState.DONE, JobState.DEAD)
Row = tuple[str, ...]


@click.command()
@click.option("--last", type=click.IntRange(1, 10_000), metavar="N", help="List the N newest due times instead.")
@click.option("--retry", metavar="JOB", help="Let the dead due times of JOB be tried again.")
@click.pass_obj
def jobs(settings: Settings, last: int | None, retry: str | None) -> None:
    """Show what the clock did, what is due next and what went wrong.

    A job is due at the times of its schedule (`kepu settings`); `kepu worker` does what is due. Each due time is done
    once: it is waiting, running, done, skipped (a newer one took its place) or dead (every attempt failed).
    """
    rows = table(settings, facts=facts)
    database = open_database(settings)
    try:
        if retry is not None:
            with database.begin() as connection:
                click.echo(revive(connection, rows, retry))
            return
        with database.connect() as connection:
            for line in log(connection, last) if last else overview(connection, rows):
                click.echo(line)
    finally:
        database.close()


def overview(connection: Connection, rows: Sequence[Job]) -> Iterator[str]:
    """Every job in a line: when, what came of it last; then what went wrong, and who is at work."""
    now = clock.now_ms()
    lines: list[Row] = [("job", "schedule", "next due", "last due", "state", "took", "what came of it")]
    for job in rows:
        newest = next(iter(records.history(connection, job.name, limit=1, states=_BEGUN)), None)
        lines.append((job.name, str(job.schedule), _moment(job.schedule.next(now)), *_outcome(newest)))
    yield from _columns(lines)
    failures = [failure for job in rows if (failure := records.last_failure(connection, job.name))]
    if failures:
        yield from ("", "last failure of each job:")
        yield from (f"  {line}" for failure in failures for line in _failure(failure, rows))
    yield ""
    leader = leases.holder(connection, LEADER)
    yield f"the clock is led by {leader}" if leader else "no worker leads the clock: `kepu worker` starts one"


def log(connection: Connection, last: int) -> Iterator[str]:
    """The newest due times of all jobs, newest first."""
    lines: list[Row] = [("job", "due", "state", "took", "attempts", "what came of it")]
    for found in records.history(connection, limit=last):
        due, state, took, outcome = _outcome(found)
        told = outcome if found.state is JobState.DONE or not found.error else found.error
        lines.append((found.job, due, state, took, str(found.attempts), told))
    return _columns(lines) if len(lines) > 1 else iter(["nothing has been due yet: `kepu worker` runs the clock"])


def revive(connection: Connection, rows: Sequence[Job], name: str) -> str:
    """Let the dead due times of the job ``name`` be tried again; tells how many. Raises UnknownJob."""
    known = sorted({job.name for job in rows} | set(records.names(connection)))
    if name not in known:
        raise UnknownJob(f"no job is called {name}", hint=f"the jobs are {', '.join(known)}")
    count = records.revive(connection, name)
    return f"{name}: {count} will be tried again" if count else f"{name}: nothing of it is dead"


def _outcome(found: Occurrence | None) -> Row:
    """Due time, state, seconds it took, note."""
    if found is None:
        return "–", "–", "–", ""
    took = "–"
    if found.state is not JobState.RUNNING and found.started_at is not None and found.ended_at is not None:
        took = f"{max(0, found.ended_at - found.started_at) / 1000:.1f} s"
    return _moment(found.due_at), found.state.value, took, found.note or ""


def _failure(found: Occurrence, rows: Sequence[Job]) -> Iterator[str]:
    """When and why, and what becomes of it."""
    limit = next(job.attempts for job in rows if job.name == found.job)
    now = {
        JobState.WAITING: f"tried again at {_moment(found.retry_at or found.due_at)}",
        JobState.RUNNING: "being tried again",
        JobState.DONE: "a later attempt went well",
        JobState.SKIPPED: "a newer due time took its place",
        JobState.DEAD: f"given up; `kepu jobs --retry {found.job}` tries again",
    }[found.state]
    yield f"{found.job} of {_moment(found.due_at)}, {found.attempts} of {limit} attempts made; {now}"
    yield f"    {found.error}"


def _moment(at: int | None) -> str:
    return "–" if at is None else clock.shown(at)


def _columns(lines: Sequence[Row]) -> Iterator[str]:
    """The lines with their columns one under the other."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
