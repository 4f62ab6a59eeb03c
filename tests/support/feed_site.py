"""A site with feeds and pages, accounts that subscribe to them, and a handler that fetches what is due."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from content_store import contents, schema
from content_store.db import Connection, Database
from content_store.ingest import feeds, sources
from content_store.ingest.handler import Handler, Report
from content_store.ingest.pacing import Bounds
from content_store.settings import load_settings
from tests.support.hostile import HOST, Hostile, page
from tests.support.staff import ROOT

SETTINGS = load_settings({})
PANDA = "".join(
    f"<p>第{part}段：大熊猫每天要花{part}个小时吃竹子，因为竹子的营养很少，它的肠道又短，只能留住其中的一小部分。</p>"
    for part in "一二三四五六七八九十"
)
TEA = "".join(
    f"<p>旺苍的茶农在第{part}个旱季里把茶园的草留着，让土里的水走得慢一些，根也不怕晒。</p>"
    for part in "一二三四五六七八九十"
)


def rss(*items: str) -> bytes:
    told = "".join(items)
    return (
        f'<rss version="2.0"><channel><title>科普小站</title><link>http://{HOST}/</link>{told}</channel></rss>'.encode()
    )


def entry(guid: str, title: str, html: str, link: str | None = None) -> str:
    escaped = html.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    address = f"<link>{link}</link>" if link else ""
    told = f"<title>{title}</title>{address}<description>{escaped}</description>"
    return f"<item><guid isPermaLink='false'>{guid}</guid>{told}</item>"


@dataclass
class Site:
    """A server with pages by their address; what is not there is answered with 404, what is ``refused`` with 429."""

    pages: dict[str, bytes] = field(default_factory=dict)
    etags: bool = True
    asked: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __call__(self, request: bytes) -> bytes:
        path = request.split(b" ")[1].decode()
        self.asked.append(path)
        if path in self.refused:
            return page(b"", status="429 Too Many Requests")
        if path not in self.pages:
            return page(b"", status="404 Not Found")
        tag = f'"{hash(self.pages[path])}"'
        if self.etags and f"if-none-match: {tag}".encode() in request.lower():
            return page(b"", f"ETag: {tag}", status="304 Not Modified")
        kind = "application/rss+xml" if path.startswith("/feed") else "text/html; charset=utf-8"
        return page(self.pages[path], f"Content-Type: {kind}", f"ETag: {tag}")


@dataclass
class World:
    """Feeds of some accounts on one site, and a handler for them."""

    database: Database
    site: Site
    server: Hostile
    handler: Handler
    accounts: list[str]

    def subscribe(self, path: str = "/feed", account: int = 0) -> str:
        with self.database.begin() as connection:
            feed = feeds.subscribe(
                connection,
                self.server.url(path),
                account_id=self.accounts[account],
                organisation_id=ROOT,
                licence="CC BY 4.0",
                bounds=Bounds.of(SETTINGS),
            )
        return feed.id

    def run(self) -> list[Report]:
        """Do all that is due."""
        reports = []
        while claim := self.handler.next():
            reports.append(self.handler.run(claim))
        return reports

    def later(self) -> None:
        """Let every feed be due again."""
        with self.database.begin() as connection:
            for feed in feeds.every(connection):
                feeds.resume(connection, feed.id)

    def stored(self) -> list[contents.Content]:
        with self.database.connect() as connection:
            found = sources.of(connection, sorted(_ids(connection)))
            return [contents.get(connection, id) for id in sorted(found)]


def _ids(connection: Connection) -> set[str]:
    return set(connection.execute(sa.select(schema.contents.c.id)).scalars())
