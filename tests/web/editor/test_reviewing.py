"""The queue and a review, as those who take its steps see them."""

from __future__ import annotations

import re

from content_store import clock
from content_store.review import quarantining, queue, terms, versions
from content_store.review_words import ReviewState, ReviewStep, Severity
from tests.support import review_desk
from tests.web.conftest import opened
from tests.web.editor.conftest import BODY, Newsroom, text_of

HOUR_MS = 3_600_000


def test_three_people_take_a_work_through_to_the_citizens_page(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    assert [step.step for step in review.steps] == ["first_review", "final_review", "first_proof"]
    for login, notice in (("li", "passed"), ("zhao", "passed"), ("chen", "passed_all")):
        assert newsroom.take(login, review, note=f"{login}看过了").headers["Location"].endswith(f"?notice={notice}")
    chen = newsroom.sit("chen")
    page = text_of(chen.see(f"/staff/review/{review.id}?notice=passed_all"))
    assert "全部步骤已通过" in page
    assert "初审✓li先生" in page
    assert "一校chen先生chen看过了" in page
    assert "onion" in newsroom.sit("qian").see("/staff/review/ready")
    assert newsroom.app.test_client().get("/contents/onion").status_code == 404
    desk = newsroom.sit("qian")
    answer = desk.send("/staff/contents/onion/publish", on="/staff/contents/onion", version="1", when="now")
    assert answer.headers["Location"] == "/staff/contents/onion?notice=published"
    public = newsroom.app.test_client().get("/contents/onion")
    assert public.status_code == 200
    assert "初审 li先生" in public.text


def test_a_second_step_by_the_same_person_is_refused_and_says_why(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    newsroom.take("li", review)
    newsroom.take("zhao", review)
    zhao, page = newsroom.sit("zhao"), f"/staff/review/{review.id}"
    assert "你已经做过这篇稿件的终审" in text_of(zhao.see(page))
    assert f"{page}/claim" not in zhao.see(page)
    answer = zhao.send(f"{page}/claim", on=page, step="first_proof")
    assert answer.status_code == 403
    assert "你已经做过这篇稿件的终审。三审三校每一步必须由不同的人完成，请交给其他同事。" in text_of(answer.text)
    current = newsroom.review(review.id).current
    assert current is not None
    assert (current.step, current.claimed_by) == (ReviewStep.FIRST_PROOF, None)


def test_the_queue_shows_what_is_for_me_what_i_have_and_all(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    other = newsroom.in_review("panda", title="大熊猫吃什么", topic="life_sci")
    li = newsroom.sit("li")
    page = text_of(li.see("/staff/review"))
    assert "我可以领取的2我领取的0全部2" in page
    assert "应在2025-01-08" in page
    assert "大熊猫" not in text_of(li.see("/staff/review?topic=daily"))
    assert "没有符合条件的稿件" in text_of(li.see("/staff/review?step=final_review"))
    assert "现在没有等你审的稿件" in text_of(newsroom.sit("zhao").see("/staff/review"))
    li.send(f"/staff/review/{review.id}/claim", on="/staff/review", step="first_review")
    assert "我可以领取的1我领取的1全部2" in text_of(li.see("/staff/review?view=mine"))
    assert "li先生已领取，时限到2025-01-02" in text_of(newsroom.sit("zhao").see("/staff/review?view=all"))
    answer = li.send(f"/staff/review/{review.id}/release", on="/staff/review", step="first_review", **{"from": "queue"})
    assert answer.headers["Location"] == "/staff/review?view=mine&notice=released"
    with clock.fixed(clock.now_ms() + 169 * HOUR_MS):
        assert text_of(newsroom.sit("li").see("/staff/review")).count("已逾期") == 2
    assert other.id in newsroom.sit("chief").see("/staff/review?view=all")
    assert "切洋葱" not in newsroom.sit("outsider").see("/staff/review?view=all")


def test_of_two_who_claim_at_once_one_is_told_who_was_first(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    newsroom.take("li", review)
    first, second, page = newsroom.sit("zhao"), newsroom.sit("qian"), f"/staff/review/{review.id}"
    assert f"{page}/claim" in first.see(page)
    assert f"{page}/claim" in second.see(page)
    assert first.send(f"{page}/claim", on=page, step="final_review").status_code == 303
    answer = second.send(f"{page}/claim", on=page, step="final_review")
    assert answer.status_code == 409
    assert "终审已由zhao先生领取，时限到2025-01-0212:00。可以先审别的稿件" in text_of(answer.text)


def test_a_return_needs_a_reason_and_the_work_comes_back_after_resubmission(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    li, page = newsroom.sit("li"), f"/staff/review/{review.id}"
    li.send(f"{page}/claim", on=page, step="first_review")
    form = {"step": "first_review", "version": "1", "why": "请写明实验的出处"}
    answer = li.send(f"{page}/return", on=page, **form)
    assert answer.status_code == 422
    assert "请选一个退回的原因" in answer.text
    assert "请写明实验的出处</textarea>" in answer.text
    assert li.send(f"{page}/return", on=page, **form | {"reason": "other", "why": ""}).status_code == 422
    assert li.send(f"{page}/return", on=page, reason="source", **form).status_code == 303
    seen = text_of(li.see(page))
    assert "初审li先生退回：来源不清请写明实验的出处" in seen
    assert newsroom.review(review.id).state is ReviewState.RETURNED
    with opened(newsroom.app).database.begin() as connection:
        better = f"{BODY}\n\n出处：中国农业大学食品学院。"
        versions.save(connection, "onion", newsroom.actor("wang"), based_on=1, body=better)
    again = newsroom.submit()
    shown = li.see(f"/staff/review/{again.id}")
    assert "与第1版相比" in text_of(shown)
    assert '<ins><span class="unseen">加上：</span>' in shown
    assert newsroom.take("li", again).status_code == 303


def test_a_verdict_about_an_older_version_is_refused_and_leads_to_the_newer_one(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    li, page = newsroom.sit("li"), f"/staff/review/{review.id}"
    li.send(f"{page}/claim", on=page, step="first_review")
    with opened(newsroom.app).database.begin() as connection:
        versions.save(connection, "onion", newsroom.actor("wang"), based_on=1, title="切洋葱为什么会流泪")
    newer = newsroom.submit()
    answer = li.send(f"{page}/pass", on=page, step="first_review", version="1", note="写得很好")
    assert answer.status_code == 409
    assert "这次审核已经撤回" in text_of(answer.text)
    assert "写得很好</textarea>" in answer.text
    assert f'href="/staff/review/{newer.id}"' in answer.text


def test_a_lapsed_claim_loses_no_words(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    li, page = newsroom.sit("li"), f"/staff/review/{review.id}"
    li.send(f"{page}/claim", on=page, step="first_review")
    with opened(newsroom.app).database.begin() as connection:
        queue.release(connection, review.id, ReviewStep.FIRST_REVIEW, newsroom.actor("li"))
    form = {"step": "first_review", "version": "1", "reason": "fact", "why": "酶的名字写错了"}
    answer = li.send(f"{page}/return", on=page, **form)
    assert answer.status_code == 409
    assert "请先重新领取" in text_of(answer.text)
    assert "酶的名字写错了</textarea>" in answer.text


def test_comments_are_about_words_of_the_version_and_answer_each_other(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    li, page = newsroom.sit("li"), f"/staff/review/{review.id}"
    assert "请写下你的意见" in li.send(f"{page}/comments", on=page, text=" ").text
    answer = li.send(f"{page}/comments", on=page, text="这句要改", quote="没有这句")
    assert answer.status_code == 422
    assert "没有找到引用的文字" in answer.text
    assert "这句要改</textarea>" in answer.text
    assert li.send(f"{page}/comments", on=page, text="<b>这句要改", quote="放出一种酶").status_code == 303
    [id] = re.findall(r'<option value="([^"]+)">li先生：', li.see(page))
    answered = newsroom.sit("zhao").send(f"{page}/comments", on=page, text="同意", parent=id)
    assert answered.status_code == 303, (id, text_of(answered.text))
    shown = li.see(page)
    assert "<blockquote>放出一种酶</blockquote>" in shown
    assert "回复 li先生" in shown


def test_a_term_holds_a_work_back_until_somebody_else_lets_it_pass(newsroom: Newsroom) -> None:
    chief = newsroom.sit("chief")
    form = {"terms": "冰箱\n眼泪", "severity": "quarantine", "reason": "要核实"}
    assert chief.send("/staff/review/terms", on="/staff/review/terms", **form).status_code == 200
    review = newsroom.in_review()
    li, page = newsroom.sit("li"), f"/staff/review/{review.id}"
    assert "隔离中" in text_of(li.see("/staff/review"))
    assert "冰箱（正文）" in text_of(li.see(page))
    answer = li.send(f"{page}/claim", on=page, step="first_review")
    assert answer.status_code == 422
    assert "正在隔离" in text_of(answer.text)
    zhao, content = newsroom.sit("zhao"), "/staff/contents/onion"
    assert newsroom.sit("li").send(f"{content}/lift", on=page, version="1", lift="可以").status_code == 403
    assert "请写明为什么" in zhao.send(f"{content}/lift", on=content, version="1", lift=" ").text
    assert zhao.send(f"{content}/lift", on=content, version="1", lift="说的是家用冰箱").status_code == 303
    assert "说的是家用冰箱" in text_of(li.see(page))
    assert newsroom.take("li", review).status_code == 303


def test_a_changed_list_tells_what_it_holds_back_and_what_is_out_already(newsroom: Newsroom) -> None:
    newsroom.publish("old", title="旧文一篇", body="冰箱里的菜也要洗。" + review_desk.body("old"))
    newsroom.in_review()
    chief = newsroom.sit("chief")
    form = {"terms": "冰箱", "severity": "forbidden", "reason": "要核实"}
    told = chief.send("/staff/review/terms", on="/staff/review/terms", **form)
    text = text_of(told.text)
    assert "新隔离了1篇待发布的稿件：切洋葱为什么流泪" in text
    assert "已发布的内容里有1篇用了要拦的词" in text
    assert "旧文一篇（冰箱）" in text
    wrong = chief.send("/staff/review/terms", on="/staff/review/terms", terms="。。", severity="notice", reason="x")
    assert wrong.status_code == 422
    assert "不能收进词表" in wrong.text
    assert "移除" not in newsroom.sit("li").see("/staff/review/terms")
    gone = chief.send("/staff/review/terms/remove", on="/staff/review/terms", term="冰箱")
    assert "已从词表移除：冰箱" in gone.text
    again = chief.send("/staff/review/terms/remove", on="/staff/review/terms", term="冰箱")
    assert again.status_code == 404
    assert chief.send("/staff/review/terms/rescan", on="/staff/review/terms").status_code == 200


def test_topics_ask_for_a_science_review_and_a_stale_list_is_refused(newsroom: Newsroom) -> None:
    chief, page = newsroom.sit("chief"), "/staff/review/terms"
    before = chief.see(page).split('name="before" value="')[1].split('"')[0]
    answer = chief.send(f"{page}/science", on=page, before=before, topic="space")
    assert answer.status_code == 303
    stale = chief.send(f"{page}/science", on=page, before=before, topic="health")
    assert stale.status_code == 409
    assert "刚刚被别人改过" in text_of(stale.text)
    assert 'value="space" checked' in chief.see(page)


def test_another_organisation_and_forms_without_their_token_are_refused(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    outsider = newsroom.sit("outsider")
    for path in (f"/staff/review/{review.id}", "/staff/contents/onion", "/staff/contents/onion/version"):
        assert outsider.client.get(path).status_code == 403
    claim = f"/staff/review/{review.id}/claim"
    assert outsider.send(claim, step="first_review").status_code == 403
    assert outsider.send("/staff/contents/onion/withdraw", reason="fact").status_code == 403
    li = newsroom.sit("li")
    assert li.client.post(claim, data={"step": "first_review"}).status_code == 403
    assert newsroom.review(review.id).steps[0].claimed_by is None
    assert newsroom.sit("wang").client.get("/staff/review").status_code == 403
    assert li.client.get("/staff/review/nothing").status_code == 404
    assert li.client.get("/staff/contents/%00").status_code == 404


def test_who_may_only_look_finds_no_buttons(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    auditor = newsroom.sit("auditor")
    page = auditor.see(f"/staff/review/{review.id}")
    assert "这一步要由有“初审”权限的同事来做" in page
    assert "/claim" not in page
    answer = auditor.send(f"/staff/review/{review.id}/claim", on="/staff/review", step="first_review")
    assert answer.status_code == 403
    assert "你没有这一步的审核权限" in answer.text


def test_every_field_has_a_label_and_nothing_needs_a_script(newsroom: Newsroom) -> None:
    review, chief, own = newsroom.in_review(), newsroom.sit("chief"), "/staff/contents/onion"
    lists = ("/staff/review", "/staff/contents", "/staff/review/ready", "/staff/review/terms")
    for path in (*lists, f"/staff/review/{review.id}", own, f"{own}/words", f"{own}/version"):
        page = chief.see(path)
        assert "<script" not in page, path
        assert " style=" not in page, path
        fields = re.findall(r'<(?:input|select|textarea)(?: [^>]*)? id="(\w+)"', page)
        assert [id for id in fields if f'<label for="{id}"' not in page] == [], path
        assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page)), path


def test_the_desk_leads_to_the_pages_of_those_who_may_see_them(newsroom: Newsroom) -> None:
    assert 'href="/staff/review"' in newsroom.sit("li").see("/staff")
    assert 'href="/staff/review"' not in newsroom.sit("wang").see("/staff")


def test_the_list_itself_is_as_the_newsroom_has_it(newsroom: Newsroom) -> None:
    with opened(newsroom.app).database.begin() as connection:
        quarantining.change_list(
            connection, newsroom.actor("chief"), add=[terms.term("<i>词", Severity.NOTICE, "提醒一下")]
        )
    page = newsroom.sit("li").see("/staff/review/terms")
    assert "&lt;i&gt;词" in page
    assert "提醒一下" in page


def test_pictures_without_words_are_told_to_whoever_reads_the_text(newsroom: Newsroom) -> None:
    address = f"/pictures/{'a' * 64}"
    newsroom.write("onion", body=f"![]({address})\n\n![图片1]({address})\n\n![洋葱的切面]({address})\n\n{BODY}")
    newsroom.write("tea", title="泡茶", body=f"![茶汤的颜色]({address})\n\n{BODY}")
    li = newsroom.sit("li")
    assert "有2张图片没有文字说明" in text_of(li.see("/staff/contents/onion/version"))
    assert "没有文字说明" not in li.see("/staff/contents/tea/version")
