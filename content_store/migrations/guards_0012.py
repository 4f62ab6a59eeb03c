"""What the database refuses of reviews, whoever asks: part of step 0012, and as little changed as the step itself.

A guard is a condition on the new and the old row. Where it holds the statement fails with the guard's words, on both
kinds of database as an integrity error.
"""

from __future__ import annotations

from typing import NamedTuple

_ALWAYS = "1 = 1"
_LIVE = "('scheduled', 'published')"
_WORDS = ("title", "summary", "body", "topic", "tags::text", "place", "source", "author", "url")


class Guard(NamedTuple):
    """``name`` is unique, ``occasion`` INSERT, UPDATE or DELETE on ``table``; ``text`` tells what is refused."""

    table: str
    name: str
    occasion: str
    text: str
    condition: str


def statements(dialect: str) -> list[str]:
    """All that makes the guards on a database of this kind."""
    made = _on_sqlite if dialect == "sqlite" else _on_postgresql
    return [statement for guard in GUARDS for statement in made(guard)]


def _on_sqlite(guard: Guard) -> list[str]:
    condition = guard.condition.replace("IS DISTINCT FROM", "IS NOT").replace("::text", "")
    head = f"CREATE TRIGGER {guard.name} BEFORE {guard.occasion} ON {guard.table} WHEN {condition}"
    return [f"{head} BEGIN SELECT RAISE(ABORT, '{guard.text}'); END"]


def _on_postgresql(guard: Guard) -> list[str]:
    row = "OLD" if guard.occasion == "DELETE" else "NEW"
    return [
        f"""
        CREATE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {guard.condition} THEN
            RAISE EXCEPTION '{guard.text}' USING ERRCODE = 'integrity_constraint_violation';
          END IF;
          RETURN {row};
        END $$
        """,
        f"CREATE TRIGGER {guard.name} BEFORE {guard.occasion} ON {guard.table} FOR EACH ROW"
        f" EXECUTE FUNCTION {guard.name}()",
    ]


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


def _wrote_it(account: str, content: str, version: str) -> str:
    """Whether ``account`` made, or is the author of, any wording of the content up to ``version``."""
    return f"""EXISTS (
        SELECT 1 FROM content_versions v WHERE v.content_id = {content} AND v.version <= {version}
        AND (v.created_by = {account} OR v.author_id = {account}))"""


def _not_passed(review: str, route: str, science: str, more: str = "") -> str:
    """Whether a step of the route that applies has not been passed in ``review``."""
    return f"""EXISTS (
        SELECT 1 FROM route_steps rs WHERE rs.route = {route} AND (NOT rs.conditional OR {science}) {more}
        AND NOT EXISTS (SELECT 1 FROM review_steps s
                        WHERE s.review_id = {review} AND s.step = rs.step AND s.verdict = 'passed'))"""


def _of_review(condition: str) -> str:
    """``condition`` on the review ``r`` to which the new row belongs."""
    return f"EXISTS (SELECT 1 FROM reviews r WHERE r.id = NEW.review_id AND {condition})"


_SAME_WORDS = " AND ".join(f"NOT (v.{name} IS DISTINCT FROM NEW.{name})" for name in _WORDS)
_REVIEWED = f"""EXISTS (
    SELECT 1 FROM content_versions v JOIN reviews r ON r.content_id = v.content_id AND r.version = v.version
    WHERE v.content_id = NEW.id AND v.version = NEW.wording AND r.state = 'passed' AND {_SAME_WORDS})"""
_BOUND = "(NEW.origin <> 'import' OR NEW.wording IS NOT NULL)"
_BECOMES = f"NEW.status IN {_LIVE} AND ({_changed('status', 'wording')})"
_DECIDES = "OLD.verdict IS NULL AND NEW.verdict IS NOT NULL"
_OPEN = "r.state = 'open'"
_HELD = "SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL AND q.content_id ="

_KEPT_OF_VERSIONS = (
    *("content_id", "version", *_WORDS, "licence", "ai_use", "length", "author_id"),
    *("based_on", "created_at", "created_by"),
)

_CONTENTS = (
    Guard(
        "contents",
        "contents_begin_unpublished",
        "INSERT",
        "a content that is no import is published by its review",
        f"NEW.wording IS NOT NULL OR (NEW.origin <> 'import' AND NEW.status IN {_LIVE})",
    ),
    Guard("contents", "contents_keep_origin", "UPDATE", "the origin of a content never changes", _changed("origin")),
    Guard(
        "contents",
        "contents_keep_wording",
        "UPDATE",
        "an earlier wording does not come back",
        "OLD.wording IS NOT NULL AND (NEW.wording IS NULL OR NEW.wording < OLD.wording)",
    ),
    Guard(
        "contents",
        "contents_are_reviewed",
        "UPDATE",
        "only the words of a version that passed every step of its review may be published",
        f"{_BOUND} AND NEW.status IN {_LIVE} AND NOT {_REVIEWED}",
    ),
    Guard(
        "contents",
        "contents_are_not_held",
        "UPDATE",
        "the version is in quarantine",
        f"{_BECOMES} AND EXISTS ({_HELD} NEW.id AND q.version = NEW.wording)",
    ),
    Guard(
        "contents",
        "contents_stay_withdrawn",
        "UPDATE",
        "a version that was withdrawn does not come back",
        f"{_BOUND} AND {_BECOMES} AND EXISTS (SELECT 1 FROM tombstones t WHERE t.content_id = NEW.id"
        " AND t.version >= COALESCE(NEW.wording, 0))",
    ),
    Guard(
        "contents",
        "contents_leave_a_tombstone",
        "UPDATE",
        "a content that came by review is withdrawn with a tombstone",
        f"{_BOUND} AND NEW.status = 'withdrawn' AND OLD.status <> 'withdrawn' AND NOT EXISTS"
        " (SELECT 1 FROM tombstones t WHERE t.content_id = NEW.id AND t.version >= COALESCE(NEW.wording, 0))",
    ),
    Guard(
        "contents",
        "contents_are_corrected",
        "UPDATE",
        "published words are replaced by a correction alone",
        "OLD.status = 'published' AND NEW.status = 'published' AND NEW.wording IS DISTINCT FROM OLD.wording"
        " AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.content_id = NEW.id AND c.version = NEW.wording)",
    ),
)

_VERSIONS = (
    Guard(
        "content_versions",
        "content_versions_follow",
        "INSERT",
        "versions are numbered one after the other",
        "NEW.version <> 1 + COALESCE((SELECT max(v.version) FROM content_versions v"
        " WHERE v.content_id = NEW.content_id), 0)",
    ),
    Guard(
        "content_versions",
        "content_versions_keep",
        "UPDATE",
        "a version never changes: save another one",
        f"{_changed(*_KEPT_OF_VERSIONS)} OR (OLD.live_from IS NOT NULL AND ({_changed('live_from', 'live_after')}))",
    ),
)

_REVIEWS = (
    Guard("reviews", "reviews_begin_open", "INSERT", "a review begins open", "NEW.state <> 'open'"),
    Guard(
        "reviews",
        "reviews_are_of_the_newest",
        "INSERT",
        "only the newest version is reviewed",
        "EXISTS (SELECT 1 FROM content_versions v WHERE v.content_id = NEW.content_id AND v.version > NEW.version)",
    ),
    Guard(
        "reviews",
        "reviews_need_a_statement",
        "INSERT",
        "the version does not say what part an artificial intelligence had in it",
        "EXISTS (SELECT 1 FROM content_versions v WHERE v.content_id = NEW.content_id AND v.version = NEW.version"
        " AND v.ai_use IS NULL)",
    ),
    Guard(
        "reviews",
        "reviews_ask_science",
        "INSERT",
        "the topic asks for a science review",
        "(NOT NEW.science OR NEW.route = 'short') AND EXISTS (SELECT 1 FROM content_versions v"
        " JOIN science_topics t ON t.topic = v.topic WHERE v.content_id = NEW.content_id AND v.version = NEW.version)",
    ),
    Guard(
        "reviews",
        "reviews_of_changes_rest_on_one",
        "INSERT",
        "a minor change rests on an earlier version that passed its review",
        "NEW.route = 'minor' AND (NEW.basis >= NEW.version OR NOT EXISTS (SELECT 1 FROM reviews b"
        " WHERE b.content_id = NEW.content_id AND b.version = NEW.basis AND b.state = 'passed'))",
    ),
    Guard(
        "reviews",
        "reviews_keep",
        "UPDATE",
        "what a review is about, and how it ended, never changes",
        f"OLD.state <> 'open' OR {_changed('id', 'content_id', 'version', 'route', 'science', 'basis')}"
        f" OR {_changed('opened_at', 'opened_by')}",
    ),
    Guard(
        "reviews",
        "reviews_pass_by_every_step",
        "UPDATE",
        "a review passes once every step of its route has passed",
        f"NEW.state = 'passed' AND {_not_passed('NEW.id', 'NEW.route', 'NEW.science')}",
    ),
    Guard(
        "reviews",
        "reviews_return_by_a_step",
        "UPDATE",
        "a review is returned by one of its steps",
        "NEW.state = 'returned' AND NOT EXISTS"
        " (SELECT 1 FROM review_steps s WHERE s.review_id = NEW.id AND s.verdict = 'returned')",
    ),
)

_STEPS = (
    Guard(
        "review_steps",
        "review_steps_begin_undecided",
        "INSERT",
        "a step begins undecided, in an open review of whose route it is",
        "NEW.verdict IS NOT NULL OR NOT "
        + _of_review(
            "r.state = 'open' AND EXISTS (SELECT 1 FROM route_steps rs WHERE rs.route = r.route AND rs.step = NEW.step"
            " AND rs.position = NEW.position AND (NOT rs.conditional OR r.science))"
        ),
    ),
    Guard(
        "review_steps",
        "review_steps_keep",
        "UPDATE",
        "a decided step never changes",
        f"OLD.verdict IS NOT NULL OR {_changed('review_id', 'position', 'step')}",
    ),
    Guard(
        "review_steps",
        "review_steps_in_order",
        "UPDATE",
        "steps are decided in their order, while the review is open",
        f"{_DECIDES} AND (NOT {_of_review(_OPEN)} OR "
        + _of_review(_not_passed("r.id", "r.route", "r.science", "AND rs.position < NEW.position"))
        + ")",
    ),
    Guard(
        "review_steps",
        "review_steps_not_by_the_author",
        "UPDATE",
        "who wrote any of it does not review it",
        f"{_DECIDES} AND {_of_review(_wrote_it('NEW.decided_by', 'r.content_id', 'r.version'))}",
    ),
    Guard(
        "review_steps",
        "review_steps_wait_in_quarantine",
        "UPDATE",
        "a version in quarantine passes no step",
        f"{_DECIDES} AND NEW.verdict = 'passed' AND "
        + _of_review(f"EXISTS ({_HELD} r.content_id AND q.version = r.version)"),
    ),
)

_OTHERS = (
    Guard(
        "quarantines",
        "quarantines_keep",
        "UPDATE",
        "a quarantine is lifted once and else never changes",
        f"OLD.lifted_at IS NOT NULL OR "
        f"{_changed('id', 'content_id', 'version', 'hits::text', 'liftable', 'opened_at')}",
    ),
    Guard(
        "quarantines",
        "quarantines_begin_held",
        "INSERT",
        "a quarantine begins unlifted",
        "NEW.lifted_at IS NOT NULL",
    ),
    Guard(
        "quarantines",
        "quarantines_not_by_the_author",
        "UPDATE",
        "who wrote any of it does not lift its quarantine",
        f"NEW.lifted_by IS NOT NULL AND {_wrote_it('NEW.lifted_by', 'NEW.content_id', 'NEW.version')}",
    ),
    Guard(
        "corrections",
        "corrections_before_the_review",
        "INSERT",
        "the note of a correction is there before its version has passed",
        "NEW.published_at IS NOT NULL OR EXISTS (SELECT 1 FROM reviews r WHERE r.content_id = NEW.content_id"
        " AND r.version = NEW.version AND r.state = 'passed')",
    ),
    Guard(
        "corrections",
        "corrections_keep",
        "UPDATE",
        "what a correction says never changes",
        f"{_changed('id', 'content_id', 'version', 'wrong_version', 'note', 'made_by', 'made_at')}"
        f" OR (OLD.published_at IS NOT NULL AND {_changed('published_at')})",
    ),
)

_NEVER_CHANGE = ("route_steps", "review_comments", "tombstones")
_NEVER_GO = ("content_versions", "reviews", "review_steps", "quarantines", "corrections", *_NEVER_CHANGE)

GUARDS = (
    *_CONTENTS,
    *_VERSIONS,
    *_REVIEWS,
    *_STEPS,
    *_OTHERS,
    Guard("route_steps", "route_steps_are_fixed", "INSERT", "routes are changed by a migration alone", _ALWAYS),
    *(Guard(table, f"{table}_never_change", "UPDATE", f"{table} never change", _ALWAYS) for table in _NEVER_CHANGE),
    *(Guard(table, f"{table}_never_go", "DELETE", f"{table} are never deleted", _ALWAYS) for table in _NEVER_GO),
)
