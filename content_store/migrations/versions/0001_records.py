"""Citizens, contents and the append-only events.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE_GUARDS = (
    """
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    WHEN NEW.seq IS NOT OLD.seq OR NEW.id IS NOT OLD.id OR NEW.citizen_id IS NOT OLD.citizen_id
      OR NEW.content_id IS NOT OLD.content_id OR NEW.kind IS NOT OLD.kind OR NEW.at IS NOT OLD.at
      OR NEW.received_at IS NOT OLD.received_at OR NEW.region IS NOT OLD.region OR NEW.device IS NOT OLD.device
      OR NEW.country IS NOT OLD.country OR NEW.session IS NOT OLD.session
      OR (OLD.dwell_ms IS NOT NULL AND (NEW.dwell_ms IS NULL OR NEW.dwell_ms < OLD.dwell_ms))
      OR (OLD.scroll IS NOT NULL AND (NEW.scroll IS NULL OR NEW.scroll < OLD.scroll))
    BEGIN SELECT RAISE(ABORT, 'events are append-only: only dwell_ms and scroll may grow'); END
    """,
    """
    CREATE TRIGGER events_never_go BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only: they are not deleted'); END
    """,
)
_POSTGRESQL_GUARDS = (
    """
    CREATE FUNCTION events_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are append-only: only dwell_ms and scroll may grow'; END $$
    """,
    """
    CREATE FUNCTION events_never_go() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are append-only: they are not deleted'; END $$
    """,
    """
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events FOR EACH ROW
    WHEN ((NEW.seq, NEW.id, NEW.citizen_id, NEW.content_id, NEW.kind, NEW.at, NEW.received_at, NEW.region, NEW.device,
           NEW.country, NEW.session)
          IS DISTINCT FROM
          (OLD.seq, OLD.id, OLD.citizen_id, OLD.content_id, OLD.kind, OLD.at, OLD.received_at, OLD.region, OLD.device,
           OLD.country, OLD.session)
      OR (OLD.dwell_ms IS NOT NULL AND (NEW.dwell_ms IS NULL OR NEW.dwell_ms < OLD.dwell_ms))
      OR (OLD.scroll IS NOT NULL AND (NEW.scroll IS NULL OR NEW.scroll < OLD.scroll)))
    EXECUTE FUNCTION events_never_change()
    """,
    "CREATE TRIGGER events_never_go BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_never_go()",
)


def upgrade() -> None:
    """Make the tables, and the triggers that keep events append-only."""
    _create_citizens()
    _create_contents()
    _create_events()
    guards = _SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_GUARDS
    for statement in guards:
        op.execute(statement)


def _create_citizens() -> None:
    op.create_table(
        "citizens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("prefecture", sa.Text),
        sa.Column("birth_year", sa.Integer),
        sa.Column("minor", sa.Boolean, nullable=False),
        sa.Column("personalised", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_citizens"),
        sa.CheckConstraint("kind = 'guest' OR kind = 'registered'", name="ck_citizens_kind"),
    )
    op.create_table(
        "citizen_interests",
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "topic", name="pk_citizen_interests"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], ondelete="CASCADE", name="fk_citizen_interests_citizen_id_citizens"
        ),
    )


def _create_contents() -> None:
    op.create_table(
        "contents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("author", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contents"),
        sa.CheckConstraint(
            "status = 'draft' OR status = 'in_review' OR status = 'published' OR status = 'withdrawn'",
            name="ck_contents_status",
        ),
        sa.CheckConstraint("version >= 1", name="ck_contents_version"),
    )
    op.create_index("ix_contents_status_published_at", "contents", ["status", "published_at"])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("dwell_ms", sa.BigInteger),
        sa.Column("scroll", sa.Double),
        sa.Column("region", sa.Text),
        sa.Column("device", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("session", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sa.ForeignKeyConstraint(["citizen_id"], ["citizens.id"], name="fk_events_citizen_id_citizens"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_events_content_id_contents"),
        sa.CheckConstraint(
            "kind = 'impression' OR kind = 'click' OR kind = 'read' OR kind = 'save' OR kind = 'like' OR kind = 'share'"
            " OR kind = 'comment' OR kind = 'follow' OR kind = 'not_interested' OR kind = 'report'",
            name="ck_events_kind",
        ),
        sa.CheckConstraint("dwell_ms >= 0", name="ck_events_dwell_ms"),
        sa.CheckConstraint("scroll BETWEEN 0 AND 1", name="ck_events_scroll"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_citizen_id_at", "events", ["citizen_id", "at"])
