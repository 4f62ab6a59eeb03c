"""The rights of the role that the programme works with on PostgreSQL, where another role owns the tables.

The owner migrates by ``KEPU_MIGRATION_URL`` and gives the working role what it needs: rows of append-only tables can
then be neither changed nor deleted by any statement of the programme, and the triggers that say so not be taken away.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from content_store import schema

ALL = "SELECT, INSERT, UPDATE, DELETE"
APPEND_ONLY = {
    "audit_log": "SELECT, INSERT",
    # A reading that is sent again may grow, an entry be judged anew: a trigger says how far.
    "events": "SELECT, INSERT, UPDATE (dwell_ms, scroll)",
    "event_exposures": "SELECT, INSERT",
    "ledger_entries": "SELECT, INSERT, UPDATE",
    # What is decided stays: triggers say which of it may follow.
    "content_versions": "SELECT, INSERT, UPDATE (live_from, live_after)",
    "route_steps": "SELECT",
    "reviews": "SELECT, INSERT, UPDATE",
    "review_steps": "SELECT, INSERT, UPDATE",
    "review_comments": "SELECT, INSERT",
    "quarantines": "SELECT, INSERT, UPDATE",
    "tombstones": "SELECT, INSERT",
    "uploads": "SELECT, INSERT",
    "upload_files": "SELECT, INSERT",
    "fetched_originals": "SELECT, INSERT",
    "fetched_files": "SELECT, INSERT",
    "corrections": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
}
"""What the working role may do with these tables; with all others ``ALL``."""

FORBIDDEN = {
    "audit_log": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "events": ("DELETE", "TRUNCATE", "TRIGGER"),
    "ledger_entries": ("DELETE", "TRUNCATE", "TRIGGER"),
    "content_versions": ("DELETE", "TRUNCATE", "TRIGGER"),
    "route_steps": ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "reviews": ("DELETE", "TRUNCATE", "TRIGGER"),
    "review_steps": ("DELETE", "TRUNCATE", "TRIGGER"),
    "tombstones": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "fetched_originals": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
    "fetched_files": ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"),
}
"""What it must not be able to do, whoever gave it rights."""

_HOLDS = "SELECT has_table_privilege(current_user, :table, :right)"
_OWNS = """
    SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = CAST(:table AS regclass)
"""
_KNOWN = "SELECT rolname FROM pg_roles WHERE rolname = :role"


def working_role(owner: URL, working: URL) -> str | None:
    """The role that is given rights by the owner; None where both URLs are those of one role."""
    return working.username if working.username and working.username != owner.username else None


def give(connection: Connection, role: str) -> None:
    """Let ``role`` work with the tables, and take from it whatever is more than that; by the owner's connection."""
    if connection.execute(sa.text(_KNOWN), {"role": role}).first() is None:
        raise LookupError(role)
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {quoted}")
    connection.exec_driver_sql(f"REVOKE CREATE ON SCHEMA public FROM {quoted}")
    connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}")
    for table in [*schema.metadata.tables, "alembic_version"]:
        connection.exec_driver_sql(f"GRANT {APPEND_ONLY.get(table, ALL)} ON {table} TO {quoted}")
    connection.exec_driver_sql(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")


def excess(connection: Connection) -> list[str]:
    """What the role of this connection may do with append-only tables beyond its work; none on SQLite."""
    if connection.dialect.name == "sqlite":
        return []
    found = []
    for table, rights in FORBIDDEN.items():
        if connection.execute(sa.text(_OWNS), {"table": table}).scalar():
            found.append(f"owns {table}")
            continue
        held = [
            right for right in rights if connection.execute(sa.text(_HOLDS), {"table": table, "right": right}).scalar()
        ]
        if held:
            found.append(f"may {', '.join(held)} {table}")
    return found
