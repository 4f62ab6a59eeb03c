"""The tables and nothing else: what each row means is told by the module of its noun.

All of them are named from here; those of people, feeds, what came in, uploads, review, suggestions and the
creator alliance stand in files of their own.
Instants are epoch milliseconds (UTC); ids are text. Portable between SQLite and PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa

from content_store import schema_creators as schema_creators
from content_store import schema_review as schema_review
from content_store import schema_suggestions as schema_suggestions
from content_store.review_words import ContentOrigin
from content_store.schema_base import Sequence as _Sequence
from content_store.schema_base import metadata as metadata
from content_store.schema_base import one_of as _one_of
from content_store.schema_feeds import feeds as feeds
from content_store.schema_feeds import fetch_hosts as fetch_hosts
from content_store.schema_originals import content_sources as content_sources
from content_store.schema_originals import fetched_files as fetched_files
from content_store.schema_originals import fetched_originals as fetched_originals
from content_store.schema_originals import original_prints as original_prints
from content_store.schema_originals import originals as originals
from content_store.schema_people import accounts as accounts
from content_store.schema_people import audit_log as audit_log
from content_store.schema_people import grants as grants
from content_store.schema_people import organisations as organisations
from content_store.schema_people import sessions as sessions
from content_store.schema_people import sign_in_failures as sign_in_failures
from content_store.schema_uploads import content_pictures as content_pictures
from content_store.schema_uploads import picture_files as picture_files
from content_store.schema_uploads import pictures as pictures
from content_store.schema_uploads import upload_files as upload_files
from content_store.schema_uploads import uploads as uploads
from content_store.vocabulary import CitizenKind, ContentStatus, EventKind, JobState, Role, ServiceKind, SharedCap

citizens = sa.Table(
    "citizens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("prefecture", sa.Text),
    sa.Column("birth_year", sa.Integer),
    sa.Column("minor", sa.Boolean, nullable=False),
    sa.Column("personalised", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    _one_of("kind", CitizenKind),
)

citizen_interests = sa.Table(
    "citizen_interests",
    metadata,
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
)

contents = sa.Table(
    "contents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("topic", sa.Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("place", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("author", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("published_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("origin", sa.Text, nullable=False, server_default=ContentOrigin.EDITOR.value),
    # The row of content_versions that it shows; none where it was imported and never reviewed.
    sa.Column("wording", sa.Integer),
    _one_of("status", ContentStatus),
    _one_of("origin", ContentOrigin),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint("status <> 'scheduled' OR published_at IS NOT NULL", name="scheduled"),
    sa.Index(None, "status", "published_at"),
    sa.Index(None, "status", "expires_at"),
)

contact = sa.text("kind <> 'impression'")
"""The events that are more than impressions; in the very words by which databases know the index that is for them."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id"), nullable=False),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("dwell_ms", sa.BigInteger),
    sa.Column("scroll", sa.Double),
    sa.Column("region", sa.Text),
    sa.Column("device", sa.Text),
    sa.Column("country", sa.Text),
    sa.Column("session", sa.Text),
    _one_of("kind", EventKind),
    sa.CheckConstraint("dwell_ms >= 0", name="dwell_ms"),
    sa.CheckConstraint("scroll BETWEEN 0 AND 1", name="scroll"),
    # A request asks for what its citizen did a moment ago; of what was shown to them there is twenty times as much.
    sa.Index("ix_events_contacts", "citizen_id", "seq", sqlite_where=contact, postgresql_where=contact),
    # A number is never given out twice, so that a reader of the log can go on after the last one it saw.
    sqlite_autoincrement=True,
)

forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("content_id", sa.Text, sa.ForeignKey("contents.id"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    # Of PostgreSQL, where what commits later may have a smaller seq.
    sa.Column("transaction", sa.BigInteger, index=True),
    sa.UniqueConstraint("kind", "id"),
    _one_of("kind", ("content", "citizen")),
    sqlite_autoincrement=True,
)

service_keys = sa.Table(
    "service_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("expires_at", sa.BigInteger),
    _one_of("role", Role),
)

occurrences = sa.Table(
    "occurrences",
    metadata,
    sa.Column("id", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
    sa.Column("lease_ms", sa.BigInteger, nullable=False),
    sa.Column("worker", sa.Text),
    sa.Column("retry_at", sa.BigInteger),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("note", sa.Text),
    sa.Column("error", sa.Text),
    _one_of("state", JobState),
    sa.UniqueConstraint("job", "due_at"),
    sa.Index(None, "state", "due_at"),
    # Of one job at most one occurrence runs at a time: the database itself sees to it.
    sa.Index(
        "ix_occurrences_running",
        "job",
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    ),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
    sa.Column("lease_ms", sa.BigInteger, nullable=False),
)

event_exposures = sa.Table(
    "event_exposures",
    metadata,
    sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), primary_key=True),
    sa.Column("slate", sa.Text, nullable=False),
    sa.Column("snapshot", sa.Text),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("propensity", sa.Double, nullable=False),
    sa.CheckConstraint("position >= 0", name="position"),
    sa.CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity"),
    sqlite_with_rowid=False,
)

_counted = sa.text("counted_as IS NOT NULL")

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizens.id"), nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("issued_at", sa.BigInteger),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("dwell_ms", sa.BigInteger),
    sa.Column("scroll", sa.Double),
    sa.Column("length", sa.Integer, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),
    sa.Column("guest", sa.Boolean, nullable=False),
    sa.Column("device_key", sa.Text),
    sa.Column("network_key", sa.Text),
    sa.Column("rule", sa.Integer, nullable=False),
    sa.Column("decided_at", sa.BigInteger, nullable=False),
    sa.Column("counted_as", sa.Text),
    # No check of its values, nor of those of a fact: rules bring new ones, and SQLite would copy the table for each.
    sa.Column("reason", sa.Text),
    _one_of("kind", ServiceKind),
    _one_of("counted_as", ServiceKind),
    sa.CheckConstraint("(counted_as IS NULL) <> (reason IS NULL)", name="verdict"),
    # The natural key: whatever the programme does, the database counts a citizen, an object and a day once.
    sa.Index(
        "uq_ledger_entries_counted",
        "citizen_id",
        "day",
        "object_id",
        unique=True,
        sqlite_where=_counted,
        postgresql_where=_counted,
    ),
    sa.Index(None, "day", "reason", "counted_as", "kind"),
    sqlite_with_rowid=False,
)

ledger_shares = sa.Table(
    "ledger_shares",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    _one_of("scope", SharedCap),
    sqlite_with_rowid=False,
)

daily_facts = sa.Table(
    "daily_facts",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("built_at", sa.BigInteger, nullable=False),
    _one_of("kind", ServiceKind),
    sqlite_with_rowid=False,
)
