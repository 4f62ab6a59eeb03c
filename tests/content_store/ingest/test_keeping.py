"""What sources said is kept as it came: once, with where it came from, and for good."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from content_store import clock, schema
from content_store.db import Connection
from content_store.errors import DatabaseError, UnknownOriginal
from content_store.ingest import feeds, keeping
from content_store.ingest.keeping import Original
from content_store.kept_words import KeptPart
from tests.support.feed_site import PANDA, TEA, World, entry, rss

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

TASTE = "<p>旺苍的茶农怎样过旱季……</p>"
ARTICLE = f"<html><head><title>旺苍的茶</title></head><body><article>{TEA}</article></body></html>".encode()


def kept(world: World) -> list[list[tuple[Original, bytes]]]:
    """Of each content what is kept, the newest first, with its bytes."""
    with world.database.connect() as connection:
        found = [keeping.of_content(connection, content.id) for content in world.stored()]
        return [[(one, keeping.read(connection, one)) for one in originals] for originals in found]


def files(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(schema.fetched_files)).scalar_one()


def test_a_new_item_is_kept_with_the_very_bytes_of_its_feed(world: World) -> None:
    feed = world.subscribe()
    said = rss(entry("1", "大熊猫", PANDA + "<script>alert(1)</script>"))
    world.site.pages["/feed"] = said
    world.run()
    [[(original, data)]] = kept(world)
    assert data == said
    assert (original.feed_id, original.guid, original.part) == (feed, "1", KeptPart.FEED)
    assert (original.url, original.content_type) == (world.server.url("/feed"), "application/rss+xml")
    assert (original.size, original.fetched_at) == (len(said), clock.now_ms())


def test_the_page_is_kept_beside_the_feed_where_the_words_were_taken_from_it(world: World) -> None:
    world.subscribe()
    said = rss(entry("1", "旺苍的茶", TASTE, world.server.url("/tea")), entry("2", "大熊猫", PANDA))
    world.site.pages |= {"/feed": said, "/tea": ARTICLE}
    world.run()
    [tea, panda] = kept(world)
    assert [(one.part, one.content_type, data) for one, data in tea] == [
        (KeptPart.PAGE, "text/html; charset=utf-8", ARTICLE),
        (KeptPart.FEED, "application/rss+xml", said),
    ]
    assert [data for _, data in panda] == [said]
    with world.database.connect() as connection:
        assert files(connection) == 2


def test_only_a_fetch_that_brings_something_is_kept(world: World) -> None:
    world.subscribe()
    world.site.etags = False
    first, longer = rss(entry("1", "大熊猫", PANDA)), PANDA + "<p>补充：成年大熊猫一天能吃下三十八公斤竹子。</p>"
    world.site.pages["/feed"] = first
    world.run()
    world.site.pages["/feed"] = first + b"<!-- another day -->"
    world.later()
    world.run()
    assert [[data for _, data in one] for one in kept(world)] == [[first]]
    changed = rss(entry("1", "大熊猫", longer))
    world.site.pages["/feed"] = changed
    world.later()
    world.run()
    assert [[data for _, data in one] for one in kept(world)] == [[changed, first]]


def test_of_a_copy_each_source_is_kept_and_stays_when_the_feed_is_forgotten(world: World) -> None:
    ours, theirs = world.subscribe("/feed1", 0), world.subscribe("/feed2", 1)
    world.site.pages["/feed1"] = rss(entry("a", "大熊猫为什么吃竹子", PANDA))
    world.site.pages["/feed2"] = rss(entry("b", "大熊猫", f"{PANDA}<p>本文转载自科普小站。</p>"))
    world.run()
    with world.database.begin() as connection:
        feeds.unsubscribe(connection, theirs)
    [found] = kept(world)
    assert [(one.feed_id, data) for one, data in found] == [
        (theirs, world.site.pages["/feed2"]),
        (ours, world.site.pages["/feed1"]),
    ]


def test_an_original_is_found_by_its_own_content_only(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA), entry("2", "旺苍的茶", TEA))
    world.run()
    [[(one, _)], [(other, _)]] = kept(world)
    with world.database.connect() as connection:
        assert keeping.get(connection, one.content_id, one.id) == one
        for content_id, id in ((one.content_id, other.id), ("nothing", one.id), (one.content_id, 2**70)):
            with pytest.raises(UnknownOriginal):
                keeping.get(connection, content_id, id)


def test_of_a_long_feed_only_what_is_new_is_kept_again(world: World) -> None:
    world.subscribe()
    world.site.etags = False
    drawn = random.Random(1)
    texts = ["".join(chr(drawn.randrange(0x4E00, 0x9FA0)) for _ in range(600)) for _ in range(11)]
    items = [entry(str(at), f"第{at}篇", f"<p>{text}</p>") for at, text in enumerate(texts)]
    said = []
    for newest in (3, 2, 1):
        said.append(rss(*items[newest : newest + 8]))
        world.site.pages["/feed"] = said[-1]
        world.later()
        world.run()
    every = [data for one in kept(world) for _, data in one]
    assert set(every) == set(said)
    with world.database.connect() as connection:
        whole, packed = sa.func.count(), sa.func.sum(sa.func.length(schema.fetched_files.c.data))
        [(number, size)] = connection.execute(sa.select(whole, packed).select_from(schema.fetched_files))
        assert files(connection) == number
    # The first one and its parts, and of each of the others itself, its new item, and its last one, which ends it.
    assert number <= 1 + 9 + 2 * 3
    assert size < 0.6 * sum(len(zlib.compress(each)) for each in said)


@given(st.lists(st.sampled_from([b"<item>", b"<entry>", b'{"id":', b"x" * 900, b"\0\xff" * 700]), max_size=40))
def test_whatever_is_cut_the_parts_are_the_whole(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    parts = list(keeping._parts(body))
    assert b"".join(parts) == body
    assert all(len(part) >= 1024 for part in parts[1:-1])


def test_what_is_not_as_it_came_is_not_told_as_if_it_were(world: World) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    [[(original, _)]] = kept(world)
    with world.database.begin() as connection:
        # Whoever owns the database may do what the programme may not.
        row = {"digest": "0" * 64, "size": 1, "whole": True, "data": zlib.compress(b"another")}
        connection.execute(sa.insert(schema.fetched_files), row)
        with pytest.raises(DatabaseError, match="something else"):
            keeping.read(connection, replace(original, digest="0" * 64))


@pytest.mark.parametrize("table", ["fetched_files", "fetched_originals"])
def test_nothing_changes_or_takes_away_what_is_kept(world: World, table: str) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.run()
    before = kept(world)
    for statement in (f"UPDATE {table} SET digest = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.IntegrityError, match="are kept as they came"), world.database.begin() as connection:
            connection.exec_driver_sql(statement)
    if world.database.dialect == "sqlite":
        with world.database.begin() as connection:
            connection.exec_driver_sql(
                "INSERT OR REPLACE INTO fetched_files SELECT digest, 1, 1, x'00' FROM fetched_files"
            )
    else:
        with pytest.raises(sa.exc.IntegrityError), world.database.begin() as connection:
            connection.exec_driver_sql("TRUNCATE fetched_originals, fetched_files")
    assert kept(world) == before
