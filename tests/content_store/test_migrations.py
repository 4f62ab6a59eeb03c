"""Migrations: forward, whole or not at all, by one process at a time."""

from __future__ import annotations

import importlib.resources
import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from content_store import contents
from content_store.db import MIGRATIONS, Database, connect_only, migrate, open_database, revisions
from content_store.errors import DatabaseError, DatabaseTooNew
from content_store.schema import metadata
from content_store.settings import Settings, load_settings


def _settings(url: str) -> Settings:
    return load_settings({"KEPU_DATABASE_URL": url})


def _tables(database: Database) -> set[str]:
    with database.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_an_empty_database_is_brought_up_to_date_when_opened(empty_database_url: str) -> None:
    database = open_database(_settings(empty_database_url))
    try:
        assert not revisions(database).behind
        assert set(metadata.tables) <= _tables(database)
    finally:
        database.close()


@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_the_steps_lead_to_the_tables_that_the_programme_works_with(database: Database) -> None:
    # Of an index of SQLite alembic does not see which way it is sorted.
    unseen = {"ix_reviews_queue"} if database.dialect == "sqlite" else set()
    options = {"compare_type": True, "render_as_batch": True, "include_name": lambda name, *_: name not in unseen}
    options["include_object"] = lambda _, name, *__: name not in unseen
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        for name in unseen:
            made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).scalar_one()
            assert "(state, urgent DESC, due_at, id)" in made


def test_a_second_migration_changes_nothing(database: Database) -> None:
    before = _tables(database)
    assert not migrate(database).behind
    assert _tables(database) == before


def test_a_database_of_a_newer_programme_is_refused_and_left_alone(database_url: str) -> None:
    database = open_database(_settings(database_url))
    try:
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(DatabaseTooNew, match="revision 9999, which this programme does not know") as caught:
            open_database(_settings(database_url))
        assert "newer version" in caught.value.hint
        with pytest.raises(DatabaseTooNew):
            migrate(database)
        assert revisions(database).current == "9999"
    finally:
        database.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database_url: str) -> None:
    database = connect_only(_settings(empty_database_url))
    in_the_way = sorted(metadata.tables)[-1]
    try:
        with database.begin() as connection:
            connection.execute(sa.text(f"CREATE TABLE {in_the_way} (mine INTEGER)"))
        with pytest.raises(DatabaseError, match="cannot be migrated"):
            migrate(database)
        assert _tables(database) == {in_the_way}
        assert revisions(database).current is None
    finally:
        database.close()


def test_what_was_recorded_before_a_step_is_there_after_it(empty_database_url: str) -> None:
    database = connect_only(_settings(empty_database_url))
    rows = {
        "citizens": "('c', 'guest', NULL, NULL, false, true, 1)",
        "contents": "('a', 2, 'published', '熊猫', NULL, NULL, 'space', '[\"竹\"]', NULL, NULL, NULL, NULL, 5, 4)",
        "events": "(1, 'e', 'c', 'a', 'read', 7, 8, NULL, NULL, NULL, NULL, NULL, NULL)",
    }
    try:
        _upgrade(database, "0001")
        with database.begin() as connection:
            for table, row in rows.items():
                connection.execute(sa.text(f"INSERT INTO {table} VALUES {row}"))
        migrate(database)
        with database.begin() as connection:
            [content] = contents.every(connection)
            assert (content.title, content.tags, content.version, content.expires_at) == ("熊猫", ("竹",), 2, None)
            assert connection.scalar(sa.text("SELECT content_id FROM events")) == "a"
        for broken in ("status = 'lost'", "version = 0", "status = 'scheduled', published_at = NULL", "id = 'b'"):
            with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
                connection.execute(sa.text(f"UPDATE contents SET {broken}"))
    finally:
        database.close()


@pytest.mark.backend("sqlite")
def test_a_table_that_is_copied_keeps_its_triggers_and_indexes(tmp_path: Path) -> None:
    database = connect_only(_settings(f"sqlite:///{tmp_path / 'records.sqlite3'}"))
    try:
        _upgrade(database, "0001")
        with database.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER guard BEFORE DELETE ON contents BEGIN SELECT RAISE(ABORT, 'guarded'); END"
            )
        migrate(database)
        with database.begin() as connection:
            contents.create(connection, id="a", title="t")
            assert "ix_contents_status_published_at" in {
                index["name"] for index in sa.inspect(connection).get_indexes("contents")
            }
        with pytest.raises(sa.exc.IntegrityError, match="guarded"), database.begin() as connection:
            connection.execute(sa.text("DELETE FROM contents"))
    finally:
        database.close()


def _upgrade(database: Database, revision: str) -> None:
    """Bring an empty database to an earlier revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_many_processes_may_open_a_new_database_at_once(empty_database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_open_and_tell, [empty_database_url] * 4, chunksize=1)
    newest = found[0]
    assert newest is not None
    assert found == [newest] * 4


def _open_and_tell(url: str) -> str | None:
    database = open_database(_settings(url))
    try:
        return revisions(database).current
    finally:
        database.close()


def test_the_steps_are_part_of_the_package() -> None:
    folder = importlib.resources.files("content_store") / "migrations"
    assert (folder / "env.py").is_file()
    assert [name for name in (folder / "versions").iterdir() if name.name.startswith("0001")]


@pytest.mark.parametrize("name", ["100%25 sure", "why?", "a#b", "科普 数据"])
def test_a_path_with_signs_that_mean_something_in_a_url_is_no_obstacle(tmp_path: Path, name: str) -> None:
    database = open_database(load_settings({"KEPU_DATA_DIR": str(tmp_path / name)}))
    try:
        assert (tmp_path / name / "kepu.sqlite3").is_file()
    finally:
        database.close()
