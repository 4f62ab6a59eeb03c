"""What the database itself refuses, by raw SQL that knows nothing of our modules. Each attempt is one that pays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from content_store import contents
from content_store.db import Connection, Database
from content_store.review import correcting, publishing, quarantining, queue, terms, versions, withdrawing
from content_store.review_words import ROUTE_STEPS, ContentOrigin, ReviewStep, Route, Severity, WithdrawReason
from content_store.vocabulary import ContentStatus, Topic
from tests.support.review_desk import CHIEF, REVIEWERS, WRITER, draft, pass_all, published, submit, take

_STEP = "UPDATE review_steps SET claimed_by = '{0}', claimed_at = 1, claimed_until = 2, decided_by = '{0}',"
_STEP += (
    " decided_at = 1, verdict = '{1}', reason = {2} WHERE review_id = (SELECT max(id) FROM reviews) AND step = '{3}'"
)


def verdict(who: str, step: str, said: str = "passed") -> str:
    """A statement that lets a person decide a step of the newest review."""
    return _STEP.format(who, said, "'fact'" if said == "returned" else "NULL", step)


def in_review(connection: Connection) -> None:
    draft(connection)
    submit(connection)


def first_passed(connection: Connection) -> None:
    draft(connection)
    take(connection, submit(connection), REVIEWERS[0])


def all_passed(connection: Connection) -> None:
    draft(connection)
    pass_all(connection, submit(connection))


def out(connection: Connection) -> None:
    published(connection)


def newer_version(connection: Connection) -> None:
    in_review(connection)
    versions.save(connection, "panda", WRITER, based_on=1, body="另一篇，没有人看过。")


def written_by_two(connection: Connection) -> None:
    draft(connection)
    versions.save(connection, "panda", REVIEWERS[0], based_on=1, title="新题")
    submit(connection)


def held(connection: Connection) -> None:
    terms.add(connection, "神医", Severity.QUARANTINE, "待核")
    draft(connection, title="神医")
    submit(connection)
    connection.execute(sa.text("UPDATE review_steps SET claimed_by = 'p1', claimed_at = 1, claimed_until = 2"))


def forbidden(connection: Connection) -> None:
    terms.add(connection, "神医", Severity.FORBIDDEN, "禁用")
    draft(connection, title="神医")


def held_after_review(connection: Connection) -> None:
    all_passed(connection)
    terms.add(connection, "熊猫", Severity.QUARANTINE, "待核")
    quarantining.rescan(connection)


def gone(connection: Connection) -> None:
    published(connection)
    withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT)


def corrected(connection: Connection) -> None:
    published(connection)
    correcting.correct(connection, "panda", WRITER, based_on=1, note="错字", title="新题")
    pass_all(connection, submit(connection))
    publishing.publish(connection, "panda", CHIEF, version=2)


def reviewed_silently(connection: Connection) -> None:
    """A second version that passed its review, and is no correction."""
    draft(connection)
    pass_all(connection, submit(connection))
    versions.save(connection, "panda", WRITER, based_on=1, title="新题")
    pass_all(connection, submit(connection))
    publishing.publish(connection, "panda", CHIEF, version=1)


def of_health(connection: Connection) -> None:
    draft(connection, topic=Topic.HEALTH)


def adopted(connection: Connection) -> None:
    """An imported draft that an editor went on with."""
    contents.create(connection, id="panda", title="旧稿")
    versions.save(connection, "panda", WRITER, based_on=1, body="没有人看过的话。")


_REVIEW = "INSERT INTO reviews (id, content_id, version, route, science, basis, state, urgent, opened_at, due_at)"
_REVIEW += " VALUES ('forged', 'panda', {}, '{}', {}, {}, '{}', false, 1, 2)"
_PUBLISH = "UPDATE contents SET status = 'published', published_at = 1"
_OPEN_STEPS = "UPDATE reviews SET state = '{}', closed_at = 1 WHERE state = 'open'"

FORBIDDEN: dict[str, tuple[Callable[[Connection], None], str, str]] = {
    "publish a draft": (in_review, _PUBLISH, "only the words of a version that passed"),
    "publish before the last step": (first_passed, f"{_PUBLISH}, wording = 1", "only the words of a version"),
    "schedule before the last step": (
        first_passed,
        "UPDATE contents SET status = 'scheduled', published_at = 9, wording = 1",
        "only the words of a version",
    ),
    "publish other words than were reviewed": (
        all_passed,
        f"{_PUBLISH}, wording = 1, body = body || '。'",
        "only the words of a version",
    ),
    "publish a newer version on the review of another": (
        newer_version,
        f"{_PUBLISH}, wording = 2",
        "only the words of a version",
    ),
    "change published words": (out, "UPDATE contents SET title = '广告'", "only the words of a version"),
    "change the tags of a published content": (out, "UPDATE contents SET tags = '[\"广告\"]'", "only the words"),
    "call it an import": (in_review, "UPDATE contents SET origin = 'import'", "the origin of a content never changes"),
    "forget that words were reviewed": (out, "UPDATE contents SET wording = NULL", ""),
    "bring earlier words back": (
        corrected,
        "UPDATE contents SET wording = 1, title = '大熊猫为什么吃竹子'",
        "",
    ),
    "insert as published": (
        in_review,
        "INSERT INTO contents (id, version, status, title, tags, created_at, origin)"
        " VALUES ('x', 1, 'published', '广告', '[]', 1, 'feed')",
        "is published by its review",
    ),
    "insert without an origin": (
        in_review,
        "INSERT INTO contents (id, version, status, title, tags, created_at)"
        " VALUES ('x', 1, 'published', '广告', '[]', 1)",
        "is published by its review",
    ),
    "insert with a reviewed version": (
        in_review,
        "INSERT INTO contents (id, version, status, title, tags, created_at, origin, wording)"
        " VALUES ('x', 1, 'draft', 't', '[]', 1, 'import', 1)",
        "is published by its review",
    ),
    "publish what an editor added to an import": (adopted, _PUBLISH, "only the words of a version"),
    "publish what is held": (held_after_review, f"{_PUBLISH}, wording = 1", "the version is in quarantine"),
    "publish what was withdrawn": (gone, _PUBLISH, "does not come back"),
    "withdraw without a tombstone": (out, "UPDATE contents SET status = 'withdrawn'", "with a tombstone"),
    "replace published words silently": (
        reviewed_silently,
        "UPDATE contents SET wording = 2, title = '新题'",
        "by a correction alone",
    ),
    "a second step by one person": (first_passed, verdict("p1", "second_review"), ""),
    "a step by the author": (in_review, verdict("p0", "first_review"), "who wrote any of it"),
    "a step by an earlier editor": (written_by_two, verdict("p1", "first_review"), "who wrote any of it"),
    "a step before its turn": (in_review, verdict("p2", "second_review"), "in their order"),
    "a step of a cancelled review": (newer_version, verdict("p2", "first_review"), "in their order"),
    "a step of a held version": (held, verdict("p1", "first_review"), "passes no step"),
    "a step by nobody": (
        in_review,
        "UPDATE review_steps SET verdict = 'passed', decided_at = 1 WHERE step = 'first_review'",
        "",
    ),
    "a step that somebody else has": (
        in_review,
        "UPDATE review_steps SET claimed_by = 'p2', claimed_at = 1, claimed_until = 2, verdict = 'passed',"
        " decided_by = 'p1', decided_at = 1 WHERE step = 'first_review'",
        "",
    ),
    "a return without a reason": (in_review, verdict("p1", "first_review", "returned").replace("'fact'", "NULL"), ""),
    "another person for a decided step": (
        first_passed,
        "UPDATE review_steps SET claimed_by = 'p7', decided_by = 'p7' WHERE step = 'first_review'",
        "a decided step never changes",
    ),
    "undo a step": (
        first_passed,
        "UPDATE review_steps SET verdict = NULL, decided_by = NULL, decided_at = NULL WHERE step = 'first_review'",
        "a decided step never changes",
    ),
    "make one step another": (
        in_review,
        "UPDATE review_steps SET step = 'science_review' WHERE step = 'first_review'",
        "a decided step never changes",
    ),
    "delete a step": (first_passed, "DELETE FROM review_steps WHERE position > 1", "are never deleted"),
    "insert a decided step": (
        of_health,
        _REVIEW.format(1, "full", "true", "NULL", "open")
        + "; INSERT INTO review_steps (review_id, position, step, claimed_by, claimed_at, claimed_until, decided_by,"
        " decided_at, verdict) VALUES ('forged', 1, 'first_review', 'p1', 1, 2, 'p1', 1, 'passed')",
        "a step begins undecided",
    ),
    "insert a step that the route has elsewhere": (
        of_health,
        _REVIEW.format(1, "full", "true", "NULL", "open")
        + "; INSERT INTO review_steps (review_id, position, step) VALUES ('forged', 1, 'third_proof')",
        "a step begins undecided",
    ),
    "pass a review without its steps": (first_passed, _OPEN_STEPS.format("passed"), "once every step"),
    "return a review without a step": (first_passed, _OPEN_STEPS.format("returned"), "returned by one of its steps"),
    "open a review that has passed": (all_passed, "UPDATE reviews SET state = 'open', closed_at = NULL", "never chang"),
    "move a review to another version": (newer_version, "UPDATE reviews SET version = 2", "never changes"),
    "shorten the route of a review": (in_review, "UPDATE reviews SET route = 'short'", "never changes"),
    "delete a review": (in_review, "DELETE FROM reviews", "are never deleted"),
    "two reviews at once": (in_review, _REVIEW.format(1, "full", "false", "NULL", "open"), ""),
    "a review that begins passed": (
        of_health,
        _REVIEW.format(1, "full", "true", "NULL", "passed")
        .replace("due_at)", "due_at, closed_at)")
        .replace("2)", "2, 3)"),
        "a review begins open",
    ),
    "a review of an old version": (
        newer_version,
        _REVIEW.format(1, "full", "false", "NULL", "open"),
        "only the newest version",
    ),
    "health without a science review": (of_health, _REVIEW.format(1, "full", "false", "NULL", "open"), "asks for a"),
    "health by the short route": (of_health, _REVIEW.format(1, "short", "true", "NULL", "open"), "asks for a"),
    "a minor change of what nobody reviewed": (
        newer_version,
        _REVIEW.format(2, "minor", "false", "1", "open"),
        "rests on an earlier version",
    ),
    "a minor change of itself": (all_passed, _REVIEW.format(1, "minor", "false", "1", "open"), "rests on an earlier"),
    "a shorter route for all": (in_review, "DELETE FROM route_steps WHERE position > 1", "never"),
    "another route": (
        in_review,
        "INSERT INTO route_steps (route, position, step, conditional) VALUES ('full', 9, 'first_review', true)",
        "by a migration alone",
    ),
    "steps made conditional": (in_review, "UPDATE route_steps SET conditional = true", "never change"),
    "change a version": (all_passed, "UPDATE content_versions SET body = '广告'", "a version never changes"),
    "change who wrote a version": (in_review, "UPDATE content_versions SET created_by = 'p7'", "a version never"),
    "change since when a version is out": (out, "UPDATE content_versions SET live_from = 1", "a version never changes"),
    "delete a version": (in_review, "DELETE FROM content_versions", ""),
    "leave a version out": (
        in_review,
        "INSERT INTO content_versions (content_id, version, title, tags, length, created_at)"
        " VALUES ('panda', 3, 't', '[]', 0, 1)",
        "numbered one after the other",
    ),
    "lift one's own quarantine": (
        held,
        "UPDATE quarantines SET lifted_at = 1, lifted_by = 'p0', lift_reason = '没问题'",
        "who wrote any of it",
    ),
    "lift a quarantine without a reason": (held, "UPDATE quarantines SET lifted_at = 1, lifted_by = 'p7'", ""),
    "lift what is forbidden": (
        forbidden,
        "UPDATE quarantines SET lifted_at = 1, lifted_by = 'p7', lift_reason = '没问题'",
        "",
    ),
    "make a forbidden word liftable": (forbidden, "UPDATE quarantines SET liftable = true", "never changes"),
    "delete a quarantine": (held, "DELETE FROM quarantines", "are never deleted"),
    "change a tombstone": (gone, "UPDATE tombstones SET note = ''", "never change"),
    "delete a tombstone": (gone, "DELETE FROM tombstones", "are never deleted"),
    "change the note of a correction": (corrected, "UPDATE corrections SET note = '广告'", "never changes"),
    "delete a correction": (corrected, "DELETE FROM corrections", "are never deleted"),
    "a note that nobody reviewed": (
        reviewed_silently,
        "INSERT INTO corrections (id, content_id, version, wrong_version, note, made_by, made_at)"
        " VALUES ('x', 'panda', 2, 1, '广告', 'p0', 1)",
        "before its version has passed",
    ),
}


DONE = "it is done"
BEGINNINGS = list(dict.fromkeys(prepare for prepare, _, _ in FORBIDDEN.values()))


@pytest.mark.parametrize("prepare", BEGINNINGS, ids=lambda prepare: prepare.__name__)
def test_the_database_refuses_what_a_review_forbids(desk: Database, prepare: Callable[[Connection], None]) -> None:
    with desk.begin() as connection:
        prepare(connection)
    outcomes = {}
    for attempt, (beginning, statements, words) in FORBIDDEN.items():
        if beginning is prepare:
            told = outcome(desk, statements)
            outcomes[attempt] = "refused" if words in told and told != DONE else told
    assert outcomes == dict.fromkeys(outcomes, "refused")


def outcome(database: Database, statements: str) -> str:
    """What the database says to ``statements``; nothing of them stays."""
    try:
        with database.connect() as connection:
            for statement in statements.split("; "):
                connection.execute(sa.text(statement.replace(":", "\\:")))
    except sa.exc.IntegrityError as error:
        return str(error.orig)
    return DONE


def test_comments_are_kept_as_they_were_said(desk: Database) -> None:
    with desk.begin() as connection:
        in_review(connection)
        connection.execute(
            sa.text(
                "INSERT INTO review_comments (id, review_id, account_id, text, created_at)"
                " SELECT 'c', id, 'p1', '来源？', 1 FROM reviews"
            )
        )
    for statement in ("UPDATE review_comments SET text = ''", "DELETE FROM review_comments"):
        with pytest.raises(sa.exc.IntegrityError), desk.begin() as connection:
            connection.execute(sa.text(statement))


def test_a_review_of_words_without_an_ai_statement_is_refused(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection, ai_use=None)
    with pytest.raises(sa.exc.IntegrityError, match="artificial intelligence"), desk.begin() as connection:
        connection.execute(sa.text(_REVIEW.format(1, "full", "false", "NULL", "open")))


def test_a_content_that_has_versions_is_not_deleted(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
    with pytest.raises(sa.exc.IntegrityError), desk.begin() as connection:
        connection.execute(sa.text("DELETE FROM contents"))


def test_an_import_is_published_as_it_always_was_and_seen_to_be_one(desk: Database) -> None:
    with desk.begin() as connection:
        contents.merge(connection, [contents.check({"id": "old", "title": "旧文"})])
        contents.ensure(connection, ["older"])
        made = contents.create(connection, id="oldest", title="更旧", status=ContentStatus.PUBLISHED)
        contents.update(connection, "old", title="旧文二")
        assert {content.origin for content in contents.every(connection)} == {ContentOrigin.IMPORT}
        assert (made.wording, made.bound) == (None, False)


def test_the_routes_of_the_database_are_those_of_the_vocabulary(desk: Database) -> None:
    with desk.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT route, step, conditional FROM route_steps ORDER BY route, position")
        ).all()
    stored = {route: tuple(ReviewStep(step) for name, step, _ in rows if name == route) for route in Route}
    assert stored == ROUTE_STEPS
    assert {step for _, step, conditional in rows if conditional} == {"science_review"}


def test_an_update_that_leaves_published_words_alone_is_let_through(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection, tags=["竹子", "熊猫"])
        contents.update(connection, "panda", expires_at=9_999_999_999_999)
        queue.waiting(connection)
        assert contents.get(connection, "panda").expires_at == 9_999_999_999_999
