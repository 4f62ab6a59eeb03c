"""Feeds of creators, and the hosts that they are fetched from.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATES = ("active", "failing", "paused", "gone")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "fetch_hosts",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("rest_from", sa.BigInteger),
        sa.Column("rest_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("host", name="pk_fetch_hosts"),
        sa.CheckConstraint("(rest_from IS NULL) = (rest_until IS NULL)", name="ck_fetch_hosts_rest"),
    )
    _make_feeds()


def _make_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("interval_ms", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("last_fetched_at", sa.BigInteger),
        sa.Column("last_changed_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sa.UniqueConstraint("url", name="uq_feeds_url"),
        sa.ForeignKeyConstraint(["host"], ["fetch_hosts.host"], name="fk_feeds_host_fetch_hosts"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_feeds_account_id_accounts"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_feeds_organisation_id_organisations"
        ),
        sa.CheckConstraint(" OR ".join(f"state = '{state}'" for state in _STATES), name="ck_feeds_state"),
        sa.CheckConstraint("(problem IS NULL) = (error IS NULL)", name="ck_feeds_problem"),
        sa.CheckConstraint("(failures > 0) = (problem IS NOT NULL)", name="ck_feeds_failures"),
        sa.CheckConstraint("interval_ms > 0", name="ck_feeds_interval_ms"),
    )
    for columns in (("state", "next_at"), ("host",), ("account_id",)):
        op.create_index(f"ix_feeds_{'_'.join(columns)}", "feeds", list(columns))
