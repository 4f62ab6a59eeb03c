"""JSON Feed, as it should be and as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.errors import FeedUnreadable
from content_store.ingest.parsing import Enclosure, ParsedFeed, ParsedItem, parse
from tests.support.harmful import harmful

VERSION = "https://jsonfeed.org/version/1.1"
MAY = 1_714_536_000_000


def feed_of(*items: Any, **fields: Any) -> ParsedFeed:
    """The feed with these items, as it is parsed."""
    told = {"version": VERSION, "title": "科普", "items": list(items)} | fields
    return parse(json.dumps(told, ensure_ascii=False).encode(), url="https://kp.example/feed.json")


def test_all_of_an_item_is_read() -> None:
    feed = feed_of(
        {
            "id": 7,
            "url": "/p/1?utm_source=x",
            "title": "熊猫 & 竹子",
            "content_html": "<p>正文<script>x</script></p>",
            "summary": "摘要",
            "image": "/a.png",
            "date_published": "2024-05-01T12:00:00+08:00",
            "date_modified": "2024-05-02T12:00:00+08:00",
            "authors": [{"name": "张三"}],
            "tags": ["生态", "生态"],
            "language": "zh-Hans",
            "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 12}],
        },
        home_page_url="https://kp.example/",
        language="zh-CN",
        description="说明",
    )
    assert (feed.title, feed.link, feed.language, feed.description, feed.format) == (
        "科普",
        "https://kp.example/",
        "zh-cn",
        "说明",
        "json11",
    )
    assert feed.items == (
        ParsedItem(
            guid="7",
            url="https://kp.example/p/1",
            link="https://kp.example/p/1?utm_source=x",
            title="熊猫 & 竹子",
            authors=("张三",),
            published=MAY,
            updated=MAY + 86_400_000,
            summary="摘要",
            html="<p>正文</p>",
            picture="https://kp.example/a.png",
            enclosures=(Enclosure(url="https://kp.example/a.mp3", type="audio/mpeg", length=12),),
            categories=("生态",),
            language="zh-hans",
            full=True,
        ),
    )


def test_version_1_and_its_single_author_are_read() -> None:
    feed = feed_of(
        {"id": "a", "content_text": "一\n\n二 <b>"}, version="https://jsonfeed.org/version/1", author={"name": "李四"}
    )
    assert (feed.format, feed.items[0].authors, feed.items[0].html) == (
        "json1",
        ("李四",),
        "<p>一</p><p>二 &lt;b&gt;</p>",
    )


def test_an_id_that_is_an_address_serves_as_one() -> None:
    assert feed_of({"id": "https://kp.example/p/9"}).items[0].url == "https://kp.example/p/9"


@pytest.mark.parametrize(
    "told", ['{"a": 1}', "[]", '"x"', "{", '{"version": "https://jsonfeed.org/version/1"', "{'items': []}"]
)
def test_other_json_is_refused(told: str) -> None:
    with pytest.raises(FeedUnreadable) as refused:
        parse(told.encode())
    assert refused.value.hint


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["javascript:x", "<script>x</script>", "http://a.example/"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "url", "mime_type", "size_in_bytes"]), inner, max_size=3),
    ),
    max_leaves=6,
)
_KEYS = (
    "id",
    "url",
    "external_url",
    "title",
    "content_html",
    "content_text",
    "summary",
    "image",
    "banner_image",
    "date_published",
    "author",
    "authors",
    "tags",
    "attachments",
    "language",
)


@given(
    st.lists(st.one_of(_VALUES, st.dictionaries(st.sampled_from(_KEYS), _VALUES)), max_size=4),
    st.dictionaries(
        st.sampled_from(["title", "home_page_url", "feed_url", "language", "authors", "description"]), _VALUES
    ),
)
def test_fields_of_any_type_are_read_or_count_as_not_given(items: list[Any], fields: dict[str, Any]) -> None:
    feed = feed_of(*items, **fields)
    assert len(feed.items) == sum(isinstance(item, dict) for item in items)
    assert all(harmful(item.html) == [] and item.guid and "javascript:" not in item.url for item in feed.items)
