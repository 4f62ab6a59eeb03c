"""Browsers of a writer, of another one, and of an operator, over each profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from content_store.alliance import creators
from content_store.alliance.admission import Application, Channel, Criteria, Sample
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import Topic
from tests.support.staff import CHENGDU, HOUSE, MIANYANG, WENJIANG, found_organisations, somebody
from tests.web.conftest import opened
from tests.web.staff.conftest import Desk

BODY = "大熊猫的祖先吃肉。\n\n## 为什么改吃竹子\n\n因为竹子到处都有。"
WORK = {"title": "大熊猫为什么吃竹子", "body": BODY, "topic": "life_sci", "licence": "cc_by", "ai_use": "none"}
TOLD = Application(
    expertise=(Topic.LIFE_SCI,),
    channels=(Channel("微信公众号", "https://example.org/me", 6_000),),
    samples=tuple(Sample(f"第 {number} 篇", f"https://example.org/{number}") for number in range(3)),
    statement="写了十年科普。",
)


@dataclass
class Town:
    """The app, browsers in which people are signed in, and their accounts by login."""

    app: Flask
    ids: dict[str, str]
    desks: dict[str, Desk]

    def __getattr__(self, login: str) -> Desk:
        return self.desks[login]

    def begin(self) -> Any:
        """A transaction."""
        return opened(self.app).database.begin()

    def admit(self, *logins: str) -> None:
        """Make members of them."""
        with self.begin() as connection:
            for login in logins:
                creators.apply(connection, self.ids[login], TOLD)
                creators.admit(connection, self.ids[login], Criteria(0, 0, 0), actor=HOUSE)


PEOPLE = {
    "writer": (WENJIANG, None),
    "other": (CHENGDU, None),
    "operator": (CHENGDU, StaffRole.OPERATOR),
    "stranger": (MIANYANG, StaffRole.OPERATOR),
}


@pytest.fixture
def town(app: Flask, cheap_passwords: None, fixed_clock: int) -> Iterator[Town]:
    """Two who write in Chengdu, its operator, and the operator of another prefecture."""
    with opened(app).database.begin() as connection:
        found_organisations(connection)
        made = {
            login: somebody(connection, login, organisation_id=place, role=role).id
            for login, (place, role) in PEOPLE.items()
        }
    desks = {login: Desk(app.test_client()) for login in made}
    for login, desk in desks.items():
        desk.sign_in(login)
    yield Town(app, made, desks)


@pytest.fixture
def members(town: Town) -> Town:
    """The same, the two who write being members."""
    town.admit("writer", "other")
    return town
