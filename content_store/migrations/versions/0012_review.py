"""Versions, reviews and publishing; what the database refuses of them is told in ``guards_0012``.

Revision ID: 0012
Revises: 0009
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from content_store.migrations import guards_0012

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

_ORIGINS = "origin = 'import' OR origin = 'feed' OR origin = 'upload' OR origin = 'editor'"
_PROOFS = ("first_proof", "second_proof", "third_proof")
_ROUTES = {
    "full": ("first_review", "science_review", "second_review", "final_review", *_PROOFS),
    "short": ("first_review", "final_review", "first_proof"),
    "minor": ("science_review", "final_review", "first_proof"),
}
_SCIENCE_TOPICS = ("health", "psychology", "nutrition_food", "agriculture", "emergency", "disaster")
_STEPS = ("first_review", "science_review", "second_review", "final_review", *_PROOFS)
_RETURNS = (
    *("fact", "science", "source", "licence", "wording", "stance"),
    *("privacy", "duplicate", "ai_unstated", "quality", "other"),
)
_WITHDRAWALS = ("fact", "licence", "author", "outdated", "unlawful", "privacy", "duplicate", "other")


def upgrade() -> None:
    """Make the tables, fill in the routes, mark what there is as imported, and set up the guards."""
    _mark_origins()
    _create_versions()
    _create_routes()
    _create_reviews()
    _create_steps()
    _create_comments()
    _create_quarantines()
    _create_endings()
    _create_inbox()
    for statement in guards_0012.statements(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def _one_of(table: str, column: str, values: Iterable[str]) -> sa.CheckConstraint:
    return sa.CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=f"ck_{table}_{column}")


def _refers(table: str, column: str, other: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}", ondelete=ondelete)


def _refers_to_version(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["content_id", "version"],
        ["content_versions.content_id", "content_versions.version"],
        name=f"fk_{table}_content_id_content_versions",
    )


def _mark_origins() -> None:
    # Not op.add_column: of a check SQLite takes this form alone, or a copy of the table.
    op.execute(
        "ALTER TABLE contents ADD COLUMN origin TEXT NOT NULL DEFAULT 'editor'"
        f" CONSTRAINT ck_contents_origin CHECK ({_ORIGINS})"
    )
    op.execute("ALTER TABLE contents ADD COLUMN wording INTEGER")
    # What was published until now came by imports: nobody reviewed it here.
    op.execute("UPDATE contents SET origin = 'import'")


def _create_versions() -> None:
    op.create_table(
        "content_versions",
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("summary", "body", "topic")),
        sa.Column("tags", sa.JSON, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("place", "source", "author", "url", "licence", "ai_use")),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Text),
        sa.Column("based_on", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("live_from", sa.BigInteger),
        sa.Column("live_after", sa.BigInteger),
        sa.PrimaryKeyConstraint("content_id", "version", name="pk_content_versions"),
        _refers("content_versions", "content_id", "contents"),
        _refers("content_versions", "author_id", "accounts"),
        _refers("content_versions", "created_by", "accounts"),
        _one_of("content_versions", "ai_use", ("none", "assisted", "generated")),
        sa.CheckConstraint("version >= 1", name="ck_content_versions_version"),
        sa.CheckConstraint("(live_from IS NULL) = (live_after IS NULL)", name="ck_content_versions_live"),
    )
    op.create_table(
        "kept_drafts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("based_on", sa.Integer, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kept_drafts"),
        _refers("kept_drafts", "content_id", "contents"),
        _refers("kept_drafts", "account_id", "accounts"),
    )
    op.create_index("ix_kept_drafts_content_id", "kept_drafts", ["content_id"])


def _create_routes() -> None:
    routes = op.create_table(
        "route_steps",
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("conditional", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("route", "position", name="pk_route_steps"),
        sa.UniqueConstraint("route", "step", name="uq_route_steps_route_step"),
    )
    rows = [
        {"route": route, "position": position, "step": step, "conditional": step == "science_review"}
        for route, steps in _ROUTES.items()
        for position, step in enumerate(steps, 1)
    ]
    op.bulk_insert(routes, rows)
    topics = op.create_table(
        "science_topics",
        sa.Column("topic", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_science_topics"),
    )
    op.bulk_insert(topics, [{"topic": topic} for topic in _SCIENCE_TOPICS])


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("science", sa.Boolean, nullable=False),
        sa.Column("basis", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("organisation_id", sa.Text),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.Text),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        _refers("reviews", "organisation_id", "organisations"),
        _refers("reviews", "opened_by", "accounts"),
        _refers_to_version("reviews"),
        _one_of("reviews", "route", _ROUTES),
        _one_of("reviews", "state", ("open", "passed", "returned", "cancelled")),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="ck_reviews_closed"),
        sa.CheckConstraint("(route = 'minor') = (basis IS NOT NULL)", name="ck_reviews_basis"),
    )
    op.create_index("ix_reviews_content_id_version", "reviews", ["content_id", "version"])
    op.create_index("ix_reviews_state_due_at", "reviews", ["state", "due_at"])
    _unique_where("reviews", "open", ["content_id"], "state = 'open'")


def _unique_where(table: str, name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"uq_{table}_{name}", table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def _create_steps() -> None:
    op.create_table(
        "review_steps",
        sa.Column("review_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("verdict", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("review_id", "position", name="pk_review_steps"),
        _refers("review_steps", "review_id", "reviews"),
        _refers("review_steps", "claimed_by", "accounts"),
        _refers("review_steps", "decided_by", "accounts"),
        _one_of("review_steps", "step", _STEPS),
        _one_of("review_steps", "verdict", ("passed", "returned")),
        _one_of("review_steps", "reason", _RETURNS),
        sa.UniqueConstraint("review_id", "step", name="uq_review_steps_review_id_step"),
        sa.UniqueConstraint("review_id", "decided_by", name="uq_review_steps_review_id_decided_by"),
        sa.CheckConstraint(
            "(claimed_by IS NULL) = (claimed_at IS NULL) AND (claimed_by IS NULL) = (claimed_until IS NULL)",
            name="ck_review_steps_claim",
        ),
        sa.CheckConstraint(
            "(verdict IS NULL) = (decided_by IS NULL) AND (verdict IS NULL) = (decided_at IS NULL)",
            name="ck_review_steps_decision",
        ),
        sa.CheckConstraint(
            "verdict IS NULL OR (claimed_by IS NOT NULL AND claimed_by = decided_by)", name="ck_review_steps_decider"
        ),
        sa.CheckConstraint(
            "(verdict IS NOT NULL AND verdict = 'returned') = (reason IS NOT NULL)", name="ck_review_steps_returned"
        ),
    )


def _create_comments() -> None:
    op.create_table(
        "review_comments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("review_id", sa.Text, nullable=False),
        sa.Column("step", sa.Text),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("quote", sa.Text),
        sa.Column("place", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_comments"),
        _refers("review_comments", "review_id", "reviews"),
        _refers("review_comments", "account_id", "accounts"),
        _refers("review_comments", "parent_id", "review_comments"),
        _one_of("review_comments", "step", _STEPS),
        sa.CheckConstraint("place >= 0", name="ck_review_comments_place"),
    )
    op.create_index("ix_review_comments_review_id", "review_comments", ["review_id"])


def _create_quarantines() -> None:
    op.create_table(
        "terms",
        sa.Column("term", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("term", name="pk_terms"),
        _one_of("terms", "severity", ("notice", "quarantine", "forbidden")),
    )
    op.create_table(
        "quarantines",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("hits", sa.JSON, nullable=False),
        sa.Column("liftable", sa.Boolean, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("lifted_at", sa.BigInteger),
        sa.Column("lifted_by", sa.Text),
        sa.Column("lift_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_quarantines"),
        _refers("quarantines", "lifted_by", "accounts"),
        _refers_to_version("quarantines"),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL)",
            name="ck_quarantines_lift",
        ),
        sa.CheckConstraint("lifted_at IS NULL OR liftable", name="ck_quarantines_liftable"),
    )
    _unique_where("quarantines", "held", ["content_id", "version"], "lifted_at IS NULL")


def _create_endings() -> None:
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tombstones"),
        _refers("tombstones", "content_id", "contents"),
        _refers("tombstones", "withdrawn_by", "accounts"),
        _one_of("tombstones", "reason", _WITHDRAWALS),
    )
    op.create_index("ix_tombstones_content_id", "tombstones", ["content_id"])
    op.create_table(
        "corrections",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("wrong_version", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("told_until", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        _refers("corrections", "made_by", "accounts"),
        _refers_to_version("corrections"),
        sa.UniqueConstraint("content_id", "version", name="uq_corrections_content_id_version"),
        sa.CheckConstraint("wrong_version >= 1 AND wrong_version < version", name="ck_corrections_wrong_version"),
    )


def _create_inbox() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Text, nullable=False),
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        _refers("notifications", "citizen_id", "citizens", ondelete="CASCADE"),
        _refers("notifications", "content_id", "contents"),
        sa.UniqueConstraint(
            "campaign", "occurrence", "citizen_id", name="uq_notifications_campaign_occurrence_citizen_id"
        ),
    )
    op.create_index("ix_notifications_content_id", "notifications", ["content_id"])
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("notification_id", sa.Text),
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("read_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_messages"),
        sa.UniqueConstraint("notification_id", name="uq_inbox_messages_notification_id"),
        _refers("inbox_messages", "notification_id", "notifications", ondelete="CASCADE"),
        _refers("inbox_messages", "citizen_id", "citizens", ondelete="CASCADE"),
        _refers("inbox_messages", "content_id", "contents"),
        _one_of("inbox_messages", "kind", ("correction",)),
    )
    op.create_index("ix_inbox_messages_citizen_id_created_at", "inbox_messages", ["citizen_id", "created_at"])
