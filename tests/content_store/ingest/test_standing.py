"""Feeds of those of whom no works are taken now are left alone, and fetched again once works are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from content_store import clock
from content_store.alliance import creators, standing
from content_store.alliance.admission import Application, Criteria
from content_store.creator_words import Membership
from content_store.db import Connection
from content_store.ingest import feeds
from content_store.ingest.sweeping import sweep
from content_store.vocabulary import FeedState, Topic
from tests.support.feed_site import PANDA, SETTINGS, World, entry, rss
from tests.support.hostile import reach
from tests.support.staff import HOUSE

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

APPLICATION = Application(expertise=(Topic.LIFE_SCI,))


def admit(connection: Connection, id: str) -> None:
    creators.apply(connection, id, APPLICATION)
    creators.admit(connection, id, Criteria(0, 0, 0), actor=HOUSE, exception="试点")


@pytest.fixture
def member(world: World) -> str:
    """A member with a feed that has something."""
    with world.database.begin() as connection:
        admit(connection, world.accounts[0])
    world.site.pages["/feed"] = rss(entry("1", "大熊猫", PANDA))
    world.subscribe()
    return world.accounts[0]


def test_a_suspended_members_feed_is_not_fetched_until_they_are_reinstated(world: World, member: str) -> None:
    with world.database.begin() as connection:
        creators.suspend(connection, member, "稿件有争议", actor=HOUSE)
        assert feeds.next_due_at(connection) is None
    assert world.run() == [] and world.site.asked == []
    with world.database.begin() as connection:
        creators.reinstate(connection, member, "已说明", actor=HOUSE)
        assert feeds.next_due_at(connection) == clock.now_ms()
    assert [report.problem for report in world.run()] == [""]
    assert len(world.stored()) == 1


def test_who_left_is_fetched_from_again_only_when_they_are_admitted_anew(world: World, member: str) -> None:
    states: list[Membership | None] = []
    acts: list[Callable[[Connection], object]] = [
        lambda connection: creators.leave(connection, member),
        lambda connection: creators.apply(connection, member, APPLICATION),
        lambda connection: creators.refuse(connection, member, "再等等", actor=HOUSE),
    ]
    for act in acts:
        with world.database.begin() as connection:
            act(connection)
            states.append(standing.why(connection, member))
        assert world.run() == []
    assert states == [Membership.LEFT, Membership.APPLIED, Membership.REFUSED]
    with world.database.begin() as connection:
        admit(connection, member)
        assert standing.why(connection, member) is None
    assert len(world.run()) == 1


def test_feeds_of_accounts_without_an_application_are_fetched(world: World, member: str) -> None:
    world.subscribe("/feed2", 1)
    world.site.pages["/feed2"] = rss(entry("2", "大熊猫", PANDA))
    with world.database.begin() as connection:
        creators.suspend(connection, member, "稿件有争议", actor=HOUSE)
    assert [report.url for report in world.run()] == [world.server.url("/feed2")]


def test_a_sweep_tells_which_feeds_it_left_alone_and_why(world: World, member: str) -> None:
    paused = world.subscribe("/paused")
    with world.database.begin() as connection:
        feeds.pause(connection, paused)
        creators.suspend(connection, member, "稿件有争议", actor=HOUSE)
    tally = sweep(world.database, SETTINGS, fetcher=reach(world.server))
    assert [(feed.url, state) for feed, state in tally.stopped] == [(world.server.url("/feed"), Membership.SUSPENDED)]
    assert tally.told() == "no feed was due; 1 of no members now, not fetched"


def test_what_was_being_fetched_when_its_member_was_suspended_is_not_stored(world: World, member: str) -> None:
    claim = world.handler.next()
    assert claim is not None
    with world.database.begin() as connection:
        creators.suspend(connection, member, "稿件有争议", actor=HOUSE)
    assert world.handler.run(claim).problem == "创作联盟成员状态：已暂停"
    assert world.stored() == []
    with world.database.begin() as connection:
        creators.reinstate(connection, member, "已说明", actor=HOUSE)
        feed = feeds.get(connection, claim.feed.id)
        assert (feed.state, feed.failures, feed.etag) == (FeedState.ACTIVE, 0, None)
    world.run()
    assert len(world.stored()) == 1
