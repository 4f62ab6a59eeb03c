"""Every act of review is in the audit log, under the name of whoever did it, and the chain stays whole."""

from __future__ import annotations

import json

import pytest

from content_store import audit, clock
from content_store.db import Database
from content_store.errors import KepuError
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
from content_store.review_words import ReturnReason, ReviewStep, Severity, WithdrawReason
from content_store.vocabulary import Topic
from tests.support.review_desk import (
    CHIEF,
    REVIEWERS,
    SETTINGS,
    WRITER,
    draft,
    later,
    pass_all,
    published,
    put_term,
    submit,
)

FIRST = ReviewStep.FIRST_REVIEW


def log(desk: Database) -> list[tuple[str, str]]:
    """Who did what, in order; the chain is whole."""
    with desk.snapshot() as connection:
        found = audit.verify(connection)
        assert found.flaws == ()
        rows = audit.entries(connection, limit=1_000)
    assert found.rows == len(rows)
    return [(entry.actor, entry.action) for entry in reversed(rows)]


def test_the_whole_way_is_in_the_log_and_the_chain_is_whole(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
    taken = [(who.account_id or "", act) for who in REVIEWERS[:6] for act in ("review.claim", "review.pass")]
    assert log(desk) == [
        ("p0", "content.create"),
        ("p0", "content.submit"),
        *taken,
        (CHIEF.account_id, "content.publish"),
    ]


def test_all_that_may_happen_besides_is_in_the_log(desk: Database, fixed_clock: int) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        comments.add(connection, review.id, REVIEWERS[0], "来源？")
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        queue.release(connection, review.id, FIRST, REVIEWERS[0])
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        with clock.fixed(later(1)):
            queue.release_lapsed(connection)
        queue.claim(connection, review.id, FIRST, REVIEWERS[1], hours=1)
        deciding.send_back(connection, review.id, FIRST, REVIEWERS[1], version=1, reason=ReturnReason.FACT)
        versions.save(connection, "panda", WRITER, based_on=1, title="神医")
        put_term(connection, "神医", Severity.QUARANTINE, "待核")
        quarantining.lift(connection, "panda", 2, REVIEWERS[3], "古人")
        submitting.recall(connection, submit(connection).id, WRITER)
        quarantining.change_list(connection, trail.Actor(None, "终端", "cli:root"), remove=["神医"])
        routes.set_science_topics(connection, CHIEF, [Topic.HEALTH])
    began = len(log(desk))
    assert [row for row in log(desk) if row[1] != "review.claim"] == [
        ("p0", "content.create"),
        ("p0", "content.submit"),
        ("p1", "review.comment"),
        ("p1", "review.release"),
        ("system:release_claims", "review.lapse"),
        ("p2", "review.return"),
        ("p0", "content.save"),
        ("p10", "term.put"),
        ("p10", "quarantine.open"),
        ("p4", "quarantine.lift"),
        ("p0", "content.submit"),
        ("p0", "review.recall"),
        ("cli:root", "term.remove"),
        ("p10", "science_topics.set"),
    ]
    with desk.begin() as connection:
        pass_all(connection, submit(connection))
        publishing.publish(connection, "panda", CHIEF, version=2, at=later(1), expires_at=later(9))
        publishing.unschedule(connection, "panda", CHIEF)
        publishing.publish(connection, "panda", CHIEF, version=2, at=later(1))
        with clock.fixed(later(1)):
            publishing.publish_due(connection)
            correcting.correct(connection, "panda", CHIEF, based_on=2, note="错字", title="老大夫")
            submit(connection)
        with clock.fixed(later(9)):
            assert publishing.expire_due(connection) == ["panda"]
            assert records.opened(connection, "panda") is None
            versions.copy(connection, "panda", CHIEF)
            withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT)
    assert [row for row in log(desk)[began:] if not row[1].startswith("review.")] == [
        ("p0", "content.submit"),
        ("p10", "content.schedule"),
        ("p10", "content.unschedule"),
        ("p10", "content.schedule"),
        ("system:publish_when_due", "content.publish"),
        ("p10", "content.save"),
        ("p10", "content.correct"),
        ("p0", "content.submit"),
        ("system:expire", "content.expire"),
        ("p10", "content.copy"),
        ("p10", "content.withdraw"),
    ]


def test_what_is_refused_leaves_no_row_in_the_log(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
    before = log(desk)
    for attempt in (
        lambda connection: publishing.publish(connection, "panda", CHIEF, version=1),
        lambda connection: submitting.submit(connection, "panda", WRITER, SETTINGS, version=2),
        lambda connection: versions.save(connection, "panda", trail.Actor("nobody", "无名"), based_on=1, title="x"),
    ):
        with pytest.raises(KepuError), desk.begin() as connection:
            attempt(connection)
    assert log(desk) == before


def test_at_the_terminal_the_log_names_who_sat_there_and_for_whom(desk: Database) -> None:
    with desk.begin() as connection:
        who = trail.actor(connection, "p10", audited="cli:root")
        published(connection)
        withdrawing.withdraw(connection, "panda", who, WithdrawReason.FACT, "有误")
        [entry] = audit.entries(connection, limit=1)
    assert (entry.actor, json.loads(entry.after or "")["as"]) == ("cli:root", "p10")
    assert json.loads(entry.before or "") == {"status": "published"}
