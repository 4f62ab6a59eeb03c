"""我的作品: typing and uploading, drafts and their conflicts, review and its answers, history; each by who owns it."""

from __future__ import annotations

import io
import re
from typing import Any

import docx
from werkzeug.test import TestResponse

from content_store import contents, ids
from content_store.alliance import creators
from content_store.ingest import originals, sources
from content_store.review import comments, deciding, publishing, queue, records, trail, versions, withdrawing, works
from content_store.review.trail import Actor
from content_store.review_words import ContentOrigin, ReturnReason, ReviewStep, WithdrawReason
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import ContentStatus
from tests.support import review_desk
from tests.support.staff import CHENGDU, HOUSE, WENJIANG, somebody
from tests.web.conftest import opened
from tests.web.creators.conftest import BODY, WORK, Town
from tests.web.staff.conftest import Desk
from web.app import LARGEST_BODY

STEPS = (
    StaffRole.REVIEWER_1,
    StaffRole.REVIEWER_2,
    StaffRole.REVIEWER_3,
    StaffRole.REVIEWER_1,
    StaffRole.REVIEWER_1,
    StaffRole.REVIEWER_1,
)
"""Of those who pass three reviews and three proofs of a topic that asks for no science review."""
WORKS, NEW = "/staff/works", "/staff/works/new"


def make(desk: Desk, **given: Any) -> str:
    """Make a work; its id."""
    answer = desk.send(WORKS, on=NEW, id=ids.new_id(), **WORK | given)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(f"{WORKS}/").partition("?")[0]


def save(desk: Desk, id: str, based_on: int = 1, **given: Any) -> TestResponse:
    return desk.send(f"{WORKS}/{id}", on=f"{WORKS}/{id}", based_on=str(based_on), **WORK | given)


def upload(desk: Desk, name: str, data: bytes, **given: Any) -> TestResponse:
    form = {"id": ids.new_id(), "licence": "alliance", "ai_use": "none", "file": (io.BytesIO(data), name)}
    return desk.send(f"{WORKS}/upload", on=NEW, **form | given)


def reviewer(town: Town) -> Actor:
    with town.begin() as connection:
        made = somebody(connection, "reviewer", organisation_id=CHENGDU, role=StaffRole.REVIEWER_1)
        return trail.account(connection, made.id)


def test_a_work_is_typed_in_with_all_that_is_said_of_it(members: Town) -> None:
    id = make(members.writer, summary="提要", tags="熊猫、竹子, 熊猫", place="510100", url="https://example.org/a")
    page = members.writer.see(f"{WORKS}/{id}?notice=made")
    assert "已存为草稿" in page
    assert "<h3>为什么改吃竹子</h3>" in page
    assert "大熊猫为什么吃竹子" in members.writer.see(WORKS)
    with members.begin() as connection:
        made = versions.newest(connection, id)
        [listed] = works.of_author(connection, members.ids["writer"])
    assert (made.tags, made.place, made.author, made.source) == (
        ("熊猫", "竹子"),
        "510100",
        "writer先生",
        "天府科普创作达人联盟",
    )
    assert (made.licence, made.organisation_id, made.author_id) == (
        "CC BY 4.0（署名）",
        WENJIANG,
        members.ids["writer"],
    )
    assert (listed.content_id, listed.status, listed.version) == (id, ContentStatus.DRAFT, 1)


def test_plain_text_is_shown_as_it_was_typed(members: Town) -> None:
    id = make(members.writer, body="第一段 *星号*\n# 不是标题\n1. 不是列表\n- 也不是", format="plain")
    page = members.writer.see(f"{WORKS}/{id}")
    for line in ("第一段 *星号*", "# 不是标题", "1. 不是列表", "- 也不是"):
        assert f"<p>{line}</p>" in page


def test_a_refused_form_keeps_what_was_typed_and_uses_nothing(members: Town) -> None:
    wrong = {"title": "", "url": "ftp://x", "tags": "长" * 21, "topic": "nothing", "licence": "", "place": "成都"}
    answer = members.writer.send(WORKS, on=NEW, id=ids.new_id(), **WORK | wrong)
    assert answer.status_code == 422
    for name in wrong:
        assert f'id="{name}-wrong"' in answer.text
    assert "为什么改吃竹子" in answer.text
    assert "今天还能提交 3 篇" in members.writer.see(NEW)
    for bad in ("a\x00b", "长" * 201):
        assert members.writer.send(WORKS, on=NEW, id=ids.new_id(), **WORK | {"title": bad}).status_code == 422


def test_a_new_work_uses_one_of_today_s_once_however_often_its_form_is_sent(members: Town) -> None:
    id = ids.new_id()
    for _ in range(3):
        assert members.writer.send(WORKS, on=NEW, id=id, **WORK).status_code == 303
    assert "今天还能提交 2 篇" in members.writer.see(WORKS)
    save(members.writer, id, body="改了")
    make(members.writer)
    make(members.writer)
    answer = members.writer.send(WORKS, on=NEW, id=ids.new_id(), **WORK)
    assert answer.status_code == 422
    assert "已经用完" in answer.text
    assert "为什么改吃竹子" in answer.text
    with members.begin() as connection:
        assert len(works.of_author(connection, members.ids["writer"])) == 3


def test_no_form_takes_the_id_of_another_work_or_none(members: Town) -> None:
    theirs = make(members.other)
    for id in (theirs, "", "panda", ids.new_id().upper()):
        assert members.writer.send(WORKS, on=NEW, id=id, **WORK).status_code == 422
    with members.begin() as connection:
        assert works.author(connection, theirs) == members.ids["other"]
        assert versions.newest(connection, theirs).version == 1
    assert "今天还能提交 3 篇" in members.writer.see(NEW)


def test_works_of_others_are_not_there(members: Town) -> None:
    id = make(members.other)
    at = f"{WORKS}/{id}"
    for path in (at, f"{at}/history"):
        assert members.writer.client.get(path).status_code == 404
    for path in (at, f"{at}/recall", f"{at}/kept"):
        assert members.writer.send(path, on=NEW, based_on="1", **WORK | {"title": "夺来的"}).status_code == 404
    assert "大熊猫" not in members.writer.see(WORKS)
    with members.begin() as connection:
        assert versions.newest(connection, id).title == WORK["title"]


def test_who_is_no_member_writes_nothing_and_who_is_suspended_nothing_more(town: Town) -> None:
    assert "加入创作联盟" in town.writer.see(WORKS)
    assert town.writer.client.get(NEW).status_code == 403
    assert town.writer.send(WORKS, on=WORKS.replace("works", "me"), id=ids.new_id(), **WORK).status_code == 403
    town.admit("writer")
    id = make(town.writer)
    with town.begin() as connection:
        creators.suspend(connection, town.ids["writer"], "核查", actor=HOUSE)
    assert town.writer.client.get(NEW).status_code == 403
    assert "大熊猫为什么吃竹子" in town.writer.see(f"{WORKS}/{id}")
    answer = town.writer.send(f"{WORKS}/{id}", based_on="1", **WORK)
    assert answer.status_code == 403


def test_an_author_of_the_staff_writes_without_an_allowance(town: Town) -> None:
    with town.begin() as connection:
        somebody(connection, "author", organisation_id=CHENGDU, role=StaffRole.AUTHOR)
    desk = Desk(town.app.test_client())
    desk.sign_in("author")
    for _ in range(4):
        id = make(desk)
    assert "今天还能提交" not in desk.see(NEW)
    with town.begin() as connection:
        assert versions.newest(connection, id).source == "成都市"


def test_a_draft_is_changed_version_by_version_with_what_differs(members: Town) -> None:
    id = make(members.writer)
    assert save(members.writer, id, body=BODY.replace("吃肉", "吃荤")).headers["Location"].endswith("notice=saved")
    assert save(members.writer, id, 2, body=BODY.replace("吃肉", "吃荤")).headers["Location"].endswith("notice=same")
    page = members.writer.see(f"{WORKS}/{id}/history")
    assert "第 2 版相对第 1 版的改动" in page
    assert "<del>肉</del>" in page
    assert "<ins>荤</ins>" in page
    assert "第 1 版（第一版）" in members.writer.see(f"{WORKS}/{id}/history?version=1")
    assert members.writer.client.get(f"{WORKS}/{id}/history?version=x").status_code == 200


def test_who_saves_second_is_shown_both_and_loses_nothing(members: Town) -> None:
    id = make(members.writer)
    save(members.writer, id, title="第一个窗口的题目")
    answer = save(members.writer, id, 1, title="第二个窗口的题目", summary="第二个窗口的提要")
    assert answer.status_code == 409
    for text in ("第一个窗口的题目", "第二个窗口的题目", "第二个窗口的提要", "撞上了"):
        assert text in answer.text
    assert 'name="based_on" value="2"' in answer.text
    kept = re.search(r'name="kept" value="([^"]+)"', answer.text)
    assert kept
    # Whoever closes the window finds it again, also in the form.
    assert "没有保存成的修改" in members.writer.see(f"{WORKS}/{id}")
    assert 'value="第二个窗口的题目"' in members.writer.see(f"{WORKS}/{id}?kept={kept[1]}")
    answer = save(members.writer, id, 2, title="第二个窗口的题目", kept=kept[1])
    assert answer.status_code == 303
    assert "没有保存成的修改" not in members.writer.see(f"{WORKS}/{id}")


def test_what_could_not_be_saved_is_thrown_away_when_its_writer_says_so(members: Town) -> None:
    id = make(members.writer)
    save(members.writer, id, title="一")
    kept = re.search(r'name="kept" value="([^"]+)"', save(members.writer, id, 1, title="二").text)
    assert kept
    assert members.writer.send(f"{WORKS}/{id}/kept", kept=kept[1]).status_code == 303
    with members.begin() as connection:
        assert versions.kept(connection, id, trail.account(connection, members.ids["writer"])) == []
    assert "一" in members.writer.see(f"{WORKS}/{id}")


def test_a_form_without_its_version_saves_nothing_and_keeps_the_text(members: Town) -> None:
    id = make(members.writer)
    for based_on in ("", "x", "99", "-1"):
        answer = members.writer.send(f"{WORKS}/{id}", based_on=based_on, **WORK | {"title": "别的题目"})
        assert answer.status_code == 409
        assert "别的题目" in answer.text


def test_a_work_is_sent_to_review_whole_taken_back_and_sent_again(members: Town) -> None:
    id = make(members.writer, topic="", ai_use="")
    answer = save(members.writer, id, topic="", ai_use="", then="submit")
    assert answer.status_code == 422
    assert 'id="topic-wrong"' in answer.text
    assert 'id="ai_use-wrong"' in answer.text
    assert save(members.writer, id, then="submit").headers["Location"].endswith("notice=submitted")
    page = members.writer.see(f"{WORKS}/{id}")
    assert "正在初审，等待审核人员领取" in page
    assert 'name="based_on"' not in page
    answer = save(members.writer, id, 2, title="审核中改的")
    assert answer.status_code == 409
    assert "审核中改的" in answer.text
    assert members.writer.send(f"{WORKS}/{id}/recall").status_code == 303
    assert members.writer.send(f"{WORKS}/{id}/recall").status_code == 409
    assert save(members.writer, id, 2, then="submit").status_code == 303


def test_a_return_is_shown_with_its_reason_and_comments_and_sent_anew(members: Town) -> None:
    id, li = make(members.writer), reviewer(members)
    save(members.writer, id, then="submit")
    with members.begin() as connection:
        review = records.opened(connection, id)
        assert review
        queue.claim(connection, review.id, ReviewStep.FIRST_REVIEW, li, hours=1)
    with members.begin() as connection:
        comments.add(connection, review.id, li, "这里<要>出处", step=ReviewStep.FIRST_REVIEW, quote="吃肉")
    with members.begin() as connection:
        deciding.send_back(
            connection,
            review.id,
            ReviewStep.FIRST_REVIEW,
            li,
            version=1,
            reason=ReturnReason.SOURCE,
            note="请补参考文献",
        )
    assert "已退回，等你修改" in members.writer.see(WORKS)
    page = members.writer.see(f"{WORKS}/{id}")
    for text in ("初审退回：来源不清", "请补参考文献", "这里&lt;要&gt;出处", "<blockquote>吃肉</blockquote>"):
        assert text in page
    assert save(members.writer, id, body=BODY + "\n\n参考文献：……", then="submit").status_code == 303


def test_what_is_published_is_shown_and_not_changed_here(members: Town) -> None:
    id = make(members.writer)
    with members.begin() as connection:
        people = [
            trail.account(connection, somebody(connection, f"r{role}{at}", organisation_id=CHENGDU, role=role).id)
            for at, role in enumerate(STEPS)
        ]
    save(members.writer, id, then="submit")
    with members.begin() as connection:
        review = records.opened(connection, id)
    assert review
    for who, step in zip(people, (one.step for one in review.steps), strict=False):
        with members.begin() as connection:
            queue.claim(connection, review.id, step, who, hours=1)
        with members.begin() as connection:
            deciding.approve(connection, review.id, step, who, version=1)
    with members.begin() as connection:
        publishing.publish(connection, id, people[STEPS.index(StaffRole.REVIEWER_3)], version=1)
    page = members.writer.see(f"{WORKS}/{id}")
    assert f'href="/contents/{id}"' in page
    assert "请联系编辑发更正" in page
    assert save(members.writer, id, title="偷偷改的").status_code == 409
    with members.begin() as connection:
        assert versions.newest(connection, id).version == 1


def word(*paragraphs: str) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_heading("竹子开花", 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.add_table(1, 2).cell(0, 0).text = "种"
    document.save(out)
    return out.getvalue()


HTML = "<html><h1>竹子开花</h1><p>1. 六十年*一次*</p><script>x()</script></html>"
FILES = (
    ("a.md", "# 竹子开花\n\n**六十年**一次。\n\n- 箭竹".encode(), "<strong>六十年</strong>一次。"),
    ("a.html", HTML.encode("gb18030"), "<p>1. 六十年*一次*</p>"),
    ("a.docx", word("六十年一次。"), "<p>六十年一次。</p>"),
)
REFUSED = (
    ("a.pdf", b"%PDF-1.7 x", "不认识这种文件"),
    ("a.md", b"  ", "文件里没有文字"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "旧版 Word"),
    ("", b"", "请先选择要上传的文件"),
)


def test_a_file_becomes_a_draft(members: Town) -> None:
    for used, (name, data, shown) in enumerate(FILES, 1):
        answer = upload(members.writer, name, data)
        assert answer.status_code == 303, answer.text
        page = members.writer.see(answer.headers["Location"])
        assert '<h1 class="page">竹子开花</h1>' in page
        assert shown in page
        assert "x()" not in page
        assert f"今天还能提交 {3 - used} 篇" in members.writer.see(NEW)
    with members.begin() as connection:
        found = works.of_author(connection, members.ids["writer"])
        assert len(found) == len(FILES)
        assert versions.newest(connection, found[0].content_id).licence == "授权天府科普平台使用"


def test_a_file_that_is_not_taken_is_told_why_and_uses_nothing(members: Town) -> None:
    for name, data, said in REFUSED:
        answer = upload(members.writer, name, data)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'value="alliance" selected' in answer.text
    assert upload(members.writer, "a.md", b"# x\n\ny", licence="").status_code == 422
    assert "今天还能提交 3 篇" in members.writer.see(NEW)


def test_a_large_file_is_taken_of_who_is_signed_in_only(members: Town) -> None:
    data = b"# x\n\n" + b"<!-- -->" * (LARGEST_BODY // 8) + "竹子".encode()
    assert upload(members.writer, "a.md", data).status_code in (303, 422)
    stranger = Desk(members.app.test_client())
    token = re.search(r'name="form_token" value="([^"]+)"', stranger.see("/staff/login"))
    assert token
    form = {"form_token": token[1], "file": (io.BytesIO(data), "a.md")}
    assert stranger.client.post(f"{WORKS}/upload", data=form).status_code == 413
    big = {"title": "x" * (LARGEST_BODY + 1)}
    assert members.writer.send(WORKS, on=NEW, id=ids.new_id(), **WORK | big).status_code == 413


TEXT = review_desk.body("一篇") + "\n\n" + review_desk.body("一篇的后半")


def test_a_copy_of_what_somebody_submitted_is_told_at_once_and_not_reviewed(members: Town) -> None:
    first = make(members.other, body=TEXT, title="竹子开花")
    save(members.other, first, body=TEXT, title="竹子开花", then="submit")
    answer = upload(members.writer, "a.md", f"# 竹子开花了\n\n{TEXT}".encode())
    id = answer.headers["Location"].removeprefix(f"{WORKS}/").partition("?")[0]
    told = "它和平台上已有的文章《竹子开花》（审核中）是同一篇，不再另外送审。"
    page = members.writer.see(answer.headers["Location"])
    assert told in page
    assert "打开那一篇" not in page, "works of others are not shown before everybody may see them"
    refused = save(members.writer, id, body=TEXT, then="submit")
    assert refused.status_code == 409
    assert "已保存，但没有送审" in refused.text
    assert told in refused.text
    assert "和已有的文章重复" in members.writer.see(WORKS)
    with members.begin() as connection:
        assert records.of(connection, id) == []
        found = sources.of(connection, [first])[first]
    assert [one.account_id for one in found] == [members.ids["other"], members.ids["writer"]]
    # Written anew it goes on.
    assert save(members.writer, id, 2, body=review_desk.body("重写"), then="submit").status_code == 303
    assert told not in members.writer.see(f"{WORKS}/{id}")


def test_a_copy_of_one_s_own_work_leads_to_that(members: Town) -> None:
    first = make(members.writer, body=TEXT, title="竹子开花")
    save(members.writer, first, body=TEXT, title="竹子开花", then="submit")
    members.writer.send(f"{WORKS}/{first}/recall")
    page = members.writer.see(f"{WORKS}/{make(members.writer, body=TEXT)}")
    assert "它和你的另一篇作品《竹子开花》（草稿）是同一篇" in page
    assert "请打开那一篇，在那里继续修改和送审" in page
    assert f'<a href="{WORKS}/{first}">打开那一篇</a>' in page


def test_a_copy_of_what_was_withdrawn_is_told_why_that_is_gone(members: Town) -> None:
    with members.begin() as connection:
        told: dict[str, Any] = {"status": ContentStatus.PUBLISHED, "published_at": 1, "origin": ContentOrigin.IMPORT}
        contents.create(connection, id="old", title="旧文", body=TEXT, **told)
        originals.add_missing(connection)
    page = members.writer.see(f"{WORKS}/{make(members.writer, body=TEXT)}")
    assert '<a href="/contents/old">打开那一篇</a>' in page
    assert "你的这一份已记为那一篇的另一个来源" in page
    with members.begin() as connection:
        chief = somebody(connection, "chief", role=StaffRole.REVIEWER_3)
        withdrawing.withdraw(connection, "old", trail.account(connection, chief.id), WithdrawReason.FACT, "数字错了")
    page = members.writer.see(f"{WORKS}/{make(members.writer, body=TEXT)}")
    assert "《旧文》（已下架）是同一篇" in page
    assert "那一篇已经下架（内容有误：数字错了），同样的文章不能再送审。" in page


def test_the_desk_leads_to_what_one_may_do(members: Town) -> None:
    assert 'href="/staff/works"' in members.writer.see("/staff")
    assert 'href="/staff/creators"' not in members.writer.see("/staff")
    assert 'href="/staff/creators"' in members.operator.see("/staff")
    assert 'href="/staff/works"' not in members.operator.see("/staff")


def test_a_work_of_an_imported_content_is_nobodys(members: Town) -> None:
    with opened(members.app).database.begin() as connection:
        made = versions.create(
            connection, Actor(None, "house", HOUSE), ContentOrigin.EDITOR, title="无主", organisation_id=CHENGDU
        )
    assert members.writer.client.get(f"{WORKS}/{made.content_id}").status_code == 404
