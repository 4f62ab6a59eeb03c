"""What those who work here may do, their sessions and failures to sign in, and the log of every change.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_START = "0" * 64
_CHANGE_REFUSED = "the audit log is append-only: its rows are not changed"
_DELETION_REFUSED = "the audit log is append-only: its rows are not deleted"
_LINK_REFUSED = "the audit log is a chain: a row follows the last one"
_CYCLE_REFUSED = "an organisation cannot be below itself"
_EMPTYING_REFUSED = "append-only tables are not emptied"

_LINKED = f"""
    NEW.seq IS NOT DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM audit_log)
    AND NEW.previous IS NOT DISTINCT FROM
    coalesce((SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1), '{_START}')
"""
_ABOVE = """
    NEW.parent_id IS NOT NULL AND NEW.id IN (
      WITH RECURSIVE up(id) AS (
        SELECT NEW.parent_id UNION
        SELECT o.parent_id FROM organisations o JOIN up ON o.id = up.id WHERE o.parent_id IS NOT NULL
      ) SELECT id FROM up)
"""
_SQLITE = (
    f"""
    CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, '{_CHANGE_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER audit_log_never_goes BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, '{_DELETION_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER audit_log_is_a_chain BEFORE INSERT ON audit_log
    WHEN NOT ({_LINKED.replace("IS NOT DISTINCT FROM", "IS")})
    BEGIN SELECT RAISE(ABORT, '{_LINK_REFUSED}'); END
    """,
    *(
        f"""
        CREATE TRIGGER organisations_are_a_tree_{name} BEFORE {occasion} ON organisations WHEN {_ABOVE}
        BEGIN SELECT RAISE(ABORT, '{_CYCLE_REFUSED}'); END
        """
        for name, occasion in (("at_first", "INSERT"), ("later", "UPDATE OF parent_id"))
    ),
)
_POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_log_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_CHANGE_REFUSED}'; END $$
    """,
    f"""
    CREATE FUNCTION audit_log_never_goes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_DELETION_REFUSED}'; END $$
    """,
    f"""
    CREATE FUNCTION append_only_never_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_EMPTYING_REFUSED}'; END $$
    """,
    f"""
    CREATE FUNCTION audit_log_is_a_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT ({_LINKED}) THEN RAISE EXCEPTION '{_LINK_REFUSED}'; END IF;
      RETURN NEW;
    END $$
    """,
    # The lock makes two moves, each right by itself, wait for one another; together they could close a ring.
    f"""
    CREATE FUNCTION organisations_are_a_tree() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(7355608002);
      IF {_ABOVE} THEN RAISE EXCEPTION '{_CYCLE_REFUSED}' USING ERRCODE = 'check_violation'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_never_changes()
    """,
    """
    CREATE TRIGGER audit_log_never_goes BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_never_goes()
    """,
    """
    CREATE TRIGGER audit_log_is_a_chain BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_a_chain()
    """,
    """
    CREATE TRIGGER organisations_are_a_tree BEFORE INSERT OR UPDATE OF parent_id ON organisations
    FOR EACH ROW EXECUTE FUNCTION organisations_are_a_tree()
    """,
    *(
        f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only_never_emptied()"
        for table in ("audit_log", "events", "ledger_entries")
    ),
)


def upgrade() -> None:
    """Make the tables, and the triggers that keep the log a chain and the organisations a tree."""
    op.add_column("accounts", sa.Column("temporary_until", sa.BigInteger))
    op.add_column("service_keys", sa.Column("expires_at", sa.BigInteger))
    op.create_index("ix_accounts_organisation_id", "accounts", ["organisation_id"])
    root = sa.text("parent_id IS NULL")
    op.create_index(
        "uq_organisations_root", "organisations", ["kind"], unique=True, sqlite_where=root, postgresql_where=root
    )
    _create_grants()
    _create_sessions()
    _create_failures()
    _create_log()
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "role", "organisation_id", name="pk_grants"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_grants_account_id_accounts"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_grants_organisation_id_organisations"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_grants_organisation_id", "grants", ["organisation_id"])


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("network", sa.Text),
        sa.Column("agent", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id_accounts"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_started_at", "sessions", ["started_at"])


def _create_failures() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("login_digest", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("login_digest", "device", name="pk_sign_in_failures"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sign_in_failures_account_id_accounts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sign_in_failures_account_id", "sign_in_failures", ["account_id"])
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"])


def _create_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("object_kind", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
        sa.UniqueConstraint("previous", name="uq_audit_log_previous"),
        sa.UniqueConstraint("hash", name="uq_audit_log_hash"),
    )
    op.create_index("ix_audit_log_object_kind_object_id_seq", "audit_log", ["object_kind", "object_id", "seq"])
    op.create_index("ix_audit_log_actor_seq", "audit_log", ["actor", "seq"])
