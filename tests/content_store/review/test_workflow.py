"""From a draft to what everybody reads, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from content_store import clock, contents
from content_store.db import Database
from content_store.errors import BadRecord, MayNotReview, NotClaimed, Quarantined, ReviewClosed, Unreviewed
from content_store.review import (
    comments,
    correcting,
    deciding,
    publishing,
    quarantining,
    queue,
    records,
    routes,
    submitting,
    versions,
)
from content_store.review_words import (
    THREE_PROOFS,
    THREE_REVIEWS,
    AiUse,
    ContentOrigin,
    ReturnReason,
    ReviewState,
    ReviewStep,
    Route,
    Severity,
)
from content_store.vocabulary import ContentStatus, Topic
from tests.support.review_desk import (
    BODY,
    CHIEF,
    REVIEWERS,
    WRITER,
    body,
    draft,
    later,
    pass_all,
    published,
    put_term,
    settings,
    submit,
    take,
)

FIRST = ReviewStep.FIRST_REVIEW


def status(database: Database, id: str = "panda") -> ContentStatus:
    with database.connect() as connection:
        return contents.get(connection, id).status


def test_six_people_see_a_content_before_anybody_reads_it(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        assert [step.step for step in review.steps] == [*THREE_REVIEWS, *THREE_PROOFS]
        for number, actor in enumerate(REVIEWERS[:6], 1):
            with pytest.raises(Unreviewed):
                publishing.publish(connection, "panda", CHIEF, version=1)
            review = take(connection, review, actor)
            assert review.state is (ReviewState.OPEN if number < 6 else ReviewState.PASSED)
        assert list(contents.live(connection)) == []
        published = publishing.publish(connection, "panda", CHIEF, version=1)
        assert [content.id for content in contents.live(connection)] == ["panda"]
    assert (published.published_at, published.wording, published.body) == (fixed_clock, 1, BODY)


@pytest.mark.parametrize("topic", [Topic.HEALTH, Topic.PSYCHOLOGY, Topic.NUTRITION_FOOD, Topic.EMERGENCY])
def test_topics_that_ask_for_it_have_a_science_review_too(desk: Database, topic: Topic) -> None:
    with desk.begin() as connection:
        draft(connection, topic=topic)
        review = submit(connection)
        assert review.science
        assert review.steps[1].step is ReviewStep.SCIENCE_REVIEW
        assert pass_all(connection, review, REVIEWERS[:6]).state is ReviewState.OPEN
        assert pass_all(connection, review, [REVIEWERS[6]]).state is ReviewState.PASSED


def test_which_topics_ask_for_a_science_review_is_a_table(desk: Database) -> None:
    with desk.begin() as connection:
        assert Topic.HEALTH in routes.science_topics(connection)
        routes.set_science_topics(connection, CHIEF, [Topic.LIFE_SCI])
        draft(connection)
        assert submit(connection).science
        draft(connection, "heart", topic=Topic.HEALTH)
        assert not submit(connection, "heart").science


def test_what_the_settings_call_low_risk_may_take_the_short_route(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection, topic=Topic.DAILY)
        review = submit(connection)
        assert review.route is Route.SHORT
        assert len(review.steps) == 3
        with pytest.raises(MayNotReview):
            pass_all(connection, review, [REVIEWERS[0], REVIEWERS[0]])


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ({"topic": Topic.SPACE}, {}),
        ({"ai_use": AiUse.ASSISTED}, {}),
        ({"body": "长" * 801}, {}),
        ({}, {"short_route_sources": "中国科学院"}),
        ({"topic": Topic.HEALTH}, {"short_route_topics": "health"}),
    ],
    ids=["topic", "ai", "length", "source", "science"],
)
def test_anything_else_takes_the_full_route(desk: Database, words: dict[str, Any], given: dict[str, str]) -> None:
    with desk.begin() as connection:
        draft(connection, **({"topic": Topic.DAILY} | words))
        with pytest.raises(BadRecord, match="may not take the route short"):
            submit(connection, settings=settings(**given), route=Route.SHORT)
        assert submit(connection, settings=settings(**given)).route is Route.FULL


def test_a_returned_version_goes_back_with_a_reason_and_another_one_begins_anew(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = take(connection, submit(connection), REVIEWERS[0])
        queue.claim(connection, review.id, ReviewStep.SECOND_REVIEW, REVIEWERS[1], hours=1)
        given = {"version": 1, "reason": ReturnReason.OTHER}
        with pytest.raises(BadRecord, match="told in words"):
            deciding.send_back(connection, review.id, ReviewStep.SECOND_REVIEW, REVIEWERS[1], **given)  # type: ignore[arg-type]
        review = deciding.send_back(
            connection,
            review.id,
            ReviewStep.SECOND_REVIEW,
            REVIEWERS[1],
            version=1,
            reason=ReturnReason.FACT,
            note="一天吃多久？",
        )
        assert (review.state, review.steps[1].reason, review.steps[1].note) == (
            ReviewState.RETURNED,
            ReturnReason.FACT,
            "一天吃多久？",
        )
        assert contents.get(connection, "panda").status is ContentStatus.DRAFT
        versions.save(connection, "panda", WRITER, based_on=1, body=BODY + "完。")
        again = submit(connection)
        assert (again.version, again.state, again.current and again.current.step) == (2, ReviewState.OPEN, FIRST)
        assert [one.state for one in records.of(connection, "panda")] == [ReviewState.RETURNED, ReviewState.OPEN]
        assert pass_all(connection, again).state is ReviewState.PASSED  # by the same people, too


def test_saving_during_a_review_cancels_it_and_saving_nothing_does_not(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = take(connection, submit(connection), REVIEWERS[0])
        same = versions.save(connection, "panda", WRITER, based_on=1, body=BODY, title="大熊猫为什么吃竹子")
        assert (same.version.version, records.get(connection, review.id).state) == (1, ReviewState.OPEN)
        assert versions.save(connection, "panda", WRITER, based_on=1, title="竹子").version.version == 2
        assert records.get(connection, review.id).state is ReviewState.CANCELLED
        assert contents.get(connection, "panda").title == "竹子"
        with pytest.raises(ReviewClosed, match="cancelled"):
            take_step(connection, review.id, version=1)


def take_step(connection: object, review_id: str, *, version: int) -> None:
    deciding.approve(connection, review_id, ReviewStep.SECOND_REVIEW, REVIEWERS[1], version=version)  # type: ignore[arg-type]


def test_the_second_saver_is_told_what_changed_and_loses_nothing(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        versions.save(connection, "panda", REVIEWERS[0], based_on=1, title="竹子好吃吗")
        second = versions.save(connection, "panda", WRITER, based_on=1, title="熊猫的胃", body="另一篇")
        assert second.version.title == "竹子好吃吗"
        assert second.conflict is not None
        assert second.conflict.by == REVIEWERS[0].account_id
        assert second.conflict.changed == {"title": ("大熊猫为什么吃竹子", "竹子好吃吗")}
        [(kept, based_on, changes)] = versions.kept(connection, "panda", WRITER)
        assert (kept, based_on) == (second.conflict.kept, 1)
        assert changes == {"title": "熊猫的胃", "body": "另一篇"}
        merged = versions.save(connection, "panda", WRITER, based_on=2, body=changes["body"])
        assert (merged.conflict, merged.version.title, merged.version.body) == (None, "竹子好吃吗", "另一篇")
        assert not versions.discard(connection, kept, REVIEWERS[0])
        assert versions.discard(connection, kept, WRITER)
        assert versions.kept(connection, "panda", WRITER) == []


def test_a_verdict_is_about_the_version_that_was_read(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        with pytest.raises(NotClaimed):
            deciding.approve(connection, review.id, FIRST, REVIEWERS[0], version=1)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        with pytest.raises(ReviewClosed, match="is of version 1"):
            deciding.approve(connection, review.id, FIRST, REVIEWERS[0], version=2)
        with pytest.raises(ReviewClosed, match="at its step first_review"):
            deciding.approve(connection, review.id, ReviewStep.FIRST_PROOF, REVIEWERS[0], version=1)


def test_nobody_reviews_their_own_words_nor_those_of_an_account_they_wrote_for(desk: Database) -> None:
    with desk.begin() as connection:
        author = REVIEWERS[4]
        words = {"title": "题", "body": "文", "topic": "space", "ai_use": "none"}
        versions.create(
            connection,
            WRITER,
            ContentOrigin.UPLOAD,
            id="panda",
            author_id=author.account_id,
            **words,  # type: ignore[arg-type]
        )
        versions.save(connection, "panda", REVIEWERS[5], based_on=1, title="新题")
        versions.save(connection, "panda", WRITER, based_on=2, title="更新的题")
        review = submit(connection)
        for actor in (WRITER, author, REVIEWERS[5]):
            with pytest.raises(MayNotReview, match="wrote some"):
                queue.claim(connection, review.id, FIRST, actor, hours=1)
        take(connection, review, REVIEWERS[0])


def test_only_whole_and_newest_versions_are_submitted(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection, ai_use=None, topic=None)
        with pytest.raises(BadRecord, match="lacks topic, ai_use"):
            submit(connection)
        versions.save(connection, "panda", WRITER, based_on=1, ai_use=AiUse.NONE, topic=Topic.SPACE)
        with pytest.raises(ReviewClosed, match="newest version of content panda is 2"):
            submitting.submit(connection, "panda", WRITER, settings(), version=1)
        review = submit(connection)
        with pytest.raises(ReviewClosed, match="in review already"):
            submit(connection)
        assert submitting.recall(connection, review.id, WRITER).state is ReviewState.CANCELLED
        assert contents.get(connection, "panda").status is ContentStatus.DRAFT
        pass_all(connection, submit(connection))
        with pytest.raises(ReviewClosed, match="has passed"):
            submit(connection)


def test_a_scheduled_content_is_published_once_at_its_time(desk: Database, fixed_clock: int) -> None:
    due = fixed_clock + 3_600_000
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=1, at=due, expires_at=due + 1)
        assert publishing.publish_due(connection) == []
        assert versions.get(connection, "panda", 1).live_from is None
    assert status(desk) is ContentStatus.SCHEDULED
    with clock.fixed(due), desk.begin() as connection:
        assert publishing.publish_due(connection) == ["panda"]
        assert publishing.publish_due(connection) == []
        found = versions.get(connection, "panda", 1)
        assert (found.live_from, found.live_after) == (due, 0)
    with clock.fixed(due + 1), desk.begin() as connection:
        assert contents.expire_due(connection) == ["panda"]


def test_a_scheduled_content_can_be_put_off_and_ends_after_it_begins(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))
        with pytest.raises(BadRecord, match="ends after"):
            publishing.publish(connection, "panda", CHIEF, version=1, at=later(2), expires_at=later(1))
        publishing.publish(connection, "panda", CHIEF, version=1, at=later(1))
        assert publishing.unschedule(connection, "panda", CHIEF).status is ContentStatus.DRAFT
        with pytest.raises(BadRecord):
            publishing.unschedule(connection, "panda", CHIEF)
        assert publishing.publish(connection, "panda", CHIEF, version=1).status is ContentStatus.PUBLISHED


def test_words_in_quarantine_wait_for_a_person_with_a_reason(desk: Database) -> None:
    with desk.begin() as connection:
        put_term(connection, "神医", Severity.QUARANTINE, "多见于虚假宣传")
        draft(connection, body="古代有位 神 医。")
        review = submit(connection)
        with pytest.raises(Quarantined):
            queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        assert [waits.held for waits in queue.waiting(connection)] == [True]
        [found] = quarantining.waiting(connection)
        assert (found.hits[0]["term"], found.hits[0]["field"]) == ("神医", "body")
        with pytest.raises(BadRecord):
            quarantining.lift(connection, "panda", 1, CHIEF, " ")
        with pytest.raises(MayNotReview):
            quarantining.lift(connection, "panda", 1, WRITER, "我写的没问题")
        assert quarantining.lift(connection, "panda", 1, CHIEF, "史书原文").lifted_by == CHIEF.account_id
        assert pass_all(connection, review).state is ReviewState.PASSED


def test_a_forbidden_word_is_lifted_by_nobody(desk: Database) -> None:
    with desk.begin() as connection:
        put_term(connection, "包治百病", Severity.FORBIDDEN, "虚假宣传")
        draft(connection, title="此药包治百病")
        with pytest.raises(Quarantined, match="包治百病"):
            quarantining.lift(connection, "panda", 1, CHIEF, "不要紧")
        versions.save(connection, "panda", WRITER, based_on=1, title="此药能治什么")
        assert quarantining.held(connection, "panda", 2) is None


def test_a_word_that_is_listed_later_holds_back_what_waits_for_its_time(desk: Database, fixed_clock: int) -> None:
    due = fixed_clock + 1
    with desk.begin() as connection:
        for id in ("panda", "tiger"):
            draft(connection, id, title=f"{id} 神医" if id == "panda" else "虎")
            pass_all(connection, submit(connection, id))
            publishing.publish(connection, id, CHIEF, version=1, at=due)
        published(connection, "old", body="老神医的故事" + body("old"))
        found = put_term(connection, "神医", Severity.QUARANTINE, "多见于虚假宣传")
        assert (found.held, found.published) == (["panda"], {"old": ["神医"]})
        assert quarantining.rescan(connection, CHIEF).held == []
    with clock.fixed(due), desk.begin() as connection:
        assert publishing.publish_due(connection) == ["tiger"]
        quarantining.lift(connection, "panda", 1, CHIEF, "书名")
        assert quarantining.rescan(connection, CHIEF).held == []
        assert publishing.publish_due(connection) == ["panda"]


def test_small_changes_of_reviewed_words_take_the_minor_route_and_do_not_add_up(desk: Database) -> None:
    given = settings(minor_change=5)
    with desk.begin() as connection:
        published(connection)
        saving = correcting.correct(
            connection, "panda", WRITER, based_on=1, note="错字", body=BODY.replace("食肉动物", "肉食动物", 1)
        )
        assert saving.version.version == 2
        review = submit(connection, settings=given)
        assert (review.route, review.basis) == (Route.MINOR, 1)
        pass_all(connection, review)
        publishing.publish(connection, "panda", CHIEF, version=2)
        body = versions.get(connection, "panda", 2).body or ""
        correcting.correct(
            connection, "panda", WRITER, based_on=2, note="错字", body=body.replace("消化不了", "吸收不了", 1)
        )
        assert submit(connection, settings=given).route is Route.FULL


@pytest.mark.parametrize(
    "change", [{"body": BODY.replace("十二", "二十", 1)}, {"topic": Topic.SPACE}, {"ai_use": AiUse.GENERATED}], ids=str
)
def test_a_number_or_another_field_is_no_minor_change(desk: Database, change: dict[str, object]) -> None:
    with desk.begin() as connection:
        published(connection)
        correcting.correct(connection, "panda", WRITER, based_on=1, note="改", **change)  # type: ignore[arg-type]
        assert submit(connection).route is Route.FULL


def test_reviewers_talk_about_words_and_answer_each_other(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        draft(connection, "tiger")
        review, other = submit(connection), submit(connection, "tiger")
        asked = comments.add(connection, review.id, REVIEWERS[0], "来源？", step=FIRST, quote="十二个小时", place=14)
        comments.add(connection, review.id, WRITER, "《大熊猫》第三章", parent_id=asked)
        with pytest.raises(BadRecord):
            comments.add(connection, other.id, WRITER, "答非所问", parent_id=asked)
        first, answer = comments.of(connection, review.id)
    assert (first.name, first.quote, first.place, answer.parent_id) == ("李初审", "十二个小时", 14, asked)
