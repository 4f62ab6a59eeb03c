"""The creator alliance: members, how they came there, what they hand in on a day, calls of the two series.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATES = ("applied", "admitted", "refused", "suspended", "left")
_LICENCES = ("alliance", "cc_by", "cc_by_sa", "cc_by_nc", "cc_by_nd", "public_domain")
_AI_USES = ("none", "assisted", "generated")
_SERIES = ("invited", "open")


def upgrade() -> None:
    """Make the tables."""
    _create_creators()
    _create_history()
    _create_calls()
    _create_answers()


def _one_of(table: str, column: str, values: Iterable[str]) -> sa.CheckConstraint:
    return sa.CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=f"ck_{table}_{column}")


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _create_creators() -> None:
    op.create_table(
        "creators",
        _text("account_id"),
        _text("state"),
        sa.Column("trust", sa.Integer, nullable=False),
        sa.Column("expertise", sa.JSON, nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("samples", sa.JSON, nullable=False),
        _text("statement", nullable=True),
        _text("licence"),
        _text("ai_use"),
        sa.Column("revision", sa.Integer, nullable=False),
        _instant("applied_at"),
        _instant("admitted_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", name="pk_creators"),
        _refers("creators", "account_id", "accounts"),
        _one_of("creators", "state", _STATES),
        _one_of("creators", "licence", _LICENCES),
        _one_of("creators", "ai_use", _AI_USES),
        sa.CheckConstraint("trust BETWEEN 0 AND 2", name="ck_creators_trust"),
    )
    op.create_index("ix_creators_state_applied_at", "creators", ["state", "applied_at"])


def _create_history() -> None:
    op.create_table(
        "creator_history",
        _text("id"),
        _text("account_id"),
        _text("state"),
        sa.Column("trust", sa.Integer, nullable=False),
        _text("reason", nullable=True),
        _text("actor"),
        _instant("at"),
        sa.PrimaryKeyConstraint("id", name="pk_creator_history"),
        _refers("creator_history", "account_id", "accounts"),
        _one_of("creator_history", "state", _STATES),
    )
    op.create_index("ix_creator_history_account_id_id", "creator_history", ["account_id", "id"])
    op.create_table(
        "creator_days",
        _text("account_id"),
        _text("day"),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", name="pk_creator_days"),
        _refers("creator_days", "account_id", "accounts"),
        sa.CheckConstraint("taken >= 0", name="ck_creator_days_taken"),
    )


def _create_calls() -> None:
    op.create_table(
        "calls",
        _text("id"),
        _text("series"),
        _text("title"),
        _text("brief", nullable=True),
        _text("topic", nullable=True),
        _text("organisation_id"),
        _instant("opens_at"),
        _instant("deadline_at"),
        sa.Column("most_entries", sa.Integer, nullable=False),
        _instant("created_at"),
        _instant("cancelled_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        _refers("calls", "organisation_id", "organisations"),
        _one_of("calls", "series", _SERIES),
        sa.CheckConstraint("deadline_at > opens_at", name="ck_calls_deadline"),
        sa.CheckConstraint("most_entries >= 1", name="ck_calls_most_entries"),
    )
    op.create_index("ix_calls_deadline_at", "calls", ["deadline_at"])


def _create_answers() -> None:
    op.create_table(
        "call_invitations",
        _text("call_id"),
        _text("account_id"),
        _instant("invited_at"),
        _instant("answered_at", nullable=True),
        sa.Column("accepted", sa.Boolean),
        sa.PrimaryKeyConstraint("call_id", "account_id", name="pk_call_invitations"),
        _refers("call_invitations", "call_id", "calls"),
        _refers("call_invitations", "account_id", "accounts"),
        sa.CheckConstraint("(answered_at IS NULL) = (accepted IS NULL)", name="ck_call_invitations_answer"),
    )
    op.create_index("ix_call_invitations_account_id", "call_invitations", ["account_id"])
    op.create_table(
        "call_entries",
        _text("call_id"),
        _text("content_id"),
        _text("account_id"),
        _instant("entered_at"),
        _instant("withdrawn_at", nullable=True),
        sa.PrimaryKeyConstraint("call_id", "content_id", name="pk_call_entries"),
        _refers("call_entries", "call_id", "calls"),
        _refers("call_entries", "content_id", "contents"),
        _refers("call_entries", "account_id", "accounts"),
    )
    op.create_index("ix_call_entries_call_id_account_id", "call_entries", ["call_id", "account_id"])
