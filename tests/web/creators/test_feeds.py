"""我的订阅源: subscribing, how it goes, pausing, resuming, removing, and what the audit log is told."""

from __future__ import annotations

from content_store import audit
from content_store.alliance import creators
from content_store.errors import FetchFailed
from content_store.ingest import feeds
from content_store.ingest.pacing import Bounds
from content_store.leases import Watch
from content_store.problems import FetchProblem
from content_store.vocabulary import FeedState
from tests.support.staff import HOUSE
from tests.web.creators.conftest import Town

FEEDS = "/staff/creators/feeds"
GOOD = {"url": "https://example.org/feed", "licence": "cc_by", "sure": "yes"}


def subscribe(town: Town, **given: str) -> str:
    answer = town.writer.send(FEEDS, on=FEEDS, **GOOD | given)
    assert answer.status_code == 303, answer.text
    with town.begin() as connection:
        return feeds.of_account(connection, town.ids["writer"])[-1].id


def test_a_feed_is_subscribed_paused_resumed_and_removed_and_all_is_told(members: Town) -> None:
    id = subscribe(members)
    page = members.writer.see(f"{FEEDS}?notice=subscribed")
    for text in ("https://example.org/feed", "CC BY 4.0（署名）", "正常", "已接入"):
        assert text in page
    for act, shown in (("pause", "已暂停"), ("resume", "正常"), ("remove", "还没有接入订阅源")):
        assert members.writer.send(f"{FEEDS}/{id}/{act}").status_code == 303
        assert shown in members.writer.see(FEEDS)
    with members.begin() as connection:
        told = audit.entries(connection, limit=9, object_kind="feed", object_id=id)
        assert audit.verify(connection).flaws == ()
    assert [entry.action for entry in told] == ["feed.unsubscribe", "feed.resume", "feed.pause", "feed.subscribe"]
    assert {entry.actor for entry in told} == {members.ids["writer"]}


WRONG = (
    ({"url": ""}, "url"),
    ({"url": "ftp://x"}, "url"),
    ({"url": "https://user:secret@example.org/"}, "url"),
    ({"licence": "x"}, "licence"),
    ({"sure": ""}, "sure"),
)


def test_what_is_wrong_is_told_beside_it(members: Town) -> None:
    for wrong, place in WRONG:
        answer = members.writer.send(FEEDS, on=FEEDS, **GOOD | wrong)
        assert answer.status_code == 422
        assert f'id="{place}-wrong"' in answer.text
        assert (GOOD | wrong)["url"] in answer.text
    with members.begin() as connection:
        assert feeds.every(connection) == []


def test_a_feed_that_somebody_has_is_not_taken_twice(members: Town) -> None:
    subscribe(members)
    answer = members.other.send(FEEDS, on=FEEDS, **GOOD)
    assert answer.status_code == 422
    assert "已经有人接入了" in answer.text


def test_feeds_of_others_are_not_there(members: Town) -> None:
    id = subscribe(members)
    assert "example.org" not in members.other.see(FEEDS)
    for act in ("pause", "resume", "remove"):
        assert members.other.send(f"{FEEDS}/{id}/{act}").status_code == 404
        assert members.writer.client.post(f"{FEEDS}/{id}/{act}").status_code == 403
    with members.begin() as connection:
        assert feeds.get(connection, id).state is FeedState.ACTIVE


def test_the_last_error_is_told_in_words_and_the_next_fetch(members: Town) -> None:
    id = subscribe(members)
    bounds = Bounds(3_600_000, 86_400_000)
    with members.begin() as connection:
        [claim] = feeds.claim_due(connection, "w", limit=1, lease_ms=1_000, watch=Watch())
        problem = FetchFailed(FetchProblem.DNS, "no such name")
        feeds.record(connection, claim, problem, bounds=bounds, chance=lambda: 0.5)
    page = members.writer.see(FEEDS)
    assert FetchProblem.DNS.label in page
    assert "抓取失败" in page
    assert "no such name" not in page
    members.writer.send(f"{FEEDS}/{id}/pause")
    assert "不再抓取" in members.writer.see(FEEDS)


def test_who_is_no_member_connects_no_feed_and_who_left_may_still_remove_theirs(town: Town) -> None:
    assert "加入" in town.writer.see(FEEDS)
    assert town.writer.send(FEEDS, **GOOD).status_code == 403
    town.admit("writer")
    id = subscribe(town)
    town.writer.send("/staff/creators/me/leave", sure="yes")
    assert town.writer.send(f"{FEEDS}/{id}/resume").status_code == 403
    assert town.writer.send(f"{FEEDS}/{id}/remove").status_code == 303


def test_a_suspended_member_reads_why_nothing_is_fetched(members: Town) -> None:
    subscribe(members)
    assert "停止抓取" not in members.writer.see(FEEDS)
    with members.begin() as connection:
        creators.suspend(connection, members.ids["writer"], "稿件有争议", actor=HOUSE)
    page = members.writer.see(FEEDS)
    assert "成员状态是“已暂停”" in page and "因成员状态停止抓取" in page and "不再抓取" in page
    with members.begin() as connection:
        creators.reinstate(connection, members.ids["writer"], "已说明", actor=HOUSE)
    page = members.writer.see(FEEDS)
    assert "停止抓取" not in page and "正常" in page
