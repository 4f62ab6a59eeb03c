"""Occurrences of jobs: what is due is a row, unique by job and due time, and whoever works on it holds its lease.

waiting → running → done, or back to waiting when an attempt failed, or dead after the last one. A waiting one whose
place a newer one takes is skipped. Of one job at most one occurrence runs at a time.

The lease of a running one lapses as told in ``content_store.leases``; taking it over counts its token up. ``finish``
and everything else that a worker writes is bound to the token it got from ``claim``. A job whose effect is in the
database writes it in the transaction of ``finish``: both happen, once, or neither does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import clock, schema, statements
from content_store.errors import LeaseLost
from content_store.leases import Sign, Watch
from content_store.vocabulary import OVER_STATES, JobState

_table = schema.occurrences
_row = _table.c
_other = _table.alias()

_LONGEST_TEXT = 2_000

# What is asked at every ring of the clock is put together once.
_JOBS: sa.BindParameter[Any] = sa.bindparam("jobs", expanding=True)
_NOW: sa.BindParameter[Any] = sa.bindparam("now")
_WAITING = sa.and_(
    _row.state == JobState.WAITING,
    _row.job.in_(_JOBS),
    _row.due_at <= _NOW,
    # An attempt that failed in the future did so before the clock was set back: its retry need not wait for that.
    sa.or_(_row.retry_at.is_(None), _row.retry_at <= _NOW, _row.ended_at > _NOW),
    ~sa.exists().where(_other.c.job == _row.job, _other.c.state == JobState.RUNNING),
)
_UNMOVED = sa.and_(
    _row.state == JobState.RUNNING,
    _row.id == sa.bindparam("seen_id"),
    _row.token == sa.bindparam("seen_token"),
    _row.beat == sa.bindparam("seen_beat"),
)
_ANY_WAITING = sa.select(sa.exists().where(_WAITING))
_RUNNING = sa.select(_row.id, _row.token, _row.beat, _row.lease_ms).where(
    _row.state == JobState.RUNNING, _row.job.in_(_JOBS)
)


def _taking(which: sa.ColumnElement[bool]) -> Any:
    """One guarded update of the oldest of ``which``; rows that somebody changes this very moment are passed over."""
    oldest = sa.select(_row.id).where(which).order_by(_row.due_at, _row.id).limit(1)
    values: dict[str, Any] = {
        "state": JobState.RUNNING,
        "token": _row.token + 1,
        "beat": 0,
        "attempts": _row.attempts + 1,
        "worker": sa.bindparam("by"),
        "lease_ms": sa.bindparam("for_ms"),
        "started_at": _NOW,
        "ended_at": None,
        "retry_at": None,
    }
    update = sa.update(_table).where(_row.id == oldest.with_for_update(skip_locked=True).scalar_subquery())
    return update.values(values).returning(_row.id, _row.job, _row.due_at, _row.token, _row.attempts)


_TAKE_WAITING = _taking(_WAITING)
_TAKE_OVER = _taking(_UNMOVED)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on an occurrence: ``token`` is the fence, ``attempt`` counts from 1, ``due_at`` is epoch ms."""

    id: int
    job: str
    due_at: int
    token: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An occurrence as stored; instants are epoch ms.

    ``ended_at`` is when the last attempt ended, ``error`` what the last failed one said, whatever came after.
    """

    id: int
    job: str
    due_at: int
    state: JobState
    attempts: int
    worker: str | None
    retry_at: int | None
    started_at: int | None
    ended_at: int | None
    note: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """When a job last ended well (epoch ms; None: never yet), and how many due times were given up."""

    done_at: int | None
    dead: int


def ensure(connection: Connection, job: str, due: Iterable[int], *, instead: bool = False) -> int:
    """Store an occurrence for each instant of ``due`` (epoch ms) that has none; returns how many were made.

    With ``instead`` the new ones take the place of earlier ones that still wait.
    """
    instants = list(due)
    if not instants:
        return 0
    blank: dict[str, Any] = {"job": job, "state": JobState.WAITING, "attempts": 0, "token": 0, "beat": 0, "lease_ms": 0}
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [blank | {"due_at": at} for at in instants]
    made = statements.affected(connection, insert(_table).on_conflict_do_nothing(), rows)
    if made and instead:
        older = sa.and_(_row.job == job, _row.state == JobState.WAITING, _row.due_at < max(instants))
        skipped = {"state": JobState.SKIPPED, "ended_at": clock.now_ms()}
        connection.execute(sa.update(_table).where(older).values(skipped))
    return made


def newest_due(connection: Connection, job: str, until: int) -> int | None:
    """The newest due time of ``job`` that is stored and not after ``until`` (epoch ms)."""
    newest = sa.select(_row.due_at).where(_row.job == job, _row.due_at <= until).order_by(_row.due_at.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


def anything(connection: Connection, jobs: Collection[str], watch: Watch[int]) -> bool:
    """Whether ``claim`` has a chance; only reads."""
    if _lapsed(connection, jobs, watch):
        return True
    return connection.execute(_ANY_WAITING, {"jobs": list(jobs), "now": clock.now_ms()}).scalar_one()


def claim(
    connection: Connection, worker: str, jobs: Collection[str], *, lease_ms: int, watch: Watch[int]
) -> Claim | None:
    """Take an occurrence of one of ``jobs``: one whose worker is gone, or else the one that is due for longest.

    None where there is none, or others were quicker.
    """
    taken: dict[str, Any] = {"by": worker, "for_ms": lease_ms, "now": clock.now_ms()}
    for id, (token, beat) in _lapsed(connection, jobs, watch).items():
        seen = {"seen_id": id, "seen_token": token, "seen_beat": beat}
        if claimed := _claim(connection.execute(_TAKE_OVER, taken | seen)):
            return claimed
    # Each refusal by the index means that one more of the jobs runs elsewhere.
    for _ in range(len(jobs)):
        try:
            with connection.begin_nested():
                return _claim(connection.execute(_TAKE_WAITING, taken | {"jobs": list(jobs)}))
        except sa.exc.IntegrityError:
            continue
    return None


def renew(connection: Connection, claim: Claim) -> bool:
    """Give a sign of life; False where the occurrence is over or somebody else's by now."""
    return connection.execute(sa.update(_table).where(_held(claim)).values(beat=_row.beat + 1)).rowcount == 1


def require(connection: Connection, claim: Claim) -> None:
    """Raises LeaseLost where the occurrence is over or somebody else's by now."""
    if not connection.execute(sa.select(sa.exists().where(_held(claim)))).scalar_one():
        raise _lost(claim)


def done(connection: Connection, claim: Claim) -> bool:
    """Whether this very claim has ended the occurrence well."""
    ended = sa.and_(_row.id == claim.id, _row.token == claim.token, _row.state == JobState.DONE)
    return connection.execute(sa.select(sa.exists().where(ended))).scalar_one()


def finish(connection: Connection, claim: Claim, note: str = "") -> None:
    """End the occurrence well; ``note`` tells what came of it.

    Raises LeaseLost where it is not the holder's any more: nothing of the transaction may be committed then.
    """
    told = {"state": JobState.DONE, "ended_at": clock.now_ms(), "note": _told(note)}
    _settle(connection, claim, told)


def fail(connection: Connection, claim: Claim, error: str, *, retry_at: int | None) -> None:
    """End the attempt badly; another follows at ``retry_at`` (epoch ms), none where it is None. Raises LeaseLost."""
    told = {"error": _told(error), "ended_at": clock.now_ms()}
    if retry_at is None:
        _settle(connection, claim, told | {"state": JobState.DEAD})
    else:
        _settle(connection, claim, told | {"state": JobState.WAITING, "retry_at": retry_at})


def release(connection: Connection, claim: Claim) -> None:
    """Give the occurrence back untouched: the attempt does not count. Raises LeaseLost."""
    _settle(connection, claim, {"state": JobState.WAITING, "attempts": _row.attempts - 1})


def revive(connection: Connection, job: str) -> int:
    """Let the dead occurrences of ``job`` be tried again from the first attempt on; returns how many there were."""
    dead = sa.and_(_row.job == job, _row.state == JobState.DEAD)
    values = {"state": JobState.WAITING, "attempts": 0, "retry_at": None}
    return connection.execute(sa.update(_table).where(dead).values(values)).rowcount


def forget(connection: Connection, before: int) -> int:
    """Delete occurrences that were over before ``before`` (epoch ms), never a job's newest; returns how many."""
    other = _table.alias()
    newer = sa.exists().where(other.c.job == _row.job, other.c.due_at > _row.due_at)
    old = sa.and_(_row.state.in_(OVER_STATES), _row.ended_at < before, newer)
    return connection.execute(sa.delete(_table).where(old)).rowcount


def names(connection: Connection) -> list[str]:
    """The jobs that have occurrences, sorted."""
    return list(connection.execute(sa.select(_row.job).distinct().order_by(_row.job)).scalars())


def history(
    connection: Connection, job: str | None = None, *, limit: int, states: Collection[JobState] = tuple(JobState)
) -> list[Occurrence]:
    """The ``limit`` newest occurrences, of ``job`` or of all, in one of ``states``; the newest due time first."""
    wanted = sa.select(_table).where(_row.state.in_(states)).order_by(_row.due_at.desc(), _row.id.desc()).limit(limit)
    if job is not None:
        wanted = wanted.where(_row.job == job)
    return [_occurrence(row) for row in connection.execute(wanted)]


def standings(connection: Connection, names: Iterable[str]) -> dict[str, Standing]:
    """How each of the jobs stands, by name."""
    count = sa.select(_row.job, sa.func.count()).where(_row.state == JobState.DEAD).group_by(_row.job)
    dead: dict[str, int] = dict(row.tuple() for row in connection.execute(count))
    found = {}
    for name in names:
        newest = next(iter(history(connection, name, limit=1, states=(JobState.DONE,))), None)
        found[name] = Standing(None if newest is None else newest.ended_at, dead.get(name, 0))
    return found


def last_failure(connection: Connection, job: str) -> Occurrence | None:
    """The newest occurrence of ``job`` of which an attempt failed."""
    wanted = sa.select(_table).where(_row.job == job, _row.error.is_not(None)).order_by(_row.due_at.desc()).limit(1)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _occurrence(row)


def _lapsed(connection: Connection, jobs: Collection[str], watch: Watch[int]) -> dict[int, tuple[int, int]]:
    """The running occurrences whose workers have given no sign of life for too long, with token and beat."""
    rows = connection.execute(_RUNNING, {"jobs": list(jobs)})
    signs: dict[int, Sign] = {row.id: Sign((row.token, row.beat), row.lease_ms) for row in rows}
    return {id: signs[id].mark for id in watch.lapsed(signs)}


def _claim(result: sa.CursorResult[Any]) -> Claim | None:
    found = result.one_or_none()
    return None if found is None else Claim(found.id, found.job, found.due_at, found.token, found.attempts)


def _held(claim: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(_row.id == claim.id, _row.token == claim.token, _row.state == JobState.RUNNING)


def _settle(connection: Connection, claim: Claim, values: dict[str, Any]) -> None:
    if connection.execute(sa.update(_table).where(_held(claim)).values(values)).rowcount != 1:
        raise _lost(claim)


def _told(text: str) -> str | None:
    """What a database can keep of ``text``, whatever it came from."""
    return text.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_TEXT] or None


def _lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"the occurrence of {claim.job} is over or was taken over; attempt {claim.attempt} may not end it")


def _occurrence(row: Any) -> Occurrence:
    kept = {name: getattr(row, name) for name in Occurrence.__dataclass_fields__}
    return Occurrence(**kept | {"state": JobState(row.state)})
