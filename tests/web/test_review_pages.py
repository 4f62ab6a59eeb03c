"""What citizens see of reviews: credits, AI label, corrections, their inbox, and what is gone."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import clock, contents
from content_store.review import correcting, publishing, withdrawing
from content_store.review_words import AiUse, WithdrawReason
from content_store.vocabulary import ContentStatus
from push.jobs import release_claims, tell_corrections
from tests.push.test_jobs import do
from tests.support import review_desk
from tests.support.review_desk import BODY, CHIEF, WRITER, pass_all, submit
from tests.web.conftest import Service, opened
from tests.web.portal.conftest import Browser

HOUR_MS = 3_600_000


@pytest.fixture
def panda(app: Flask, fixed_clock: int) -> Flask:
    """An app with an article that an AI helped to write, and that came by review."""
    review_desk.staff(opened(app).database)
    with opened(app).database.begin() as connection:
        review_desk.published(connection, ai_use=AiUse.ASSISTED)
        contents.create(connection, id="old", title="旧文", body="文", status=ContentStatus.PUBLISHED)
    return app


@pytest.fixture
def browser(panda: Flask) -> Browser:
    return Browser(panda.test_client())


def correct(app: Flask) -> None:
    """Correct the article, and let the clock's job tell its readers."""
    services = opened(app)
    with services.database.begin() as connection:
        better = BODY.replace("十二", "十四")
        correcting.correct(connection, "panda", WRITER, based_on=1, note="应为十四小时。", body=better)
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=2)
    assert do(services.database, tell_corrections.job(services.settings), clock.now_ms()).startswith("done")


def test_an_article_names_author_source_reviewers_and_the_part_of_an_ai(browser: Browser) -> None:
    text = re.sub(r"<[^>]+>|\s+", "", browser.see("/contents/panda"))
    assert "初审李初审" in text
    assert "三校周三校" in text
    assert "来源省科技馆" in text
    assert "授权CCBY4.0" in text
    assert "创作中使用了人工智能辅助" in text
    assert "没有在本平台审核" in browser.see("/contents/old")


def test_the_api_tells_the_same(client: FlaskClient, panda: Flask, fixed_clock: int) -> None:
    found = client.get("/api/v1/contents/panda").get_json()
    assert (found["origin"], found["wording"], found["licence"], found["ai_use"]) == (
        "editor",
        1,
        "CC BY 4.0",
        "assisted",
    )
    assert found["ai_label"] == AiUse.ASSISTED.label
    assert found["reviewers"][0] == {"step": "first_review", "label": "初审", "name": "李初审", "at": fixed_clock}
    old = client.get("/api/v1/contents/old").get_json()
    assert (old["origin"], old["reviewers"], old["ai_label"], old["corrections"]) == ("import", [], None, [])


def test_who_read_the_wrong_words_finds_a_message_and_others_find_none(
    panda: Flask, browser: Browser, fixed_clock: int
) -> None:
    browser.see("/")  # whoever comes without a cookie may be a robot
    browser.see("/contents/panda")
    with clock.fixed(fixed_clock + HOUR_MS):
        correct(panda)
        assert "更正说明（今天）：应为十四小时。" in browser.see("/contents/panda")
        page = browser.see("/inbox")
        assert "更正：《大熊猫为什么吃竹子》" in page
        assert "1 条未读" in page
        assert "有 1 条未读消息" in browser.see("/me")
        id = re.findall(r'name="message" value="([^"]+)"', page)[0]
        assert browser.send("/inbox/read", on="/inbox", message=id).status_code == 303
        assert "未读" not in browser.see("/inbox")
        assert "还没有消息" in Browser(panda.test_client()).see("/inbox")


def test_the_api_reads_messages_one_by_one_or_all(panda: Flask, service: Service, fixed_clock: int) -> None:
    mine, other = service.headers("reader"), service.headers("other")
    page = service.client.get("/api/v1/contents/panda", headers=mine).get_json()
    row = {"id": page["reading_id"], "kind": "read", "content_id": "panda", "at": fixed_clock}
    assert service.client.post("/api/v1/events", json={"events": [row]}, headers=mine).get_json()["accepted"] == 1
    with clock.fixed(fixed_clock + HOUR_MS):
        correct(panda)
        inbox = service.client.get("/api/v1/me/inbox", headers=mine).get_json()
        [message] = inbox["items"]
        assert (inbox["unread"], message["kind"], message["content_id"]) == (1, "correction", "panda")
        path = f"/api/v1/me/inbox/{message['id']}/read"
        assert service.client.post(path, headers=other).get_json()["code"] == "unknown_message"
        assert service.client.post(path, headers=mine).get_json()["unread"] == 0
        assert service.client.post("/api/v1/me/inbox/read", headers=mine).get_json()["unread"] == 0
        assert service.client.get("/api/v1/me/inbox", headers=other).get_json() == {"items": [], "unread": 0}


def test_what_was_withdrawn_is_gone_from_feed_and_search_for_it_and_says_why(
    panda: Flask, client: FlaskClient, browser: Browser, fixed_clock: int
) -> None:
    services = opened(panda)
    services.recommender.follower.catch_up()
    assert "panda" in browser.cards("/")
    with services.database.begin() as connection:
        withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT, "进食时间有误")
    services.recommender.follower.catch_up()
    assert "panda" not in browser.cards("/")
    answer = client.get("/api/v1/contents/panda")
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["reason"], told["withdrawn_at"]) == (
        410,
        "withdrawn",
        "fact",
        fixed_clock,
    )
    assert told["text"] == "内容有误：进食时间有误"
    page = browser.client.get("/contents/panda")
    assert page.status_code == 410
    assert "这篇内容已下架" in page.text
    assert "下架原因：内容有误：进食时间有误（2025-01-01 12:00）" in page.text


def test_progress_counts_quality_items_and_tells_why_others_are_none(
    panda: Flask, client: FlaskClient, browser: Browser
) -> None:
    with opened(panda).database.begin() as connection:
        review_desk.published(connection, "long", body="大熊猫一天要吃很多竹子。" * 40)
    found = client.get("/api/v1/progress").get_json()
    assert (found["items_quality"], found["items_young"], found["items_rule"]) == (1, 1, 1)
    assert found["items_no_quality"] == [{"reason": "too_short", "text": "篇幅不够", "number": 1}]
    text = re.sub(r"<[^>]+>|\s+", "", browser.see("/progress"))
    assert "1篇优质内容，目标5,000篇优质内容" in text
    assert "篇幅不够1" in text


def test_claims_whose_time_is_over_are_given_back_by_the_clock(panda: Flask, fixed_clock: int) -> None:
    services = opened(panda)
    with services.database.begin() as connection:
        review_desk.draft(connection, "tiger")
        review = submit(connection, "tiger")
        review_desk.queue.claim(connection, review.id, review.steps[0].step, CHIEF, hours=1)
    with clock.fixed(fixed_clock + HOUR_MS):
        assert do(services.database, release_claims.job(services.settings), fixed_clock) == "done released 1"
