"""Two roles on PostgreSQL: one owns the tables, the other works with them and can do no more than its work."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from content_store import audit, citizens, contents, events, organisations, rights
from content_store.db import Database, bring_up_to_date, excess_rights, open_database, try_writing
from content_store.errors import DatabaseError, SettingsError
from content_store.events import Event
from content_store.schema import metadata
from content_store.settings import Settings, load_settings
from content_store.vocabulary import ContentStatus, EventKind
from tests.support.servers import Postgres
from web import cli

pytestmark = pytest.mark.backend("postgresql")

REFUSED = (
    "UPDATE audit_log SET after = NULL",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
    "DROP TRIGGER audit_log_never_changes ON audit_log",
    "DROP TRIGGER audit_log_is_a_chain ON audit_log",
    "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "ALTER TABLE audit_log DROP COLUMN hash",
    "ALTER TABLE audit_log OWNER TO CURRENT_USER",
    "CREATE TRIGGER mine BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_never_goes()",
    "CREATE OR REPLACE FUNCTION audit_log_never_goes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
    "CREATE TABLE mine (x integer)",
    "DROP TABLE audit_log",
    "SET session_replication_role = replica",
    "DELETE FROM events",
    "TRUNCATE events CASCADE",
    "UPDATE events SET citizen_id = 'other'",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "DELETE FROM event_exposures",
    "UPDATE alembic_version SET version_num = '0001'",
)


@pytest.fixture
def two_roles(
    postgres_server: Postgres, migrated_postgresql: str, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Settings with the URLs of both, over a database that only the owner has worked with until now."""
    name = postgres_server.database(migrated_postgresql)
    role = f"worker_{name}"
    owner = postgres_server.url(name)
    with psycopg.connect(host=str(postgres_server.folder), user="kepu", dbname=name, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    yield load_settings({"KEPU_DATABASE_URL": owner.replace("kepu@", f"{role}@"), "KEPU_MIGRATION_URL": owner})
    postgres_server.drop(name)
    with psycopg.connect(
        host=str(postgres_server.folder), user="kepu", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"DROP ROLE {role}".encode())


@pytest.fixture
def working(two_roles: Settings) -> Iterator[Database]:
    """The database as the programme reaches it, once the owner has given it its rights."""
    bring_up_to_date(two_roles)
    opened = open_database(two_roles)
    yield opened
    opened.close()


def test_the_programmes_role_works_and_can_do_no_more(working: Database) -> None:
    with working.begin() as connection:
        organisations.seed(connection, actor="cli:tests")
        citizens.ensure(connection, ["c"])
        contents.create(connection, id="a", title="熊猫", status=ContentStatus.PUBLISHED)
        events.append(
            connection, [Event(id="e", citizen_id="c", content_id="a", kind=EventKind.READ, at=5, dwell_ms=1)]
        )
    with working.begin() as connection:
        events.append(
            connection, [Event(id="e", citizen_id="c", content_id="a", kind=EventKind.READ, at=5, dwell_ms=9)]
        )
        assert connection.scalar(sa.text("SELECT dwell_ms FROM events")) == 9
        head = audit.head(connection)
    try_writing(working)
    assert excess_rights(working) == []
    for statement in REFUSED:
        with pytest.raises(sa.exc.ProgrammingError) as caught, working.begin() as connection:
            connection.execute(sa.text(statement))
        assert "permission denied" in str(caught.value) or "must be owner" in str(caught.value), statement
    with working.begin() as connection:
        # Only warned about by PostgreSQL; it gives nothing.
        connection.execute(sa.text("GRANT DELETE ON audit_log TO CURRENT_USER"))
    assert excess_rights(working) == []
    with working.snapshot() as connection:
        found = audit.verify(connection, head.hash)
    assert (found.rows, found.flaws) == (22, ())


def test_the_command_line_migrates_by_the_owner_and_the_doctor_is_content(
    two_roles: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", two_roles.database_url)
    monkeypatch.setenv("KEPU_MIGRATION_URL", str(two_roles.migration_url))
    for command in ("migrate", "doctor"):
        with pytest.raises(SystemExit) as ended:
            cli.main([command])
        assert not ended.value.code
    assert "✓ database rights: append-only tables cannot be changed" in capsys.readouterr().out


def test_every_table_can_be_read_and_written_to(working: Database) -> None:
    with working.connect() as connection:
        for table in metadata.tables:
            for right in ("SELECT", "INSERT"):
                wanted = sa.text("SELECT has_table_privilege(current_user, :table, :right)")
                assert connection.scalar(wanted, {"table": table, "right": right}), table


def test_one_role_alone_works_by_triggers_and_the_doctor_can_tell(postgresql_database: Database) -> None:
    assert excess_rights(postgresql_database) == ["owns audit_log", "owns events", "owns ledger_entries"]


def test_rights_that_were_given_by_hand_are_told_and_taken_back(two_roles: Settings, working: Database) -> None:
    role = working.engine.url.username
    owner = open_database(load_settings({"KEPU_DATABASE_URL": str(two_roles.migration_url)}))
    try:
        with owner.begin() as connection:
            connection.execute(sa.text(f"GRANT ALL ON audit_log TO {role}"))
        assert excess_rights(working) == ["may UPDATE, DELETE, TRUNCATE, TRIGGER audit_log"]
        bring_up_to_date(two_roles)
        assert excess_rights(working) == []
    finally:
        owner.close()


def test_an_empty_database_is_made_by_its_owner(postgres_server: Postgres) -> None:
    name = postgres_server.database()
    owner = postgres_server.url(name)
    settings = load_settings(
        {"KEPU_DATABASE_URL": owner.replace("kepu@", f"late_{name}@"), "KEPU_MIGRATION_URL": owner}
    )
    with pytest.raises(DatabaseError, match=f"no role late_{name}") as caught:
        bring_up_to_date(settings)
    assert "CREATE ROLE" in caught.value.hint
    with psycopg.connect(host=str(postgres_server.folder), user="kepu", dbname=name, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE late_{name} LOGIN".encode())
    try:
        assert not bring_up_to_date(settings).behind
        database = open_database(settings)
        try:
            assert excess_rights(database) == []
        finally:
            database.close()
    finally:
        postgres_server.drop(name)


def test_the_owner_and_the_worker_may_be_one() -> None:
    one, other = sa.make_url("postgresql://a@h/x"), sa.make_url("postgresql://b@h/x")
    assert rights.working_role(one, one) is None
    assert rights.working_role(one, other) == "b"


def test_an_owner_of_no_postgresql_is_refused() -> None:
    with pytest.raises(SettingsError, match="PostgreSQL only"):
        load_settings({"KEPU_MIGRATION_URL": "postgresql://a@h/x"})
    with pytest.raises(SettingsError):
        load_settings({"KEPU_MIGRATION_URL": "sqlite:////x"})
