"""The tables of the creator alliance; what each row means is told by ``content_store.alliance``.

Instants are epoch milliseconds (UTC), days are those of Shanghai; people are ``accounts.id``.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store.creator_words import Licence, Membership, SeriesKind
from content_store.review_words import AiUse
from content_store.schema_base import metadata, one_of


def _account(name: str = "account_id", *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey("accounts.id"), nullable=False, primary_key=primary_key)


creators = sa.Table(
    "creators",
    metadata,
    _account(primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("trust", sa.Integer, nullable=False),
    sa.Column("expertise", sa.JSON, nullable=False),
    sa.Column("channels", sa.JSON, nullable=False),
    sa.Column("samples", sa.JSON, nullable=False),
    sa.Column("statement", sa.Text),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("ai_use", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("applied_at", sa.BigInteger, nullable=False),
    sa.Column("admitted_at", sa.BigInteger),
    one_of("state", Membership),
    one_of("licence", Licence),
    one_of("ai_use", AiUse),
    sa.CheckConstraint("trust BETWEEN 0 AND 2", name="trust"),
    sa.Index(None, "state", "applied_at"),
)

creator_history = sa.Table(
    "creator_history",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _account(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("trust", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    one_of("state", Membership),
    sa.Index(None, "account_id", "id"),
)

creator_days = sa.Table(
    "creator_days",
    metadata,
    _account(primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.CheckConstraint("taken >= 0", name="taken"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("series", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("brief", sa.Text),
    sa.Column("topic", sa.Text),
    sa.Column("organisation_id", sa.Text, sa.ForeignKey("organisations.id"), nullable=False),
    sa.Column("opens_at", sa.BigInteger, nullable=False),
    sa.Column("deadline_at", sa.BigInteger, nullable=False),
    sa.Column("most_entries", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("cancelled_at", sa.BigInteger),
    one_of("series", SeriesKind),
    sa.CheckConstraint("deadline_at > opens_at", name="deadline"),
    sa.CheckConstraint("most_entries >= 1", name="most_entries"),
    sa.Index(None, "deadline_at"),
)

call_invitations = sa.Table(
    "call_invitations",
    metadata,
    sa.Column("call_id", sa.Text, sa.ForeignKey("calls.id"), primary_key=True),
    _account(primary_key=True),
    sa.Column("invited_at", sa.BigInteger, nullable=False),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("accepted", sa.Boolean),
    sa.CheckConstraint("(answered_at IS NULL) = (accepted IS NULL)", name="answer"),
    sa.Index(None, "account_id"),
)

call_entries = sa.Table(
    "call_entries",
    metadata,
    sa.Column("call_id", sa.Text, sa.ForeignKey("calls.id"), primary_key=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), primary_key=True),
    _account(),
    sa.Column("entered_at", sa.BigInteger, nullable=False),
    sa.Column("withdrawn_at", sa.BigInteger),
    sa.Index(None, "call_id", "account_id"),
)
