"""The tables of uploads; what each row means is told by ``content_store.uploads.store``.

Instants are epoch milliseconds (UTC); people are ``accounts.id``, digests SHA-256 in hexadecimal.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store.schema_base import metadata, one_of
from content_store.upload_words import UploadKind

upload_files = sa.Table(
    "upload_files",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, sa.ForeignKey("upload_files.digest"), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    one_of("kind", UploadKind),
    sa.Index(None, "account_id", "at"),
)

pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("kept_at", sa.BigInteger, nullable=False, index=True),
    sa.CheckConstraint("width > 0 AND height > 0", name="size"),
)

# Of its own, so that what looks through pictures does not read through their bytes.
picture_files = sa.Table(
    "picture_files",
    metadata,
    sa.Column("digest", sa.Text, sa.ForeignKey("pictures.digest", ondelete="CASCADE"), primary_key=True),
    sa.Column("width", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

content_pictures = sa.Table(
    "content_pictures",
    metadata,
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), primary_key=True),
    sa.Column("digest", sa.Text, sa.ForeignKey("pictures.digest"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
