"""What was fetched and became a content, kept as it came.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEPT = {"fetched_originals": "id", "fetched_files": "digest"}
"""By their keys."""


def upgrade() -> None:
    """Make the tables, and the triggers that keep originals as they came."""
    op.create_table(
        "fetched_files",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_fetched_files"),
        sa.CheckConstraint("size >= 0", name="ck_fetched_files_size"),
    )
    op.create_table(
        "fetched_originals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("feed_id", sa.Text, nullable=False),
        sa.Column("guid", sa.Text),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fetched_originals"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_fetched_originals_content_id_contents"),
        sa.ForeignKeyConstraint(["digest"], ["fetched_files.digest"], name="fk_fetched_originals_digest_fetched_files"),
        sa.CheckConstraint("part = 'feed' OR part = 'page'", name="ck_fetched_originals_part"),
    )
    op.create_index("ix_fetched_originals_content_id", "fetched_originals", ["content_id"])
    for table, key in _KEPT.items():
        for statement in _guards(table, key, op.get_bind().dialect.name):
            op.execute(statement)


def _guards(table: str, key: str, dialect: str) -> tuple[str, ...]:
    """Statements after which rows of ``table`` are neither changed nor deleted."""
    said = f"{table} are kept as they came"
    if dialect == "sqlite":
        # What INSERT OR REPLACE takes away no trigger of deletions sees.
        there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"
        return (
            f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END",
            f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END",
            f"CREATE TRIGGER {table}_never_replaced BEFORE INSERT ON {table} {there} BEGIN SELECT RAISE(IGNORE); END",
        )
    return (
        f"CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_stay()",
        f"CREATE TRIGGER {table}_never_empty BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_stay()",
    )
