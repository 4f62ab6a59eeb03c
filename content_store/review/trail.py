"""Who did what: the place from which the acts of review and publishing go into the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema
from content_store.errors import BadRecord


class Actor(NamedTuple):
    """Who does something: an account, and the name that people know it by."""

    account_id: str
    name: str


def actor(connection: Connection, login: str) -> Actor:
    """The account that signs in with ``login``. Raises BadRecord where none does, or it is disabled."""
    accounts = schema.accounts.c
    query = sa.select(accounts.id, accounts.name).where(accounts.login == login, accounts.disabled_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise BadRecord(f"nobody signs in as {login!r}")
    return Actor(row.id, row.name)


Told = Mapping[str, Any] | None
Recorder = Callable[[Connection, Actor | None, str, str, str, Told, Told], object]


def _nowhere(*_: object) -> None:
    pass


recorder: Recorder = _nowhere
"""Where acts are written down; one and the same for the process."""


def record(
    connection: Connection,
    actor: Actor | None,
    action: str,
    object_kind: str,
    object_id: str,
    before: Told = None,
    after: Told = None,
) -> None:
    """Write down, in the transaction of the act, who did ``action`` to what; no ``actor`` where a programme did."""
    recorder(connection, actor, action, object_kind, object_id, before, after)
