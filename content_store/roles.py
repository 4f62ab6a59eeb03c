"""Who may do what: roles that accounts are granted in organisations, each for the organisation and all below it.

Whoever grants or takes away must administer the organisation and the account, and nobody grants to themselves. The
house at its own terminal (``audit.is_house``) may do everything: that is how the first administrator comes about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from content_store import audit, clock, keys, organisations, schema
from content_store.driver import Driver
from content_store.errors import BadRecord, NotAllowed, UnknownAccount
from content_store.staff_vocabulary import Permission, StaffRole, roles_with

_grants = schema.grants
_accounts = schema.accounts
# By the driver: every page asks, and to put the question together would take longer than to answer it.
_HOLDS = """
    SELECT 1 FROM grants g JOIN accounts a ON a.id = g.account_id
    WHERE g.account_id = ? AND a.disabled_at IS NULL AND g.role IN ? LIMIT 1
"""
_HOLDS_IN = """
    WITH RECURSIVE up(id, parent_id) AS (
      SELECT id, parent_id FROM organisations WHERE id = ?
      UNION SELECT o.id, o.parent_id FROM organisations o JOIN up ON o.id = up.parent_id
    )
    SELECT 1 FROM grants g JOIN accounts a ON a.id = g.account_id
    WHERE g.account_id = ? AND a.disabled_at IS NULL AND g.role IN ? AND g.organisation_id IN (SELECT id FROM up)
    LIMIT 1
"""
_HINT = "ask an administrator of the organisation, or of one above it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role of an account in an organisation; ``granted_by`` is an actor, ``granted_at`` epoch ms."""

    account_id: str
    role: StaffRole
    organisation_id: str
    granted_by: str
    granted_at: int


def may(connection: Connection, account_id: str, permission: Permission, organisation_id: str | None) -> bool:
    """Whether the account has ``permission`` in the organisation; with None: in any at all.

    A disabled account, and one that does not exist, may nothing.
    """
    if "\x00" in account_id + (organisation_id or ""):
        return False
    driver, roles = Driver(connection), [role.value for role in roles_with(permission)]
    if organisation_id is None:
        return bool(driver.rows(_HOLDS, account_id, roles))
    return bool(driver.rows(_HOLDS_IN, organisation_id, account_id, roles))


def allows(connection: Connection, actor: str, permission: Permission, organisation_id: str | None) -> bool:
    """``may`` for any actor: an account, a service token (``audit.of_key``), or the house, which may everything."""
    if audit.is_house(actor):
        return True
    key = audit.key_of(actor)
    if key is not None:
        return keys.may(connection, key, permission, organisation_id)
    return may(connection, actor, permission, organisation_id)


def insist(connection: Connection, actor: str, permission: Permission, organisation_id: str | None) -> None:
    """Raises NotAllowed where ``actor`` does not have ``permission`` in the organisation."""
    if not allows(connection, actor, permission, organisation_id):
        where = "anywhere" if organisation_id is None else f"in {organisation_id}"
        raise NotAllowed(f"{actor} does not have {permission} {where}", hint=_HINT)


def permissions_of(connection: Connection, account_id: str, organisation_id: str) -> frozenset[Permission]:
    """All that the account may do in the organisation."""
    up = organisations.above(organisation_id)
    query = _enabled(account_id).where(_grants.c.organisation_id.in_(sa.select(up.c.id)))
    roles = connection.execute(query.with_only_columns(_grants.c.role).distinct()).scalars()
    return _permissions(roles)


def permissions_anywhere(connection: Connection, account_id: str) -> frozenset[Permission]:
    """All that the account may do in any organisation: what its start page offers."""
    query = _enabled(account_id).with_only_columns(_grants.c.role).distinct()
    return _permissions(connection.execute(query).scalars())


def reach(connection: Connection, account_id: str, permission: Permission) -> frozenset[str]:
    """The ids of all organisations in which the account has ``permission``: lists are narrowed to them."""
    down = organisations.below(
        _holding(account_id, permission).with_only_columns(_grants.c.organisation_id.label("id"))
    )
    return frozenset(connection.execute(sa.select(down.c.id)).scalars())


def of_account(connection: Connection, account_id: str) -> list[Grant]:
    """The account's grants, by role and organisation."""
    query = sa.select(_grants).where(_grants.c.account_id == account_id)
    rows = connection.execute(query.order_by(_grants.c.role, _grants.c.organisation_id))
    return [_grant(row) for row in rows]


def grant(connection: Connection, *, actor: str, account_id: str, role: StaffRole | str, organisation_id: str) -> Grant:
    """Give the account a role in the organisation and all below it; what it has already stays as it was granted.

    Raises BadRecord for an unknown role, UnknownAccount, UnknownOrganisation, NotAllowed.
    """
    role = _role(role)
    organisations.get(connection, organisation_id)
    if actor == account_id:
        raise NotAllowed("nobody grants to themselves", hint="ask another administrator")
    _insist_both(connection, actor, account_id, organisation_id)
    row: dict[str, Any] = {"account_id": account_id, "role": role, "organisation_id": organisation_id}
    row |= {"granted_by": actor, "granted_at": clock.now_ms()}
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_grants), row)
    except IntegrityError:
        return _get(connection, account_id, role, organisation_id)
    _note(connection, actor, "grant.create", account_id, role, organisation_id, given=True)
    return _get(connection, account_id, role, organisation_id)


def revoke(connection: Connection, *, actor: str, account_id: str, role: StaffRole | str, organisation_id: str) -> None:
    """Take a role away again. Raises BadRecord where the account does not have it there, UnknownAccount, NotAllowed."""
    role = _role(role)
    _insist_both(connection, actor, account_id, organisation_id)
    gone = connection.execute(sa.delete(_grants).where(*_named(account_id, role, organisation_id))).rowcount
    if not gone:
        raise BadRecord(
            f"the account does not have {role} in {organisation_id}", hint="`kepu accounts list` shows grants"
        )
    _note(connection, actor, "grant.revoke", account_id, role, organisation_id, given=False)


def insist_administers(connection: Connection, actor: str, account_id: str) -> None:
    """Raises NotAllowed where ``actor`` does not administer the account: its organisation and each it has a role in.

    Otherwise one who resets a password could take over more than they were given. Raises UnknownAccount.
    """
    home = connection.execute(sa.select(_accounts.c.organisation_id).where(_accounts.c.id == account_id)).scalar()
    if home is None:
        raise UnknownAccount(f"no account has the id {account_id!r}", hint="`kepu accounts list` shows them all")
    for organisation_id in {home, *(entry.organisation_id for entry in of_account(connection, account_id))}:
        insist(connection, actor, Permission.MANAGE_ACCOUNTS, organisation_id)


def _insist_both(connection: Connection, actor: str, account_id: str, organisation_id: str) -> None:
    """The organisation of the grant and that of the account must be in the actor's hands."""
    home = connection.execute(sa.select(_accounts.c.organisation_id).where(_accounts.c.id == account_id)).scalar()
    if home is None:
        raise UnknownAccount(f"no account has the id {account_id!r}", hint="`kepu accounts list` shows them all")
    insist(connection, actor, Permission.MANAGE_ACCOUNTS, organisation_id)
    insist(connection, actor, Permission.MANAGE_ACCOUNTS, home)


def _enabled(account_id: str) -> sa.Select[Any]:
    """The grants of an account that is not disabled."""
    joined = sa.select(_grants).join(_accounts, _accounts.c.id == _grants.c.account_id)
    return joined.where(_grants.c.account_id == account_id, _accounts.c.disabled_at.is_(None))


def _holding(account_id: str, permission: Permission) -> sa.Select[Any]:
    return _enabled(account_id).where(_grants.c.role.in_(roles_with(permission)))


def _permissions(roles: Any) -> frozenset[Permission]:
    # A role of a newer programme allows nothing here.
    known = [StaffRole(role).permissions for role in roles if role in set(StaffRole)]
    return frozenset().union(*known)


def _named(account_id: str, role: StaffRole, organisation_id: str) -> tuple[Any, ...]:
    columns = _grants.c
    return columns.account_id == account_id, columns.role == role, columns.organisation_id == organisation_id


def _get(connection: Connection, account_id: str, role: StaffRole, organisation_id: str) -> Grant:
    return _grant(connection.execute(sa.select(_grants).where(*_named(account_id, role, organisation_id))).one())


def _note(
    connection: Connection,
    actor: str,
    action: str,
    account_id: str,
    role: StaffRole,
    organisation_id: str,
    *,
    given: bool,
) -> None:
    told = {"role": role, "organisation_id": organisation_id}
    audit.record(connection, actor, action, "account", account_id, None if given else told, told if given else None)


def _role(value: str) -> StaffRole:
    if value not in set(StaffRole):
        raise BadRecord(f"{value!r} is no role", hint=f"there are: {', '.join(StaffRole)}")
    return StaffRole(value)


def _grant(row: Any) -> Grant:
    return Grant(**{**row._mapping, "role": StaffRole(row.role)})
