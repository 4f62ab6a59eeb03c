"""Sessions of those who signed in: kept on the server, known by a digest of a token of 256 random bits.

A session ends when nothing was asked in it for a while, and after a time in any case (NIST SP 800-63B); it is gone at
once, in every process, when it is ended: nobody keeps a copy. Who signs in gets a new token, whatever they came with.
Who ends sessions of others has looked whether the actor may (``roles.insist_administers``).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import audit, clock, ids, schema
from content_store.errors import UnknownSession
from content_store.settings import Settings

SEEN_EVERY_MS = 60_000
"""When a session was last used is known to a minute: writing it at every request would cost more than the request."""
LONGEST_LABEL = 200

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_sessions = schema.sessions
_accounts = schema.accounts


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts, ms: without a request, and in all."""

    idle_ms: int
    life_ms: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those that the settings give."""
        return cls(settings.session_idle_min * _MINUTE_MS, settings.session_hours * _HOUR_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session without its token; instants are epoch ms, ``network`` and ``agent`` tell its owner where it is."""

    id: str
    account_id: str
    started_at: int
    seen_at: int
    network: str | None
    agent: str | None

    def lasts(self, limits: Limits, now: int) -> bool:
        """Whether it has not ended at ``now``."""
        return now - self.seen_at < limits.idle_ms and now - self.started_at < limits.life_ms

    def use_is_news(self, now: int) -> bool:
        """Whether a use at ``now`` is worth being noted."""
        return now - self.seen_at >= SEEN_EVERY_MS


def start(
    connection: Connection, account_id: str, limits: Limits, *, network: str | None = None, agent: str | None = None
) -> tuple[Session, str]:
    """A new session of the account, and its token, which nobody can tell again; sessions that have ended are deleted.

    Whoever calls has just examined the password (``signing_in.authenticate``).
    """
    now, id, token = clock.now_ms(), ids.new_id(), secrets.token_urlsafe(32)
    connection.execute(sa.delete(_sessions).where(_sessions.c.started_at <= now - limits.life_ms))
    session = Session(
        id=id, account_id=account_id, started_at=now, seen_at=now, network=_label(network), agent=_label(agent)
    )
    row = {name: getattr(session, name) for name in ("id", "account_id", "started_at", "seen_at", "network", "agent")}
    connection.execute(sa.insert(_sessions), row | {"digest": _digest(token)})
    told = {"account_id": account_id, "network": session.network}
    audit.record(connection, account_id, "session.start", "session", id, None, told)
    return session, token


def find(connection: Connection, token: str, limits: Limits) -> Session | None:
    """The session of this token; None where there is none, it has ended, or its account is disabled."""
    query = sa.select(_sessions).join(_accounts, _accounts.c.id == _sessions.c.account_id)
    query = query.where(_sessions.c.digest == _digest(token), _accounts.c.disabled_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    found = _session(row)
    return found if found.lasts(limits, clock.now_ms()) else None


def note_use(connection: Connection, id: str) -> None:
    """The session was used now; nothing happens where it has been ended meanwhile."""
    now = clock.now_ms()
    connection.execute(sa.update(_sessions).where(_sessions.c.id == id, _sessions.c.seen_at < now).values(seen_at=now))


def of_account(connection: Connection, account_id: str, limits: Limits) -> list[Session]:
    """The account's sessions that last, the one used last first."""
    query = sa.select(_sessions).where(_sessions.c.account_id == account_id)
    rows = connection.execute(query.order_by(_sessions.c.seen_at.desc(), _sessions.c.id))
    now = clock.now_ms()
    return [found for row in rows if (found := _session(row)).lasts(limits, now)]


def end(connection: Connection, account_id: str, id: str, *, actor: str) -> None:
    """End one session of the account. Raises UnknownSession where it has no such session."""
    mine = (_sessions.c.id == id, _sessions.c.account_id == account_id)
    if "\x00" in id or not connection.execute(sa.delete(_sessions).where(*mine)).rowcount:
        raise UnknownSession(f"the account has no session {id!r}", hint="it may have ended already")
    audit.record(connection, actor, "session.end", "session", id, {"account_id": account_id}, None)


def end_all(connection: Connection, account_id: str, *, keep: str | None = None) -> int:
    """End all sessions of the account but ``keep``; returns how many. Who calls tells the audit log why."""
    mine = _sessions.c.account_id == account_id
    others = mine if keep is None else sa.and_(mine, _sessions.c.id != keep)
    return connection.execute(sa.delete(_sessions).where(others)).rowcount


def replace(connection: Connection, session: Session) -> None:
    """End a session whose owner signs in anew; the beginning of the next one tells of it."""
    connection.execute(sa.delete(_sessions).where(_sessions.c.id == session.id))


def kill_all(connection: Connection, account_id: str, *, actor: str, keep: str | None = None) -> int:
    """The same, told to the audit log."""
    ended = end_all(connection, account_id, keep=keep)
    if ended:
        audit.record(connection, actor, "session.end_all", "account", account_id, {"sessions": ended}, None)
    return ended


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _label(text: str | None) -> str | None:
    """What a browser says of itself, as far as it can be shown."""
    shown = "".join(sign for sign in text or "" if sign.isprintable())
    return shown[:LONGEST_LABEL] or None


def _session(row: Any) -> Session:
    values = dict(row._mapping)
    del values["digest"]
    return Session(**values)
