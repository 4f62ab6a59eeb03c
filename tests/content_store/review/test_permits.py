"""Who may do which act of review, where: each role at home, below, above and elsewhere in the tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import contents, schema
from content_store.db import Connection, Database
from content_store.errors import KepuError, NotAllowed, UnknownAccount
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
    trail,
    versions,
    withdrawing,
)
from content_store.review import (
    desk as case_of,
)
from content_store.review.permits import STEP_PERMISSIONS
from content_store.review.trail import Actor
from content_store.review_words import AiUse, ContentOrigin, ReturnReason, ReviewStep, Severity, WithdrawReason
from content_store.staff_vocabulary import KEY_PERMISSIONS, Permission, StaffRole
from content_store.vocabulary import ContentStatus, Role, Topic
from tests.support.review_desk import (
    BODY,
    CHENGDU,
    CHIEF,
    GUANGYUAN,
    PROVINCE,
    REVIEWERS,
    SETTINGS,
    WANGCANG,
    WRITER,
    draft,
    grant,
    pass_all,
    published,
    put_term,
    submit,
    take,
)

ROOT = Path(__file__).parents[3]
SOMEBODY = Actor("somebody", "某人")
HERE = GUANGYUAN
"""Whose content it is; its county is below, the province above, and the other prefecture elsewhere."""


def employ(connection: Connection, role: StaffRole, organisation_id: str) -> None:
    """SOMEBODY has one role, there."""
    told = {"id": "somebody", "login": "somebody", "name": "某人", "organisation_id": PROVINCE, "created_at": 1}
    connection.execute(sa.insert(schema.accounts), told)
    connection.execute(sa.insert(schema.grants), grant(SOMEBODY, role, organisation_id))


def in_review(connection: Connection, steps: int = 0, **words: Any) -> str:
    """A content of HERE whose review is at the step of this number; returns the review's id."""
    draft(connection, organisation_id=HERE, **words)
    review = submit(connection)
    for who in REVIEWERS[:steps]:
        review = take(connection, review, who)
    return review.id


def step_at(number: int, **words: Any) -> Callable[[Connection], Callable[[], object]]:
    def prepare(connection: Connection) -> Callable[[], object]:
        id = in_review(connection, number, **words)
        step = records.get(connection, id).steps[number].step
        return lambda: queue.claim(connection, id, step, SOMEBODY, hours=1)

    return prepare


def to_publish(connection: Connection) -> Callable[[], object]:
    draft(connection, organisation_id=HERE)
    pass_all(connection, submit(connection))
    return lambda: publishing.publish(connection, "panda", SOMEBODY, version=1)


def to_put_off(connection: Connection) -> Callable[[], object]:
    draft(connection, organisation_id=HERE)
    pass_all(connection, submit(connection))
    publishing.publish(connection, "panda", CHIEF, version=1, at=9_999_999_999_999)
    return lambda: publishing.unschedule(connection, "panda", SOMEBODY)


def to_withdraw(connection: Connection) -> Callable[[], object]:
    published(connection, organisation_id=HERE)
    return lambda: withdrawing.withdraw(connection, "panda", SOMEBODY, WithdrawReason.FACT)


def to_correct(connection: Connection) -> Callable[[], object]:
    published(connection, organisation_id=HERE)
    return lambda: correcting.correct(connection, "panda", SOMEBODY, based_on=1, note="错字", title="新题")


def to_change(connection: Connection) -> Callable[[], object]:
    draft(connection, organisation_id=HERE)
    return lambda: versions.save(connection, "panda", SOMEBODY, based_on=1, title="新题")


def to_submit(connection: Connection) -> Callable[[], object]:
    draft(connection, organisation_id=HERE)
    return lambda: submitting.submit(connection, "panda", SOMEBODY, SETTINGS, version=1)


def to_create(connection: Connection) -> Callable[[], object]:
    return lambda: versions.create(connection, SOMEBODY, ContentOrigin.EDITOR, title="t", organisation_id=HERE)


def to_lift(connection: Connection) -> Callable[[], object]:
    put_term(connection, "神医", Severity.QUARANTINE, "待核")
    draft(connection, title="神医", organisation_id=HERE)
    return lambda: quarantining.lift(connection, "panda", 1, SOMEBODY, "古人")


def to_speak(connection: Connection) -> Callable[[], object]:
    id = in_review(connection)
    return lambda: comments.add(connection, id, SOMEBODY, "来源？")


def to_look(connection: Connection) -> Callable[[], object]:
    id = in_review(connection)
    return lambda: case_of.case(connection, id, SOMEBODY)


ACTS: dict[str, Callable[[Connection], Callable[[], object]]] = {
    "first_review": step_at(0),
    "science_review": step_at(1, topic=Topic.HEALTH),
    "second_review": step_at(1),
    "final_review": step_at(2),
    "first_proof": step_at(3),
    "second_proof": step_at(4),
    "third_proof": step_at(5),
    "publish": to_publish,
    "put_off": to_put_off,
    "withdraw": to_withdraw,
    "correct": to_correct,
    "change": to_change,
    "submit": to_submit,
    "create": to_create,
    "lift": to_lift,
    "comment": to_speak,
    "look": to_look,
}
_ROW = re.compile(r"^\| (?P<acts>[^|]+) \| (?P<needs>[^|(]+)", re.MULTILINE)
_SECTION = (ROOT / "docs/access.md").read_text("utf-8").partition("## Acts of review")[2]
NEEDS = {
    act: {Permission(name) for name in re.findall(r"`(\w+)`", row["needs"])}
    for row in _ROW.finditer(_SECTION)
    for act in re.findall(r"`(\w+)`", row["acts"])
}
"""What the page says that each act needs."""


def test_the_page_tells_of_every_act_and_step() -> None:
    assert NEEDS.keys() == ACTS.keys()
    assert {step: set(needs) for step, needs in STEP_PERMISSIONS.items()} == {step: NEEDS[step] for step in ReviewStep}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_for_those_with_its_permission_there_or_above(desk: Database, act: str) -> None:
    """Each role in each place; what one attempt does is taken back before the next."""
    prepare, wanted = ACTS[act], NEEDS[act]
    allowed = set()
    with desk.begin() as connection:
        do = prepare(connection)
        for role in StaffRole:
            for where in (PROVINCE, HERE, WANGCANG, CHENGDU):
                with connection.begin_nested() as attempt:
                    employ(connection, role, where)
                    try:
                        do()
                    except NotAllowed:
                        pass
                    else:
                        allowed.add((role, where))
                    attempt.rollback()
    roles = [role for role in StaffRole if role.permissions & wanted]
    assert roles
    assert allowed == {(role, where) for role in roles for where in (PROVINCE, HERE)}


def test_what_concerns_everyone_is_decided_in_the_province(desk: Database) -> None:
    with desk.begin() as connection:
        employ(connection, StaffRole.REVIEWER_3, HERE)
        with pytest.raises(NotAllowed):
            routes.set_science_topics(connection, SOMEBODY, [])
        with pytest.raises(NotAllowed):
            quarantining.change_list(connection, SOMEBODY, remove=["神医"])
        connection.execute(sa.insert(schema.grants), grant(SOMEBODY, StaffRole.REVIEWER_3))
        routes.set_science_topics(connection, SOMEBODY, [])
        assert routes.science_topics(connection) == frozenset()


def test_whoever_loses_the_role_between_claim_and_verdict_gives_none_but_may_give_it_back(desk: Database) -> None:
    with desk.begin() as connection:
        employ(connection, StaffRole.REVIEWER_1, HERE)
        id = in_review(connection)
        step = ReviewStep.FIRST_REVIEW
        queue.claim(connection, id, step, SOMEBODY, hours=1)
        connection.execute(sa.delete(schema.grants).where(schema.grants.c.account_id == "somebody"))
        with pytest.raises(NotAllowed):
            deciding.approve(connection, id, step, SOMEBODY, version=1)
        with pytest.raises(NotAllowed):
            deciding.send_back(connection, id, step, SOMEBODY, version=1, reason=ReturnReason.FACT)
        assert queue.release(connection, id, step, SOMEBODY)


def test_a_closed_account_does_nothing_more(desk: Database) -> None:
    with desk.begin() as connection:
        employ(connection, StaffRole.REVIEWER_1, HERE)
        id = in_review(connection)
        closed = sa.update(schema.accounts).where(schema.accounts.c.id == "somebody").values(disabled_at=1)
        connection.execute(closed)
        with pytest.raises(NotAllowed):
            queue.claim(connection, id, ReviewStep.FIRST_REVIEW, SOMEBODY, hours=1)
        with pytest.raises(UnknownAccount):
            trail.account(connection, "somebody")


def test_an_author_goes_on_with_their_own_work_and_takes_a_draft_back(desk: Database) -> None:
    with desk.begin() as connection:
        employ(connection, StaffRole.CREATOR, HERE)
        made = versions.create(
            connection,
            SOMEBODY,
            ContentOrigin.UPLOAD,
            id="mine",
            organisation_id=HERE,
            title="t",
            body=BODY,
            topic=Topic.SPACE,
            ai_use=AiUse.NONE,
        )
        saved = versions.save(connection, "mine", SOMEBODY, based_on=made.version, title="u").version
        review = submitting.submit(connection, "mine", SOMEBODY, SETTINGS, version=saved.version)
        comments.add(connection, review.id, SOMEBODY, "请看第二段")
        assert case_of.case(connection, review.id, SOMEBODY).takes is False
        submitting.recall(connection, review.id, SOMEBODY)
        withdrawing.withdraw(connection, "mine", SOMEBODY, WithdrawReason.AUTHOR)
        assert contents.get(connection, "mine").status is ContentStatus.WITHDRAWN
        draft(connection, "other", organisation_id=HERE)
        with pytest.raises(NotAllowed):
            versions.save(connection, "other", SOMEBODY, based_on=1, title="u")


def test_an_author_does_not_withdraw_what_is_out(desk: Database) -> None:
    with desk.begin() as connection:
        employ(connection, StaffRole.AUTHOR, HERE)
        versions.create(
            connection, SOMEBODY, ContentOrigin.UPLOAD, id="panda", organisation_id=HERE, title="t", body=BODY,
            topic=Topic.SPACE, ai_use=AiUse.NONE,
        )  # fmt: skip
        pass_all(connection, submitting.submit(connection, "panda", SOMEBODY, SETTINGS, version=1))
        publishing.publish(connection, "panda", CHIEF, version=1)
        with pytest.raises(NotAllowed):
            withdrawing.withdraw(connection, "panda", SOMEBODY, WithdrawReason.AUTHOR)
        # What is wrong in it they may propose to correct: others review that.
        assert correcting.correct(connection, "panda", SOMEBODY, based_on=1, note="错字", title="u").conflict is None


def test_a_programme_writes_and_submits_but_takes_no_step_and_withdraws_nothing(desk: Database) -> None:
    job = trail.programme("ingest")
    with desk.begin() as connection:
        versions.create(
            connection, job, ContentOrigin.FEED, id="fed", organisation_id=HERE, title="t", body=BODY,
            topic=Topic.SPACE, ai_use=AiUse.NONE,
        )  # fmt: skip
        versions.save(connection, "fed", job, based_on=1, title="u")
        review = submitting.submit(connection, "fed", job, SETTINGS, version=2)
        with pytest.raises(NotAllowed, match="is a programme"):
            queue.claim(connection, review.id, ReviewStep.FIRST_REVIEW, job, hours=1)
        with pytest.raises(NotAllowed, match="is a programme"):
            withdrawing.withdraw(connection, "fed", job, WithdrawReason.FACT)


@pytest.mark.parametrize("role", [role for role in Role if Permission.WRITE_WORKS in KEY_PERMISSIONS[role]])
def test_a_service_token_writes_in_its_organisation_and_changes_nobodys_work(desk: Database, role: Role) -> None:
    row = {"id": "k", "digest": "d", "role": role, "organisation": HERE, "created_at": 1}
    key = trail.service("k", "系统")
    with desk.begin() as connection:
        connection.execute(sa.insert(schema.service_keys), row)
        versions.create(connection, key, ContentOrigin.UPLOAD, id="mine", organisation_id=WANGCANG, title="t")
        versions.save(connection, "mine", key, based_on=1, title="u")
        draft(connection, organisation_id=HERE)
        for attempt in (
            lambda: versions.create(connection, key, ContentOrigin.UPLOAD, id="x", organisation_id=CHENGDU, title="t"),
            lambda: versions.save(connection, "panda", key, based_on=1, title="u"),
        ):
            with pytest.raises(NotAllowed):
                attempt()


def test_a_queue_shows_each_what_they_may_take_and_see(desk: Database) -> None:
    with desk.begin() as connection:
        for id, place in (("here", HERE), ("below", WANGCANG), ("elsewhere", CHENGDU), ("above", PROVINCE)):
            draft(connection, id, organisation_id=place)
            submit(connection, id)
        second = records.of(connection, "below")[0]
        take(connection, second, REVIEWERS[0])
        employ(connection, StaffRole.REVIEWER_1, HERE)

        def listed(**narrowed: str) -> list[str]:
            return sorted(waits.content_id for waits in queue.waiting(connection, **narrowed))  # type: ignore[arg-type]

        assert listed(account_id="somebody") == ["here"]
        assert listed(seen_by="somebody") == ["below", "here"]
        assert listed(account_id=WRITER.account_id or "") == []
        connection.execute(sa.insert(schema.grants), grant(SOMEBODY, StaffRole.REVIEWER_2))
        assert listed(account_id="somebody") == ["below", "here"]
        assert listed(seen_by="somebody") == ["above", "below", "elsewhere", "here"]
        assert listed(account_id="nobody") == []


def test_a_content_belongs_to_the_organisation_of_its_author(desk: Database) -> None:
    with desk.begin() as connection:
        told = {"id": "county", "login": "county", "name": "县里", "organisation_id": WANGCANG, "created_at": 1}
        connection.execute(sa.insert(schema.accounts), told)
        by_other = draft(connection, "a", author_id="county")
        assert (by_other.organisation_id, draft(connection, "b").organisation_id) == (WANGCANG, PROVINCE)
        assert submit(connection, "a").organisation_id == WANGCANG
        with pytest.raises(KepuError):
            versions.create(connection, WRITER, ContentOrigin.EDITOR, author_id="nobody", title="t")
