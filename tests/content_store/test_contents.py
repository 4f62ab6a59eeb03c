"""Contents: versions, statuses and what is live."""

from __future__ import annotations

import pytest

from content_store import clock, contents
from content_store.db import Connection, Database
from content_store.errors import BadRecord, UnknownContent
from content_store.vocabulary import ContentStatus, Topic

WHOLE = {
    "title": "大熊猫为什么吃竹子",
    "summary": "它的牙齿和肠道",
    "body": "第一段\n第二段\t完",
    "topic": "生命科学",
    "tags": ["熊猫", "竹子", "熊猫"],
    "place": "成都",
    "source": "中国科学院",
    "author": "王老师",
    "url": "https://example.org/panda?a=1&b=2",
    "published_at": 1_700_000_000_000,
    "expires_at": 1_900_000_000_000,
}


def test_a_new_content_is_the_first_version_of_a_draft(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        made = contents.create(connection, title="标题")
        assert contents.get(connection, made.id) == made
    assert (made.version, made.status, made.created_at) == (1, ContentStatus.DRAFT, fixed_clock)
    assert (made.summary, made.topic, made.tags, made.published_at) == (None, None, (), None)


def test_everything_told_of_a_content_is_kept(database: Database) -> None:
    with database.begin() as connection:
        made = contents.create(connection, id="熊猫-1", **WHOLE)  # type: ignore[arg-type]
        assert contents.get(connection, "熊猫-1") == made
    assert made.topic is Topic.LIFE_SCI
    assert made.tags == ("熊猫", "竹子")
    assert made.body == WHOLE["body"]


def test_a_change_is_a_new_version_and_no_change_is_none(database: Database) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", **WHOLE)  # type: ignore[arg-type]
        assert contents.update(connection, "a", **WHOLE).version == 1  # type: ignore[arg-type]
        changed = contents.update(connection, "a", title="新标题", tags=["新"], summary="")
    assert (changed.version, changed.title, changed.tags, changed.summary) == (2, "新标题", ("新",), None)
    assert changed.body == WHOLE["body"]


def test_a_content_moves_only_along_the_allowed_transitions(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", title="t")
        with pytest.raises(BadRecord, match="draft and cannot become published"):
            contents.set_status(connection, "a", ContentStatus.PUBLISHED)
        contents.set_status(connection, "a", ContentStatus.IN_REVIEW)
        published = contents.set_status(connection, "a", ContentStatus.PUBLISHED)
    assert (published.version, published.published_at) == (3, fixed_clock)


def test_only_published_contents_whose_time_has_come_are_live(database: Database, fixed_clock: int) -> None:
    published = ContentStatus.PUBLISHED
    with database.begin() as connection:
        contents.create(connection, id="draft", title="t")
        contents.create(connection, id="gone", title="t", status=ContentStatus.WITHDRAWN)
        contents.create(connection, id="b", title="t", status=published, published_at=fixed_clock)
        contents.create(connection, id="a", title="t", status=published)
        contents.create(connection, id="later", title="t", status=published, published_at=fixed_clock + 1)
        assert [content.id for content in contents.live(connection, batch=1)] == ["a", "b"]
        with clock.fixed(fixed_clock + 1):
            assert [content.id for content in contents.live(connection)] == ["a", "b", "later"]
        assert [content.id for content in contents.every(connection)] == ["a", "b", "draft", "gone", "later"]


def schedule(connection: Connection, id: str, published_at: int | None, expires_at: int | None = None) -> None:
    """A content that has been through review and waits for its time."""
    contents.create(connection, id=id, title="t", published_at=published_at, expires_at=expires_at)
    contents.set_status(connection, id, ContentStatus.IN_REVIEW)
    contents.set_status(connection, id, ContentStatus.SCHEDULED)


def test_a_scheduled_content_is_published_when_its_time_has_come_and_not_again(
    database: Database, fixed_clock: int
) -> None:
    with database.begin() as connection:
        schedule(connection, "now", fixed_clock)
        schedule(connection, "later", fixed_clock + 1)
        contents.create(connection, id="draft", title="t", published_at=fixed_clock)
        assert [content.id for content in contents.live(connection)] == []
        assert contents.publish_due(connection) == ["now"]
        assert contents.publish_due(connection) == []
        published = contents.get(connection, "now")
        assert (published.status, published.version, published.published_at) == (
            ContentStatus.PUBLISHED,
            4,
            fixed_clock,
        )
        assert [content.id for content in contents.live(connection)] == ["now"]
        assert contents.get(connection, "later").status is ContentStatus.SCHEDULED


def test_a_content_without_a_time_cannot_be_scheduled(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        with pytest.raises(BadRecord, match="without a published_at"):
            schedule(connection, "a", None)
        with pytest.raises(BadRecord, match="without a published_at"):
            contents.create(connection, id="b", title="t", status=ContentStatus.SCHEDULED)
        with pytest.raises(BadRecord, match="without a published_at"):
            contents.check({"id": "c", "title": "t", "status": "scheduled"})
        schedule(connection, "d", fixed_clock)
        with pytest.raises(BadRecord, match="without a published_at"):
            contents.update(connection, "d", published_at=None)
        assert contents.get(connection, "d").published_at == fixed_clock


def test_a_content_ends_when_its_time_is_over(database: Database, fixed_clock: int) -> None:
    published = ContentStatus.PUBLISHED
    with database.begin() as connection:
        contents.create(connection, id="over", title="t", status=published, expires_at=fixed_clock)
        contents.create(connection, id="lasts", title="t", status=published, expires_at=fixed_clock + 1)
        contents.create(connection, id="always", title="t", status=published)
        contents.create(connection, id="gone", title="t", status=ContentStatus.WITHDRAWN, expires_at=fixed_clock)
        schedule(connection, "too late", fixed_clock - 2, fixed_clock - 1)
        # Nobody meets what is over, even before it is written down.
        assert [content.id for content in contents.live(connection)] == ["always", "lasts"]
        assert contents.publish_due(connection) == []
        assert contents.expire_due(connection) == ["over", "too late"]
        assert contents.expire_due(connection) == []
        assert contents.get(connection, "over").status is ContentStatus.EXPIRED
        assert contents.get(connection, "over").version == 2
        assert contents.get(connection, "gone").status is ContentStatus.WITHDRAWN
        with clock.fixed(fixed_clock + 1):
            assert contents.expire_due(connection) == ["lasts"]


@pytest.mark.parametrize(
    "given",
    [{"title": ""}, {"title": "a\x00b"}, {"title": "\ud800"}, {"topic": "ufo"}, {"tags": [""]}, {"status": "lost"}],
    ids=str,
)
def test_a_value_that_may_not_be_stored_is_refused(database: Database, given: dict[str, object]) -> None:
    with database.begin() as connection:
        with pytest.raises((BadRecord, ValueError)):
            contents.create(connection, **({"title": "t"} | given))  # type: ignore[arg-type]
        assert contents.count(connection) == 0


def test_an_id_belongs_to_one_content(database: Database) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", title="t")
        with pytest.raises(BadRecord, match="has the id a already"):
            contents.create(connection, id="a", title="u")
        assert contents.get(connection, "a").title == "t"


def test_an_unknown_content_is_named(database: Database) -> None:
    with database.begin() as connection, pytest.raises(UnknownContent, match="nothing"):
        contents.update(connection, "nothing", title="t")


def test_contents_made_for_unknown_ids_are_live_under_their_ids(database: Database) -> None:
    with database.begin() as connection:
        contents.create(connection, id="a", title="mine")
        assert contents.ensure(connection, ["a", "b", "b"]) == 1
        assert contents.known(connection, ["a", "b", "c"]) == {"a", "b"}
        assert {content.id: content.title for content in contents.every(connection)} == {"a": "mine", "b": "b"}
        assert [content.id for content in contents.live(connection)] == ["b"]


def test_outlines_tell_of_contents_in_short(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        contents.create(connection, id="b", title="b", topic="space", author="王", status=ContentStatus.PUBLISHED)
        contents.create(connection, id="a", title="a", published_at=fixed_clock + 9, body="long" * 1000)
        found = list(contents.outlines(connection))

        assert [outline.id for outline in found] == ["a", "b"]
        assert [outline.published for outline in found] == [False, True]
        assert found[1] == contents.Outline("b", ContentStatus.PUBLISHED, Topic.SPACE, "王", None, fixed_clock)
        assert found[0].published_at == fixed_clock + 9
        assert list(contents.outlines(connection, ["b", "gone"])) == found[1:]
        assert list(contents.outlines(connection, [])) == []
