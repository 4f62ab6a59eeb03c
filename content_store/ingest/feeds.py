"""Feeds: what creators want us to fetch from, and how that goes.

A worker claims feeds that are due, at most one of each host, with the host's lease (``content_store.ingest.hosts``);
so no feed is fetched twice at once and no host by two. It fetches outside of any transaction, gives signs of life, and
then records the outcome, together with whatever became of the items, in one transaction that is refused to whoever
does not hold the host any more. Killed in between, it leaves the feed due and the host to be taken over. Feeds of
creators of whom no works are taken now (``content_store.alliance.standing``) wait as they are until that is over.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, schema
from content_store.alliance import standing
from content_store.creator_words import Membership
from content_store.errors import BadRecord, FetchFailed, UnknownFeed
from content_store.ingest import addresses, hosts, pacing
from content_store.ingest.fetching import Fetched
from content_store.ingest.hosts import Hold
from content_store.ingest.pacing import NO_WISHES, Bounds, Chance, Plan, Wishes
from content_store.leases import Mark, Watch
from content_store.problems import FetchProblem
from content_store.vocabulary import FETCHED_STATES, FeedState

_table = schema.feeds
_row = _table.c
_hosts = schema.fetch_hosts

_LONGEST_ERROR = 500
_REST_MS = 60_000
"""So long a host rests that is asked too often and does not say for how long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as stored; instants are epoch ms.

    ``failures`` counts those in a row; ``problem`` and ``error`` are of the last of them. ``last_fetched_at`` is when
    the server was asked last, ``last_changed_at`` when it last had new items.
    """

    id: str
    url: str
    host: str
    account_id: str
    organisation_id: str
    title: str | None
    licence: str
    state: FeedState
    etag: str | None
    last_modified: str | None
    next_at: int
    interval_ms: int
    failures: int
    problem: FetchProblem | None
    error: str | None
    last_fetched_at: int | None
    last_changed_at: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to fetch ``feed``, as it was when claimed."""

    feed: Feed
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An answer that was understood: it had ``new_items`` items that we had not, and says who it is and what it wants.

    The freshness and ``Retry-After`` of ``fetched`` need not be repeated in ``wishes``.
    """

    fetched: Fetched
    new_items: int = 0
    title: str | None = None
    wishes: Wishes = field(default=NO_WISHES)


Outcome = Brought | FetchFailed


def subscribe(
    connection: Connection, url: str, *, account_id: str, organisation_id: str, licence: str, bounds: Bounds
) -> Feed:
    """Store a new feed of an account, due at once; ``licence`` says by what right its works may be shown.

    Raises FetchFailed (``bad_url``), and BadRecord where the feed is there already, or nobody's.
    """
    at = addresses.parse(url)
    now = clock.now_ms()
    row = {
        "id": ids.new_id(),
        "url": str(at),
        "host": at.host,
        "account_id": account_id,
        "organisation_id": organisation_id,
        "licence": checks.text(licence.strip(), "a feed's licence"),
        "state": FeedState.ACTIVE,
        "next_at": now,
        "interval_ms": pacing.first(bounds),
        "failures": 0,
        "created_at": now,
    }
    if row["licence"] is None:
        raise BadRecord("a feed needs a licence", hint="say by what right its works may be shown")
    hosts.ensure(connection, at.host)
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_table), row)
    except sa.exc.IntegrityError as error:
        if connection.execute(sa.select(sa.exists().where(_row.url == str(at)))).scalar_one():
            raise BadRecord(f"the feed {at} is there already") from error
        raise BadRecord("a feed belongs to an account and an organisation that exist") from error
    return get(connection, str(row["id"]))


def get(connection: Connection, id: str) -> Feed:
    """The feed with this id. Raises UnknownFeed."""
    row = connection.execute(sa.select(_table).where(_row.id == id)).one_or_none()
    if row is None:
        raise UnknownFeed(f"no feed has the id {id}")
    return _feed(row)


def of_account(connection: Connection, account_id: str) -> list[Feed]:
    """The feeds of an account, oldest first."""
    rows = connection.execute(sa.select(_table).where(_row.account_id == account_id).order_by(_row.created_at, _row.id))
    return [_feed(row) for row in rows]


def every(connection: Connection, states: Iterable[FeedState] = tuple(FeedState)) -> list[Feed]:
    """The feeds in one of ``states``, oldest first."""
    wanted = sa.select(_table).where(_row.state.in_(list(states))).order_by(_row.created_at, _row.id)
    return [_feed(row) for row in connection.execute(wanted)]


def stopped(connection: Connection) -> list[tuple[Feed, Membership]]:
    """The feeds that would be fetched if works were taken of whose they are, oldest first, with how these stand."""
    wanted = sa.select(_table).where(_row.state.in_(FETCHED_STATES), standing.shut_out(_row.account_id))
    found = [_feed(row) for row in connection.execute(wanted.order_by(_row.created_at, _row.id))]
    states = {feed.account_id: standing.why(connection, feed.account_id) for feed in found}
    return [(feed, state) for feed in found if (state := states[feed.account_id]) is not None]


def pause(connection: Connection, id: str) -> Feed:
    """Fetch the feed no more until it is resumed. Raises UnknownFeed."""
    connection.execute(sa.update(_table).where(_row.id == id).values(state=FeedState.PAUSED))
    return get(connection, id)


def resume(connection: Connection, id: str) -> Feed:
    """Fetch the feed again, at once, whatever had become of it. Raises UnknownFeed."""
    blank = {"failures": 0, "problem": None, "error": None}
    values = {"state": FeedState.ACTIVE, "next_at": clock.now_ms()} | blank
    connection.execute(sa.update(_table).where(_row.id == id).values(values))
    return get(connection, id)


def unsubscribe(connection: Connection, id: str) -> None:
    """Forget the feed; what came from it stays. Raises UnknownFeed."""
    if not connection.execute(sa.delete(_table).where(_row.id == id)).rowcount:
        raise UnknownFeed(f"no feed has the id {id}")


def claim_due(connection: Connection, worker: str, *, limit: int, lease_ms: int, watch: Watch[str]) -> list[Claim]:
    """Take up to ``limit`` feeds that are due, the longest due first, each of another host.

    ``watch`` is the worker's own for hosts. Fewer, or none, where there are no more or others were quicker.
    """
    now = clock.now_ms()
    gone = hosts.lapsed(connection, watch)
    place = sa.func.row_number().over(partition_by=_row.host, order_by=(_row.next_at, _row.id)).label("place")
    due = (
        sa.select(_table, _hosts.c.token, place)
        .join(_hosts, _hosts.c.host == _row.host)
        .where(_due(now), hosts.available(now, gone))
        .subquery()
    )
    foremost = sa.select(due).where(due.c.place == 1).order_by(due.c.next_at, due.c.id).limit(limit)
    # Everybody takes the rows of hosts in the same order, so that no two wait for each other.
    found = sorted(connection.execute(foremost), key=lambda row: str(row.host))
    claims = []
    for row in found:
        hold = hosts.acquire(connection, row.host, worker, token=row.token, lease_ms=lease_ms, lapsed=gone)
        if hold is not None:
            claims.append(Claim(_feed(row), hold))
    return claims


def held_up(connection: Connection) -> dict[str, Mark]:
    """The hosts at which feeds are due and that somebody holds, with the marks of who that is."""
    columns = (_hosts.c.host, _hosts.c.token, _hosts.c.beat)
    held = sa.and_(_hosts.c.holder.is_not(None), hosts.awake(clock.now_ms()))
    query = sa.select(*columns).join(_table, _row.host == _hosts.c.host).where(_due(clock.now_ms()), held).distinct()
    return {row.host: (row.token, row.beat) for row in connection.execute(query)}


def next_due_at(connection: Connection) -> int | None:
    """When the first feed is due (epoch ms), whether its host is free then or not; None without any feed to fetch."""
    fetched = sa.and_(_row.state.in_(FETCHED_STATES), ~standing.shut_out(_row.account_id))
    first = sa.select(sa.func.min(_row.next_at)).where(fetched)
    at: int | None = connection.execute(first).scalar_one()
    return at


def renew(connection: Connection, claim: Claim) -> bool:
    """Give a sign of life; False where the feed is somebody else's by now."""
    return hosts.renew(connection, claim.hold)


def release(connection: Connection, claim: Claim) -> None:
    """Give the feed back untouched: it is due as before."""
    hosts.release(connection, claim.hold)


def record(
    connection: Connection, claim: Claim, outcome: Outcome, *, bounds: Bounds, chance: Chance = random.random
) -> Feed | None:
    """Write down what came of the fetch and let go of the host.

    What was paused, changed or forgotten meanwhile stays as it is; None where it was forgotten. Raises LeaseLost where
    the host is somebody else's by now: nothing of the transaction may be committed then.
    """
    hosts.require(connection, claim.hold)
    same = sa.and_(_row.id == claim.feed.id, _row.url == claim.feed.url)
    judge: Any = _answered if isinstance(outcome, Brought) else _failed
    values: dict[str, Any] = judge(claim.feed, outcome, bounds, chance)
    state = values.pop("state")
    connection.execute(sa.update(_table).where(same).values(values))
    connection.execute(sa.update(_table).where(same, _row.state.in_(FETCHED_STATES)).values(state=state))
    if isinstance(outcome, Brought):
        _move(connection, claim.feed, outcome.fetched)
    elif outcome.problem is FetchProblem.RATE_LIMITED:
        # It is the address of ours that is asked to be silent, whichever feed it came for.
        asked = pacing.asked_to_stay_away_ms(outcome.retry_after_s)
        hosts.rest(connection, claim.feed.host, min(max(_REST_MS, asked), clock.DAY_MS))
    hosts.release(connection, claim.hold)
    row = connection.execute(sa.select(_table).where(_row.id == claim.feed.id)).one_or_none()
    return None if row is None else _feed(row)


def _answered(feed: Feed, brought: Brought, bounds: Bounds, chance: Chance) -> dict[str, Any]:
    now, fetched, wishes = clock.now_ms(), brought.fetched, brought.wishes
    wishes = Wishes(
        retry_after_s=fetched.retry_after_s,
        fresh_s=fetched.fresh_s,
        ttl_s=wishes.ttl_s,
        skip_hours=wishes.skip_hours,
        skip_days=wishes.skip_days,
    )
    plan = pacing.after_answer(now, feed.interval_ms, brought.new_items, bounds, chance, wishes)
    values = _planned(now, plan) | {"state": FeedState.ACTIVE, "failures": 0, "problem": None, "error": None}
    # With 304 a server may leave away what has not changed (RFC 9110 §15.4.5).
    keep = fetched.not_modified
    values["etag"] = fetched.etag or (feed.etag if keep else None)
    values["last_modified"] = fetched.last_modified or (feed.last_modified if keep else None)
    if brought.title:
        values["title"] = _told(brought.title)
    if brought.new_items:
        values["last_changed_at"] = now
    return values


def _failed(feed: Feed, error: FetchFailed, bounds: Bounds, chance: Chance) -> dict[str, Any]:
    now = clock.now_ms()
    if error.problem is FetchProblem.HOST_BUSY:
        # Nobody's fault, and nothing that was learnt about the feed.
        return {"next_at": now + _REST_MS, "state": feed.state}
    failures = feed.failures + 1
    wishes = Wishes(retry_after_s=error.retry_after_s)
    plan = pacing.after_failure(now, feed.interval_ms, failures, bounds, chance, wishes)
    gone = error.problem is FetchProblem.GONE
    told = {"failures": failures, "problem": error.problem, "error": _told(error.message)}
    return _planned(now, plan) | told | {"state": FeedState.GONE if gone else FeedState.FAILING}


def _planned(now: int, plan: Plan) -> dict[str, Any]:
    return {"last_fetched_at": now, "next_at": plan.next_at, "interval_ms": plan.interval_ms}


def _move(connection: Connection, feed: Feed, fetched: Fetched) -> None:
    """Follow permanent redirects for good, unless another feed has that address already."""
    if fetched.moved_to is None:
        return
    at = addresses.parse(fetched.moved_to)
    taken = _table.alias()
    free = ~sa.exists().where(taken.c.url == str(at))
    hosts.ensure(connection, at.host)
    moved = sa.update(_table).where(_row.id == feed.id, _row.url == feed.url, free)
    connection.execute(moved.values(url=str(at), host=at.host))


def _due(now: int) -> sa.ColumnElement[bool]:
    # What was fetched in the future was so before the clock was set back: it need not wait for that.
    at = sa.or_(_row.next_at <= now, _row.last_fetched_at > now)
    return sa.and_(_row.state.in_(FETCHED_STATES), at, ~standing.shut_out(_row.account_id))


def _told(text: str) -> str:
    return text.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR] or "?"


def _feed(row: Any) -> Feed:
    kept = {entry.name: getattr(row, entry.name) for entry in fields(Feed)}
    problem = None if row.problem is None else FetchProblem(row.problem)
    return Feed(**kept | {"state": FeedState(row.state), "problem": problem})
