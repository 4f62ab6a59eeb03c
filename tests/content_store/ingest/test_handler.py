"""What feeds bring: new works, copies, changes, what is not there any more; stored whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from content_store import audit, clock, contents, schema
from content_store.db import Connection, Database
from content_store.ingest import feeds, hosts, sources
from content_store.ingest.handler import Handler, Report
from content_store.ingest.originals import Verdict
from content_store.ingest.pacing import Bounds
from content_store.ingest.robots import Robots
from content_store.ingest.sweeping import sweep
from content_store.leases import Watch
from content_store.review import versions
from content_store.settings import load_settings
from content_store.vocabulary import ContentStatus, SourceRole
from tests.support.hostile import HOST, Hostile, page, reach
from tests.support.staff import ROOT, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

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
    """A server with pages by their address; what is not there is answered with 404."""

    pages: dict[str, bytes] = field(default_factory=dict)
    etags: bool = True
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: bytes) -> bytes:
        path = request.split(b" ")[1].decode()
        self.asked.append(path)
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


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with database.begin() as connection:
        found_organisations(connection)
        accounts = [somebody(connection, name).id for name in ("li", "wang", "zhao")]
    site = Site()
    with Hostile(site) as server:
        fetcher = reach(server)
        handler = Handler(database, SETTINGS, "w", fetcher, Robots(fetcher), Watch())
        yield World(database, site, server, handler, accounts)


def test_a_new_item_becomes_a_draft_of_its_member(world: World) -> None:
    feed = world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫为什么吃竹子", PANDA, f"http://{HOST}/panda?utm_source=x"))
    [report] = world.run()
    assert (report.counts, report.problem, report.waiting) == ({Verdict.NEW: 1}, "", 0)
    [content] = world.stored()
    assert (content.title, content.status, content.source) == ("大熊猫为什么吃竹子", ContentStatus.DRAFT, "科普小站")
    assert content.body is not None and content.body.startswith("第一段：大熊猫每天要花一个小时吃竹子")
    assert content.url == f"http://{HOST}/panda"
    assert content.author == "li先生"
    with world.database.connect() as connection:
        version = versions.newest(connection, content.id)
        assert (version.author_id, version.licence, version.created_by) == (world.accounts[0], "CC BY 4.0", None)
        [source] = sources.of(connection, [content.id])[content.id]
        assert (source.source_id, source.guid, source.role) == (feed, "1", SourceRole.ORIGINAL)
        assert audit.verify(connection).flaws == ()
    assert feeds_state(world, feed) == ("科普小站", 0)


def feeds_state(world: World, feed: str) -> tuple[str | None, int]:
    with world.database.connect() as connection:
        found = feeds.get(connection, feed)
        return found.title, found.failures


def test_three_members_who_republish_one_article_make_one_content_with_three_sources(world: World) -> None:
    for account, path in enumerate(("/feed1", "/feed2", "/feed3")):
        world.subscribe(path, account)
    world.site.pages["/feed1"] = rss(entry("a", "大熊猫为什么吃竹子", PANDA))
    world.site.pages["/feed2"] = rss(entry("b", "【转载】大熊猫的食谱", PANDA[: int(len(PANDA) * 0.85)]))
    world.site.pages["/feed3"] = rss(
        entry("c", "大熊猫", PANDA + "<p>本文转载自科普小站，版权归原作者所有，欢迎关注。</p>")
    )
    reports = world.run()
    assert [dict(report.counts) for report in reports] == [{Verdict.NEW: 1}, {Verdict.COPY: 1}, {Verdict.COPY: 1}]
    [content] = world.stored()
    with world.database.connect() as connection:
        found = sources.of(connection, [content.id])[content.id]
    assert [source.role for source in found] == [SourceRole.ORIGINAL, SourceRole.COPY, SourceRole.COPY]
    assert {source.account_id for source in found} == set(world.accounts)


def test_a_changed_original_is_another_version_and_no_other_content(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    world.site.pages["/feed"] = rss(
        entry("1", "大熊猫", PANDA + "<p>补充：成年大熊猫一天能吃下十二公斤到三十八公斤竹子。</p>")
    )
    world.later()
    [report] = world.run()
    assert report.counts == {Verdict.CHANGED: 1}
    [content] = world.stored()
    with world.database.connect() as connection:
        assert [version.version for version in versions.every(connection, content.id)] == [1, 2]
    assert content.body is not None and "三十八公斤" in content.body


def test_what_has_not_changed_is_not_read_again(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    world.later()
    [report] = world.run()
    assert report.not_modified
    world.site.etags = False
    world.later()
    [report] = world.run()
    assert report.counts == {Verdict.UNCHANGED: 1}


def test_where_the_feed_gives_a_taste_the_page_is_read_once(world: World) -> None:
    link = world.server.url("/tea")
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "旺苍的茶", "<p>旺苍的茶农怎样过旱季……</p>", link))
    article = f"<nav>首页 关于</nav><article><h1>旺苍的茶</h1>{TEA}</article>"
    article = f"<html><head><title>旺苍的茶</title></head><body>{article}</body></html>"
    world.site.pages["/tea"] = article.encode()
    [report] = world.run()
    assert (report.counts, report.waiting) == ({Verdict.NEW: 1}, 0)
    [content] = world.stored()
    assert content.body is not None and "让土里的水走得慢一些" in content.body and "首页" not in content.body
    world.site.etags = False
    world.later()
    [report] = world.run()
    assert report.counts == {Verdict.UNCHANGED: 1}
    assert world.site.asked.count("/tea") == 1


def test_a_page_that_its_site_keeps_to_itself_is_not_read(world: World) -> None:
    world.subscribe()
    world.site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /tea\n"
    world.site.pages["/feed"] = rss(entry("1", "旺苍的茶", "<p>旺苍的茶农怎样过旱季……</p>", world.server.url("/tea")))
    world.site.pages["/tea"] = f"<html><body><article>{TEA}</article></body></html>".encode()
    world.run()
    assert "/tea" not in world.site.asked
    [content] = world.stored()
    assert content.body == "旺苍的茶农怎样过旱季……"


def test_what_is_no_feed_is_told_to_whom_it_belongs_and_nothing_is_stored(world: World) -> None:
    feed = world.subscribe()
    world.site.pages["/feed"] = b"<html><body>hello</body></html>"
    [report] = world.run()
    assert report.problem == "返回的内容不是可以识别的订阅源"
    assert world.stored() == []
    assert feeds_state(world, feed)[1] == 1


def test_whoever_lost_the_host_meanwhile_stores_nothing(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    claim = world.handler.next()
    assert claim is not None
    with world.database.begin() as connection:
        feeds.release(connection, claim)
    assert world.handler.run(claim).lost
    assert world.stored() == []


def test_nothing_of_a_stranger_acts_in_what_is_stored(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(
        entry(
            "1",
            "坏东西",
            f"<script>alert(1)</script><p onclick='x()'>好的</p><img src=x onerror=y()>{PANDA}"
            "<a href='javascript:alert(1)'>点</a>",
        )
    )
    world.run()
    [content] = world.stored()
    body = content.body or ""
    assert "好的" in body and "点" in body
    assert not any(sign in body for sign in ("<", "script", "onclick", "onerror", "alert"))


def test_the_clock_of_the_house_says_when_a_feed_is_next(world: World) -> None:
    feed = world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    with world.database.connect() as connection:
        assert feeds.get(connection, feed).next_at >= clock.now_ms() + SETTINGS.feed_least_minutes * 60_000


def held_by_the_dead(world: World) -> None:
    """A worker took the host, and was killed."""
    claim = Handler(world.database, SETTINGS, "dead", world.handler._fetcher, world.handler._robots, Watch()).next()
    assert claim is not None


def test_the_next_sweep_follows_a_worker_that_was_killed(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    held_by_the_dead(world)
    minutes = itertools.count(0.0, 60.0)
    tally = sweep(world.database, SETTINGS, fetcher=reach(world.server), watch=lambda: Watch(lambda: next(minutes)))
    assert (tally.feeds, tally.counts) == (1, {Verdict.NEW: 1})


def test_a_sweep_does_not_wait_for_hosts_of_the_living_nor_for_those_that_rest(world: World) -> None:
    world.subscribe()
    held_by_the_dead(world)
    handler = Handler(world.database, SETTINGS, "other", world.handler._fetcher, world.handler._robots, Watch())
    assert handler.next() is None
    assert handler.held_up()
    with world.database.begin() as connection:
        connection.execute(sa.update(schema.fetch_hosts).values(beat=schema.fetch_hosts.c.beat + 1))
    assert not handler.held_up()
    with world.database.begin() as connection:
        hosts.rest(connection, HOST, 60_000)
    assert sweep(world.database, SETTINGS, fetcher=reach(world.server)).told() == "no feed was due"


def test_all_that_is_due_is_done_once_by_several_threads(world: World) -> None:
    for number in range(6):
        world.subscribe(f"/feed{number}", number % 3)
        own = f"<p>第{number}号站点自己的话：今天看见了{number + 3}只朱鹮在水田里找泥鳅。</p>"
        text = f"<p>{PANDA[number * 60 :]}</p>{own}"
        world.site.pages[f"/feed{number}"] = rss(entry(str(number), f"第{number}篇", text * 2 if number % 2 else text))
    told: list[Report] = []
    tally = sweep(world.database, SETTINGS, fetcher=reach(world.server), told=told.append)
    assert (tally.feeds, tally.failed, len(told)) == (6, 0, 6)
    assert sum(tally.counts.values()) == 6
    assert sweep(world.database, SETTINGS, fetcher=reach(world.server)).told() == "no feed was due"
