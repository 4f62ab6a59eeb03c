"""What is published is corrected or taken back, and those who read it are told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from content_store import cards, changes, citizens, clock, contents, credits, events, inbox, notifications
from content_store.db import Connection, Database
from content_store.errors import BadRecord, UnknownMessage, Unreviewed, Withdrawn
from content_store.events import Event
from content_store.review import correcting, publishing, records, versions, withdrawing
from content_store.review_words import (
    AiUse,
    InboxKind,
    NotificationState,
    ReviewState,
    ReviewStep,
    WithdrawReason,
)
from content_store.transfer.importing import import_file
from content_store.vocabulary import ContentStatus, EventKind
from tests.support import review_desk
from tests.support.review_desk import BODY, CHIEF, REVIEWERS, WRITER, draft, pass_all, published, submit

DAY = clock.DAY_MS
BETTER = BODY.replace("十二", "十四")


def corrected(connection: Connection, id: str = "panda", note: str = "每天进食时间应为十四小时。") -> str:
    """Correct the content; returns the correction's id."""
    latest = versions.newest(connection, id).version
    saved = correcting.correct(connection, id, WRITER, based_on=latest, note=note, body=BETTER).version
    review = pass_all(connection, submit(connection, id, urgent=True))
    publishing.publish(connection, id, CHIEF, version=saved.version)
    assert review.version == saved.version
    found = correcting.of_version(connection, id, saved.version)
    assert found is not None
    return found.id


def read(connection: Connection, citizen: str, at: int, *, kind: str = "read", what: str = "panda") -> None:
    """The event of a reading, as it would be stored at this moment."""
    citizens.ensure(connection, [citizen])
    row = Event(id=f"{citizen} {kind} {at} {what}", citizen_id=citizen, content_id=what, kind=EventKind(kind), at=at)
    events.append(connection, [row])


def told(connection: Connection, id: str, **how: Any) -> int:
    """How many are told until there is nobody left."""
    number, more = 0, True
    while more:
        found = correcting.tell(connection, id, **how)
        number, more = number + found.number, found.more
    return number


def having_messages(connection: Connection, people: Collection[str]) -> set[str]:
    return {who for who in people if inbox.of(connection, who)}


def test_the_old_words_stay_out_until_the_correction_has_passed(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
    with clock.fixed(fixed_clock + DAY), desk.begin() as connection:
        with pytest.raises(BadRecord, match="published"):
            versions.save(connection, "panda", WRITER, based_on=1, body=BETTER)
        correcting.correct(connection, "panda", WRITER, based_on=1, note="应为十四小时", body=BETTER)
        with pytest.raises(Unreviewed):
            publishing.publish(connection, "panda", CHIEF, version=2)
        review = submit(connection)
        assert contents.get_live(connection, "panda").body == BODY
        pass_all(connection, review)
        assert contents.get_live(connection, "panda").body == BODY
        with pytest.raises(BadRecord, match="at once"):
            publishing.publish(connection, "panda", CHIEF, version=2, at=fixed_clock + 9 * DAY)
        found = publishing.publish(connection, "panda", CHIEF, version=2)
        beside = credits.of(connection, found)
    assert (found.body, found.wording, found.published_at) == (BETTER, 2, fixed_clock)
    assert beside.corrections == ((fixed_clock + DAY, "应为十四小时"),)
    assert [entry.step for entry in beside.reviewers] == [step.step for step in review.steps]


def test_a_returned_correction_keeps_its_note_when_it_is_changed(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
        correcting.correct(connection, "panda", WRITER, based_on=1, note="错字", body=BETTER)
        submit(connection)
        again = versions.save(connection, "panda", WRITER, based_on=2, body=BETTER + "完。").version
        assert again.version == 3
        found = correcting.of_version(connection, "panda", 3)
        assert found is not None
        assert (found.note, found.wrong_version) == ("错字", 1)
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=3)
        assert [one.version for one in correcting.of(connection, "panda")] == [3]


def test_a_correction_says_what_was_wrong_and_changes_something(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        with pytest.raises(BadRecord, match="only published words"):
            correcting.correct(connection, "panda", WRITER, based_on=1, note="错字", body=BETTER)
        published(connection, "tiger")
        with pytest.raises(BadRecord, match="must be told"):
            correcting.correct(connection, "tiger", WRITER, based_on=1, note=" ", body=BETTER)
        with pytest.raises(BadRecord, match="changes nothing"):
            correcting.correct(connection, "tiger", WRITER, based_on=1, note="错字", body=review_desk.body("tiger"))


def test_an_imported_content_is_bound_by_review_from_its_first_correction_on(desk: Database, tmp_path: Any) -> None:
    row = {"id": "old", "title": "旧文", "body": BODY, "topic": "space", "published_at": 5}
    with desk.begin() as connection:
        contents.merge(connection, [contents.check(row)])
        saved = correcting.correct(
            connection, "old", WRITER, based_on=1, note="错字", body=BETTER, ai_use=AiUse.NONE
        ).version
        assert (saved.version, versions.get(connection, "old", 1).live_from) == (2, 5)
        assert contents.get(connection, "old").wording is None
        pass_all(connection, submit(connection, "old"))
        publishing.publish(connection, "old", CHIEF, version=2)
    file = tmp_path / "contents.csv"
    file.write_text("id,title,body\nold,旧文,广告\nnew,新文,正文\n", "utf-8")
    done = import_file(desk, "contents", file)
    assert (done.accepted, done.rejected) == (1, 1)
    assert "it was reviewed here" in (tmp_path / "contents.csv.rejects.jsonl").read_text("utf-8")
    with desk.connect() as connection:
        assert contents.get(connection, "old").body == BETTER


def test_who_read_the_wrong_words_is_told_once_and_nobody_else(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        contents.create(connection, id="other", title="别的", status=ContentStatus.PUBLISHED)
        with clock.fixed(fixed_clock - DAY):
            contents.merge(connection, [contents.check({"id": "before", "title": "x"})])
        published(connection)
        read(connection, "读者", fixed_clock + 1)
        read(connection, "点开", fixed_clock + 2, kind="click")
        read(connection, "看见", fixed_clock + 3, kind="impression")
        read(connection, "别处", fixed_clock + 4, what="other")
        read(connection, "从前", fixed_clock - 9 * DAY)
        read(connection, "两遍", fixed_clock + 5)
        read(connection, "两遍", fixed_clock + 6, kind="click")
    with clock.fixed(fixed_clock + DAY), desk.begin() as connection:
        id = corrected(connection)
        read(connection, "后来", fixed_clock + DAY + 1)
        assert correcting.to_be_told(connection) == [id]
        assert told(connection, id, stretch=2) == 3
        assert told(connection, id) == 0
    with clock.fixed(fixed_clock + 3 * DAY), desk.begin() as connection:
        read(connection, "补传", fixed_clock + 7)  # read without a network, sent two days later
        assert told(connection, id) == 1
        people = ("读者", "点开", "看见", "别处", "从前", "两遍", "后来", "补传")
        assert having_messages(connection, people) == {"读者", "点开", "两遍", "补传"}
        [message] = inbox.of(connection, "读者")
        assert notifications.count(connection, correcting.CAMPAIGN, id) == {NotificationState.QUEUED: 4}
    assert (message.kind, message.title, message.content_id) == (
        InboxKind.CORRECTION,
        "更正：《大熊猫为什么吃竹子》",
        "panda",
    )
    assert message.body == "你读过的《大熊猫为什么吃竹子》已经更正。更正说明：每天进食时间应为十四小时。"
    with clock.fixed(fixed_clock + 9 * DAY), desk.begin() as connection:
        assert told(connection, id) == 0
        assert correcting.to_be_told(connection) == []


def test_words_that_were_wrong_for_several_versions_reach_the_readers_of_all(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
        read(connection, "甲", fixed_clock + 1)
    with clock.fixed(fixed_clock + DAY), desk.begin() as connection:
        corrected(connection)
        read(connection, "乙", fixed_clock + DAY + 1)
    with clock.fixed(fixed_clock + 2 * DAY), desk.begin() as connection:
        title = {"title": "大熊猫吃什么", "wrong_version": 1}
        correcting.correct(connection, "panda", WRITER, based_on=2, note="题目有误", **title)  # type: ignore[arg-type]
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=3)
        found = correcting.of(connection, "panda")[0]
        told(connection, found.id)
        assert having_messages(connection, ("甲", "乙")) == {"甲", "乙"}


def test_a_telling_that_was_broken_off_goes_on_and_tells_nobody_twice(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
        for number in range(30):
            read(connection, f"r{number:02}", fixed_clock + number)
    with clock.fixed(fixed_clock + DAY):
        with desk.begin() as connection:
            id = corrected(connection)
            assert correcting.tell(connection, id, stretch=10) == (correcting.Told(10, more=True))
        with pytest.raises(ZeroDivisionError), desk.begin() as connection:
            correcting.tell(connection, id, stretch=10)
            raise ZeroDivisionError
        with desk.begin() as connection:
            assert told(connection, id, stretch=10) == 20
            assert sum(len(inbox.of(connection, f"r{number:02}")) for number in range(30)) == 30


def test_a_withdrawn_content_is_gone_at_once_and_leaves_a_tombstone(desk: Database, fixed_clock: int) -> None:
    kept = cards.Cards()
    with desk.begin() as connection:
        published(connection)
        kept.of(connection, ["panda"])
        assert kept.of(connection, ["panda"])["panda"].live
        read(connection, "读者", fixed_clock)
        notifications.queue(connection, "pick", "1", ["读者"], content_id="panda")
    with desk.connect() as connection:
        cursor = changes.now(connection)
    with desk.begin() as connection:
        correcting.correct(connection, "panda", WRITER, based_on=1, note="错", body=BETTER)
        review = submit(connection)
        with pytest.raises(BadRecord):
            withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.OTHER)
        stone = withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT, "进食时间有误")
    with desk.connect() as connection:
        assert list(contents.live(connection)) == []
        assert not kept.of(connection, ["panda"])["panda"].live
        assert "panda" in changes.since(connection, cursor).contents
        assert records.get(connection, review.id).state is ReviewState.CANCELLED
        assert notifications.count(connection, "pick", "1") == {NotificationState.CANCELLED: 1}
        assert withdrawing.tombstone(connection, "panda") == stone
        with pytest.raises(Withdrawn) as caught:
            withdrawing.refuse_withdrawn(connection, "panda")
    assert (caught.value.reason, caught.value.text) == ("fact", "内容有误：进食时间有误")
    assert (stone.withdrawn_by, stone.withdrawn_at, stone.version) == (CHIEF.account_id, fixed_clock, 2)


def test_what_was_withdrawn_by_mistake_comes_back_by_another_review(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
        withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.AUTHOR)
        with pytest.raises(BadRecord):
            withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.AUTHOR)
        with pytest.raises(BadRecord, match="withdrawn"):
            publishing.publish(connection, "panda", CHIEF, version=1)
        assert versions.copy(connection, "panda", WRITER).version == 2
        with pytest.raises(Unreviewed):
            publishing.publish(connection, "panda", CHIEF, version=2)
        pass_all(connection, submit(connection))
        assert publishing.publish(connection, "panda", CHIEF, version=2).status is ContentStatus.PUBLISHED
        withdrawing.refuse_withdrawn(connection, "panda")


def test_of_a_draft_that_is_withdrawn_nobody_is_told_anything(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.DUPLICATE)
        withdrawing.refuse_withdrawn(connection, "panda")
        contents.create(connection, id="old", title="旧文", status=ContentStatus.PUBLISHED)
        withdrawing.withdraw(connection, "old", CHIEF, WithdrawReason.OUTDATED)
        with pytest.raises(Withdrawn):
            withdrawing.refuse_withdrawn(connection, "old")


def test_an_inbox_is_read_by_its_citizen_alone(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        contents.create(connection, id="a", title="t")
        read(connection, "甲", 1, what="a")
        read(connection, "乙", 1, what="a")
        for occurrence in ("1", "2", "over"):
            made = notifications.queue(connection, "x", occurrence, ["甲", "乙", "甲"])
            over = fixed_clock if occurrence == "over" else None
            inbox.put(connection, made, InboxKind.CORRECTION, occurrence, "文", expires_at=over)
        assert notifications.queue(connection, "x", "1", ["甲"]) == {}
        mine = inbox.of(connection, "甲")
        assert [message.title for message in mine] == ["2", "1"]
        inbox.mark_read(connection, "甲", mine[0].id)
        with clock.fixed(fixed_clock + 9):
            inbox.mark_read(connection, "甲", mine[0].id)
        assert (inbox.of(connection, "甲")[0].read_at, inbox.unread(connection, "甲")) == (fixed_clock, 1)
        with pytest.raises(UnknownMessage):
            inbox.mark_read(connection, "乙", mine[0].id)
        assert inbox.mark_all_read(connection, "乙") == 2
        assert inbox.unread(connection, "乙") == 0
        assert inbox.unread(connection, "甲") == 1


def test_credits_of_a_minor_change_name_those_of_the_whole_review_too(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
        correcting.correct(
            connection, "panda", WRITER, based_on=1, note="错字", body=BODY.replace("的肠道", "之肠道", 1)
        )
        pass_all(connection, submit(connection), REVIEWERS[2:4])
        publishing.publish(connection, "panda", CHIEF, version=2)
        found = credits.of(connection, contents.get(connection, "panda"))
    names = {entry.step: entry.name for entry in found.reviewers}
    assert names[ReviewStep.FIRST_REVIEW] == "李初审"
    assert (names[ReviewStep.FINAL_REVIEW], names[ReviewStep.FIRST_PROOF]) == ("赵终审", "钱一校")
    assert (found.licence, found.ai_use) == ("CC BY 4.0", AiUse.NONE)
