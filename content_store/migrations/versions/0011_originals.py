"""What works are told from copies by, and where each content was found.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CURRENT = "ended_at IS NULL"
_UNIQUE = (("entry", _CURRENT), ("content_id", f"{_CURRENT} AND role = 'original'"))


def upgrade() -> None:
    """Make the tables; what is stored already gets its traces by ``originals.add_missing``."""
    op.create_table(
        "originals",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("work", sa.BigInteger, nullable=False),
        sa.Column("trace", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_originals"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_originals_content_id_contents"),
    )
    for column in ("content_id", "work"):
        op.create_index(f"ix_originals_{column}", "originals", [column])
    op.create_table(
        "original_prints",
        sa.Column("print", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("work", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("print", "work", name="pk_original_prints"),
        sqlite_with_rowid=False,
    )
    _make_sources()


def _make_sources() -> None:
    sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "content_sources",
        sa.Column("id", sequence, autoincrement=True, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("guid", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("similarity", sa.Double, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_content_sources"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_content_sources_content_id_contents"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_content_sources_account_id_accounts"),
        sa.CheckConstraint("role = 'original' OR role = 'copy'", name="ck_content_sources_role"),
        sa.CheckConstraint("kind = 'feed' OR kind = 'upload'", name="ck_content_sources_kind"),
        sa.CheckConstraint("similarity >= 0 AND similarity <= 1", name="ck_content_sources_similarity"),
    )
    for column in ("content_id", "place"):
        op.create_index(f"ix_content_sources_{column}", "content_sources", [column])
    for column, condition in _UNIQUE:
        name = f"uq_content_sources_{'original' if column == 'content_id' else column}"
        where = sa.text(condition)
        op.create_index(name, "content_sources", [column], unique=True, sqlite_where=where, postgresql_where=where)
