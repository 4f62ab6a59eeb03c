"""What works are told from copies by, and where each content was found.

Revision ID: 0011
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

_CURRENT = "ended_at IS NULL"
_UNIQUE = (
    ("guid", _CURRENT, "feed_id", "guid"),
    ("url", _CURRENT, "feed_id", "url"),
    ("upload", f"{_CURRENT} AND feed_id IS NULL", "account_id", "guid"),
    ("original", f"{_CURRENT} AND role = 'original'", "content_id"),
)


def _sequence() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=True, nullable=False)


def upgrade() -> None:
    """Make the tables; what is stored already gets its traces by ``originals.add_missing``."""
    op.create_table(
        "originals",
        _sequence(),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("trace", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_originals"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_originals_content_id_contents"),
    )
    op.create_index("ix_originals_content_id", "originals", ["content_id"])
    op.create_table(
        "original_prints",
        sa.Column("print", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("original_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("print", "original_id", name="pk_original_prints"),
        sqlite_with_rowid=False,
    )
    _make_sources()


def _make_sources() -> None:
    op.create_table(
        "content_sources",
        _sequence(),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("feed_id", sa.Text),
        sa.Column("account_id", sa.Text),
        sa.Column("guid", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("similarity", sa.Double, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_content_sources"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_content_sources_content_id_contents"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_content_sources_account_id_accounts"),
        sa.CheckConstraint("role = 'original' OR role = 'copy'", name="ck_content_sources_role"),
        sa.CheckConstraint("similarity >= 0 AND similarity <= 1", name="ck_content_sources_similarity"),
    )
    for columns in (["content_id"], ["url"], ["feed_id", "digest"]):
        op.create_index(f"ix_content_sources_{'_'.join(columns)}", "content_sources", columns)
    for name, condition, *columns in _UNIQUE:
        where = {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
        op.create_index(f"uq_content_sources_{name}", "content_sources", columns, unique=True, **where)
