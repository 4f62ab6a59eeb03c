"""What feeds bring: new works, copies, changes, what is not there any more; stored whole or not at all."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import audit, clock, contents, schema
from content_store.ingest import feeds, hosts, sources, sweeping
from content_store.ingest.as_markdown import markdown_of
from content_store.ingest.handler import Handler, Report
from content_store.ingest.originals import Verdict
from content_store.ingest.sweeping import sweep
from content_store.leases import Watch
from content_store.review import correcting, publishing, versions
from content_store.review_words import AiUse, ContentOrigin
from content_store.vocabulary import ContentStatus, SourceRole, Topic
from tests.support import review_desk
from tests.support.feed_site import PANDA, SETTINGS, TEA, World, entry, rss
from tests.support.hostile import HOST, reach
from tests.support.review_desk import CHIEF, REVIEWERS, WRITER
from tests.support.staff import ROOT

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")


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


def test_a_republished_import_is_found_whatever_its_body_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PORTION", 1)
    told: dict[str, Any] = {"status": ContentStatus.PUBLISHED, "published_at": 1, "origin": ContentOrigin.IMPORT}
    with world.database.begin() as connection:
        contents.create(connection, id="html", title="大熊猫", body=PANDA, **told)
        contents.create(connection, id="markdown", title="茶", body="## 旱季\n\n" + markdown_of(TEA), **told)
        # What nobody has submitted keeps nobody out.
        contents.create(connection, id="draft", title="草稿", body=PANDA)
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "熊猫的食谱", PANDA), entry("2", "茶园", TEA))
    tally = sweep(world.database, SETTINGS, fetcher=reach(world.server))
    assert tally.counts == {Verdict.COPY: 2}
    with world.database.connect() as connection:
        found = sources.of(connection, ["html", "markdown", "draft"])
    assert {id: len(there) for id, there in found.items()} == {"html": 1, "markdown": 1, "draft": 0}


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


def publish(world: World, id: str) -> None:
    """An editor adds what the feed does not tell, and the second version goes the whole way."""
    people = [
        {"id": who.account_id, "login": who.account_id, "name": who.name, "organisation_id": ROOT, "created_at": 1}
        for who in (WRITER, *REVIEWERS)
    ]
    with world.database.begin() as connection:
        connection.execute(sa.insert(schema.accounts), people)
        grants = [review_desk.grant(who, role) for who in (WRITER, *REVIEWERS) for role in review_desk.STAFF_ROLES]
        connection.execute(sa.insert(schema.grants), grants)
        versions.save(connection, id, WRITER, based_on=1, topic=Topic.LIFE_SCI, ai_use=AiUse.NONE)
    with world.database.begin() as connection:
        review = review_desk.pass_all(connection, review_desk.submit(connection, id))
        publishing.publish(connection, id, CHIEF, version=review.version)


def test_a_changed_original_of_what_is_out_waits_as_a_correction_and_changes_nothing_before(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    [content] = world.stored()
    publish(world, content.id)
    for number, longer in enumerate(("<p>补充：一天能吃三十八公斤。</p>", "<p>更正：一天能吃三十九公斤。</p>"), 3):
        world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA + longer))
        world.later()
        [report] = world.run()
        assert report.counts == {Verdict.CHANGED: 1}
        [now] = world.stored()
        assert (now.status, now.body) == (ContentStatus.PUBLISHED, content.body)
        with world.database.connect() as connection:
            newest = versions.newest(connection, content.id)
            assert newest.version == number and newest.body is not None and "公斤" in newest.body
            waits = correcting.of_version(connection, content.id, number)
        assert waits is not None and (waits.published_at, waits.note) == (None, "文章来源作了修改。")
        assert waits.made_by == world.accounts[0]


def test_a_changed_original_joins_the_correction_that_an_editor_is_writing(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    [content] = world.stored()
    publish(world, content.id)
    with world.database.begin() as connection:
        correcting.correct(connection, content.id, WRITER, based_on=2, note="题目不准", title="大熊猫和竹子")
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA + "<p>补充：一天能吃三十八公斤竹子。</p>"))
    world.later()
    [report] = world.run()
    assert report.counts == {Verdict.CHANGED: 1}
    with world.database.connect() as connection:
        waits = correcting.of_version(connection, content.id, 4)
    assert waits is not None and waits.note == "题目不准"
