"""What changed of contents and citizens, kept by the database itself.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A guest of whom nothing is declared is what everyone takes an unknown citizen for: not worth a row each.
_DECLARED = "NEW.minor OR NOT NEW.personalised OR NEW.birth_year IS NOT NULL OR NEW.prefecture IS NOT NULL"
_SWITCHED = " OR ".join(
    f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in ("minor", "personalised", "birth_year", "prefecture")
)
# Per trigger: table, kind, occasion, condition, and which row it is about.
_TRIGGERS = (
    ("contents", "content", "INSERT", "", "NEW"),
    ("contents", "content", "UPDATE", "", "NEW"),
    ("contents", "content", "DELETE", "", "OLD"),
    ("citizens", "citizen", "INSERT", _DECLARED, "NEW"),
    ("citizens", "citizen", "UPDATE", _SWITCHED, "NEW"),
    ("citizens", "citizen", "DELETE", "", "OLD"),
)


def upgrade() -> None:
    """Make the table, and the triggers that keep it."""
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("transaction", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sa.UniqueConstraint("kind", "id", name="uq_changes_kind_id"),
        sa.CheckConstraint("kind = 'content' OR kind = 'citizen'", name="ck_changes_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_transaction", "changes", ["transaction"])
    if op.get_bind().dialect.name == "sqlite":
        for trigger in _TRIGGERS:
            op.execute(_sqlite(*trigger))
    else:
        op.execute(_postgresql_function("NEW"))
        op.execute(_postgresql_function("OLD"))
        for trigger in _TRIGGERS:
            op.execute(_postgresql(*trigger))


def _sqlite(table: str, kind: str, occasion: str, condition: str, row: str) -> str:
    # SQLite before 3.39 knows IS NOT and no IS DISTINCT FROM.
    when = f"WHEN {condition.replace('IS DISTINCT FROM', 'IS NOT')}" if condition else ""
    return f"""
    CREATE TRIGGER {table}_{occasion.lower()}_is_a_change AFTER {occasion} ON {table} {when}
    BEGIN
      DELETE FROM changes WHERE kind = '{kind}' AND id = {row}.id;
      INSERT INTO changes (kind, id) VALUES ('{kind}', {row}.id);
    END
    """


def _postgresql_function(row: str) -> str:
    return f"""
    CREATE FUNCTION note_change_of_{row.lower()}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO changes (kind, id, transaction)
      VALUES (TG_ARGV[0], {row}.id, pg_current_xact_id()::text::bigint)
      ON CONFLICT (kind, id) DO UPDATE
      SET seq = nextval(pg_get_serial_sequence('changes', 'seq')), transaction = excluded.transaction;
      RETURN NULL;
    END $$
    """


def _postgresql(table: str, kind: str, occasion: str, condition: str, row: str) -> str:
    when = f"WHEN ({condition})" if condition else ""
    return f"""
    CREATE TRIGGER {table}_{occasion.lower()}_is_a_change AFTER {occasion} ON {table} FOR EACH ROW {when}
    EXECUTE FUNCTION note_change_of_{row.lower()}('{kind}')
    """
