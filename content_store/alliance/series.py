"""大咖说 and 大家说: a call says what is wanted until when; members answer it with works of theirs.

Those of an invited series answer who were invited and accepted. An entry is a content of its author; whether it is
published is decided by its review like that of any other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import audit, checks, clock, contents, ids, locks, schema_creators, schema_review
from content_store.alliance import creators
from content_store.creator_words import Membership, SeriesKind
from content_store.driver import Driver
from content_store.errors import BadRecord, CallClosed, NotAMember, NotInvited, UnknownCall
from content_store.vocabulary import Topic

_calls = schema_creators.calls
_invitations = schema_creators.call_invitations
_entries = schema_creators.call_entries
_versions = schema_review.content_versions

MOST_ENTRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call for works of a series; instants are epoch ms."""

    id: str
    series: SeriesKind
    title: str
    brief: str | None
    topic: Topic | None
    organisation_id: str
    opens_at: int
    deadline_at: int
    most_entries: int
    created_at: int
    cancelled_at: int | None = None

    def takes(self, now: int) -> bool:
        """Whether works are taken at ``now``."""
        return self.cancelled_at is None and self.opens_at <= now < self.deadline_at


@dataclass(frozen=True, slots=True)
class Invitation:
    """``accepted`` is None until it is answered."""

    call_id: str
    account_id: str
    invited_at: int
    accepted: bool | None


@dataclass(frozen=True, slots=True)
class Entered:
    """A work that answers a call; ``withdrawn_at`` once its author took it back."""

    call_id: str
    content_id: str
    account_id: str
    entered_at: int
    withdrawn_at: int | None


def announce(
    connection: Connection,
    *,
    series: SeriesKind,
    title: str,
    organisation_id: str,
    opens_at: int,
    deadline_at: int,
    actor: str,
    brief: str | None = None,
    topic: Topic | None = None,
    most_entries: int = 1,
) -> Call:
    """Make a call. Raises BadRecord."""
    checks.identifier(title, "a call's title")
    checks.text(brief, "a call's brief")
    if deadline_at <= max(opens_at, clock.now_ms()):
        raise BadRecord("the deadline must be after the opening and in the future")
    if not 1 <= most_entries <= MOST_ENTRIES:
        raise BadRecord(f"a member may enter 1 to {MOST_ENTRIES} works")
    row: dict[str, Any] = {"id": ids.new_id(), "series": SeriesKind(series), "title": title, "brief": brief}
    row |= {"topic": topic, "organisation_id": organisation_id, "opens_at": opens_at, "deadline_at": deadline_at}
    row |= {"most_entries": most_entries, "created_at": clock.now_ms()}
    connection.execute(sa.insert(_calls), row)
    made = get(connection, str(row["id"]))
    audit.record(connection, actor, "call.announce", "call", made.id, None, _told(made))
    return made


def postpone(connection: Connection, id: str, deadline_at: int, *, actor: str) -> Call:
    """Move the deadline of a call. Raises UnknownCall, BadRecord for one that is not in the future, CallClosed."""
    before = get(connection, id)
    if before.cancelled_at is not None:
        raise CallClosed(f"call {id} was cancelled")
    if deadline_at <= max(before.opens_at, clock.now_ms()):
        raise BadRecord("the deadline must be after the opening and in the future")
    return _set(connection, before, "call.postpone", actor, deadline_at=deadline_at)


def cancel(connection: Connection, id: str, *, actor: str) -> Call:
    """Take a call back; what was entered stays where it is in review. Raises UnknownCall."""
    before = get(connection, id)
    if before.cancelled_at is not None:
        return before
    return _set(connection, before, "call.cancel", actor, cancelled_at=clock.now_ms())


def invite(connection: Connection, id: str, account_ids: Collection[str], *, actor: str) -> list[str]:
    """Invite members to an invited series; returns who had not been yet, sorted.

    Raises UnknownCall, BadRecord for an open series, CallClosed, NotAMember.
    """
    call = get(connection, id)
    if call.series is not SeriesKind.INVITED:
        raise BadRecord(f"call {id} is open to every member: nobody need be invited")
    if call.cancelled_at is not None or clock.now_ms() >= call.deadline_at:
        raise CallClosed(f"call {id} is over")
    known = {each.account_id for each in invitations(connection, id)}
    new = sorted(set(account_ids) - known)
    for account_id in new:
        _insist_member(connection, account_id)
        row = {"call_id": id, "account_id": account_id, "invited_at": clock.now_ms()}
        connection.execute(sa.insert(_invitations), row)
    if new:
        audit.record(connection, actor, "call.invite", "call", id, None, {"invited": new})
    return new


def answer(connection: Connection, id: str, account_id: str, *, accept: bool) -> None:
    """Accept or decline an invitation; until the deadline one may think again. Raises UnknownCall, NotInvited."""
    get(connection, id)
    where = (_invitations.c.call_id == id, _invitations.c.account_id == account_id)
    before = {each.account_id: each.accepted for each in invitations(connection, id)}
    values = {"answered_at": clock.now_ms(), "accepted": accept}
    if not connection.execute(sa.update(_invitations).where(*where).values(values)).rowcount:
        raise NotInvited(f"account {account_id} is not invited to call {id}")
    was = before.get(account_id)
    if was is not accept:
        audit.record(connection, account_id, "call.answer", "call", id, {"accepted": was}, {"accepted": accept})


def enter(connection: Connection, id: str, account_id: str, content_id: str) -> Entered:
    """Answer a call with a work of one's own; once entered it stays so, however often it is said.

    Raises UnknownCall, CallClosed before its opening and after its deadline, NotAMember, NotInvited, UnknownContent,
    and BadRecord for a work of somebody else or one too many.
    """
    call = get(connection, id)
    if not call.takes(clock.now_ms()):
        raise CallClosed(f"call {id} takes no works now", hint=f"it does until {clock.shown(call.deadline_at)}")
    _insist_member(connection, account_id)
    if call.series is SeriesKind.INVITED and not _accepted(connection, id, account_id):
        raise NotInvited(f"account {account_id} has no accepted invitation to call {id}")
    contents.get(connection, content_id)
    if _author(connection, content_id) != account_id:
        raise BadRecord(f"content {content_id} is not a work of account {account_id}")
    # Otherwise two works entered at the same moment would both be the last that is allowed.
    locks.hold(Driver(connection), [f"call:{id}:{account_id}"])
    mine = [each for each in entries(connection, id) if each.account_id == account_id]
    if any(each.content_id == content_id and each.withdrawn_at is None for each in mine):
        return next(each for each in mine if each.content_id == content_id)
    if sum(each.withdrawn_at is None for each in mine) >= call.most_entries:
        raise BadRecord(f"account {account_id} has entered {call.most_entries} works, as many as call {id} takes")
    at = clock.now_ms()
    row = {"call_id": id, "content_id": content_id, "account_id": account_id, "entered_at": at}
    _forget(connection, id, content_id)
    connection.execute(sa.insert(_entries), row)
    audit.record(connection, account_id, "call.enter", "call", id, None, {"content_id": content_id})
    return Entered(id, content_id, account_id, at, None)


def take_back(connection: Connection, id: str, account_id: str, content_id: str) -> None:
    """Take an entry back before the deadline. Raises UnknownCall, CallClosed, BadRecord for what is not entered."""
    if clock.now_ms() >= get(connection, id).deadline_at:
        raise CallClosed(f"call {id} is over")
    where = (_entries.c.call_id == id, _entries.c.content_id == content_id, _entries.c.account_id == account_id)
    taken = sa.update(_entries).where(*where, _entries.c.withdrawn_at.is_(None)).values(withdrawn_at=clock.now_ms())
    if not connection.execute(taken).rowcount:
        raise BadRecord(f"content {content_id} is not entered for call {id}")
    audit.record(connection, account_id, "call.take_back", "call", id, {"content_id": content_id}, None)


def get(connection: Connection, id: str) -> Call:
    """The call with this id. Raises UnknownCall."""
    row = connection.execute(sa.select(_calls).where(_calls.c.id == id)).one_or_none()
    if row is None:
        raise UnknownCall(f"no call has the id {id}")
    return _call(row)


def current(connection: Connection) -> list[Call]:
    """Calls that take works now or will, the next deadline first."""
    where = (_calls.c.cancelled_at.is_(None), _calls.c.deadline_at > clock.now_ms())
    return [_call(row) for row in connection.execute(sa.select(_calls).where(*where).order_by(_calls.c.deadline_at))]


def invitations(connection: Connection, id: str) -> list[Invitation]:
    """Who is invited to a call, by account."""
    query = sa.select(_invitations).where(_invitations.c.call_id == id).order_by(_invitations.c.account_id)
    return [Invitation(id, row.account_id, row.invited_at, row.accepted) for row in connection.execute(query)]


def invited_to(connection: Connection, account_id: str) -> list[Invitation]:
    """The invitations of an account, the latest first."""
    query = sa.select(_invitations).where(_invitations.c.account_id == account_id)
    rows = connection.execute(query.order_by(_invitations.c.invited_at.desc(), _invitations.c.call_id))
    return [Invitation(row.call_id, account_id, row.invited_at, row.accepted) for row in rows]


def entries(connection: Connection, id: str) -> list[Entered]:
    """What was entered for a call, the first one first; what was taken back too."""
    query = sa.select(_entries).where(_entries.c.call_id == id)
    rows = connection.execute(query.order_by(_entries.c.entered_at, _entries.c.content_id))
    return [Entered(*row) for row in rows]


def _accepted(connection: Connection, id: str, account_id: str) -> bool:
    where = (_invitations.c.call_id == id, _invitations.c.account_id == account_id, _invitations.c.accepted)
    return connection.execute(sa.select(_invitations.c.call_id).where(*where)).first() is not None


def _author(connection: Connection, content_id: str) -> str | None:
    query = sa.select(_versions.c.author_id).where(_versions.c.content_id == content_id)
    return connection.execute(query.order_by(_versions.c.version.desc()).limit(1)).scalar()


def _forget(connection: Connection, id: str, content_id: str) -> None:
    """Make room for a work that is entered again after it was taken back."""
    where = (_entries.c.call_id == id, _entries.c.content_id == content_id)
    connection.execute(sa.delete(_entries).where(*where))


def _insist_member(connection: Connection, account_id: str) -> None:
    creator = creators.find(connection, account_id)
    if creator is None or creator.state is not Membership.ADMITTED:
        raise NotAMember(f"account {account_id} is no member of the alliance")


def _set(connection: Connection, before: Call, action: str, actor: str, **values: int) -> Call:
    connection.execute(sa.update(_calls).where(_calls.c.id == before.id).values(values))
    after = get(connection, before.id)
    audit.record(connection, actor, action, "call", before.id, _told(before), _told(after))
    return after


def _told(call: Call) -> dict[str, Any]:
    return {
        "series": call.series.value,
        "title": call.title,
        "organisation_id": call.organisation_id,
        "opens_at": call.opens_at,
        "deadline_at": call.deadline_at,
        "most_entries": call.most_entries,
        "cancelled_at": call.cancelled_at,
    }


def _call(row: Any) -> Call:
    told = dict(row._mapping)
    topic = Topic(told["topic"]) if told["topic"] else None
    return Call(**told | {"series": SeriesKind(told["series"]), "topic": topic})
