"""Who does something, and its row in the audit log: an account, a service token, a job of ours, or the terminal.

A row is written in the transaction of the act, and last in it: from then on no other transaction can write to the log.
So a transaction does one act; where it must do several, the contents that it works on are held before the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import audit, schema
from content_store.audit import Change
from content_store.errors import BadRecord, NotAllowed, UnknownAccount

Told = Mapping[str, Any] | None


class Actor(NamedTuple):
    """Who does something: an account, and the name that people know it by.

    ``audited`` is what the audit log calls them where that is not the account: ``key:ID``, ``system:JOB`` or
    ``cli:USER``. Without an account it is a programme, which may write and never review.
    """

    account_id: str | None
    name: str
    audited: str = ""

    @property
    def logged(self) -> str:
        """As the audit log names them."""
        return self.audited or self.account_id or "system:review"

    @property
    def person(self) -> str:
        """The account. Raises NotAllowed for a programme."""
        if self.account_id is None:
            raise NotAllowed(f"{self.name} is a programme", hint="this is for a person with an account to do")
        return self.account_id


def programme(job: str) -> Actor:
    """A job of ours, such as ``ingest``."""
    return Actor(None, job, f"system:{job}")


def service(key_id: str, name: str) -> Actor:
    """Whoever has the service token."""
    return Actor(None, name, audit.of_key(key_id))


def account(connection: Connection, id: str) -> Actor:
    """The account with this id. Raises UnknownAccount where there is none, or it is disabled."""
    found = _where(connection, schema.accounts.c.id == id)
    if found is None:
        raise UnknownAccount(f"no account has the id {id!r}")
    return found


def actor(connection: Connection, login: str, *, audited: str = "") -> Actor:
    """The account that signs in with ``login``. Raises BadRecord where none does, or it is disabled."""
    found = _where(connection, schema.accounts.c.login == login)
    if found is None:
        raise BadRecord(f"nobody signs in as {login!r}", hint="`kepu accounts list` shows them all")
    return found._replace(audited=audited)


def record(
    connection: Connection,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: str,
    before: Told = None,
    after: Told = None,
) -> None:
    """Write down, in the transaction of the act, who did ``action`` to what, from what to what."""
    record_all(connection, actor, [Change(action, object_kind, object_id, before, after)])


def record_all(connection: Connection, actor: Actor, changes: Iterable[Change]) -> None:
    """The same for all that one act did, in its order; nothing where that is nothing."""
    told = [_told(actor, change) for change in changes]
    if told:
        audit.record_all(connection, actor.logged, told)


def _told(actor: Actor, change: Change) -> Change:
    after = change.after
    if actor.audited and actor.account_id is not None:
        after = {**(after or {}), "as": actor.account_id}
    return Change(f"{change.object_kind}.{change.action}", change.object_kind, change.object_id, change.before, after)


def _where(connection: Connection, which: sa.ColumnElement[bool]) -> Actor | None:
    accounts = schema.accounts.c
    row = connection.execute(sa.select(accounts.id, accounts.name).where(which, accounts.disabled_at.is_(None)))
    found = row.one_or_none()
    return None if found is None else Actor(found.id, found.name)
