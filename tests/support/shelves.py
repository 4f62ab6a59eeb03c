"""Articles for the pages: enough of them for several pages of a feed, on several topics."""

from __future__ import annotations

from content_store import clock, contents
from content_store.db import Database
from content_store.vocabulary import ContentStatus, Topic

TOPICS = (Topic.SPACE, Topic.ENERGY, Topic.DAILY, Topic.ECOLOGY)
BODY = "第一段，讲的是**要紧的事**。\n\n- 一\n- 二\n"


def shelved(database: Database, count: int = 45) -> list[str]:
    """Publish ``count`` articles, a quarter of them on each of ``TOPICS``; their ids, the newest first."""
    ids = [f"a{number:03d}" for number in range(count)]
    with database.begin() as connection:
        for number, id in enumerate(ids):
            contents.create(
                connection,
                id=id,
                title=f"第{number}篇文章",
                summary=f"第{number}篇的提要。",
                body=BODY,
                status=ContentStatus.PUBLISHED,
                topic=TOPICS[number % len(TOPICS)],
                source="测试科普站",
                author=f"作者{number}",
                published_at=clock.now_ms() - (number + 1) * clock.DAY_MS,
            )
    return ids
