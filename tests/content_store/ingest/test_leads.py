"""Lead pictures are taken in with what is said of them; nothing else of other sites is shown, and no item is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from content_store import schema
from content_store.content_records import Content
from content_store.ingest import leads
from content_store.ingest.originals import Verdict
from content_store.ingest.sanitising import clean_html
from content_store.markdown import missing_alt
from content_store.review import versions
from content_store.uploads import store
from content_store.uploads.addresses import address, digest_of
from content_store.uploads.pictures import check_picture
from tests.support import review_desk
from tests.support.feed_site import PANDA, TEA, World, entry, rss
from tests.support.review_desk import WRITER
from tests.support.staff import ROOT
from tests.support.uploads import photograph, picture

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

PHOTO = photograph(size=(400, 300))
OURS = check_picture(PHOTO)
SHOWN = address(OURS.digest)
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def pictures_of(body: str) -> Iterator[tuple[str, str]]:
    """Address and alternative text of each picture that a body shows."""
    for block in READER.parse(body):
        for token in block.children or ():
            if token.type == "image":
                yield str(token.attrs["src"]), token.content


def with_lead(url: str, guid: str = "1", html: str = PANDA) -> str:
    """An item that names a picture beside its text."""
    return entry(guid, "大熊猫", html).replace(
        "</item>", f"<enclosure url='{url}' type='image/jpeg' length='9'/></item>"
    )


def only(world: World) -> tuple[Content, str]:
    [content] = world.stored()
    assert content.body is not None
    return content, content.body


def count(world: World, table: sa.Table) -> int:
    with world.database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_the_lead_picture_of_a_new_item_is_ours_and_stands_at_the_top(world: World) -> None:
    world.subscribe()
    world.site.pages |= {"/feed": rss(with_lead(world.server.url("/a.jpg"))), "/a.jpg": PHOTO}
    assert [report.counts for report in world.run()] == [{Verdict.NEW: 1}]
    content, body = only(world)
    assert body.startswith(f"![]({SHOWN})\n\n第一段")
    with world.database.connect() as connection:
        assert store.serve(connection, OURS.digest).data == OURS.data
        shown = connection.execute(sa.select(schema.content_pictures)).all()
    assert [tuple(row) for row in shown] == [(content.id, OURS.digest)]
    assert b"Accept: image/jpeg" in next(request for request in world.server.requests if b"/a.jpg" in request)


def test_its_alternative_text_is_what_the_source_says_or_is_asked_of_the_editor(world: World) -> None:
    src = world.server.url("/a.jpg")
    pictures = {src: OURS}
    told = {
        f"<p>前</p><img src='{src}' alt='熊猫吃竹子'>": "熊猫吃竹子",
        f"<p>前</p><figure><img src='{src}' alt='IMG_1.jpg'><figcaption>一只熊猫</figcaption></figure>": "一只熊猫",
        f"<p>前</p><figure><img src='{src}'></figure>": "",
        f"<p>前</p><p><a href='{src}'><img src='{src}?w=90' alt='图片1'></a></p>": "",
        "<p>前</p>": "",
    }
    for html, alt in told.items():
        body = leads.body_of(clean_html(html), src, pictures)
        assert list(pictures_of(body)) == [(SHOWN, alt)]
        assert body.startswith(f"![{alt}]({SHOWN})") and body.endswith("前")
        assert len(missing_alt(body)) == (not alt)
    assert "一只熊猫\n\n前" in leads.body_of(clean_html(list(told)[1]), src, pictures)


def test_pictures_of_other_sites_become_links(world: World) -> None:
    world.subscribe()
    html = "<img src='/b.png' alt='食谱'>" + PANDA + "<a href='http://x.test/'><img src='http://x.test/c.png'></a>"
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", html, world.server.url("/p")))
    world.run()
    _, body = only(world)
    assert list(pictures_of(body)) == []
    assert f"[图片：食谱]({world.server.url('/b.png')})" in body
    assert body.endswith("[图片](http://x.test/)"), "a linked one leads where the source led"


def test_the_picture_of_the_page_is_taken_where_the_feed_gives_a_taste(world: World) -> None:
    world.subscribe()
    head = f"<head><title>茶</title><meta property='og:image' content='{world.server.url('/a.jpg')}'></head>"
    world.site.pages["/feed"] = rss(entry("1", "旺苍的茶", "<p>怎样过旱季……</p>", world.server.url("/tea")))
    world.site.pages["/tea"] = f"<html>{head}<body><article>{TEA}</article></body></html>".encode()
    world.site.pages["/a.jpg"] = PHOTO
    world.run()
    assert list(pictures_of(only(world)[1])) == [(SHOWN, "")]


BAD = {
    "not there": None,
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing that runs": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "half of one": PHOTO[: len(PHOTO) // 3],
    "a pixel": picture(size=(1, 1)),
    "a logo": picture(size=(400, 60)),
    "nothing": b"",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_picture_that_cannot_be_had_loses_no_item(world: World, data: bytes | None) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(with_lead(world.server.url("/a.jpg")))
    if data is not None:
        world.site.pages["/a.jpg"] = data
    [report] = world.run()
    assert (report.counts, report.problem) == ({Verdict.NEW: 1}, "")
    assert only(world)[1].startswith("第一段")
    assert "/a.jpg" in world.site.asked
    assert count(world, schema.pictures) == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.jpg", "http://169.254.169.254/a.jpg", "http://10.0.0.8/a.jpg"])
def test_no_picture_leads_to_where_nothing_may_be_fetched(world: World, url: str) -> None:
    world.subscribe()
    world.site.pages["/feed"] = rss(with_lead(url))
    [report] = world.run()
    assert (report.counts, report.problem) == ({Verdict.NEW: 1}, "")
    assert list(pictures_of(only(world)[1])) == []


def test_a_picture_that_its_site_keeps_to_itself_is_not_asked_for(world: World) -> None:
    world.subscribe()
    world.site.pages |= {"/robots.txt": b"User-agent: *\nDisallow: /private/", "/private/a.jpg": PHOTO}
    world.site.pages["/feed"] = rss(with_lead(world.server.url("/private/a.jpg")))
    world.run()
    assert "/private/a.jpg" not in world.site.asked
    assert list(pictures_of(only(world)[1])) == []


def test_a_picture_too_large_is_left_at_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "MOST_BYTES", len(PHOTO) - 1)
    world.subscribe()
    world.site.pages |= {"/feed": rss(with_lead(world.server.url("/a.jpg"))), "/a.jpg": PHOTO}
    world.run()
    assert list(pictures_of(only(world)[1])) == []


def test_only_so_many_are_asked_for_and_each_address_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "MOST_PICTURES", 2)
    world.subscribe()
    urls = [world.server.url(path) for path in ("/a.jpg", "/a.jpg", "/b.jpg", "/c.jpg")]
    texts = [PANDA, TEA, PANDA[-200:] + TEA[:300], "<p>朱鹮在水田里找泥鳅，白鹭站在牛背上，各吃各的。</p>" * 5]
    items = [with_lead(url, str(at), html) for at, (url, html) in enumerate(zip(urls, texts, strict=True))]
    world.site.pages |= {"/feed": rss(*items), "/a.jpg": PHOTO, "/b.jpg": PHOTO, "/c.jpg": PHOTO}
    world.run()
    assert [path for path in world.site.asked if path.endswith(".jpg")] == ["/a.jpg", "/b.jpg"]


def test_a_host_that_wants_to_be_left_alone_is_not_asked_for_the_next(world: World) -> None:
    world.subscribe()
    urls = [world.server.url(path) for path in ("/a.jpg", "/b.jpg")]
    world.site.pages["/feed"] = rss(with_lead(urls[0]), with_lead(urls[1], "2", TEA))
    world.site.refused |= {"/a.jpg", "/b.jpg"}
    [report] = world.run()
    assert report.counts == {Verdict.NEW: 2}
    assert [path for path in world.site.asked if path.endswith(".jpg")] == ["/a.jpg"]


def test_what_is_unchanged_is_not_asked_for_again_and_a_copy_brings_no_picture(world: World) -> None:
    world.subscribe()
    world.site.etags = False
    world.site.pages |= {"/feed": rss(with_lead(world.server.url("/a.jpg"))), "/a.jpg": PHOTO}
    world.run()
    world.later()
    world.run()
    assert world.site.asked.count("/a.jpg") == 1
    world.subscribe("/feed2", 1)
    world.site.pages |= {
        "/feed2": rss(with_lead(world.server.url("/b.jpg"), "9")),
        "/b.jpg": photograph(size=(300, 200)),
    }
    world.run()
    assert count(world, schema.contents) == count(world, schema.pictures) == 1


@pytest.mark.parametrize("there", [True, False], ids=["still there", "gone meanwhile"])
def test_a_changed_item_keeps_its_picture_and_what_an_editor_said_of_it(world: World, *, there: bool) -> None:
    world.subscribe()
    lead = world.server.url("/a.jpg")
    world.site.pages |= {"/feed": rss(with_lead(lead)), "/a.jpg": PHOTO}
    world.run()
    content, body = only(world)
    with world.database.begin() as connection:
        person = {"login": "p0", "name": "王", "organisation_id": ROOT, "created_at": 1}
        connection.execute(sa.insert(schema.accounts), person | {"id": WRITER.account_id})
        roles = [review_desk.grant(WRITER, role) for role in review_desk.STAFF_ROLES]
        connection.execute(sa.insert(schema.grants), roles)
        versions.save(connection, content.id, WRITER, based_on=1, body=body.replace("![]", "![熊猫吃竹子]"))
    if not there:
        del world.site.pages["/a.jpg"]
    longer = PANDA + "<p>补充：成年大熊猫一天能吃下三十八公斤竹子。</p>"
    world.site.pages["/feed"] = rss(with_lead(lead, html=longer))
    world.later()
    assert [report.counts for report in world.run()] == [{Verdict.CHANGED: 1}]
    _, body = only(world)
    assert list(pictures_of(body)) == [(SHOWN, "熊猫吃竹子")]
    assert "三十八公斤" in body


def test_a_picture_that_its_source_took_away_goes_with_the_change(world: World) -> None:
    world.subscribe()
    world.site.pages |= {"/feed": rss(with_lead(world.server.url("/a.jpg"))), "/a.jpg": PHOTO}
    world.run()
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA + "<p>补充：成年大熊猫一天能吃下三十八公斤竹子。</p>"))
    world.later()
    world.run()
    assert list(pictures_of(only(world)[1])) == []


PIECES = ["<p>", "</p>", "<figure>", "</figure>", "<figcaption>", "</figcaption>", "<a href='http://x.test/'>", "</a>"]
PIECES += [
    "<img src='http://x.test/a.jpg' alt='](x) ![甲'>",
    "<img src='http://x.test/b.jpg?c=>\"&'>",
    "<pre>",
    "</pre>",
]
PIECES += ["![", "](", ")", "文字", "<li>", "<table><tr><td>", "</table>", "\n", f"<img src='{SHOWN}'>", "`"]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.booleans())
def test_whatever_comes_no_picture_is_shown_but_ours(html: str, had: bool) -> None:
    lead = "http://x.test/a.jpg"
    body = leads.body_of(clean_html(html, "http://x.test/"), lead, {lead: OURS} if had else {})
    shown = list(pictures_of(body))
    assert all(digest_of(src) for src, _ in shown)
    assert [src for src, _ in shown] == [SHOWN] * had
