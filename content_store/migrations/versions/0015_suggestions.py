"""What was suggested about the wordings that wait for their editors.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "suggestions",
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("prefecture", sa.Text),
        sa.Column("county", sa.Text),
        sa.Column("place_confidence", sa.Float, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("content_id", "version", name="pk_suggestions"),
        sa.ForeignKeyConstraint(
            ["content_id", "version"],
            ["content_versions.content_id", "content_versions.version"],
            name="fk_suggestions_content_id_content_versions",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="ck_suggestions_confidence"),
        sa.CheckConstraint("place_confidence BETWEEN 0 AND 1", name="ck_suggestions_place_confidence"),
        sa.CheckConstraint("county IS NULL OR prefecture IS NOT NULL", name="ck_suggestions_county"),
    )
