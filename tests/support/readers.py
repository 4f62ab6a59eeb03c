"""A few readers, articles and devices for whatever counts readings, and the sending of a reading as a page does it."""

from __future__ import annotations

from collections.abc import Iterable

from content_store import citizens, contents, reading_tokens
from content_store.db import Database
from content_store.intake import Caller, Incoming, Intake, Received
from content_store.vocabulary import CitizenKind, ContentStatus

KEY = b"the key of these tests, 32 bytes"

LONG = "科" * 500
"""A body that takes a minute at 500 characters a minute, so that half a minute is asked of a reader."""

ENOUGH_MS = 30_000
"""The least dwell that counts for ``LONG``."""


def people(database: Database, registered: Iterable[str] = ("李雷", "韩梅梅"), guests: Iterable[str] = ()) -> None:
    """Store citizens of both kinds."""
    with database.begin() as connection:
        for id in registered:
            citizens.create(connection, id=id, kind=CitizenKind.REGISTERED)
        for id in guests:
            citizens.create(connection, id=id)


def articles(database: Database, ids: Iterable[str], body: str | None = LONG, author: str | None = None) -> None:
    """Store published contents."""
    with database.begin() as connection:
        for id in ids:
            contents.create(connection, id=id, title=id, body=body, author=author, status=ContentStatus.PUBLISHED)


def two_readers(database: Database) -> Database:
    """``database`` with two citizens and an article."""
    people(database)
    articles(database, ["熊猫"])
    return database


def token(citizen: str, content: str, at: int) -> str:
    """The token of a page that was served at ``at`` (epoch ms)."""
    return reading_tokens.issue(KEY, citizen_id=citizen, content_id=content, issued_at=at)


def sent(
    token: str | None,
    content: str,
    at: int,
    *,
    dwell_ms: int | None = ENOUGH_MS,
    scroll: float | None = 1.0,
    **given: str,
) -> Incoming:
    """A sending of the reading that ``token`` is for."""
    id = given.get("id") or reading_tokens.reading_id(token or "")
    return Incoming(id, given.get("kind", "read"), content, at, dwell_ms, scroll, token)


def read(
    intake: Intake, citizen: str, content: str, at: int, *, device: str | None = None, network: str | None = None
) -> Received:
    """A whole reading in one sending: long enough, to the end, received at ``at``."""
    caller = Caller(citizen_id=citizen, device_key=device, network_key=network)
    return intake.receive([sent(token(citizen, content, at - ENOUGH_MS), content, at)], caller, at)
