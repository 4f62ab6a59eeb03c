"""Looking after contents: finding, publishing by time, withdrawing, correcting, beginning anew, and the conflicts."""

from __future__ import annotations

import re

from content_store import clock, contents
from content_store.review import records, trail, versions
from content_store.review_words import Route
from content_store.vocabulary import ContentStatus
from push.jobs import tell_corrections
from tests.push.test_jobs import do
from tests.web.conftest import opened
from tests.web.editor.conftest import BODY, Newsroom, text_of
from tests.web.portal.conftest import Browser

HOUR_MS = 3_600_000
PAGE = "/staff/contents/onion"


def status_of(newsroom: Newsroom, id: str = "onion") -> ContentStatus:
    with opened(newsroom.app).database.connect() as connection:
        return contents.get(connection, id).status


def form_of(page: str) -> dict[str, str]:
    """What the form for the words says."""
    fields = dict(re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', page))
    fields |= dict(re.findall(r'<textarea id="(\w+)"[^>]*>\n?([^<]*)</textarea>', page))
    for name, options in re.findall(r'<select id="(\w+)".*?</option>(.*?)</select>', page):
        fields[name] = next(iter(re.findall(r'value="(\w+)" selected', options)), "")
    return fields | {"based_on": re.findall(r'name="based_on" value="(\d+)"', page)[0]}


def test_contents_are_found_by_title_id_and_status_in_ones_own_organisations(newsroom: Newsroom) -> None:
    newsroom.publish("tea", title="泡茶用 100% 的开水吗")
    newsroom.write()
    zhao = newsroom.sit("zhao")
    assert "切洋葱" in zhao.see("/staff/contents?q=洋葱")
    assert "泡茶" not in zhao.see("/staff/contents?q=洋葱")
    assert "泡茶" in zhao.see("/staff/contents?q=100%25")
    assert "没有找到" in zhao.see("/staff/contents?q=1%25")
    assert "切洋葱" in zhao.see("/staff/contents?q=onion")
    assert "切洋葱" not in zhao.see("/staff/contents?state=published")
    assert "切洋葱" not in newsroom.sit("outsider").see("/staff/contents")
    assert "这里还没有内容" in newsroom.sit("outsider").see("/staff/contents")


def test_a_work_is_scheduled_rescheduled_and_put_off(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    for login in ("li", "zhao", "chen"):
        newsroom.take(login, review)
    qian = newsroom.sit("qian")
    form = {"version": "1", "when": "later", "at": "2024-12-31T08:00"}
    past = qian.send(f"{PAGE}/publish", on=PAGE, **form)
    assert past.status_code == 422
    assert "请填一个以后的时间" in past.text
    assert 'value="2024-12-31T08:00"' in past.text
    assert "请按“2025-01-31 09:30”的样子" in qian.send(f"{PAGE}/publish", on=PAGE, **form | {"at": "明天"}).text
    early = form | {"at": "2025-01-02T08:00", "expires_at": "2025-01-02T07:00"}
    assert "到期时间要在发布之后" in qian.send(f"{PAGE}/publish", on=PAGE, **early).text
    assert qian.send(f"{PAGE}/publish", on=PAGE, **form | {"at": "2025-01-02T08:00"}).status_code == 303
    assert "2025-01-02 08:00 自动发布" in qian.see("/staff/review/ready")
    assert status_of(newsroom) is ContentStatus.SCHEDULED
    assert newsroom.sit("li").send(f"{PAGE}/unschedule", on=PAGE).status_code == 403
    assert qian.send(f"{PAGE}/unschedule", on=PAGE).status_code == 303
    assert "审核通过，等人发布切洋葱为什么流泪" in text_of(qian.see("/staff/review/ready"))
    assert qian.send(f"{PAGE}/publish", on=PAGE, version="1", when="now").status_code == 303
    assert status_of(newsroom) is ContentStatus.PUBLISHED


def test_an_unreviewed_version_is_not_published_by_any_form(newsroom: Newsroom) -> None:
    newsroom.in_review()
    qian = newsroom.sit("qian")
    assert f"{PAGE}/publish" not in qian.see(PAGE)
    answer = qian.send(f"{PAGE}/publish", on=PAGE, version="1", when="now")
    assert answer.status_code == 409
    assert "还没有走完审核" in text_of(answer.text)


def test_what_is_withdrawn_leaves_a_tombstone_and_begins_anew_as_a_draft(newsroom: Newsroom) -> None:
    newsroom.publish()
    zhao = newsroom.sit("zhao")
    answer = zhao.send(f"{PAGE}/withdraw", on=PAGE, note="等等再说")
    assert answer.status_code == 422
    assert "请选下架的原因" in answer.text
    assert "等等再说</textarea>" in answer.text
    assert zhao.send(f"{PAGE}/withdraw", on=PAGE, reason="fact", note="酶的名字写错了").status_code == 303
    public = newsroom.app.test_client().get("/contents/onion")
    assert public.status_code == 410
    assert "内容有误：酶的名字写错了" in public.text
    twice = zhao.send(f"{PAGE}/withdraw", on=PAGE, reason="fact")
    assert twice.status_code == 422
    assert zhao.send(f"{PAGE}/copy", on=PAGE).status_code == 303
    assert status_of(newsroom) is ContentStatus.DRAFT
    assert zhao.send(f"{PAGE}/submit", on=PAGE, version="2", urgent="1").status_code == 303
    assert "加急" in newsroom.sit("li").see("/staff/review?view=all")


def test_a_correction_is_reviewed_as_a_minor_change_and_its_readers_find_a_message(
    newsroom: Newsroom, fixed_clock: int
) -> None:
    newsroom.publish()
    browser = Browser(newsroom.app.test_client())
    browser.see("/")
    browser.see("/contents/onion")
    zhao = newsroom.sit("zhao")
    form = form_of(zhao.see(f"{PAGE}/words"))
    form |= {"body": form["body"].replace("酶就慢下来", "酶的作用就慢下来"), "then": "submit"}
    lacking = zhao.send(f"{PAGE}/words", on=f"{PAGE}/words", **form)
    assert lacking.status_code == 422
    assert "读过的市民会收到这段话" in lacking.text
    assert "酶的作用就慢下来" in lacking.text
    saved = zhao.send(f"{PAGE}/words", on=f"{PAGE}/words", **form | {"note": "应为酶的作用变慢。"})
    assert saved.headers["Location"] == f"{PAGE}?notice=submitted"
    with opened(newsroom.app).database.connect() as connection:
        review = records.opened(connection, "onion")
    assert review is not None
    assert review.route is Route.MINOR
    with clock.fixed(fixed_clock + HOUR_MS):
        assert "应为酶的作用变慢" in newsroom.sit("qian").see(f"/staff/review/{review.id}")
        for login in ("qian", "chen"):
            assert newsroom.take(login, review).status_code == 303
        qian = newsroom.sit("qian")
        assert qian.send(f"{PAGE}/publish", on=PAGE, version="2", when="now").status_code == 303
        assert "酶的作用就慢下来" in browser.see("/contents/onion")
        services = opened(newsroom.app)
        do(services.database, tell_corrections.job(services.settings), clock.now_ms())
        assert "应为酶的作用变慢" in browser.see("/inbox")
    assert newsroom.sit("zhao").client.get(f"/staff/review/{review.id}").status_code == 200


def test_the_second_of_two_editors_loses_nothing(newsroom: Newsroom) -> None:
    newsroom.write()
    zhao, qian, page = newsroom.sit("zhao"), newsroom.sit("qian"), f"{PAGE}/words"
    mine, theirs = form_of(zhao.see(page)), form_of(qian.see(page))
    assert qian.send(page, on=page, **theirs | {"title": "洋葱与眼泪", "summary": "一段摘要"}).status_code == 303
    answer = zhao.send(page, on=page, **mine | {"title": "切洋葱的科学", "body": BODY + "\n\n再试一次。"})
    assert answer.status_code == 409
    text = text_of(answer.text)
    assert "qian先生保存了第2版" in text
    assert "标题（你也改了这里" in text
    again = form_of(answer.text)
    assert (again["based_on"], again["title"], again["summary"]) == ("2", "切洋葱的科学", "一段摘要")
    assert again["body"].endswith("再试一次。")
    assert "你没有保存成的改动" in zhao.see(PAGE)
    assert zhao.send(page, on=page, **again).status_code == 303
    with opened(newsroom.app).database.connect() as connection:
        newest = versions.newest(connection, "onion")
        [(kept, _, _)] = versions.kept(connection, "onion", trail.account(connection, newsroom.people["zhao"].id))
    assert (newest.version, newest.title, newest.summary) == (3, "切洋葱的科学", "一段摘要")
    assert zhao.send(f"{PAGE}/discard", on=PAGE, kept=kept).status_code == 303
    assert "你没有保存成的改动" not in zhao.see(PAGE)


def test_an_unchanged_or_faulty_form_saves_nothing_and_keeps_what_was_typed(newsroom: Newsroom) -> None:
    newsroom.write(tags=["厨房", "化学"])
    zhao, page = newsroom.sit("zhao"), f"{PAGE}/words"
    form = form_of(zhao.see(page))
    assert form["tags"] == "厨房 化学"
    same = zhao.send(page, on=page, **form | {"body": form["body"].replace("\n", "\r\n")})
    assert same.status_code == 422
    assert "没有改动" in same.text
    wrong = zhao.send(page, on=page, **form | {"title": "", "url": "javascript:1", "summary": "新的摘要"})
    assert wrong.status_code == 422
    assert "标题不能空着" in wrong.text
    assert "链接要以 https://" in wrong.text
    assert "新的摘要</textarea>" in wrong.text
    incomplete = zhao.send(page, on=page, **form | {"topic": "", "then": "submit"})
    assert incomplete.status_code == 422
    assert "已保存为第 2 版，但还不能送审" in incomplete.text


def test_who_changed_the_words_is_told_that_others_must_review_them(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    newsroom.take("li", review)
    zhao, page = newsroom.sit("zhao"), f"{PAGE}/words"
    form = form_of(zhao.see(page))
    assert zhao.send(page, on=page, **form | {"title": "洋葱与眼泪", "then": "submit"}).status_code == 303
    with opened(newsroom.app).database.connect() as connection:
        again = records.opened(connection, "onion")
    assert again is not None
    newsroom.take("li", again)
    answer = zhao.send(f"/staff/review/{again.id}/claim", on=PAGE, step="final_review")
    assert answer.status_code == 403
    assert "这是你写的或改过的稿件" in text_of(answer.text)
    assert newsroom.sit("li").client.get(page).status_code == 403


def test_an_imported_content_is_corrected_and_its_versions_are_compared(newsroom: Newsroom) -> None:
    with opened(newsroom.app).database.begin() as connection:
        given = {"title": "旧文", "body": "水在 90 度沸腾。", "topic": "daily"}
        contents.create(connection, id="a/b", status=ContentStatus.PUBLISHED, **given)  # type: ignore[arg-type]
    chief, page = newsroom.sit("chief"), "/staff/contents/a/b"
    assert "历史导入的内容" in chief.see(page)
    assert "水在 90 度沸腾" in chief.see(f"{page}/version")
    form = form_of(chief.see(f"{page}/words")) | {"body": "水在 100 度沸腾。", "ai_use": "none", "note": "温度写错了。"}
    assert chief.send(f"{page}/words", on=f"{page}/words", **form).status_code == 303
    seen = chief.see(f"{page}/version?number=2&old=1")
    assert "<ins>" in seen
    assert "没有使用" in seen
    assert chief.client.get(f"{page}/version?number=9").status_code == 404
    assert "温度写错了" in chief.see(page)


def test_a_copy_is_refused_until_an_editor_says_why_it_is_none(newsroom: Newsroom) -> None:
    newsroom.publish()
    newsroom.write("tears", title="眼泪从哪里来", body=BODY)
    chief, page = newsroom.sit("chief"), "/staff/contents/tears"
    assert 'name="distinct"' not in chief.see(page)
    refused = chief.send(f"{page}/submit", on=page, version="1")
    assert refused.status_code == 409
    assert "没有送审：这份稿件和《切洋葱为什么流泪》（已发布）是同一篇" in text_of(refused.text)
    assert 'name="distinct"' in refused.text
    assert 'href="/staff/contents/onion"' in refused.text
    assert status_of(newsroom, "tears") is ContentStatus.DRAFT
    done = chief.send(f"{page}/submit", on=page, version="1", distinct="另一次实验")
    assert done.status_code == 303
    assert status_of(newsroom, "tears") is ContentStatus.IN_REVIEW
    assert "是同一篇" not in chief.see(page)
