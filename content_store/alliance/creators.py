"""Members of the alliance and those who apply: what they told, where they stand, and how they came there.

A member has the role of a creator in the organisation of their account, from admission on and for as long as works are
taken of them: each step gives or takes it in its own transaction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import accounts, audit, checks, clock, ids, roles, schema_creators
from content_store.alliance.admission import Application, Channel, Criteria, Sample, check
from content_store.creator_words import MEMBERSHIP_TRANSITIONS, Licence, Membership, Trust
from content_store.errors import BadRecord, CriteriaNotMet, StaleRevision, UnknownCreator
from content_store.review_words import AiUse
from content_store.staff_vocabulary import Permission, StaffRole
from content_store.vocabulary import Topic

_table = schema_creators.creators
_history = schema_creators.creator_history
_ALLIANCE = "system:alliance"
"""Who grants and revokes the role: it follows from the decision, whose maker need not administer accounts."""

PROVEN_WORKS, TRUSTED_WORKS = 10, 50
"""Published works after which a member may be called proven and trusted."""
MOST_RETURNED = 0.1
"""Share of works withdrawn or returned above which nobody rises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """A creator as stored; ``revision`` counts the changes of what they told. Instants are epoch ms."""

    account_id: str
    state: Membership
    trust: Trust
    application: Application
    revision: int
    applied_at: int
    admitted_at: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a creator's way, with whoever took it."""

    state: Membership
    trust: Trust
    reason: str | None
    actor: str
    at: int


def apply(connection: Connection, account_id: str, application: Application, *, revision: int | None = None) -> Creator:
    """Apply, or apply again after a refusal or having left, or change an application that waits.

    ``revision`` is the one that the change was made on. Raises BadRecord, also for a member, who changes what they
    told by ``amend``; StaleRevision where somebody changed it meanwhile.
    """
    check(application)
    before = find(connection, account_id)
    if before is None:
        now = clock.now_ms()
        row = {"account_id": account_id, "state": Membership.APPLIED, "trust": Trust.NEW, "revision": 1}
        connection.execute(sa.insert(_table), row | {"applied_at": now} | _columns(application))
        return _taken(connection, account_id, account_id, None, "creator.apply")
    if before.state is not Membership.APPLIED and Membership.APPLIED not in MEMBERSHIP_TRANSITIONS[before.state]:
        raise BadRecord(f"creator {account_id} is {before.state} and need not apply")
    # Trust that was earned before leaving is not brought back by oneself.
    values = _columns(application) | {"state": Membership.APPLIED, "trust": Trust.NEW, "applied_at": clock.now_ms()}
    _change(connection, before, revision, values)
    return _taken(connection, account_id, account_id, None, "creator.apply", before)


def amend(connection: Connection, account_id: str, application: Application, *, revision: int) -> Creator:
    """Change what a member told of themselves; they stay one. Raises UnknownCreator, BadRecord, StaleRevision."""
    before = get(connection, account_id)
    _change(connection, before, revision, _columns(check(application)))
    after = get(connection, account_id)
    audit.record(connection, account_id, "creator.amend", "creator", account_id, _told(before), _told(after))
    return after


def admit(
    connection: Connection, account_id: str, criteria: Criteria, *, actor: str, exception: str | None = None
) -> Creator:
    """Admit who applied. An ``exception`` says why somebody is admitted who does not meet the criteria.

    Raises CriteriaNotMet with what is unmet, UnknownCreator, BadRecord, and NotAllowed as all decisions do for who may
    not manage creators in the organisation of the account.
    """
    before = get(connection, account_id)
    unmet = criteria.unmet(before.application)
    if unmet and not (exception and exception.strip()):
        raise CriteriaNotMet([criteria.told()[what] for what in unmet])
    reason = exception if unmet else None
    return _move(connection, before, Membership.ADMITTED, actor, reason, admitted_at=clock.now_ms())


def refuse(connection: Connection, account_id: str, reason: str, *, actor: str) -> Creator:
    """Refuse who applied, and say why. Raises UnknownCreator, BadRecord."""
    return _move(connection, get(connection, account_id), Membership.REFUSED, actor, _reason(reason))


def suspend(connection: Connection, account_id: str, reason: str, *, actor: str) -> Creator:
    """Take no more works of a member for now, and say why. Raises UnknownCreator, BadRecord."""
    return _move(connection, get(connection, account_id), Membership.SUSPENDED, actor, _reason(reason))


def reinstate(connection: Connection, account_id: str, reason: str, *, actor: str) -> Creator:
    """End a suspension. Raises UnknownCreator, BadRecord."""
    before = get(connection, account_id)
    if before.state is not Membership.SUSPENDED:
        raise BadRecord(f"creator {account_id} is not suspended")
    return _move(connection, before, Membership.ADMITTED, actor, _reason(reason))


def leave(connection: Connection, account_id: str) -> Creator:
    """Leave the alliance; works stay where they are. Raises UnknownCreator, BadRecord."""
    return _move(connection, get(connection, account_id), Membership.LEFT, account_id, None)


def set_trust(connection: Connection, account_id: str, trust: Trust, reason: str, *, actor: str) -> Creator:
    """Trust a member more or less, and say why. Raises UnknownCreator, BadRecord."""
    before = get(connection, account_id)
    if before.state is not Membership.ADMITTED:
        raise BadRecord(f"creator {account_id} is {before.state}: only members are trusted")
    _insist_manages(connection, actor, account_id)
    _reason(reason)
    connection.execute(sa.update(_table).where(_table.c.account_id == account_id).values(trust=int(trust)))
    return _taken(connection, account_id, actor, reason, "creator.trust", before)


def earned(published: int, failed: int) -> Trust:
    """The trust that so many published works speak for, and so many returned or withdrawn ones against."""
    if failed > MOST_RETURNED * (published + failed) or published < PROVEN_WORKS:
        return Trust.NEW
    return Trust.TRUSTED if published >= TRUSTED_WORKS else Trust.PROVEN


def get(connection: Connection, account_id: str) -> Creator:
    """The creator with this account. Raises UnknownCreator."""
    found = find(connection, account_id)
    if found is None:
        raise UnknownCreator(f"account {account_id} has not applied to the alliance")
    return found


def find(connection: Connection, account_id: str) -> Creator | None:
    """The creator with this account; None where it never applied."""
    row = connection.execute(sa.select(_table).where(_table.c.account_id == account_id)).one_or_none()
    return None if row is None else _creator(row)


def every(connection: Connection, state: Membership | None = None, *, limit: int = 500) -> list[Creator]:
    """Creators, or those in ``state``, who waited longest first."""
    query = sa.select(_table).order_by(_table.c.applied_at, _table.c.account_id).limit(limit)
    if state is not None:
        query = query.where(_table.c.state == state)
    return [_creator(row) for row in connection.execute(query)]


def history(connection: Connection, account_id: str) -> list[Step]:
    """Every step of a creator's way, the first one first."""
    query = sa.select(_history).where(_history.c.account_id == account_id).order_by(_history.c.id)
    return [
        Step(Membership(row.state), Trust(row.trust), row.reason, row.actor, row.at)
        for row in connection.execute(query)
    ]


def _move(
    connection: Connection, before: Creator, state: Membership, actor: str, reason: str | None, **values: Any
) -> Creator:
    if state not in MEMBERSHIP_TRANSITIONS[before.state]:
        raise BadRecord(f"creator {before.account_id} is {before.state} and cannot become {state}")
    if actor == before.account_id and state is not Membership.LEFT:
        raise BadRecord("nobody decides about themselves", hint="ask a colleague")
    if state is not Membership.LEFT:
        _insist_manages(connection, actor, before.account_id)
    where = (_table.c.account_id == before.account_id, _table.c.state == before.state)
    if not connection.execute(sa.update(_table).where(*where).values(state=state, **values)).rowcount:
        raise BadRecord(f"creator {before.account_id} was decided about by someone else at the same time")
    _give_role(connection, before.account_id, wanted=state is Membership.ADMITTED)
    return _taken(connection, before.account_id, actor, reason, f"creator.{state}", before)


def _insist_manages(connection: Connection, actor: str, account_id: str) -> None:
    home = accounts.get(connection, account_id).organisation_id
    roles.insist(connection, actor, Permission.MANAGE_CREATORS, home)


def _give_role(connection: Connection, account_id: str, *, wanted: bool) -> None:
    """Let the account be a creator in its organisation, or nowhere any more."""
    creator = StaffRole.CREATOR
    if wanted:
        home = accounts.get(connection, account_id).organisation_id
        roles.grant(connection, actor=_ALLIANCE, account_id=account_id, role=creator, organisation_id=home)
        return
    for held in roles.of_account(connection, account_id):
        if held.role is creator:
            place = held.organisation_id
            roles.revoke(connection, actor=_ALLIANCE, account_id=account_id, role=creator, organisation_id=place)


def _change(connection: Connection, before: Creator, revision: int | None, values: dict[str, Any]) -> None:
    where = (_table.c.account_id == before.account_id, _table.c.revision == (revision or before.revision))
    changed = sa.update(_table).where(*where).values(values | {"revision": _table.c.revision + 1})
    if not connection.execute(changed).rowcount:
        raise StaleRevision(
            f"creator {before.account_id} was changed meanwhile", hint="look at it again, and send the change anew"
        )


def _taken(
    connection: Connection, account_id: str, actor: str, reason: str | None, action: str, before: Creator | None = None
) -> Creator:
    """Note a step that was taken in the creator's history and in the audit log."""
    after = get(connection, account_id)
    row = {"id": ids.new_id(), "account_id": account_id, "state": after.state, "trust": int(after.trust)}
    connection.execute(sa.insert(_history), row | {"reason": reason, "actor": actor, "at": clock.now_ms()})
    told = {"reason": reason} if reason else {}
    earlier = None if before is None else _told(before)
    audit.record(connection, actor, action, "creator", account_id, earlier, _told(after) | told)
    return after


def _told(creator: Creator) -> dict[str, Any]:
    told = {"state": creator.state.value, "trust": int(creator.trust), "revision": creator.revision}
    return told | _columns(creator.application)


def _reason(text: str) -> str:
    if not text.strip():
        raise BadRecord("a reason is needed: whom it concerns will read it")
    checks.text(text, "a reason")
    return text


def _columns(application: Application) -> dict[str, Any]:
    told = asdict(application)
    told["expertise"] = list(dict.fromkeys(Topic(topic).value for topic in application.expertise))
    told["channels"] = [asdict(channel) for channel in application.channels]
    told["samples"] = [asdict(sample) for sample in application.samples]
    return told | {"licence": Licence(application.licence).value, "ai_use": AiUse(application.ai_use).value}


def _creator(row: Any) -> Creator:
    application = Application(
        expertise=tuple(Topic(code) for code in row.expertise),
        channels=tuple(Channel(**channel) for channel in row.channels),
        samples=tuple(Sample(**sample) for sample in row.samples),
        statement=row.statement,
        licence=Licence(row.licence),
        ai_use=AiUse(row.ai_use),
    )
    return Creator(
        account_id=row.account_id,
        state=Membership(row.state),
        trust=Trust(row.trust),
        application=application,
        revision=row.revision,
        applied_at=row.applied_at,
        admitted_at=row.admitted_at,
    )
