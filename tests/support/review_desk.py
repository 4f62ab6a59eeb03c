"""A newsroom: an organisation tree, people with accounts, and the way of a content through review in one call."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from content_store import clock, organisations, schema
from content_store.db import Connection, Database
from content_store.review import deciding, publishing, quarantining, queue, records, submitting, terms, versions
from content_store.review.quarantining import Rescan
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Version
from content_store.review_words import AiUse, ContentOrigin, Route, Severity
from content_store.settings import Settings, load_settings
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import OrganisationKind, Topic

SETTINGS = load_settings({"KEPU_SHORT_ROUTE_TOPICS": "daily"})
BODY = "竹子的营养很少，大熊猫一天要吃十二个小时以上。\n它的肠道像食肉动物，消化不了多少纤维素。\n" * 3
NAMES = ("王作者", "李初审", "张复审", "赵终审", "钱一校", "孙二校", "周三校", "吴科学", "冯审稿", "陈审稿", "郑主编")
WRITER, *REVIEWERS = [Actor(f"p{number}", name) for number, name in enumerate(NAMES)]
CHIEF = REVIEWERS[-1]
STAFF_ROLES = (
    *(StaffRole.AUTHOR, StaffRole.REVIEWER_1, StaffRole.REVIEWER_2, StaffRole.REVIEWER_3),
    StaffRole.SCIENCE_REVIEWER,
)
"""What everybody is, in the province: who may do what is the subject of tests of its own."""

PROVINCE, CHENGDU, GUANGYUAN, WANGCANG = organisations.ROOT, "510100", "510800", "510821"
TREE = (
    (PROVINCE, None, OrganisationKind.PROVINCE),
    (CHENGDU, PROVINCE, OrganisationKind.PREFECTURE),
    (GUANGYUAN, PROVINCE, OrganisationKind.PREFECTURE),
    (WANGCANG, GUANGYUAN, OrganisationKind.COUNTY),
)


def staff(database: Database) -> None:
    """Store the tree (province, two prefectures, a county) and everybody's account and roles."""
    people = [
        {"id": who.account_id, "login": who.account_id, "name": who.name, "organisation_id": PROVINCE, "created_at": 1}
        for who in (WRITER, *REVIEWERS)
    ]
    with database.begin() as connection:
        for id, parent, kind in TREE:
            row = {"id": id, "parent_id": parent, "kind": kind, "name": id, "created_at": 1}
            connection.execute(sa.insert(schema.organisations), row)
        connection.execute(sa.insert(schema.accounts), people)
        grants = [grant(who, role) for who in (WRITER, *REVIEWERS) for role in STAFF_ROLES]
        connection.execute(sa.insert(schema.grants), grants)


def grant(who: Actor, role: StaffRole, organisation_id: str = PROVINCE) -> dict[str, Any]:
    """A row of the grants."""
    told = {"account_id": who.account_id, "role": role, "organisation_id": organisation_id}
    return told | {"granted_by": "cli:tests", "granted_at": 1}


def put_term(connection: Connection, term: str, severity: Severity | str, reason: str) -> Rescan:
    """CHIEF puts a term on the list."""
    return quarantining.change_list(connection, CHIEF, add=[terms.term(term, severity, reason)])


def body(id: str) -> str:
    """A body that no other content has: of two with the same words one is a copy."""
    if id == "panda":
        return BODY
    drawn = random.Random(id)
    return "".join(chr(drawn.randrange(0x4E00, 0x9000)) for _ in range(60)) + "。\n" + BODY[:40]


def draft(connection: Connection, id: str = "panda", **words: Any) -> Version:
    """A draft by WRITER; one of a topic that asks for no science review unless ``words`` say so."""
    told: dict[str, Any] = {"title": "大熊猫为什么吃竹子", "body": body(id), "topic": Topic.LIFE_SCI}
    told |= {"source": "省科技馆", "licence": "CC BY 4.0", "ai_use": AiUse.NONE, "author": "王作者"} | words
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
