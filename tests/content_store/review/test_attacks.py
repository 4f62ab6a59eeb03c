"""What somebody may try who knows the way: in odd orders, at odd moments, and several at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from content_store import audit, citizens, clock, contents, inbox, notifications, organisations, schema
from content_store.db import Connection, Database
from content_store.errors import (
    BadRecord,
    KepuError,
    MayNotReview,
    NotAllowed,
    NotClaimed,
    Quarantined,
    ReviewClosed,
    Unreviewed,
)
from content_store.review import (
    correcting,
    deciding,
    publishing,
    queue,
    records,
    submitting,
    versions,
    withdrawing,
)
from content_store.review.trail import Actor
from content_store.review_words import ReturnReason, ReviewState, ReviewStep, Severity, WithdrawReason
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import ContentStatus
from tests.support.review_desk import (
    BODY,
    CHENGDU,
    CHIEF,
    GUANGYUAN,
    REVIEWERS,
    SETTINGS,
    WANGCANG,
    WRITER,
    draft,
    grant,
    later,
    pass_all,
    published,
    put_term,
    submit,
    take,
)

FIRST, LAST = ReviewStep.FIRST_REVIEW, ReviewStep.THIRD_PROOF
FACT = WithdrawReason.FACT
Act = Callable[[Connection], object]


def at_once(desk: Database, *acts: Act) -> list[str]:
    """What becomes of ``acts`` that are done at the same moment: "done" or the code of the error, in their order."""
    start = Barrier(len(acts))

    def attempt(act: Act) -> str:
        start.wait()
        try:
            with desk.begin() as connection:
                act(connection)
        except KepuError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(attempt, acts))


def content(desk: Database, id: str = "panda") -> contents.Content:
    with desk.connect() as connection:
        return contents.get(connection, id)


def test_of_a_pass_and_a_return_at_once_one_counts(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = pass_all(connection, submit(connection), REVIEWERS[:5])
        queue.claim(connection, review.id, LAST, REVIEWERS[5], hours=1)
    said = at_once(
        desk,
        lambda c: deciding.approve(c, review.id, LAST, REVIEWERS[5], version=1),
        lambda c: deciding.send_back(c, review.id, LAST, REVIEWERS[5], version=1, reason=ReturnReason.FACT),
    )
    assert sorted(said) == ["done", "review_closed"]
    with desk.connect() as connection:
        state = records.get(connection, review.id).state
    assert state is (ReviewState.PASSED if said[0] == "done" else ReviewState.RETURNED)
    assert content(desk).status is (ContentStatus.IN_REVIEW if said[0] == "done" else ContentStatus.DRAFT)


def test_an_edit_after_the_last_proof_is_not_published_with_it(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))
        versions.save(connection, "panda", WRITER, based_on=1, body="没有人看过。")
        with pytest.raises(Unreviewed):
            publishing.publish(connection, "panda", CHIEF, version=2)
        assert publishing.publish(connection, "panda", CHIEF, version=1).body == BODY


def test_an_edit_while_the_time_is_awaited_leaves_the_reviewed_words_to_be_published(
    desk: Database, fixed_clock: int
) -> None:
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=1, at=later(1))
        versions.save(connection, "panda", WRITER, based_on=1, body="没有人看过。")
        with clock.fixed(later(1)):
            assert publishing.publish_due(connection) == ["panda"]
        with pytest.raises(Unreviewed):
            publishing.publish(connection, "panda", CHIEF, version=2)
    assert (content(desk).body, content(desk).wording) == (BODY, 1)


def test_what_is_withdrawn_is_neither_corrected_nor_published_nor_withdrawn_again(
    desk: Database, fixed_clock: int
) -> None:
    with desk.begin() as connection:
        published(connection)
        correcting.correct(connection, "panda", WRITER, based_on=1, note="错字", title="新题")
        review = pass_all(connection, submit(connection), REVIEWERS[:1])
        withdrawing.withdraw(connection, "panda", CHIEF, FACT)
        assert records.get(connection, review.id).state is ReviewState.CANCELLED
        for attempt in (
            lambda: correcting.correct(connection, "panda", WRITER, based_on=2, note="错字", title="又新"),
            lambda: publishing.publish(connection, "panda", CHIEF, version=1),
            lambda: publishing.unschedule(connection, "panda", CHIEF),
            lambda: withdrawing.withdraw(connection, "panda", CHIEF, FACT),
            lambda: submitting.submit(connection, "panda", WRITER, SETTINGS, version=2),
        ):
            with pytest.raises(BadRecord):
                attempt()
        with pytest.raises(ReviewClosed):
            queue.claim(connection, review.id, ReviewStep.SECOND_REVIEW, REVIEWERS[2], hours=1)
        with clock.fixed(later(99)):
            assert publishing.publish_due(connection) == []


def test_of_those_who_withdraw_at_once_one_does_and_one_stone_is_left(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
    said = at_once(desk, *[lambda c: withdrawing.withdraw(c, "panda", CHIEF, FACT)] * 4)
    assert sorted(said) == ["bad_record"] * 3 + ["done"]
    with desk.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM tombstones")).scalar_one() == 1


def test_scheduled_and_withdrawn_before_its_time_is_never_out(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=1, at=later(1))
        withdrawing.withdraw(connection, "panda", CHIEF, FACT)
        with clock.fixed(later(2)):
            assert publishing.publish_due(connection) == []
    with desk.connect() as connection:
        assert versions.get(connection, "panda", 1).live_from is None


def test_of_those_who_submit_at_once_one_opens_a_review_and_the_others_are_told(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
    assert sorted(at_once(desk, *[lambda c: submit(c)] * 4)) == ["done", *["review_closed"] * 3]
    with desk.connect() as connection:
        assert len(records.of(connection, "panda")) == 1


def test_withdrawing_and_the_clock_at_once_leave_it_withdrawn(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        for number in range(6):
            draft(connection, f"c{number}")
            pass_all(connection, submit(connection, f"c{number}"))
            publishing.publish(connection, f"c{number}", CHIEF, version=1, at=later(1))
    with clock.fixed(later(1)):
        takers = [lambda c, id=f"c{number}": withdrawing.withdraw(c, id, CHIEF, FACT) for number in range(6)]
        assert set(at_once(desk, publishing.publish_due, *takers)) == {"done"}
    assert {content(desk, f"c{number}").status for number in range(6)} == {ContentStatus.WITHDRAWN}


def test_a_claim_that_lapses_while_one_decides_gives_one_verdict_or_none(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
    with clock.fixed(later(1)):
        released, decided = at_once(
            desk, queue.release_lapsed, lambda c: deciding.approve(c, review.id, FIRST, REVIEWERS[0], version=1)
        )
        assert (released, decided in ("done", "not_claimed")) == ("done", True)
        with desk.begin() as connection:
            step = records.get(connection, review.id).steps[0]
            assert (step.decided_by, step.claimed_by) == (("p1", "p1") if decided == "done" else (None, None))
            if decided != "done":
                with pytest.raises(NotClaimed):
                    deciding.approve(connection, review.id, FIRST, REVIEWERS[0], version=1)


def test_who_takes_over_a_lapsed_claim_at_once_with_its_first_holder_shares_no_verdict(
    desk: Database, fixed_clock: int
) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)

    def take_over(connection: Connection) -> None:
        queue.claim(connection, review.id, FIRST, REVIEWERS[1], hours=1)
        deciding.approve(connection, review.id, FIRST, REVIEWERS[1], version=1)

    with clock.fixed(later(2)):
        said = at_once(desk, take_over, lambda c: deciding.approve(c, review.id, FIRST, REVIEWERS[0], version=1))
    assert said.count("done") == 1


def test_a_reviewer_who_edits_has_written_it(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = take(connection, submit(connection), REVIEWERS[0])
        versions.save(connection, "panda", REVIEWERS[1], based_on=1, title="改过的题")
        assert records.get(connection, review.id).state is ReviewState.CANCELLED
        again = submit(connection)
        with pytest.raises(MayNotReview):
            queue.claim(connection, again.id, FIRST, REVIEWERS[1], hours=1)
        # Who passed the first version wrote none of it, and may look at the second.
        take(connection, again, REVIEWERS[0])


def test_moving_an_organisation_moves_its_reviews_to_those_above_it_now(desk: Database) -> None:
    local = Actor("local", "广元编辑")
    told = {"id": "local", "login": "local", "name": "广元编辑", "organisation_id": GUANGYUAN, "created_at": 1}
    with desk.begin() as connection:
        connection.execute(sa.insert(schema.accounts), told)
        connection.execute(sa.insert(schema.grants), grant(local, StaffRole.REVIEWER_1, GUANGYUAN))
        draft(connection, organisation_id=WANGCANG)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, local, hours=1)
        organisations.move(connection, WANGCANG, CHENGDU, actor="cli:tests")
        with pytest.raises(NotAllowed):
            deciding.approve(connection, review.id, FIRST, local, version=1)


def test_urgent_is_for_those_who_publish_to_say(desk: Database) -> None:
    author = Actor("author", "作者")
    told = {"id": "author", "login": "author", "name": "作者", "organisation_id": GUANGYUAN, "created_at": 1}
    with desk.begin() as connection:
        connection.execute(sa.insert(schema.accounts), told)
        connection.execute(sa.insert(schema.grants), grant(author, StaffRole.AUTHOR, GUANGYUAN))
        draft(connection, author_id="author")
        with pytest.raises(NotAllowed):
            submitting.submit(connection, "panda", author, SETTINGS, version=1, urgent=True)
        assert not submitting.submit(connection, "panda", author, SETTINGS, version=1).urgent


def test_words_of_the_list_do_not_get_out_by_a_tombstone(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
        put_term(connection, "包治百病", Severity.FORBIDDEN, "虚假宣传")
        with pytest.raises(Quarantined):
            withdrawing.withdraw(connection, "panda", CHIEF, FACT, "因为它包治百病")
        assert withdrawing.withdraw(connection, "panda", CHIEF, FACT, "夸大疗效").text == "内容有误：夸大疗效"


def test_readers_of_a_correction_are_not_led_to_what_was_withdrawn_since(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
        citizens.ensure(connection, ["reader"])
        connection.execute(
            sa.insert(schema.events),
            {
                "id": "e",
                "kind": "read",
                "citizen_id": "reader",
                "content_id": "panda",
                "at": fixed_clock,
                "received_at": fixed_clock,
            },
        )
        with clock.fixed(later(1)):
            correcting.correct(connection, "panda", WRITER, based_on=1, note="错字", title="新题")
            pass_all(connection, submit(connection))
            publishing.publish(connection, "panda", CHIEF, version=2)
            [id] = correcting.to_be_told(connection)
            withdrawing.withdraw(connection, "panda", CHIEF, FACT)
            assert correcting.tell(connection, id) == correcting.Told(0, more=False)
        assert correcting.to_be_told(connection) == []
        assert notifications.count(connection, correcting.CAMPAIGN, id) == {}
        assert inbox.of(connection, "reader") == []


def test_an_expired_content_comes_back_by_another_review_alone(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        published(connection)
        contents.update(connection, "panda", expires_at=later(1))
        with clock.fixed(later(1)):
            assert publishing.expire_due(connection) == ["panda"]
            with pytest.raises(BadRecord):
                publishing.publish(connection, "panda", CHIEF, version=1)
            versions.copy(connection, "panda", CHIEF)
            with pytest.raises(Unreviewed):
                publishing.publish(connection, "panda", CHIEF, version=2)


def test_a_busy_newsroom_comes_to_no_standstill_and_the_log_stays_whole(desk: Database) -> None:
    """Everybody does everything to three contents at once; whoever is refused is told so in our words."""
    ids = ["one", "two", "three"]
    with desk.begin() as connection:
        for id in ids:
            draft(connection, id)

    def act(number: int) -> Act:
        chance = random.Random(number)
        id, who = chance.choice(ids), chance.choice(REVIEWERS)

        def step(connection: Connection) -> None:
            review = records.opened(connection, id)
            if review is not None and review.current is not None:
                queue.claim(connection, review.id, review.current.step, who, hours=1)
                deciding.approve(connection, review.id, review.current.step, who, version=review.version)

        acts: list[Act] = [step] * 12
        acts += [lambda c: submit(c, id), lambda c: publishing.publish(c, id, who, version=1)] * 2
        acts += [
            lambda c: versions.save(c, id, WRITER, based_on=chance.randint(1, 2), title=str(number)),
            lambda c: put_term(c, f"词{number}", Severity.NOTICE, "留意"),
            lambda c: withdrawing.withdraw(c, id, who, FACT) if chance.random() < 0.1 else None,
            lambda c: queue.release_lapsed(c),
        ]
        return chance.choice(acts)

    said = {outcome for turn in range(20) for outcome in at_once(desk, *(act(turn * 6 + n) for n in range(6)))}
    assert "done" in said
    assert not {code for code in said if code.startswith("database")}, said
    with desk.snapshot() as connection:
        assert audit.verify(connection).flaws == ()
