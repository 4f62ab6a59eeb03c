"""The tables of works that came in: how they read, where they were found, and what was fetched, as it came.

Instants are epoch milliseconds (UTC); ids are text. Portable between SQLite and PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store.kept_words import KeptPart
from content_store.schema_base import Sequence, metadata, one_of
from content_store.vocabulary import SourceKind, SourceRole

originals = sa.Table(
    "originals",
    metadata,
    # Given out by who holds all works.
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False, index=True),
    sa.Column("work", sa.BigInteger, nullable=False, index=True),
    sa.Column("trace", sa.LargeBinary, nullable=False),
)

original_prints = sa.Table(
    "original_prints",
    metadata,
    sa.Column("print", sa.BigInteger, primary_key=True, autoincrement=False),
    # 0 where a print is common to too many. No foreign key: it would be looked up for each of some forty rows a work.
    sa.Column("work", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

_current = sa.text("ended_at IS NULL")
_current_original = sa.text("ended_at IS NULL AND role = 'original'")


def _unique_where(name: str, column: str, condition: sa.TextClause) -> sa.Index:
    return sa.Index(name, column, unique=True, sqlite_where=condition, postgresql_where=condition)


content_sources = sa.Table(
    "content_sources",
    metadata,
    sa.Column("id", Sequence, primary_key=True, autoincrement=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # Of a feed or an account; which table it is in depends on the kind.
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id")),
    sa.Column("guid", sa.Text),
    sa.Column("url", sa.Text),
    # Digests: what names an entry may be longer than PostgreSQL's indexes take.
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("place", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("similarity", sa.Double, nullable=False),
    sa.Column("published_at", sa.BigInteger),
    sa.Column("found_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    one_of("role", SourceRole),
    one_of("kind", SourceKind),
    sa.CheckConstraint("similarity >= 0 AND similarity <= 1", name="similarity"),
    # An entry may come to stand for another work: then it ends here, and begins anew.
    _unique_where("uq_content_sources_entry", "entry", _current),
    _unique_where("uq_content_sources_original", "content_id", _current_original),
    sa.Index(None, "place"),
)

fetched_files = sa.Table(
    "fetched_files",
    metadata,
    # SHA-256 in hexadecimal of ``size`` bytes: those of a whole document, or of a part that several have in common.
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    # Where it is in one piece ``data`` is that in the format of zlib (RFC 1950), otherwise the digests of its parts.
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("size >= 0", name="size"),
)

fetched_originals = sa.Table(
    "fetched_originals",
    metadata,
    sa.Column("id", Sequence, primary_key=True, autoincrement=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False, index=True),
    # No foreign key: what came from a feed stays when the feed is forgotten.
    sa.Column("feed_id", sa.Text, nullable=False),
    sa.Column("guid", sa.Text),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, sa.ForeignKey("fetched_files.digest"), nullable=False),
    sa.Column("fetched_at", sa.BigInteger, nullable=False),
    one_of("part", KeptPart),
)
