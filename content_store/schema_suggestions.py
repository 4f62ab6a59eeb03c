"""The table of what was suggested about a wording: see ``content_store.suggestions``."""

from __future__ import annotations

import sqlalchemy as sa

from content_store.schema_base import metadata

suggestions = sa.Table(
    "suggestions",
    metadata,
    sa.Column("content_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("topic", sa.Text),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("prefecture", sa.Text),
    sa.Column("county", sa.Text),
    sa.Column("place_confidence", sa.Float, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["content_id", "version"], ["content_versions.content_id", "content_versions.version"], ondelete="CASCADE"
    ),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    sa.CheckConstraint("place_confidence BETWEEN 0 AND 1", name="place_confidence"),
    sa.CheckConstraint("county IS NULL OR prefecture IS NOT NULL", name="county"),
)
