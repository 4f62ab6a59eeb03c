"""待补充: what feeds brought, told by its author one by one and many at once, and what was suggested about it."""

from __future__ import annotations

import re
from typing import Any, cast

from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from content_store.review import records, trail, versions, works
from content_store.review.versions import Version, Words
from content_store.review_words import ContentOrigin
from content_store.uploads.addresses import address
from content_store.vocabulary import ContentStatus
from recsys.classifying import Classifier
from recsys.suggesting import fill
from tests.support import review_desk
from tests.support.staff import WENJIANG
from tests.web.conftest import opened
from tests.web.creators.conftest import Town
from tests.web.editor.conftest import text_of

WORKS, INCOMING = "/staff/works", "/staff/works/incoming"
QUAKE = {
    "title": "地震预警怎么抢时间",
    "body": "汶川地震以后，成都建成了预警网：地震波比电波慢，预警抢的就是这几秒。" * 3,
}
TOLD = {"topic": "disaster", "ai_use": "none", "licence": ""}


def bring(town: Town, id: str, login: str = "writer", **words: Any) -> str:
    """A draft as a feed of somebody brings it."""
    told = QUAKE | {"source": "我的网站", "licence": "授权平台使用"} | words
    with town.begin() as connection:
        actor, author = trail.programme("ingest"), town.ids[login]
        versions.create(
            connection,
            actor,
            ContentOrigin.FEED,
            id=id,
            author_id=author,
            organisation_id=WENJIANG,
            **cast("Words", told),
        )
    return id


def suggest(town: Town) -> None:
    fill(opened(town.app).database, Classifier())


def newest(town: Town, id: str) -> Version:
    with town.begin() as connection:
        return versions.newest(connection, id)


def complete(town: Town, *picked: str, **given: str) -> TestResponse:
    """Send the form of the list with these works ticked, which are at their first version."""
    found = re.search(r'name="form_token" value="([^"]+)"', town.writer.see(INCOMING))
    assert found
    rows = [("form_token", found[1]), *(TOLD | given).items(), *(("pick", f"1:{id}") for id in picked)]
    return town.writer.client.post(INCOMING, data=MultiDict(rows))


def test_what_a_feed_brought_is_marked_in_the_list_and_opened_by_its_author_alone(members: Town) -> None:
    bring(members, "quake")
    bring(members, "theirs", "other")
    page = text_of(members.writer.see(WORKS))
    assert "有1篇等你补充" in page
    assert "来自订阅源，待补充" in page
    assert "地震预警怎么抢时间" in members.writer.see(INCOMING)
    assert "theirs" not in members.writer.see(INCOMING)
    assert members.writer.client.get(f"{WORKS}/theirs").status_code == 404
    assert "补充三件事就可以送审" in text_of(members.writer.see(f"{WORKS}/quake"))


def test_one_form_completes_and_submits_all_that_is_ticked_and_nothing_else(members: Town) -> None:
    ids = [
        bring(members, f"quake{number}", title=f"第 {number} 篇", body=review_desk.body(str(number)))
        for number in range(3)
    ]
    answer = complete(members, *ids[:2], licence="cc_by")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{INCOMING}?sent=2")
    assert "已送审2篇" in text_of(members.writer.see(f"{INCOMING}?sent=2"))
    for id in ids[:2]:
        made = newest(members, id)
        assert (made.version, made.topic, made.ai_use, made.licence) == (2, "disaster", "none", "CC BY 4.0（署名）")
        with members.begin() as connection:
            [review] = records.of(connection, id)
        assert (review.version, review.opened_by) == (2, members.ids["writer"])
    assert newest(members, ids[2]).version == 1
    with members.begin() as connection:
        listed = works.of_author(connection, members.ids["writer"])
        assert [one.content_id for one in works.unfinished(connection, members.ids["writer"], limit=9)] == [ids[2]]
    assert {work.status for work in listed if work.lacking} == {ContentStatus.DRAFT}


def test_each_work_that_could_not_be_sent_is_named_with_its_reason(members: Town) -> None:
    good = bring(members, "good", title="好的一篇")
    silent = bring(members, "silent", title="没有说明的图", body=f"![]({address('a' * 64)})" + QUAKE["body"])
    empty = bring(members, "empty", title="没有正文", body=None)
    theirs = bring(members, "theirs", "other", title="别人的一篇")
    stale = bring(members, "stale", title="改过的一篇")
    with members.begin() as connection:
        me = trail.account(connection, members.ids["writer"])
        versions.save(connection, stale, me, based_on=1, title="改过的一篇，又改")
    answer = complete(members, good, silent, empty, theirs, stale)
    page = text_of(answer.text)
    assert answer.status_code == 200
    assert "已送审1篇；有4篇没有送审" in page
    assert "没有说明的图已填好，但第1张图片还没有文字说明" in page
    assert "没有正文没有正文，或者现在不能修改" in page
    assert "改过的一篇，又改刚刚有了新的版本" in page
    assert "别人的一篇" not in page
    assert (newest(members, theirs).version, newest(members, stale).topic) == (1, None)
    assert newest(members, silent).topic == "disaster"
    with members.begin() as connection:
        assert versions.kept(connection, stale, me) == []


def test_nothing_is_sent_before_all_is_said_and_the_ticks_stay(members: Town) -> None:
    bring(members, "quake")
    answer = complete(members, "quake", topic="", ai_use="")
    assert answer.status_code == 422
    assert 'value="1:quake" checked' in answer.text
    assert "请选择主题" in answer.text
    assert "请说明人工智能使用情况" in answer.text
    assert "请先勾选" in complete(members).text
    assert newest(members, "quake").version == 1


def test_a_suggestion_groups_the_list_and_fills_in_nothing_by_itself(members: Town) -> None:
    bring(members, "quake")
    bring(members, "poem", title="无题", body="昨夜星辰昨夜风。")
    suggest(members)
    page = members.writer.see(INCOMING)
    assert "机器建议主题：防灾减灾（1 篇）" in page
    assert "没有建议主题（1 篇）" in page
    assert "checked" not in page
    assert "selected" not in page
    assert newest(members, "quake").topic is None
    ticked = members.writer.see(f"{INCOMING}?tick=disaster")
    assert 'value="1:quake" checked' in ticked
    assert 'value="1:poem" checked' not in ticked
    assert '<option value="disaster" selected>' in ticked


def test_an_author_takes_a_suggestion_over_by_a_button_with_all_they_typed(members: Town) -> None:
    bring(members, "quake")
    suggest(members)
    page = f"{WORKS}/quake"
    assert "主题选“防灾减灾”并保存" in members.writer.see(page)
    form = {"title": "改过的标题", "body": QUAKE["body"], "licence": "alliance", "based_on": "1"}
    answer = members.writer.send(page, on=page, take="topic", **form)
    assert answer.headers["Location"] == f"{page}?notice=taken"
    made = newest(members, "quake")
    assert (made.version, made.title, made.topic, made.place) == (2, "改过的标题", "disaster", None)
    late = members.writer.send(page, on=page, take="topic place", **form)
    assert late.status_code == 409
    assert newest(members, "quake").version == 2


def test_pictures_are_told_of_in_fields_and_then_the_work_can_be_sent(members: Town) -> None:
    body = f"![]({address('a' * 64)})\n\n{QUAKE['body']}"
    bring(members, "quake", body=body)
    page = f"{WORKS}/quake"
    assert "第 1 张图片里是什么" in members.writer.see(page)
    form = {"title": "预警", "body": body, "based_on": "1", "then": "submit", **TOLD, "licence": "alliance"}
    answer = members.writer.send(page, on=page, **form)
    assert answer.status_code == 422
    assert "已保存，但没有送审：第 1 张图片还没有文字说明" in answer.text
    alt = {f"alt-{'a' * 64}": "预警台的屏幕"}
    sent = members.writer.send(page, on=page, **form | {"based_on": "2"} | alt)
    assert sent.headers["Location"] == f"{page}?notice=submitted"
    assert (newest(members, "quake").body or "").startswith("![预警台的屏幕](")
