"""The tables of feeds and of the hosts that they are fetched from.

Instants are epoch milliseconds (UTC); ids are text. Portable between SQLite and PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store.schema_base import metadata, one_of
from content_store.vocabulary import FeedState

fetch_hosts = sa.Table(
    "fetch_hosts",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
    sa.Column("lease_ms", sa.BigInteger, nullable=False),
    sa.Column("rest_from", sa.BigInteger),
    sa.Column("rest_until", sa.BigInteger),
    sa.CheckConstraint("(rest_from IS NULL) = (rest_until IS NULL)", name="rest"),
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False, unique=True),
    sa.Column("host", sa.Text, sa.ForeignKey("fetch_hosts.host"), nullable=False),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("organisation_id", sa.Text, sa.ForeignKey("organisations.id"), nullable=False),
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
    one_of("state", FeedState),
    # No check of the values of problem: there will be new ones, and SQLite would copy the table for each.
    sa.CheckConstraint("(problem IS NULL) = (error IS NULL)", name="problem"),
    sa.CheckConstraint("(failures > 0) = (problem IS NOT NULL)", name="failures"),
    sa.CheckConstraint("interval_ms > 0", name="interval_ms"),
    sa.Index(None, "state", "next_at"),
    sa.Index(None, "host"),
    sa.Index(None, "account_id"),
)
