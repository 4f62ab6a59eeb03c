"""The ledger, its daily facts, and what was shown where with which probability.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A transaction gets its own number before it draws a place in the log, so that a follower who knows which transactions
# are still open knows which places may still be filled (content_store/event_follower.py).
_NUMBERED_FIRST = """
    ALTER TABLE events ALTER COLUMN seq
    SET DEFAULT CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('events_seq_seq') END
"""

_CHANGED = "source_id citizen_id object_id kind length own guest device_key network_key"
_GROWS = "dwell_ms scroll"
_SQLITE_CONDITION = " OR ".join(
    [f"NEW.{name} IS NOT OLD.{name}" for name in _CHANGED.split()]
    + [f"(OLD.{name} IS NOT NULL AND (NEW.{name} IS NULL OR NEW.{name} < OLD.{name}))" for name in _GROWS.split()]
    + ["NEW.seen_at < OLD.seen_at"]
    + ["(OLD.issued_at IS NOT NULL AND (NEW.issued_at IS NOT OLD.issued_at OR NEW.day IS NOT OLD.day))"]
    + ["(OLD.counted_as IS NOT NULL AND NEW.counted_as IS NULL)"]
)
_CHANGES_REFUSED = "a ledger entry keeps what it is about, its evidence only grows, and what was counted stays counted"
_DELETION_REFUSED = "ledger entries are not deleted"
_SQLITE_GUARDS = (
    f"""
    CREATE TRIGGER ledger_entries_keep BEFORE UPDATE ON ledger_entries WHEN {_SQLITE_CONDITION}
    BEGIN SELECT RAISE(ABORT, '{_CHANGES_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER ledger_entries_never_go BEFORE DELETE ON ledger_entries
    BEGIN SELECT RAISE(ABORT, '{_DELETION_REFUSED}'); END
    """,
)
_POSTGRESQL_GUARDS = (
    f"""
    CREATE FUNCTION ledger_entries_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_CHANGES_REFUSED}'; END $$
    """,
    f"""
    CREATE FUNCTION ledger_entries_never_go() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_DELETION_REFUSED}'; END $$
    """,
    f"""
    CREATE TRIGGER ledger_entries_keep BEFORE UPDATE ON ledger_entries FOR EACH ROW
    WHEN ({_SQLITE_CONDITION.replace("IS NOT OLD", "IS DISTINCT FROM OLD")})
    EXECUTE FUNCTION ledger_entries_keep()
    """,
    """
    CREATE TRIGGER ledger_entries_never_go BEFORE DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_entries_never_go()
    """,
)


def upgrade() -> None:
    """Make the tables, and the triggers that keep what was counted."""
    _create_exposures()
    _create_entries()
    _index_entries()
    _create_shares()
    _create_facts()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE_GUARDS if sqlite else (*_POSTGRESQL_GUARDS, _NUMBERED_FIRST):
        op.execute(statement)


def _create_exposures() -> None:
    op.create_table(
        "event_exposures",
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("slate", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("propensity", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_event_exposures"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_exposures_event_id_events"),
        sa.CheckConstraint("position >= 0", name="ck_event_exposures_position"),
        sa.CheckConstraint("propensity > 0 AND propensity <= 1", name="ck_event_exposures_propensity"),
        sqlite_with_rowid=False,
    )


def _create_entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("issued_at", sa.BigInteger),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("dwell_ms", sa.BigInteger),
        sa.Column("scroll", sa.Double),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("guest", sa.Boolean, nullable=False),
        sa.Column("device_key", sa.Text),
        sa.Column("network_key", sa.Text),
        sa.Column("rule", sa.Integer, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("counted_as", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("source_id", name="pk_ledger_entries"),
        sa.ForeignKeyConstraint(["citizen_id"], ["citizens.id"], name="fk_ledger_entries_citizen_id_citizens"),
        sa.CheckConstraint("kind = 'opened' OR kind = 'read'", name="ck_ledger_entries_kind"),
        sa.CheckConstraint("counted_as = 'opened' OR counted_as = 'read'", name="ck_ledger_entries_counted_as"),
        sa.CheckConstraint("(counted_as IS NULL) <> (reason IS NULL)", name="ck_ledger_entries_verdict"),
        sqlite_with_rowid=False,
    )


def _index_entries() -> None:
    counted = sa.text("counted_as IS NOT NULL")
    op.create_index(
        "uq_ledger_entries_counted",
        "ledger_entries",
        ["citizen_id", "day", "object_id"],
        unique=True,
        sqlite_where=counted,
        postgresql_where=counted,
    )
    op.create_index(
        "ix_ledger_entries_day_reason_counted_as_kind", "ledger_entries", ["day", "reason", "counted_as", "kind"]
    )


def _create_shares() -> None:
    op.create_table(
        "ledger_shares",
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", "label", name="pk_ledger_shares"),
        sa.CheckConstraint("scope = 'device' OR scope = 'network'", name="ck_ledger_shares_scope"),
        sqlite_with_rowid=False,
    )


def _create_facts() -> None:
    op.create_table(
        "daily_facts",
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("built_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", "outcome", name="pk_daily_facts"),
        sa.CheckConstraint("kind = 'opened' OR kind = 'read'", name="ck_daily_facts_kind"),
        sqlite_with_rowid=False,
    )
