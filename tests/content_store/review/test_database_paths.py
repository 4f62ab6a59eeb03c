"""By which roads raw SQL may try to get past the guards: replacing, upserting, deleting, and being there at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
import sqlalchemy as sa

from content_store import contents
from content_store.db import Connection, Database
from content_store.review import publishing, queue, versions, withdrawing
from content_store.review_words import ReviewStep, WithdrawReason
from content_store.vocabulary import CONTENT_TRANSITIONS, ContentStatus
from tests.content_store.review.test_database_guards import (
    all_passed,
    corrected,
    first_passed,
    gone,
    held,
    in_review,
    out,
    outcome,
    verdict,
)
from tests.support.review_desk import CHENGDU, CHIEF, REVIEWERS, WRITER, draft, pass_all, published, staff, submit

_CONTENT = "INTO contents (id, version, status, title, tags, created_at, origin)"
_CONTENT += " VALUES ('panda', 1, 'published', '广告', '[]', 1, 'import')"
_STEP = "INTO review_steps (review_id, position, step) SELECT id, 1, 'first_review' FROM reviews"
_STONE = "INTO tombstones (id, content_id, version, reason, note, withdrawn_by, withdrawn_at)"
_STONE += " SELECT id, content_id, 0, 'fact', '', 'p1', 1 FROM tombstones"
_HELD = "INTO quarantines (id, content_id, version, hits, liftable, opened_at)"
_HELD += " VALUES ('x', 'panda', 1, '[]', true, 1)"
_NOTE = "INTO corrections (id, content_id, version, wrong_version, note, made_by, made_at)"
_NOTE += " VALUES ('x', 'panda', 2, 1, '广告', 'p0', 1)"
_VERSION = "INTO content_versions (content_id, version, title, body, tags, length, created_at, organisation_id)"
_VERSION += " VALUES ('panda', 1, '广告', '广告', '[]', 2, 1, '510000')"
_AGAIN = "INTO reviews (id, content_id, organisation_id, version, route, science, state, urgent, opened_at, due_at)"
_AGAIN += " SELECT id, content_id, organisation_id, version, 'short', science, 'open', urgent, 1, 2 FROM reviews"
REPLACED = {
    "a published content by an import": (out, _CONTENT),
    "a draft by a published import": (in_review, _CONTENT),
    "a withdrawn content by an import": (gone, _CONTENT),
    "the words of a version": (all_passed, _VERSION),
    "a review by one on a shorter route": (first_passed, _AGAIN),
    "a decided step by an open one": (first_passed, _STEP),
    "a tombstone by one of nothing": (gone, _STONE),
    "a quarantine by one without words": (held, _HELD),
    "the note of a correction": (corrected, _NOTE),
}


@pytest.mark.parametrize("attempt", REPLACED)
def test_nothing_is_replaced_where_it_stands(desk: Database, attempt: str) -> None:
    prepare, statement = REPLACED[attempt]
    with desk.begin() as connection:
        prepare(connection)
    ways = [f"INSERT {statement}"]
    ways += [f"INSERT OR REPLACE {statement}", f"REPLACE {statement}"] if desk.dialect == "sqlite" else []
    assert [outcome(desk, way) for way in ways if outcome(desk, way) == "it is done"] == []


def test_an_upsert_is_guarded_as_the_update_that_it_is(desk: Database) -> None:
    with desk.begin() as connection:
        in_review(connection)
        published(connection, "out")
    for id, changed in (
        ("panda", "status = 'published', published_at = 1"),
        ("out", "title = excluded.title"),
        ("out", "origin = excluded.origin"),
        ("panda", "origin = excluded.origin, status = 'published'"),
    ):
        statement = f"INSERT {_CONTENT} ON CONFLICT (id) DO UPDATE SET {changed}".replace("'panda'", f"'{id}'")
        assert outcome(desk, statement) != "it is done", changed


def test_replacing_on_update_removes_no_earlier_step(sqlite_database: Database, fixed_clock: int) -> None:
    staff(sqlite_database)
    with sqlite_database.begin() as connection:
        first_passed(connection)
    told = outcome(sqlite_database, verdict("p1", "second_review").replace("UPDATE", "UPDATE OR REPLACE", 1))
    assert told == "nobody takes two steps of one review"


@pytest.mark.parametrize("status", list(ContentStatus))
def test_the_status_of_a_reviewed_content_changes_as_the_vocabulary_says(desk: Database, status: ContentStatus) -> None:
    """Each of the pairs of the vocabulary and no other, tried by raw SQL where review itself would not mind."""
    tried = {}
    with desk.begin() as connection:
        reach(connection, status)
    for after in ContentStatus:
        stone = "INSERT INTO tombstones (id, content_id, version, reason, note, withdrawn_by, withdrawn_at)"
        stone += " VALUES ('x', 'panda', 9, 'fact', '', 'p1', 1); "
        change = f"UPDATE contents SET status = '{after}', published_at = 1, wording = 1"
        told = outcome(desk, (stone if after is ContentStatus.WITHDRAWN else "") + change)
        tried[after] = told == "it is done"
    assert {after for after, let_through in tried.items() if let_through} == CONTENT_TRANSITIONS[status] | {status}


def reach(connection: Connection, status: ContentStatus) -> None:
    """A content in this status whose first version has passed."""
    draft(connection)
    review = pass_all(connection, submit(connection))
    if status in (ContentStatus.DRAFT, ContentStatus.SCHEDULED):
        publishing.publish(connection, "panda", CHIEF, version=review.version, at=9_999_999_999_999)
        if status is ContentStatus.DRAFT:
            publishing.unschedule(connection, "panda", CHIEF)
    elif status is not ContentStatus.IN_REVIEW:
        publishing.publish(connection, "panda", CHIEF, version=review.version)
    if status is ContentStatus.WITHDRAWN:
        withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT)
    elif status is ContentStatus.EXPIRED:
        contents.set_status(connection, "panda", ContentStatus.EXPIRED)


def test_a_content_never_goes_nor_changes_hands(desk: Database) -> None:
    with desk.begin() as connection:
        all_passed(connection)
        # Without a version no foreign key holds it.
        connection.execute(
            sa.text(
                "INSERT INTO contents (id, version, status, title, tags, created_at, origin)"
                " VALUES ('bare', 1, 'draft', 't', '[]', 1, 'feed')"
            )
        )
    other = "INSERT INTO content_versions (content_id, version, title, tags, length, created_at, {0})"
    other += " VALUES ('panda', 2, 't', '[]', 0, 1, {1})"
    for statement in (
        "DELETE FROM contents WHERE id = 'bare'",
        "UPDATE contents SET id = 'other' WHERE id = 'bare'",
        "UPDATE content_versions SET author_id = 'p7'",
        f"UPDATE content_versions SET organisation_id = '{CHENGDU}'",
        f"UPDATE reviews SET organisation_id = '{CHENGDU}'",
        other.format("organisation_id", f"'{CHENGDU}'"),
        other.format("organisation_id, author_id", "'510000', 'p7'"),
    ):
        assert outcome(desk, statement) != "it is done", statement


def test_tables_of_review_are_not_emptied_either(postgresql_database: Database) -> None:
    for table in ("contents", "content_versions", "reviews", "review_steps", "tombstones", "quarantines"):
        assert "not emptied" in committed(postgresql_database, f"TRUNCATE {table} CASCADE")


_PUBLISH = "UPDATE contents SET status = 'published', published_at = 1, wording = 1 WHERE id = 'panda'"
_HOLD_BACK = "INSERT INTO quarantines (id, content_id, version, hits, liftable, opened_at)"
_HOLD_BACK += " VALUES ('x', 'panda', 1, '[]', true, 1)"
_BURY = "INSERT INTO tombstones (id, content_id, version, reason, note, withdrawn_by, withdrawn_at)"
_BURY += " VALUES ('x', 'panda', 1, 'fact', '', 'p1', 1)"
_CANCEL = "UPDATE reviews SET state = 'cancelled', closed_at = 1 WHERE state = 'open'"
_NEWER = "INSERT INTO content_versions (content_id, version, title, tags, length, created_at, organisation_id, ai_use)"
_NEWER += " VALUES ('panda', 2, 't', '[]', 0, 1, '510000', 'none')"
_OPEN = "INSERT INTO reviews (id, content_id, organisation_id, version, route, science, state, urgent, opened_at,"
_OPEN += " due_at) VALUES ('y', 'panda', '510000', 1, 'full', false, 'open', false, 1, 2)"


def drafted(connection: Connection) -> None:
    draft(connection)


def second_of_two(connection: Connection) -> None:
    """A review of two who each are about to decide a step; both claims are theirs."""
    first_passed(connection)
    review = connection.execute(sa.text("SELECT id FROM reviews")).scalar_one()
    queue.claim(connection, review, ReviewStep.SECOND_REVIEW, REVIEWERS[1], hours=1)


AT_ONCE: dict[str, tuple[Callable[[Connection], None], str, str]] = {
    "a version is held back while it is published": (all_passed, _HOLD_BACK, _PUBLISH),
    "a content is buried while it is published": (all_passed, _BURY, _PUBLISH),
    "a review is cancelled while a step is decided": (second_of_two, _CANCEL, verdict("p2", "second_review")),
    "another version is saved while the old one is submitted": (drafted, _NEWER, _OPEN),
    "two versions get one number": (drafted, _NEWER, _NEWER.replace("'t'", "'u'")),
    "two reviews are opened": (drafted, _OPEN, _OPEN.replace("'y'", "'z'")),
    "one step is decided twice": (
        second_of_two,
        verdict("p2", "second_review"),
        verdict("p2", "second_review", "returned"),
    ),
    "one person decides two steps": (first_passed, verdict("p2", "second_review"), verdict("p2", "final_review")),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_of_two_transactions_at_once_the_second_sees_what_the_first_did(
    postgresql_database: Database, fixed_clock: int, case: str
) -> None:
    desk = postgresql_database
    staff(desk)
    prepare, first, second = AT_ONCE[case]
    with desk.begin() as connection:
        prepare(connection)
    with desk.connect() as one, ThreadPoolExecutor(1) as pool:
        one.execute(sa.text(first))
        later = pool.submit(committed, desk, second)
        wait_until_blocked_or_done(desk, later.done)
        one.commit()
        assert later.result() != "it is done"


def committed(database: Database, statement: str) -> str:
    """What the database says to a statement that stays where it is let through."""
    try:
        with database.begin() as connection:
            done = connection.execute(sa.text(statement)).rowcount
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return "it is done" if done else "nothing to be done"


def wait_until_blocked_or_done(database: Database, done: Callable[[], bool]) -> None:
    """Until the other transaction waits for ours, or is through."""
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = sa.text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
    until = monotonic() + 10
    while not done() and monotonic() < until:
        with database.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return


def test_saving_while_others_decide_and_publish_never_leaves_an_unreviewed_word_public(desk: Database) -> None:
    with desk.begin() as connection:
        all_passed(connection)
        versions.save(connection, "panda", WRITER, based_on=1, title="没有人看过")
        publishing.publish(connection, "panda", CHIEF, version=1)
    with desk.connect() as connection:
        found = contents.get(connection, "panda")
    assert (found.status, found.title, found.wording) == (ContentStatus.PUBLISHED, "大熊猫为什么吃竹子", 1)
