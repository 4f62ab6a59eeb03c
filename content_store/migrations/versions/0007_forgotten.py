"""What citizens want forgotten of what they read; each such wish is a change of theirs.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the triggers that tell followers of it."""
    op.create_table(
        "forgotten",
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "content_id", name="pk_forgotten"),
        sa.ForeignKeyConstraint(
            ["citizen_id"], ["citizens.id"], name="fk_forgotten_citizen_id_citizens", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_forgotten_content_id_contents"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_sqlite("INSERT", "NEW"))
        op.execute(_sqlite("DELETE", "OLD"))
        return
    op.execute(_FUNCTION)
    for occasion in ("INSERT", "DELETE"):
        op.execute(
            f"CREATE TRIGGER forgotten_{occasion.lower()}_is_a_change AFTER {occasion} ON forgotten"
            " FOR EACH ROW EXECUTE FUNCTION note_change_of_history()"
        )


def _sqlite(occasion: str, row: str) -> str:
    return f"""
    CREATE TRIGGER forgotten_{occasion.lower()}_is_a_change AFTER {occasion} ON forgotten
    BEGIN
      DELETE FROM changes WHERE kind = 'citizen' AND id = {row}.citizen_id;
      INSERT INTO changes (kind, id) VALUES ('citizen', {row}.citizen_id);
    END
    """


_FUNCTION = """
    CREATE FUNCTION note_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      whom text;
    BEGIN
      IF TG_OP = 'DELETE' THEN whom := OLD.citizen_id; ELSE whom := NEW.citizen_id; END IF;
      INSERT INTO changes (kind, id, transaction)
      VALUES ('citizen', whom, pg_current_xact_id()::text::bigint)
      ON CONFLICT (kind, id) DO UPDATE
      SET seq = nextval(pg_get_serial_sequence('changes', 'seq')), transaction = excluded.transaction;
      RETURN NULL;
    END $$
"""
