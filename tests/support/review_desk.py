"""A newsroom: an organisation tree, people with accounts, and the way of a content through review in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from content_store import clock, schema
from content_store.db import Connection, Database
from content_store.review import deciding, publishing, queue, records, submitting, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import AiUse, ContentOrigin, Route
from content_store.settings import Settings, load_settings
from content_store.vocabulary import OrganisationKind, Topic

SETTINGS = load_settings({"KEPU_SHORT_ROUTE_TOPICS": "daily"})
BODY = "竹子的营养很少，大熊猫一天要吃十二个小时以上。\n它的肠道像食肉动物，消化不了多少纤维素。\n" * 3
NAMES = ("王作者", "李初审", "张复审", "赵终审", "钱一校", "孙二校", "周三校", "吴科学", "冯审稿", "陈审稿", "郑主编")
WRITER, *REVIEWERS = [Actor(f"p{number}", name) for number, name in enumerate(NAMES)]
CHIEF = REVIEWERS[-1]


def staff(database: Database) -> None:
    """Store the tree (province, two prefectures, a county) and everybody's account."""
    kinds = {"省": OrganisationKind.PROVINCE, "成都": OrganisationKind.PREFECTURE, "广元": OrganisationKind.PREFECTURE}
    rows: list[dict[str, Any]] = [
        {"id": name, "parent_id": None if name == "省" else "省", "kind": kind, "name": name, "created_at": 1}
        for name, kind in kinds.items()
    ]
    rows.append({"id": "旺苍", "parent_id": "广元", "kind": OrganisationKind.COUNTY, "name": "旺苍", "created_at": 1})
    people = [
        {"id": who.account_id, "login": who.account_id, "name": who.name, "organisation_id": "省", "created_at": 1}
        for who in (WRITER, *REVIEWERS)
    ]
    with database.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(schema.organisations), row)
        connection.execute(sa.insert(schema.accounts), people)


def draft(connection: Connection, id: str = "panda", **words: Any) -> Version:
    """A draft by WRITER; one of a topic that asks for no science review unless ``words`` say so."""
    told: dict[str, Any] = {"title": "大熊猫为什么吃竹子", "body": BODY, "topic": Topic.LIFE_SCI, "source": "省科技馆"}
    told |= {"licence": "CC BY 4.0", "ai_use": AiUse.NONE, "author": "王作者"} | words
    return versions.create(connection, WRITER, ContentOrigin.EDITOR, id=id, **told)


def submit(connection: Connection, content_id: str = "panda", **how: Any) -> Review:
    """Open the review of the newest version."""
    newest = versions.newest(connection, content_id).version
    return submitting.submit(connection, content_id, WRITER, how.pop("settings", SETTINGS), version=newest, **how)


def take(connection: Connection, review: Review, actor: Actor) -> Review:
    """``actor`` claims the current step and lets it pass."""
    step = records.get(connection, review.id).current
    assert step is not None
    queue.claim(connection, review.id, step.step, actor, hours=1)
    return deciding.approve(connection, review.id, step.step, actor, version=review.version)


def pass_all(connection: Connection, review: Review, people: Sequence[Actor] = REVIEWERS) -> Review:
    """Everybody passes one step."""
    for actor in people:
        if records.get(connection, review.id).current is None:
            break
        review = take(connection, review, actor)
    return review


def published(connection: Connection, id: str = "panda", *, route: Route | None = None, **words: Any) -> Version:
    """A content that went the whole way."""
    draft(connection, id, **words)
    review = pass_all(connection, submit(connection, id, route=route))
    publishing.publish(connection, id, CHIEF, version=review.version)
    return versions.get(connection, id, review.version)


def later(hours: float) -> int:
    """An instant so many hours from now, epoch ms."""
    return clock.now_ms() + round(hours * 3_600_000)


def settings(**given: Any) -> Settings:
    """The settings of the newsroom, with those given."""
    env = {f"KEPU_{name.upper()}": str(value) for name, value in given.items()}
    return load_settings({"KEPU_SHORT_ROUTE_TOPICS": "daily"} | env)
