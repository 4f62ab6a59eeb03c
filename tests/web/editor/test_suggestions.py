"""What a machine suggested, as editors see it and take it over; and pictures of which nothing is told."""

from __future__ import annotations

import pytest

from content_store import contents, markdown
from content_store.review import comments, versions
from content_store.review.versions import Version
from content_store.uploads.addresses import address
from content_store.vocabulary import ContentStatus
from recsys.classifying import Classifier
from recsys.suggesting import fill
from tests.web.conftest import opened
from tests.web.editor.conftest import Newsroom, text_of

PAGE = "/staff/contents/onion"
QUAKE = "成都建成了地震预警网：地震波比电波慢，预警抢的就是这几秒。" * 3


def newest(newsroom: Newsroom) -> Version:
    with opened(newsroom.app).database.connect() as connection:
        return versions.newest(connection, "onion")


def test_a_suggestion_is_told_in_a_review_and_changes_nothing_by_itself(newsroom: Newsroom) -> None:
    review = newsroom.in_review(body=QUAKE)
    assert "机器还没有给出主题和地区的建议" in newsroom.sit("li").see(f"/staff/review/{review.id}")
    fill(opened(newsroom.app).database, Classifier())
    page = text_of(newsroom.sit("li").see(f"/staff/review/{review.id}"))
    assert "机器建议主题：防灾减灾，把握" in page
    assert "依据：" in page
    assert "机器建议地区：" in page
    assert "主题改为" not in page
    assert newest(newsroom).topic == "daily"
    answer = newsroom.sit("li").send(f"{PAGE}/suggestion", on="/staff/review", version="1", take="topic")
    assert answer.status_code == 403
    assert "主题改为“防灾减灾”" in text_of(newsroom.sit("zhao").see(f"/staff/review/{review.id}"))


def test_who_may_correct_takes_it_over_as_another_version_that_is_reviewed_anew(newsroom: Newsroom) -> None:
    review = newsroom.in_review(body=QUAKE)
    fill(opened(newsroom.app).database, Classifier())
    zhao = newsroom.sit("zhao")
    answer = zhao.send(f"{PAGE}/suggestion", on=PAGE, version="1", take="topic place")
    assert answer.headers["Location"] == f"{PAGE}?notice=suggested"
    made = newest(newsroom)
    assert (made.version, made.based_on, made.topic, made.created_by) == (2, 1, "disaster", newsroom.people["zhao"].id)
    assert made.place == "510100"
    assert newsroom.review(review.id).state == "cancelled"
    assert "已按建议改好" in text_of(zhao.see(f"{PAGE}?notice=suggested"))


def test_nothing_is_taken_over_from_an_old_version_or_where_nothing_was_suggested(newsroom: Newsroom) -> None:
    newsroom.write(body=QUAKE)
    zhao = newsroom.sit("zhao")
    for form in ({"version": "1", "take": "topic"}, {"version": "9", "take": "topic"}, {}):
        assert zhao.send(f"{PAGE}/suggestion", on=PAGE, **form).status_code in (404, 422)
    fill(opened(newsroom.app).database, Classifier())
    assert zhao.send(f"{PAGE}/suggestion", on=PAGE, version="1").status_code == 422
    with opened(newsroom.app).database.begin() as connection:
        versions.save(connection, "onion", newsroom.actor("wang"), based_on=1, title="换了标题")
    late = zhao.send(f"{PAGE}/suggestion", on=PAGE, version="1", take="topic")
    assert late.status_code == 409
    assert "这期间稿件有了新的一版" in text_of(late.text)
    with opened(newsroom.app).database.connect() as connection:
        assert versions.kept(connection, "onion", newsroom.actor("zhao")) == []
    assert newest(newsroom).topic == "daily"


def test_a_picture_of_which_nothing_is_told_is_not_submitted_and_its_field_mends_that(newsroom: Newsroom) -> None:
    body = f"![]({address('a' * 64)})\n\n![酶]({address('b' * 64)})"
    newsroom.write(body=body)
    zhao = newsroom.sit("zhao")
    refused = zhao.send(f"{PAGE}/submit", on=PAGE, version="1")
    assert refused.status_code == 422
    assert "第1张图片还没有文字说明" in text_of(refused.text)
    form = {"title": "洋葱", "body": body, "topic": "daily", "ai_use": "none", "based_on": "1", "then": "submit"}
    words = f"{PAGE}/words"
    assert "第 1 张图片里是什么" in zhao.see(words)
    saved = zhao.send(words, on=words, **form | {f"alt-{'a' * 64}": "切开的洋葱"})
    assert saved.headers["Location"] == f"{PAGE}?notice=submitted"
    assert newest(newsroom).body == f"![切开的洋葱]({address('a' * 64)})\n\n![酶]({address('b' * 64)})"


def test_words_that_passed_before_are_not_published_with_such_a_picture(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(markdown, "missing_alt", lambda body: [])
        review = newsroom.in_review(body=f"![]({address('a' * 64)})")
    for login in ("li", "zhao", "chen"):
        newsroom.take(login, review)
    refused = newsroom.sit("qian").send(f"{PAGE}/publish", on=PAGE, version="1", when="now")
    assert refused.status_code == 422
    assert "第1张图片还没有文字说明" in text_of(refused.text)
    with opened(newsroom.app).database.connect() as connection:
        assert contents.get(connection, "onion").status is not ContentStatus.PUBLISHED


def test_what_an_author_answered_in_an_earlier_review_is_seen_in_the_next(newsroom: Newsroom) -> None:
    review = newsroom.in_review()
    with opened(newsroom.app).database.begin() as connection:
        asked = comments.add(connection, review.id, newsroom.actor("li"), "酶叫什么？")
        comments.add(connection, review.id, newsroom.actor("wang"), "蒜氨酸酶。", parent_id=asked)
    with opened(newsroom.app).database.begin() as connection:
        versions.save(connection, "onion", newsroom.actor("wang"), based_on=1, title="洋葱与蒜氨酸酶")
    again = newsroom.submit()
    page = text_of(newsroom.sit("zhao").see(f"/staff/review/{again.id}"))
    assert "第1版审核时的意见（2条）" in page
    assert "回复li先生蒜氨酸酶" in page
