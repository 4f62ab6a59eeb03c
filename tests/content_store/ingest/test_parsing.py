"""Feeds of every kind come to the same values."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store.errors import FeedUnreadable
from content_store.ingest.parsing import LARGEST, Enclosure, ParsedFeed, ParsedItem, parse
from content_store.ingest.xml_events import MOST_ITEMS
from tests.support.harmful import harmful

AT = "https://kp.example/feed.xml"
MAY = 1_714_536_000_000
"""2024-05-01 12:00 in Shanghai."""

RSS_2 = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>科普</title><link>/</link><language>zh-cn</language><description>说明</description><item>
<title>熊猫 &amp; 竹子</title><link>/p/1?utm_source=rss</link><guid isPermaLink="false">p1</guid>
<pubDate>Wed, 01 May 2024 12:00:00 +0800</pubDate><dc:creator>张三</dc:creator><category>生态</category>
<description>摘要</description>
<content:encoded><![CDATA[<p>正文<img src="a.png" alt="图"></p><script>x</script>]]></content:encoded>
<enclosure url="/a.mp3" length="12" type="audio/mpeg"/></item></channel></rss>"""
RSS_1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://kp.example/"><title>科普</title>
<link>https://kp.example/</link><dc:language>zh-cn</dc:language></channel><item rdf:about="https://kp.example/p/1">
<title>熊猫 &amp; 竹子</title><link>https://kp.example/p/1</link><description>摘要</description><dc:creator>张三</dc:creator>
<dc:date>2024-05-01T12:00:00+08:00</dc:date><dc:subject>生态</dc:subject></item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN" xml:base="https://kp.example/"><title>科普</title>
<link href="/"/><link rel="self" href="/feed.xml"/><author><name>张三</name></author><entry><id>p1</id>
<title type="html">熊猫 &amp;amp; &lt;i>竹子&lt;/i></title><link href="p/1"/><published>2024-05-01T04:00:00Z</published>
<updated>2024-05-02T04:00:00Z</updated><category term="eco" label="生态"/><summary>摘要</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>正文<img src="a.png" alt="图"/></p></div></content></entry></feed>"""
ATOM_3 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="zh-cn"><title>科普</title>
<link rel="alternate" href="https://kp.example/"/><entry><id>p1</id><title>熊猫 &amp; 竹子</title>
<link rel="alternate" href="https://kp.example/p/1"/><author><name>张三</name></author>
<issued>2024-05-01T12:00:00+08:00</issued><summary>摘要</summary></entry></feed>"""
CDF = """<channel href="https://kp.example/"><title>科普</title><item href="https://kp.example/p/1"
 lastmod="2024-05-01T12:00+08:00"><title>熊猫 &amp; 竹子</title><abstract>摘要</abstract></item></channel>"""


def one(document: str | bytes) -> ParsedItem:
    """The only item of a feed."""
    feed = parse(document.encode() if isinstance(document, str) else document, url=AT)
    assert len(feed.items) == 1
    return feed.items[0]


def item(inside: str) -> str:
    """An RSS feed with one item."""
    return f"<rss version='2.0'><channel><title>科普</title><item>{inside}</item></channel></rss>"


@pytest.mark.parametrize(
    ("document", "form"), [(RSS_2, "rss20"), (RSS_1, "rss10"), (ATOM, "atom10"), (ATOM_3, "atom03"), (CDF, "")]
)
def test_every_format_tells_the_same(document: str, form: str) -> None:
    feed = parse(document.encode(), url=AT)
    found = feed.items[0]
    assert (feed.title, feed.link, feed.format, feed.whole) == ("科普", "https://kp.example/", form, True)
    assert (found.title, found.url, found.summary, found.published) == (
        "熊猫 & 竹子",
        "https://kp.example/p/1",
        "摘要",
        MAY,
    )
    if form:
        assert (feed.language, found.authors) == ("zh-cn", ("张三",))


def test_all_of_an_item_is_read() -> None:
    assert one(RSS_2) == ParsedItem(
        guid="p1",
        url="https://kp.example/p/1",
        link="https://kp.example/p/1?utm_source=rss",
        title="熊猫 & 竹子",
        authors=("张三",),
        published=MAY,
        summary="摘要",
        html='<p>正文<img alt="图" src="https://kp.example/p/a.png"></p>',
        picture="https://kp.example/p/a.png",
        categories=("生态",),
        language="zh-cn",
        full=True,
        enclosures=(Enclosure(url="https://kp.example/a.mp3", type="audio/mpeg", length=12),),
    )


def test_markup_of_atom_is_cleaned_and_made_absolute_by_its_base() -> None:
    found = one(ATOM)
    assert found.html == '<p>正文<img alt="图" src="https://kp.example/a.png"></p>'
    assert (found.updated, found.categories) == (MAY + 86_400_000, ("生态",))


@pytest.mark.parametrize("encoding", ["gb2312", "gb18030", "big5", "utf-16", "utf-8"])
@pytest.mark.parametrize("declared", ["utf-8", "gb2312", "iso-8859-1"])
def test_the_encoding_is_right_when_the_declared_one_is_wrong(encoding: str, declared: str) -> None:
    text = (
        "中文科普文章里有不少常用字，我们在这里多写一些，好知道是什么文字"
        if encoding != "big5"
        else "中文科普文章裡有不少常用字，我們在這裡多寫一些"
    )
    document = f'<?xml version="1.0" encoding="{declared}"?>' + item(f"<title>{text}</title>")
    assert one(document.encode(encoding)).title == text


@pytest.mark.parametrize(
    ("inside", "title"),
    [
        ("<title>a &nbsp; &copy; &bogus; b & c</title>", "a © &bogus; b & c"),
        ("<title><![CDATA[<b>粗</b>体]]></title>", "粗体"),
        ("<title>甲<title>乙</title>", "甲"),
        ("<title>甲<link>https://kp.example/1</link>", "甲"),
        ("<title>1 < 2</title>", "1 < 2"),
        ("<title>甲\x00\x0b\x1b乙</title>", "甲乙"),
        ("<title>甲&#0;&#x1F;乙</title>", "甲乙"),
        ("<dc:title>甲</dc:title>", "甲"),
        ("<media:title>甲</media:title><foo:bar/>", "甲"),
    ],
)
def test_broken_xml_is_read_as_it_was_meant(inside: str, title: str) -> None:
    assert one(item(inside)).title.startswith(title)


def test_items_that_are_never_closed_are_items_of_their_own() -> None:
    feed = parse(b"<rss><channel><title>t</title><item><title>a</title><item><title>b</title></channel>")
    assert [found.title for found in feed.items] == ["a", "b"]


def test_what_stands_before_the_first_element_is_passed_over() -> None:
    document = "\ufeff \n<!-- <rss> <item> --><?xml-stylesheet href='x'?>" + item("<title>甲</title>")
    assert one(document).title == "甲"


def test_a_packed_feed_is_unpacked_up_to_the_limit() -> None:
    assert one(gzip.compress(item("<title>甲</title>").encode())).title == "甲"
    with pytest.raises(FeedUnreadable, match="bytes"):
        parse(gzip.compress(b" " * (LARGEST + 1)))
    with pytest.raises(FeedUnreadable, match="damaged"):
        parse(b"\x1f\x8b\x08\x00broken")


def test_a_name_is_found_for_an_item_without_one() -> None:
    assert one(item("<title>甲</title>")).guid.startswith("sha256:")
    assert one(item("<title>甲</title>")).guid != one(item("<title>乙</title>")).guid
    assert one(item("<link>https://kp.example/1</link>")).guid == "https://kp.example/1"


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("<author>a@b.example (李四)</author>", ("李四",)),
        ("<author>李四 &lt;a@b.example&gt;</author>", ("李四",)),
        ("<author>a@b.example</author>", ("a@b.example",)),
        ("<author>mailto:a@b.online</author>", ("mailto:a@b.online",)),
        ("<author>李四 (成都)</author>", ("李四 (成都)",)),
        ("<dc:creator>李四</dc:creator><dc:creator>王五</dc:creator>", ("李四", "王五")),
        ("<author>&lt;script>x&lt;/script>李四</author>", ("李四",)),
    ],
)
def test_authors_are_names(written: str, names: tuple[str, ...]) -> None:
    assert one(item(written)).authors == names


def test_lead_pictures_come_from_media_enclosures_or_the_text() -> None:
    media = '<media:thumbnail xmlns:media="http://search.yahoo.com/mrss/" url="/t.jpg"/>'
    text = "<description>&lt;img src='/c.png'></description>"
    assert one(item(media + text)).picture == "https://kp.example/t.jpg"
    assert one(item('<enclosure url="/e.jpg" type="image/jpeg"/>' + media)).picture == "https://kp.example/e.jpg"
    assert one(item(text)).picture == "https://kp.example/c.png"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"hello", "no element"),
        (b"<!doctype html><html><body>x</body></html>", "web page"),
        (b"<note><to>x</to></note>", "begins with <note>"),
        (b'{"a": 1}', "no JSON Feed"),
        (b"[1, 2", "not valid JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no element"),
        (b" " * (LARGEST + 1), "bytes"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason_and_a_hint(data: bytes, why: str) -> None:
    with pytest.raises(FeedUnreadable, match=why) as refused:
        parse(data)
    assert refused.value.hint
    assert refused.value.code == "feed_unreadable"


def test_of_a_long_feed_the_first_items_are_taken() -> None:
    feed = parse(f"<rss><channel>{'<item><title>a</title></item>' * (MOST_ITEMS + 1)}</channel></rss>".encode())
    assert (len(feed.items), feed.whole) == (MOST_ITEMS, False)


def sound(feed: ParsedFeed) -> bool:
    """Whether nothing in it can do harm and all is of its kind."""
    return all(
        harmful(found.html) == []
        and found.guid
        and all(url == "" or url.startswith(("http://", "https://")) for url in (found.url, found.link, found.picture))
        and all(one.url.startswith(("http://", "https://")) for one in found.enclosures)
        for found in feed.items
    )


_TAGS = (
    "<rss>",
    "<channel>",
    "<item>",
    "</item>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<entry>",
    "</entry>",
    "<title>",
    "</title>",
    "<link>",
    "</link>",
    "<link href='javascript:x'/>",
    "<description>",
    "</description>",
    "<content type='xhtml'>",
    "</content>",
    "<![CDATA[",
    "]]>",
    "<content type='html' mode='base64'>",
    "<author>",
    "<name>",
    "</name>",
    "</author>",
    "<pubDate>",
    "</pubDate>",
    "<guid>",
    "</guid>",
    "<source url='x'>",
    "</source>",
    "<image>",
    "</image>",
    "<textInput>",
    "<category term='x'/>",
    "<enclosure url='data:x'/>",
    "<media:content url='x'/>",
    "<svg>",
    "</svg>",
    "<!--",
    "-->",
    "&lt;script>",
    "&amp;",
    "&#0;",
    "&x;",
    "<!DOCTYPE x>",
    "<?x?>",
    "xml:base='http://['",
    "<a href='",
    "'>",
    "</rss>",
    "文",
    "2024-05-01",
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(_TAGS), st.text(max_size=5)), max_size=40).map("".join), st.booleans())
def test_any_mixture_of_tags_is_read_or_refused(inside: str, wrapped: bool) -> None:
    document = item(inside) if wrapped else inside
    try:
        feed = parse(document.encode("utf-8", "replace"), url=AT)
    except FeedUnreadable as refused:
        assert refused.hint
    else:
        assert sound(feed)


@settings(max_examples=150)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"<rss><channel><item><title>", b"{", b"\x1f\x8b", b"\xff\xfe", b"<?xml version='1.0' encoding='"]
    ),
)
def test_any_bytes_are_read_or_refused(data: bytes, before: bytes) -> None:
    try:
        assert sound(parse(before + data))
    except FeedUnreadable as refused:
        assert refused.hint


@settings(max_examples=100)
@given(st.sampled_from([RSS_2, RSS_1, ATOM, ATOM_3, CDF]), st.data())
def test_a_feed_with_a_piece_cut_out_or_doubled_is_read_or_refused(document: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(document)))
    end = data.draw(st.integers(start, len(document)))
    for damaged in (document[:start] + document[end:], document[:end] + document[start:]):
        try:
            assert sound(parse(damaged.encode(), url=AT))
        except FeedUnreadable as refused:
            assert refused.hint
