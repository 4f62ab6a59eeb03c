"""Occurrences of jobs, named leases, and contents that are scheduled and expire.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CHECKS = {
    "ck_contents_status": "status = 'draft' OR status = 'in_review' OR status = 'scheduled' OR status = 'published'"
    " OR status = 'expired' OR status = 'withdrawn'",
    "ck_contents_version": "version >= 1",
    "ck_contents_scheduled": "status <> 'scheduled' OR published_at IS NOT NULL",
}


def upgrade() -> None:
    """Let contents be scheduled and expire; make the tables of the clock."""
    _widen_contents()
    _create_occurrences()
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _widen_contents() -> None:
    expires_at = sa.Column("expires_at", sa.BigInteger)
    if op.get_bind().dialect.name == "sqlite":
        # The table is copied, and its triggers go with the old one.
        wanted = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'contents'"
        triggers = op.get_bind().exec_driver_sql(wanted).scalars().all()
        with op.batch_alter_table("contents", recreate="always", copy_from=_contents_without_checks()) as contents:
            contents.add_column(expires_at)
            for name, condition in _CHECKS.items():
                contents.create_check_constraint(name, sa.text(condition))
        for trigger in triggers:
            op.get_bind().exec_driver_sql(trigger)
    else:
        op.add_column("contents", expires_at)
        op.drop_constraint("ck_contents_status", "contents", type_="check")
        for name in ("ck_contents_status", "ck_contents_scheduled"):
            op.create_check_constraint(name, "contents", sa.text(_CHECKS[name]))
    op.create_index("ix_contents_status_expires_at", "contents", ["status", "expires_at"])


def _contents_without_checks() -> sa.Table:
    """The table as it is, to be copied; versions of SQLAlchemy differ in whether they read its checks."""
    table = sa.Table("contents", sa.MetaData(), autoload_with=op.get_bind())
    for constraint in [found for found in table.constraints if isinstance(found, sa.CheckConstraint)]:
        table.constraints.remove(constraint)
    return table


def _create_occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("retry_at", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("note", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_occurrences"),
        sa.UniqueConstraint("job", "due_at", name="uq_occurrences_job_due_at"),
        sa.CheckConstraint(
            "state = 'waiting' OR state = 'running' OR state = 'done' OR state = 'skipped' OR state = 'dead'",
            name="ck_occurrences_state",
        ),
    )
    op.create_index("ix_occurrences_state_due_at", "occurrences", ["state", "due_at"])
    running = sa.text("state = 'running'")
    op.create_index(
        "ix_occurrences_running", "occurrences", ["job"], unique=True, sqlite_where=running, postgresql_where=running
    )
