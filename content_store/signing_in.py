"""Signing in: a login and a password become an account, and who guesses is made slow.

An attempt is counted as failed before its password is examined, so that many at once have no more guesses than one
after the other. After ``FREE`` failures in a row each attempt must wait, twice as long every time, from 30 s up to an
hour; at 100 nothing is taken any more until the password is reset (NIST SP 800-63B §5.2.2). All this is counted for
each login apart for every device from which its owner has signed in before, and once for all other devices: whoever
fails on purpose keeps out strangers, not the owner (device cookies, as OWASP describes them).

A login that nobody has is treated the same, in words, in time and in waiting.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import accounts, clock, passwords, schema
from content_store.accounts import Account
from content_store.db import Database
from content_store.errors import BadCredentials, SignInDelayed, UnknownAccount
from content_store.sessions import Session

FREE = 5
"""Failures in a row after which attempts must wait."""
FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 3_600_000
MOST_FAILURES = 100
"""Failures in a row after which no password is examined any more."""

_STRANGER = ""
_FORGOTTEN_MS = clock.DAY_MS
_table = schema.sign_in_failures
_rows = schema.accounts


@dataclass(frozen=True, slots=True)
class Device:
    """Where an account was signed in to before; ``id`` is any text of its own."""

    account_id: str
    id: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What is stored for a login: none of it for one that nobody has."""

    account: Account | None
    password: str | None

    @property
    def open(self) -> bool:
        """Whether its password may let somebody in."""
        account = self.account
        if account is None or account.disabled:
            return False
        return account.temporary_until is None or clock.now_ms() < account.temporary_until


def authenticate(database: Database, login: str, password: str, *, device: Device | None = None) -> Account:
    """The account with this login and password, tried from ``device`` where that has proved to be one.

    A password that was hashed with parameters of before is hashed anew. Must not be called within a transaction: it
    makes its own, and none lasts while the password is examined. Raises BadCredentials, or SignInDelayed.
    """
    with database.begin() as connection:
        found, digest = _find(connection, login), _digest(login)
        known = device is not None and found.account is not None and device.account_id == found.account.id
        place = device.id if known and device is not None else _STRANGER
        _count(connection, digest, place, found.account)
    right = passwords.verify(found.password if found.open else None, password)
    if not right or found.account is None or found.password is None:
        raise BadCredentials("login and password do not belong together", hint="try again, or ask an administrator")
    anew = None
    if passwords.outdated(found.password):
        anew = passwords.again(password, temporary=found.account.must_change_password)
    with database.begin() as connection:
        # It may have been closed, or given another password, while this one was examined.
        if _find(connection, login) != found:
            raise BadCredentials("the account was changed a moment ago", hint="sign in again")
        connection.execute(sa.delete(_table).where(_table.c.login_digest == digest, _table.c.device == place))
        if anew is not None:
            connection.execute(sa.update(_rows).where(_rows.c.id == found.account.id).values(password=anew.text))
    return found.account


def prove(database: Database, session: Session, password: str) -> None:
    """Whoever is signed in proves again who they are, before a change that matters. Raises as ``authenticate``."""
    with database.connect() as connection:
        login = accounts.get(connection, session.account_id).login
    authenticate(database, login, password, device=Device(session.account_id, f"session {session.id}"))


def failures(connection: Connection, account_id: str) -> int:
    """Failures in a row of devices that the account does not know: from ``FREE`` on strangers must wait."""
    query = sa.select(_table.c.failures).where(_table.c.account_id == account_id, _table.c.device == _STRANGER)
    return connection.execute(query).scalar() or 0


def wait_ms(failures: int) -> int:
    """How long after the last of so many failures the next attempt is taken, ms."""
    if failures < FREE:
        return 0
    return min(FIRST_WAIT_MS << min(failures - FREE, 20), LONGEST_WAIT_MS)


def _count(connection: Connection, digest: str, device: str, account: Account | None) -> None:
    """Count an attempt as failed until it is known to be none. Raises SignInDelayed where it must wait."""
    now = clock.now_ms()
    key = (_table.c.login_digest == digest, _table.c.device == device)
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    first = {
        "login_digest": digest,
        "device": device,
        "account_id": account and account.id,
        "failures": 0,
        "last_at": 0,
    }
    connection.execute(insert(_table).on_conflict_do_nothing(), [first])
    row = connection.execute(sa.select(_table).where(*key).with_for_update()).one()
    left = row.last_at + wait_ms(row.failures) - now
    if row.failures >= MOST_FAILURES:
        raise SignInDelayed(
            "too many failures in a row", LONGEST_WAIT_MS // 1000, hint="an administrator can reset the password"
        )
    if left > 0:
        raise SignInDelayed("too many failures in a row", -(-left // 1000), hint="wait, then try again")
    connection.execute(sa.update(_table).where(*key).values(failures=row.failures + 1, last_at=now))
    # Logins that nobody has are kept for a day only: anybody can make them up.
    old = (_table.c.account_id.is_(None), _table.c.last_at < now - _FORGOTTEN_MS)
    connection.execute(sa.delete(_table).where(*old))


def _find(connection: Connection, login: str) -> _Found:
    try:
        account = accounts.by_login(connection, login)
    except UnknownAccount:
        return _Found(None, None)
    return _Found(account, connection.execute(sa.select(_rows.c.password).where(_rows.c.id == account.id)).scalar_one())


def _digest(login: str) -> str:
    # Some type their password where the login belongs: it is not kept as it is.
    return hashlib.sha256(accounts.folded(login).encode(errors="surrogatepass")).hexdigest()[:32]
