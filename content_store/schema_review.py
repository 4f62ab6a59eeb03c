"""The tables of review and publishing; what the database refuses of them is told in migration 0012 and decision 0077.

Instants are epoch milliseconds (UTC); ids are text. People are ``accounts.id``, organisations ``organisations.id``.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store.review_words import (
    AiUse,
    InboxKind,
    ReturnReason,
    ReviewState,
    ReviewStep,
    Route,
    Severity,
    Verdict,
    WithdrawReason,
)
from content_store.schema_base import metadata, one_of


def _account(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey("accounts.id"), nullable=nullable)


def _version() -> sa.ForeignKeyConstraint:
    columns = ["content_id", "version"]
    return sa.ForeignKeyConstraint(columns, ["content_versions.content_id", "content_versions.version"])


content_versions = sa.Table(
    "content_versions",
    metadata,
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("topic", sa.Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("place", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("author", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("licence", sa.Text),
    sa.Column("ai_use", sa.Text),
    sa.Column("length", sa.Integer, nullable=False),
    _account("author_id", nullable=True),
    sa.Column("based_on", sa.Integer),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    _account("created_by", nullable=True),
    sa.Column("live_from", sa.BigInteger),
    sa.Column("live_after", sa.BigInteger),
    one_of("ai_use", AiUse),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint("(live_from IS NULL) = (live_after IS NULL)", name="live"),
)

kept_drafts = sa.Table(
    "kept_drafts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False, index=True),
    _account("account_id"),
    sa.Column("based_on", sa.Integer, nullable=False),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

route_steps = sa.Table(
    "route_steps",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("conditional", sa.Boolean, nullable=False),
    sa.UniqueConstraint("route", "step"),
)

science_topics = sa.Table("science_topics", metadata, sa.Column("topic", sa.Text, primary_key=True))

_open = sa.text("state = 'open'")

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("science", sa.Boolean, nullable=False),
    sa.Column("basis", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("organisation_id", sa.Text, sa.ForeignKey("organisations.id")),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    _account("opened_by", nullable=True),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("closed_at", sa.BigInteger),
    _version(),
    one_of("route", Route),
    one_of("state", ReviewState),
    sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    sa.CheckConstraint("(route = 'minor') = (basis IS NOT NULL)", name="basis"),
    sa.Index(None, "content_id", "version"),
    sa.Index(None, "state", "due_at"),
    # One review of a content at a time: the database itself sees to it.
    sa.Index("uq_reviews_open", "content_id", unique=True, sqlite_where=_open, postgresql_where=_open),
)

review_steps = sa.Table(
    "review_steps",
    metadata,
    sa.Column("review_id", sa.Text, sa.ForeignKey("reviews.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Text, nullable=False),
    _account("claimed_by", nullable=True),
    sa.Column("claimed_at", sa.BigInteger),
    sa.Column("claimed_until", sa.BigInteger),
    _account("decided_by", nullable=True),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("verdict", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("note", sa.Text),
    one_of("step", ReviewStep),
    one_of("verdict", Verdict),
    one_of("reason", ReturnReason),
    sa.UniqueConstraint("review_id", "step"),
    # No two steps of one review by one person.
    sa.UniqueConstraint("review_id", "decided_by"),
    sa.CheckConstraint(
        "(claimed_by IS NULL) = (claimed_at IS NULL) AND (claimed_by IS NULL) = (claimed_until IS NULL)", name="claim"
    ),
    sa.CheckConstraint(
        "(verdict IS NULL) = (decided_by IS NULL) AND (verdict IS NULL) = (decided_at IS NULL)", name="decision"
    ),
    # Who decides is who had claimed it.
    sa.CheckConstraint("verdict IS NULL OR (claimed_by IS NOT NULL AND claimed_by = decided_by)", name="decider"),
    sa.CheckConstraint("(verdict IS NOT NULL AND verdict = 'returned') = (reason IS NOT NULL)", name="returned"),
)

review_comments = sa.Table(
    "review_comments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("review_id", sa.Text, sa.ForeignKey("reviews.id"), nullable=False, index=True),
    sa.Column("step", sa.Text),
    _account("account_id"),
    sa.Column("parent_id", sa.Text, sa.ForeignKey("review_comments.id")),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("quote", sa.Text),
    sa.Column("place", sa.Integer),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    one_of("step", ReviewStep),
    sa.CheckConstraint("place >= 0", name="place"),
)

terms = sa.Table(
    "terms",
    metadata,
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    one_of("severity", Severity),
)

_held = sa.text("lifted_at IS NULL")

quarantines = sa.Table(
    "quarantines",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("hits", sa.JSON, nullable=False),
    sa.Column("liftable", sa.Boolean, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("lifted_at", sa.BigInteger),
    _account("lifted_by", nullable=True),
    sa.Column("lift_reason", sa.Text),
    _version(),
    sa.CheckConstraint(
        "(lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL)", name="lift"
    ),
    sa.CheckConstraint("lifted_at IS NULL OR liftable", name="liftable"),
    sa.Index("uq_quarantines_held", "content_id", "version", unique=True, sqlite_where=_held, postgresql_where=_held),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False, index=True),
    # The newest wording at that time, 0 where there was none: all up to it are gone for good.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _account("withdrawn_by"),
    sa.Column("withdrawn_at", sa.BigInteger, nullable=False),
    one_of("reason", WithdrawReason),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("wrong_version", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _account("made_by"),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("published_at", sa.BigInteger),
    # Up to which place of the log of events its readers were looked for, and until when late ones are waited for.
    sa.Column("told_until", sa.BigInteger),
    sa.Column("closed_at", sa.BigInteger),
    _version(),
    sa.UniqueConstraint("content_id", "version"),
    sa.CheckConstraint("wrong_version >= 1 AND wrong_version < version", name="wrong_version"),
)

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("occurrence", sa.Text, nullable=False),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id", ondelete="CASCADE"), nullable=False),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), index=True),
    # No check of its values: those who send bring new ones, and SQLite would copy the table for each.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("campaign", "occurrence", "citizen_id"),
)

inbox_messages = sa.Table(
    "inbox_messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("notification_id", sa.Text, sa.ForeignKey("notifications.id", ondelete="CASCADE"), unique=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id")),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("read_at", sa.BigInteger),
    sa.Column("expires_at", sa.BigInteger),
    one_of("kind", InboxKind),
    sa.Index(None, "citizen_id", "created_at"),
)
