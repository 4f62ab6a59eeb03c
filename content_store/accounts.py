"""Accounts: those who work here, and the creators of the alliance. What they may do are their grants (``roles``).

A login is brought to one form (NFKC, lower case), so that two that look alike are one. Nobody's account is deleted: who
did what must stay tellable.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from content_store import audit, checks, clock, ids, organisations, roles, schema, sessions
from content_store.errors import BadRecord, UnknownAccount
from content_store.passwords import Hashed
from content_store.staff_vocabulary import Permission

TEMPORARY_LIFE_MS = 7 * clock.DAY_MS
"""How long a password that was given to somebody may wait for its first use."""
LONGEST_LOGIN = 64
LONGEST_NAME = 60

_LOGIN = re.compile(rf"\w[\w.@-]{{1,{LONGEST_LOGIN - 1}}}")
_accounts = schema.accounts
_failures = schema.sign_in_failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as stored, without its password; instants are epoch ms.

    ``temporary_until`` is set while the password is one that was given and must be changed.
    """

    id: str
    login: str
    name: str
    organisation_id: str
    created_at: int
    disabled_at: int | None
    temporary_until: int | None

    @property
    def disabled(self) -> bool:
        """Whether it may not sign in."""
        return self.disabled_at is not None

    @property
    def must_change_password(self) -> bool:
        """Whether nothing else may be done before the password is changed."""
        return self.temporary_until is not None


def create(
    connection: Connection, *, actor: str, login: str, name: str, organisation_id: str, password: Hashed | None = None
) -> Account:
    """A new account of the organisation; without a password nobody can sign in to it yet.

    Raises BadRecord for a login that is taken or cannot be one, UnknownOrganisation, NotAllowed.
    """
    organisations.get(connection, organisation_id)
    roles.insist(connection, actor, Permission.MANAGE_ACCOUNTS, organisation_id)
    row: dict[str, Any] = {"id": ids.new_id(), "login": normal_login(login), "name": _name(name)}
    row |= {"organisation_id": organisation_id, "created_at": clock.now_ms()}
    row |= {} if password is None else _stored(password)
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_accounts), row)
    except IntegrityError as error:
        raise BadRecord(f"the login {row['login']} is taken", hint="`kepu accounts list` shows them all") from error
    told = {"login": row["login"], "name": row["name"], "organisation_id": organisation_id}
    audit.record(connection, actor, "account.create", "account", row["id"], None, told)
    return get(connection, row["id"])


def get(connection: Connection, id: str) -> Account:
    """The account with this id. Raises UnknownAccount."""
    return _one(connection, _accounts.c.id == id, id)


def by_login(connection: Connection, login: str) -> Account:
    """The account with this login, in whatever form it is written. Raises UnknownAccount."""
    return _one(connection, _accounts.c.login == folded(login), login)


def every(connection: Connection, below: str | None = None) -> list[Account]:
    """All accounts, or those of an organisation and of all below it, by login."""
    query = sa.select(_accounts).order_by(_accounts.c.login)
    if below is not None:
        query = query.where(_accounts.c.organisation_id.in_(organisations.subtree(connection, below)))
    return [_account(row) for row in connection.execute(query)]


def change_password(connection: Connection, id: str, password: Hashed, *, keep_session: str | None = None) -> Account:
    """Give it the password that its owner chose, who must just have proved who they are.

    Every session ends but ``keep_session``. Raises UnknownAccount.
    """
    return _set_password(connection, id, password, actor=id, action="account.change_password", keep=keep_session)


def reset_password(connection: Connection, id: str, password: Hashed, *, actor: str) -> Account:
    """Give it another password; every session ends, and failures to sign in are forgotten.

    Raises UnknownAccount, NotAllowed where ``actor`` does not administer all that the account may do.
    """
    roles.insist_administers(connection, actor, id)
    return _set_password(connection, id, password, actor=actor, action="account.reset_password", keep=None)


def disable(connection: Connection, id: str, *, actor: str) -> Account:
    """Let nobody sign in to it any more; every session ends. Raises UnknownAccount, NotAllowed."""
    return _switch(connection, id, actor, "account.disable", clock.now_ms())


def enable(connection: Connection, id: str, *, actor: str) -> Account:
    """Let its owner sign in again, with the password and the grants of before. Raises UnknownAccount, NotAllowed."""
    return _switch(connection, id, actor, "account.enable", None)


def normal_login(login: str) -> str:
    """The one form of a login. Raises BadRecord for what cannot be one."""
    form = folded(login)
    if not _LOGIN.fullmatch(form):
        hint = f"2 to {LONGEST_LOGIN} letters, digits and . _ @ -, a letter or digit first"
        raise BadRecord(f"{login!r} cannot be a login", hint=hint)
    return form


def folded(login: str) -> str:
    """A login as it is looked for, whether it can be one or not."""
    return unicodedata.normalize("NFKC", login[: 4 * LONGEST_LOGIN].strip()).casefold()


def _name(name: str) -> str:
    name = checks.identifier(name.strip(), "a person's name")
    if len(name) > LONGEST_NAME:
        raise BadRecord(f"a person's name has at most {LONGEST_NAME} characters")
    return name


def _one(connection: Connection, condition: Any, named: str) -> Account:
    row = None
    if "\x00" not in named and named.isprintable():
        row = connection.execute(sa.select(_accounts).where(condition)).one_or_none()
    if row is None:
        raise UnknownAccount(f"no account is called {named!r}", hint="`kepu accounts list` shows them all")
    return _account(row)


def _set_password(
    connection: Connection, id: str, password: Hashed, *, actor: str, action: str, keep: str | None
) -> Account:
    before = get(connection, id)
    connection.execute(sa.update(_accounts).where(_accounts.c.id == id).values(_stored(password)))
    connection.execute(sa.delete(_failures).where(_failures.c.account_id == id))
    ended = sessions.end_all(connection, id, keep=keep)
    after = get(connection, id)
    told = {"temporary_until": after.temporary_until, "sessions_ended": ended}
    audit.record(connection, actor, action, "account", id, {"temporary_until": before.temporary_until}, told)
    return after


def _switch(connection: Connection, id: str, actor: str, action: str, disabled_at: int | None) -> Account:
    before = get(connection, id)
    roles.insist_administers(connection, actor, id)
    if before.disabled == (disabled_at is not None):
        return before
    connection.execute(sa.update(_accounts).where(_accounts.c.id == id).values(disabled_at=disabled_at))
    ended = sessions.end_all(connection, id) if disabled_at is not None else 0
    told = {"disabled_at": disabled_at, "sessions_ended": ended}
    audit.record(connection, actor, action, "account", id, {"disabled_at": before.disabled_at}, told)
    return get(connection, id)


def _stored(password: Hashed) -> dict[str, Any]:
    until = clock.now_ms() + TEMPORARY_LIFE_MS if password.temporary else None
    return {"password": password.text, "temporary_until": until}


def _account(row: Any) -> Account:
    values = dict(row._mapping)
    del values["password"]
    return Account(**values)
