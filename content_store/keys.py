"""Service tokens: how other programmes prove who they are.

A token is ``kepu_key_ID_SECRET``. It is shown once, when it is made; stored is a digest of it, which is enough because
the secret has 256 random bits. A key with an organisation may do what its role allows in it and in all below it; one
without may do so everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import audit, clock, organisations, schema
from content_store.errors import BadKey, BadRecord, UnknownKey
from content_store.staff_vocabulary import KEY_PERMISSIONS, Permission
from content_store.vocabulary import Role

PREFIX = "kepu_key_"
USE_NOTED_EVERY_MS = 60_000
"""The last use is known to a minute: writing it at every request would cost more than the request."""

_ID_BYTES = 6
_keys = schema.service_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A service token without its secret; instants are epoch ms, ``organisation`` is an id.

    Keys of before there were organisations may have any text there: it is no organisation, so they may do nothing that
    needs a permission.
    """

    id: str
    role: Role
    organisation: str | None
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
    expires_at: int | None

    def use_is_news(self, now: int) -> bool:
        """Whether a use at ``now`` is worth being noted."""
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY_MS


def create(
    connection: Connection,
    *,
    role: Role | str,
    organisation: str | None = None,
    expires_at: int | None = None,
    actor: str = "system:keys",
) -> tuple[Key, str]:
    """Make a key; returns it and its token, which nobody can tell again.

    Raises BadRecord for an unknown role or an end that has come already, UnknownOrganisation.
    """
    if role not in set(Role):
        raise BadRecord(f"{role!r} is no role", hint=f"there are: {', '.join(Role)}")
    now = clock.now_ms()
    if expires_at is not None and expires_at <= now:
        raise BadRecord("the key would have ended already", hint="give an end that is yet to come")
    identifier = secrets.token_hex(_ID_BYTES)
    token = f"{PREFIX}{identifier}_{secrets.token_urlsafe(32)}"
    row = {"id": identifier, "digest": _digest(token), "role": Role(role), "created_at": now, "expires_at": expires_at}
    row["organisation"] = organisations.get(connection, organisation).id if organisation else None
    connection.execute(sa.insert(_keys), row)
    told = {"role": Role(role), "organisation_id": row["organisation"], "expires_at": expires_at}
    audit.record(connection, actor, "key.create", "key", identifier, None, told)
    return _get(connection, identifier), token


def verify(connection: Connection, token: str) -> Key:
    """The key whose token this is. Raises BadKey where there is none or it was revoked."""
    identifier, found, _ = token.removeprefix(PREFIX).partition("_")
    # Asked of a database, NUL would be an error and not an absence.
    if not token.startswith(PREFIX) or not found or not identifier.isalnum():
        raise BadKey("this is no service token")
    row = connection.execute(sa.select(_keys).where(_keys.c.id == identifier)).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(token)):
        raise BadKey("no such service token")
    if row.revoked_at is not None:
        raise BadKey("the service token was revoked", hint="`kepu keys create` makes another")
    if row.expires_at is not None and row.expires_at <= clock.now_ms():
        raise BadKey("the service token has ended", hint="`kepu keys create` makes another")
    return _key(row)


def may(connection: Connection, id: str, permission: Permission, organisation_id: str | None) -> bool:
    """Whether the key with this id has ``permission`` in the organisation; with None: in any at all.

    One that was revoked or has ended, and one that does not exist, may nothing.
    """
    row = connection.execute(sa.select(_keys).where(_keys.c.id == id)).one_or_none()
    if row is None or row.revoked_at is not None or permission not in KEY_PERMISSIONS[Role(row.role)]:
        return False
    if row.expires_at is not None and row.expires_at <= clock.now_ms():
        return False
    if row.organisation is None:
        return True
    return row.organisation in organisations.ancestors(connection, organisation_id or row.organisation)


def note_use(connection: Connection, id: str) -> None:
    """The key with this id was used now."""
    connection.execute(sa.update(_keys).where(_keys.c.id == id).values(last_used_at=clock.now_ms()))


def revoke(connection: Connection, id: str, *, actor: str = "system:keys") -> Key:
    """Let the key open nothing from now on; the first revocation stays. Raises UnknownKey."""
    now = clock.now_ms()
    first = sa.update(_keys).where(_keys.c.id == id, _keys.c.revoked_at.is_(None))
    if connection.execute(first.values(revoked_at=now)).rowcount:
        audit.record(connection, actor, "key.revoke", "key", id, {"revoked_at": None}, {"revoked_at": now})
    return _get(connection, id)


def every(connection: Connection) -> list[Key]:
    """All keys, oldest first, revoked ones too."""
    rows = connection.execute(sa.select(_keys).order_by(_keys.c.created_at, _keys.c.id))
    return [_key(row) for row in rows]


def _get(connection: Connection, id: str) -> Key:
    row = connection.execute(sa.select(_keys).where(_keys.c.id == id)).one_or_none()
    if row is None:
        raise UnknownKey(f"no service token has the id {id}", hint="`kepu keys list` shows them all")
    return _key(row)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _key(row: Any) -> Key:
    values = dict(row._mapping)
    del values["digest"]
    values["role"] = Role(values["role"])
    return Key(**values)
