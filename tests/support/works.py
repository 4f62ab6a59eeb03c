"""Works that come in, and the drafts that are made of new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store.db import open_database
from content_store.driver import Driver, Insertion
from content_store.ingest.originals import Create, Found, Verdict, Work, find_or_add
from content_store.ingest.sources import Source
from content_store.settings import load_settings
from content_store.vocabulary import ContentStatus, SourceKind

_DRAFTS = Insertion.into(schema.contents, ("id", "title", "body", "tags", "version", "status", "created_at"))


def work(title: str, text: str, feed: str = "feed", guid: str | None = None, url: str | None = None) -> Work:
    """A work as a feed has it."""
    return Work(title, text, Source(kind=SourceKind.FEED, id=feed, guid=guid, url=url))


def drafts(connection: Connection, works: Sequence[Work]) -> Create:
    """Makes a plain draft of each new work."""

    def create(new: Mapping[int, str]) -> None:
        now, status = clock.now_ms(), ContentStatus.DRAFT.value
        rows = [(id, works[at].title or id, works[at].text, "[]", 1, status, now) for at, id in new.items()]
        Driver(connection).insert(_DRAFTS, rows)

    return create


def take_in(connection: Connection, *works: Work) -> list[Found]:
    """What ``find_or_add`` makes of them, with plain drafts."""
    return find_or_add(connection, works, drafts(connection, works))


def take_in_elsewhere(url: str, feed: str, texts: Sequence[str]) -> list[tuple[Verdict, str]]:
    """What a process of its own makes of ``texts``, each in a transaction of its own."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    made: list[tuple[Verdict, str]] = []
    for at, text in enumerate(texts):
        with database.begin() as connection:
            [found] = take_in(connection, work(f"第{at}篇", text, feed, str(at)))
        made.append((found.verdict, found.content_id))
    database.close()
    return made
