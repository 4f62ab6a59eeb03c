"""创作联盟 as who applies sees it, and 达人管理 as who decides does."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from content_store import audit, roles
from content_store.alliance import allowance, creators
from content_store.creator_words import Membership, Trust
from content_store.staff_vocabulary import Permission
from tests.web.creators.conftest import Town
from tests.web.staff.conftest import Desk
from web.creators import application_form

ME = "/staff/creators/me"
FORM: dict[str, Any] = {
    "expertise": ["space", "life_sci"],
    "channel_platform": ["微信公众号", "抖音", ""],
    "channel_url": ["https://example.org/me", "https://example.org/dy", ""],
    "channel_followers": ["1.2万", "3,000", ""],
    "sample_title": ["甲", "乙", "丙"],
    "sample_url": ["https://example.org/1", "https://example.org/2", "https://example.org/3"],
    "statement": "写了十年。",
    "licence": "cc_by",
    "ai_use": "assisted",
}


def send(desk: Desk, action: str = ME, *, on: str = ME, **given: Any) -> TestResponse:
    return desk.send(action, on=on, **given)


def test_who_is_signed_in_sees_the_published_criteria_and_applies(town: Town) -> None:
    page = town.writer.see(ME)
    assert "各平台粉丝合计不少于 5,000 人" in page
    assert "申请加入" in page
    answer = send(town.writer, **FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ME}?notice=applied")
    page = town.writer.see(f"{ME}?notice=applied")
    assert "已申请，等待审核" in page
    assert "达到了全部条件" in page
    assert 'value="12000"' in page
    with town.begin() as connection:
        told = creators.get(connection, town.ids["writer"]).application
    assert [channel.followers for channel in told.channels] == [12_000, 3_000]
    assert (len(told.samples), told.ai_use.value, told.licence.value) == (3, "assisted", "cc_by")


def test_what_is_wrong_is_told_beside_it_and_nothing_typed_is_lost(town: Town) -> None:
    wrong = FORM | {"channel_followers": ["很多", "1", ""], "sample_url": ["javascript:alert(1)", "", ""]}
    wrong |= {"expertise": [], "statement": "<b>长</b>" * 400, "licence": "mine"}
    answer = send(town.writer, **wrong)
    assert answer.status_code == 422
    for name in ("expertise", "statement", "licence", "channel-0-followers", "sample-0-url", "sample-1-url"):
        assert f'id="{name}-wrong"' in answer.text
    for kept in ("很多", "javascript:alert(1)", "&lt;b&gt;长&lt;/b&gt;", "微信公众号"):
        assert kept in answer.text
    with town.begin() as connection:
        assert creators.find(connection, town.ids["writer"]) is None


def test_more_rows_are_given_without_losing_any(town: Town) -> None:
    answer = send(town.writer, **FORM, more="yes")
    assert answer.status_code == 200
    assert answer.text.count('name="sample_title"') == 6
    assert 'value="https://example.org/dy"' in answer.text
    assert 'value="space" checked' in answer.text


def test_of_two_windows_the_second_is_told_and_may_send_again(town: Town) -> None:
    send(town.writer, **FORM)
    send(town.writer, **FORM, revision="1")
    answer = send(town.writer, **FORM | {"statement": "另写的"}, revision="1")
    assert answer.status_code == 409
    assert "另写的" in answer.text
    assert 'name="revision" value="2"' in answer.text
    assert send(town.writer, **FORM | {"statement": "另写的"}, revision="2").status_code == 303


def test_the_whole_way_of_a_member(town: Town) -> None:
    at, writer = f"/staff/creators/members/{town.ids['writer']}", town.ids["writer"]

    def decide(act: str, reason: str = "", **more: str) -> int:
        return town.operator.send(at, on=at, act=act, reason=reason, **more).status_code

    send(town.writer, **FORM | {"channel_followers": ["5", "5", ""]})
    page = town.operator.see("/staff/creators")
    assert "未达到：各平台粉丝合计" in page
    assert town.operator.see(at).count("微信公众号") == 1
    assert decide("admit") == 422
    assert decide("refuse") == 422
    assert decide("refuse", "粉丝太少，<请>补充") == 303
    assert "粉丝太少，&lt;请&gt;补充" in town.writer.see(ME)
    send(town.writer, **FORM)
    assert decide("admit") == 303
    page = town.writer.see(ME)
    assert "联盟成员" in page
    assert "3 篇新作品（每天 3 篇）" in page
    assert decide("trust", "作品稳定", trust="1") == 303
    assert "10 篇新作品" in town.writer.see(ME)
    assert decide("trust", "x", trust="9") == 409
    assert decide("suspend", "核查转载") == 303
    assert "核查转载" in town.writer.see(ME)
    assert "现在不能提交作品" in town.writer.see("/staff/works")
    assert decide("reinstate", "没有问题") == 303
    assert decide("reinstate", "再来") == 409
    assert decide("nothing", "x") == 409
    assert send(town.writer, **FORM | {"statement": "新的介绍"}).headers["Location"].endswith("amended")
    assert send(town.writer, f"{ME}/leave").status_code == 422
    assert send(town.writer, f"{ME}/leave", sure="yes").status_code == 303
    assert "已退出" in town.writer.see(ME)
    assert send(town.writer, f"{ME}/leave", sure="yes").status_code == 409
    assert send(town.writer, **FORM).status_code == 303
    with town.begin() as connection:
        steps = [(step.state, step.trust) for step in creators.history(connection, writer)]
        assert not roles.may(connection, writer, Permission.WRITE_WORKS, None)
        assert allowance.left(connection, writer, dict.fromkeys(Trust, 3)) == 0
        [last] = audit.entries(connection, limit=1, object_kind="creator", object_id=writer)
    assert steps[-1] == (Membership.APPLIED, Trust.NEW)
    assert (last.action, last.actor) == ("creator.apply", writer)


def test_who_manages_creators_elsewhere_neither_sees_nor_decides(town: Town) -> None:
    send(town.writer, **FORM)
    at = f"/staff/creators/members/{town.ids['writer']}"
    assert "writer先生" not in town.stranger.see("/staff/creators")
    assert town.stranger.client.get(at).status_code == 403
    assert town.stranger.send(at, act="admit").status_code == 403
    assert town.writer.client.get("/staff/creators").status_code == 403
    assert town.operator.client.get(f"/staff/creators/members/{town.ids['other']}").status_code == 404


def test_nobody_decides_about_themselves(town: Town) -> None:
    send(town.operator, **FORM)
    at = f"/staff/creators/members/{town.ids['operator']}"
    assert "请同事来决定" in town.operator.see(at)
    assert town.operator.send(at, act="admit").status_code == 409


def test_a_form_without_its_token_is_refused(town: Town) -> None:
    for path in (ME, f"{ME}/leave", "/staff/creators/feeds", "/staff/works", "/staff/works/upload"):
        assert town.writer.client.post(path, data=FORM).status_code == 403
    at = f"/staff/creators/members/{town.ids['writer']}"
    assert town.operator.client.post(at, data={"act": "admit"}).status_code == 403
    assert town.operator.client.post("/staff/creators/series", data={}).status_code == 403


@pytest.mark.parametrize(
    ("text", "number"),
    [("12000", 12_000), ("12,000", 12_000), ("1.2万", 12_000), ("3 万+", 30_000), ("1亿", 100_000_000)],
)
def test_followers_are_read_as_people_write_them(text: str, number: int) -> None:
    assert application_form.followers(text) == number


@pytest.mark.parametrize("text", ["", "很多", "-1", "1e9", "999亿", "万", "1\n2", "٣"])
def test_what_is_no_number_of_followers_is_none(text: str) -> None:
    assert application_form.followers(text) is None
