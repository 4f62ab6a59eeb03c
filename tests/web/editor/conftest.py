"""A newsroom: people with roles in Chengdu and elsewhere, each at a browser, over each profile."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from content_store import sessions
from content_store.accounts import Account
from content_store.review import records, submitting, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review_words import AiUse, ContentOrigin
from content_store.sessions import Limits
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import Topic
from tests.support import review_desk
from tests.support.staff import CHENGDU, MIANYANG, ROOT, found_organisations, somebody
from tests.web.conftest import opened
from tests.web.staff.conftest import Desk
from web import signed

BODY = "切洋葱为什么会流泪？因为切开的细胞放出一种酶。\n\n把洋葱先放进冰箱，酶就慢下来，眼泪也少了。"
PEOPLE = {
    "wang": (CHENGDU, StaffRole.AUTHOR),
    "li": (CHENGDU, StaffRole.REVIEWER_1),
    "chen": (CHENGDU, StaffRole.REVIEWER_2),
    "zhao": (CHENGDU, StaffRole.REVIEWER_3),
    "qian": (CHENGDU, StaffRole.REVIEWER_3),
    "chief": (ROOT, StaffRole.REVIEWER_3),
    "auditor": (ROOT, StaffRole.AUDITOR),
    "outsider": (MIANYANG, StaffRole.REVIEWER_3),
}


@dataclass
class Newsroom:
    """The app, and who works there."""

    app: Flask
    people: dict[str, Account]

    def sit(self, login: str) -> Desk:
        """The browser of somebody who is signed in."""
        services = opened(self.app)
        with services.database.begin() as connection:
            _, token = sessions.start(connection, self.people[login].id, Limits.of(services.settings))
        client = self.app.test_client()
        client.set_cookie(signed.COOKIE, token)
        return Desk(client)

    def actor(self, login: str) -> Actor:
        """Somebody as they act without a browser."""
        return Actor(self.people[login].id, self.people[login].name)

    def write(self, id: str = "onion", **words: Any) -> None:
        """A draft by wang."""
        body = BODY if id == "onion" else review_desk.body(id)
        told: dict[str, Any] = {"title": "切洋葱为什么流泪", "body": body, "topic": Topic.DAILY, "ai_use": AiUse.NONE}
        told |= {"source": "成都科普", "licence": "CC BY 4.0", "author": "王作者"} | words
        with opened(self.app).database.begin() as connection:
            versions.create(connection, self.actor("wang"), ContentOrigin.EDITOR, id=id, **told)

    def submit(self, id: str = "onion", login: str = "wang") -> Review:
        """Send the newest version into review."""
        services = opened(self.app)
        with services.database.begin() as connection:
            newest = versions.newest(connection, id).version
            return submitting.submit(connection, id, self.actor(login), services.settings, version=newest)

    def in_review(self, id: str = "onion", **words: Any) -> Review:
        """A work of wang that was sent into review on the short route."""
        self.write(id, **words)
        return self.submit(id)

    def review(self, id: str) -> Review:
        """The review as it stands."""
        with opened(self.app).database.connect() as connection:
            return records.get(connection, id)

    def take(self, login: str, review: Review, note: str = "") -> TestResponse:
        """Somebody claims the current step in their browser, and passes it."""
        desk, page = self.sit(login), f"/staff/review/{review.id}"
        step = self.review(review.id).current
        assert step is not None
        claimed = desk.send(f"{page}/claim", on=page, step=step.step)
        assert claimed.status_code == 303, text_of(claimed.text)
        told = {"step": step.step.value, "version": str(review.version), "note": note}
        return desk.send(f"{page}/pass", on=page, **told)

    def publish(self, id: str = "onion", **words: Any) -> Review:
        """A work that went all the way to the citizens."""
        review = self.in_review(id, **words)
        for login in ("li", "zhao", "chen"):
            assert self.take(login, review).status_code == 303
        page = f"/staff/contents/{id}"
        answer = self.sit("qian").send(f"{page}/publish", on=page, version=str(review.version), when="now")
        assert answer.status_code == 303, text_of(answer.text)
        return review


def text_of(page: str) -> str:
    """What a person reads of a page, without blanks."""
    main = page.partition("<main")[2]
    return html.unescape(re.sub(r"<[^>]+>|\s+", "", f"<{main}"))


@pytest.fixture
def newsroom(make_app: Callable[..., Flask], cheap_passwords: None, fixed_clock: int) -> Newsroom:
    """The newsroom; works about daily life take the short route."""
    app = make_app(short_route_topics="daily", rate_per_network=0, rate_per_citizen=0)
    with opened(app).database.begin() as connection:
        found_organisations(connection)
        people = {
            login: somebody(connection, login, organisation_id=place, role=role)
            for login, (place, role) in PEOPLE.items()
        }
    return Newsroom(app, people)
