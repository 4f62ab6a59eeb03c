"""What was uploaded, kept as it came, and the pictures that were made of it.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KINDS = ("markdown", "html", "docx", "picture")
_KEPT = ("uploads", "upload_files")


def upgrade() -> None:
    """Make the tables, and the triggers that keep originals as they came."""
    _create_uploads()
    _create_pictures()
    for table in _KEPT:
        for statement in _guards(table, op.get_bind().dialect.name):
            op.execute(statement)


def _create_uploads() -> None:
    op.create_table(
        "upload_files",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_upload_files"),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_id", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_uploads_account_id_accounts"),
        sa.ForeignKeyConstraint(["digest"], ["upload_files.digest"], name="fk_uploads_digest_upload_files"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_uploads_content_id_contents"),
        sa.CheckConstraint(" OR ".join(f"kind = '{kind}'" for kind in _KINDS), name="ck_uploads_kind"),
    )
    op.create_index("ix_uploads_digest", "uploads", ["digest"])
    op.create_index("ix_uploads_content_id", "uploads", ["content_id"])
    op.create_index("ix_uploads_account_id_at", "uploads", ["account_id", "at"])


def _create_pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_pictures"),
        sa.CheckConstraint("width > 0 AND height > 0", name="ck_pictures_size"),
    )
    op.create_index("ix_pictures_kept_at", "pictures", ["kept_at"])
    op.create_table(
        "picture_files",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", "width", name="pk_picture_files"),
        sa.ForeignKeyConstraint(
            ["digest"], ["pictures.digest"], ondelete="CASCADE", name="fk_picture_files_digest_pictures"
        ),
    )
    op.create_table(
        "content_pictures",
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("content_id", "digest", name="pk_content_pictures"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_content_pictures_content_id_contents"),
        sa.ForeignKeyConstraint(["digest"], ["pictures.digest"], name="fk_content_pictures_digest_pictures"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_content_pictures_digest", "content_pictures", ["digest"])


def _guards(table: str, dialect: str) -> tuple[str, ...]:
    """Statements after which rows of ``table`` are neither changed nor deleted."""
    said = f"{table} are kept as they came"
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_never_{what} BEFORE {on} ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END"
            for what, on in (("change", "UPDATE"), ("go", "DELETE"))
        )
    return (
        f"CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_stay()",
        f"CREATE TRIGGER {table}_never_empty BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_stay()",
    )
