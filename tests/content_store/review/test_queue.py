"""The queue: what waits for whom, and what happens when several want the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from content_store import clock
from content_store.db import Database
from content_store.errors import AlreadyClaimed, KepuError, MayNotReview, NotClaimed, ReviewClosed
from content_store.review import deciding, publishing, queue, records, versions
from content_store.review.trail import Actor
from content_store.review_words import ReviewState, ReviewStep, Verdict
from content_store.vocabulary import Topic
from tests.support.review_desk import CHIEF, REVIEWERS, WRITER, draft, pass_all, submit, take

FIRST, SECOND = ReviewStep.FIRST_REVIEW, ReviewStep.SECOND_REVIEW
HOUR_MS = 3_600_000


def ids(found: list[queue.Waiting]) -> list[str]:
    return [waits.content_id for waits in found]


def test_what_waits_is_listed_by_urgency_and_due_time(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        for hours, id in enumerate(("a", "b", "c")):
            with clock.fixed(fixed_clock + hours * HOUR_MS):
                draft(connection, id, topic=Topic.SPACE if id == "a" else Topic.ENERGY)
                submit(connection, id, urgent=id == "c", organisation_id="旺苍" if id == "b" else "成都")
        take(connection, records.of(connection, "a")[0], REVIEWERS[0])
        assert ids(queue.waiting(connection)) == ["c", "a", "b"]
        assert ids(queue.waiting(connection, step=FIRST)) == ["c", "b"]
        assert ids(queue.waiting(connection, topic=Topic.SPACE)) == ["a"]
        assert ids(queue.waiting(connection, organisation_id="广元")) == ["b"]
        assert ids(queue.waiting(connection, organisation_id="省")) == ["c", "a", "b"]
        assert ids(queue.waiting(connection, account_id=REVIEWERS[0].account_id)) == ["c", "b"]
        assert ids(queue.waiting(connection, account_id=WRITER.account_id)) == []
        assert ids(queue.waiting(connection, limit=1)) == ["c"]
        [first, *_] = queue.waiting(connection)
        assert (first.step, first.title, first.overdue, first.claimed_by) == (FIRST, "大熊猫为什么吃竹子", False, None)
        with clock.fixed(fixed_clock + 200 * HOUR_MS):
            assert all(waits.overdue for waits in queue.waiting(connection))


def test_who_comes_second_is_told_who_has_it(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        with pytest.raises(AlreadyClaimed, match="李初审 has the step first_review until 2025-01-01 13:00"):
            queue.claim(connection, review.id, FIRST, REVIEWERS[1], hours=1)
        assert (
            queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=2).claimed_until == fixed_clock + 2 * HOUR_MS
        )
        [waits] = queue.waiting(connection, claimed_by=REVIEWERS[0].account_id)
        assert waits.claimed_name == "李初审"


def test_a_step_goes_back_when_it_is_given_back_or_its_time_is_over(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        assert not queue.release(connection, review.id, FIRST, REVIEWERS[1])
        assert queue.release(connection, review.id, FIRST, REVIEWERS[0])
        queue.claim(connection, review.id, FIRST, REVIEWERS[1], hours=1)
        assert queue.release_lapsed(connection) == 0
        with clock.fixed(fixed_clock + HOUR_MS):
            assert queue.release_lapsed(connection) == 1
            with pytest.raises(NotClaimed):
                deciding.approve(connection, review.id, FIRST, REVIEWERS[1], version=1)
            queue.claim(connection, review.id, FIRST, REVIEWERS[2], hours=1)
        with clock.fixed(fixed_clock + 3 * HOUR_MS):
            # Nobody else took it yet: who has it may still decide, or somebody else take it over.
            queue.claim(connection, review.id, FIRST, REVIEWERS[3], hours=1)
            with pytest.raises(AlreadyClaimed):
                deciding.approve(connection, review.id, FIRST, REVIEWERS[2], version=1)
            deciding.approve(connection, review.id, FIRST, REVIEWERS[3], version=1)


def test_one_person_takes_no_second_step(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = take(connection, submit(connection), REVIEWERS[0])
        with pytest.raises(MayNotReview, match="another step"):
            queue.claim(connection, review.id, SECOND, REVIEWERS[0], hours=1)
        with pytest.raises(ReviewClosed, match="at its step second_review"):
            queue.claim(connection, review.id, FIRST, REVIEWERS[1], hours=1)


def test_past_our_own_questions_the_database_still_refuses_a_second_step(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = take(connection, submit(connection), REVIEWERS[0])
        claimed = (
            "UPDATE review_steps SET claimed_by = 'p1', claimed_at = 1, claimed_until = 2 WHERE step = 'second_review'"
        )
        connection.execute(sa.text(claimed))
        with pytest.raises(MayNotReview):
            deciding.approve(connection, review.id, SECOND, REVIEWERS[0], version=1)
        assert records.get(connection, review.id).current == records.get(connection, review.id).steps[1]


def race(desk: Database, act: object, people: list[Actor]) -> list[str]:
    """What becomes of ``act`` when all ``people`` do it at the same moment: "done" or the code of the error."""
    start = Barrier(len(people))

    def attempt(actor: Actor) -> str:
        start.wait()
        try:
            with desk.begin() as connection:
                act(connection, actor)  # type: ignore[operator]
        except KepuError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(people)) as pool:
        return sorted(pool.map(attempt, people))


def test_of_eight_who_claim_at_once_one_has_it(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
    outcome = race(desk, lambda c, who: queue.claim(c, review.id, FIRST, who, hours=1), list(REVIEWERS[:8]))
    assert outcome == ["already_claimed"] * 7 + ["done"]


def test_a_person_who_decides_twice_at_once_decides_once(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
    who = [REVIEWERS[0]] * 4
    assert race(desk, lambda c, me: deciding.approve(c, review.id, FIRST, me, version=1), who) == [
        "done",
        *["review_closed"] * 3,
    ]
    with desk.connect() as connection:
        verdicts = [step.verdict for step in records.get(connection, review.id).steps]
    assert verdicts == [Verdict.PASSED, None, None, None, None, None]


def test_of_those_who_save_at_once_one_saves_and_all_keep_what_they_wrote(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
    people = list(REVIEWERS[:4])

    def save(connection: object, who: Actor) -> None:
        versions.save(connection, "panda", who, based_on=1, title=who.name)  # type: ignore[arg-type]

    assert race(desk, save, people) == ["done"] * 4
    with desk.connect() as connection:
        saved = versions.every(connection, "panda")
        assert [version.version for version in saved] == [1, 2]
        kept = {who.name: versions.kept(connection, "panda", who.account_id) for who in people}
    assert {name: [words["title"] for _, _, words in drafts] for name, drafts in kept.items() if drafts} == {
        who.name: [who.name] for who in people if who.name != saved[1].title
    }


def test_publishing_and_saving_at_once_never_publishes_what_nobody_reviewed(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        pass_all(connection, submit(connection))

    def act(connection: object, who: Actor) -> None:
        if who is CHIEF:
            publishing.publish(connection, "panda", CHIEF, version=1)  # type: ignore[arg-type]
        else:
            versions.save(connection, "panda", who, based_on=1, title="没有人看过")  # type: ignore[arg-type]

    race(desk, act, [CHIEF, WRITER, CHIEF, WRITER])
    with desk.connect() as connection:
        shown = connection.execute(sa.text("SELECT status, title FROM contents")).one()
        assert shown != ("published", "没有人看过")
        assert records.of(connection, "panda", 1)[0].state is ReviewState.PASSED
