"""The database of each kind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from content_store import db
from content_store.db import Database, open_database, try_writing
from content_store.errors import DatabaseError
from content_store.settings import load_settings


def test_what_is_written_in_a_transaction_is_there_for_the_next_connection(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (word TEXT)"))
        connection.execute(sa.text("INSERT INTO notes VALUES ('星')"))
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT word FROM notes")) == "星"


def test_only_a_transaction_of_many_rows_takes_memory_for_them(sqlite_database: Database) -> None:
    found = []
    for bulk in (False, True, True, False):
        with sqlite_database.begin(bulk=bulk) as connection:
            pragmas = ("PRAGMA cache_size", "PRAGMA temp_store")
            found.append(tuple(connection.exec_driver_sql(pragma).scalar_one() for pragma in pragmas))
    assert found == [(-8000, 0), (-65536, 2), (-65536, 2), (-8000, 0)]


def test_an_error_in_a_transaction_leaves_nothing_behind_not_even_a_table(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (word TEXT)"))
        raise ZeroDivisionError
    with database.connect() as connection:
        assert "notes" not in sa.inspect(connection).get_table_names()


def test_readers_are_not_kept_waiting_by_a_writer(database: Database) -> None:
    with database.begin() as writer:
        writer.execute(sa.text("CREATE TABLE notes (word TEXT)"))
    with database.begin() as writer, database.connect() as reader:
        writer.execute(sa.text("INSERT INTO notes VALUES ('星')"))
        assert reader.scalar(sa.text("SELECT count(*) FROM notes")) == 0


def test_writers_of_many_threads_wait_for_each_other(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO counter VALUES (0)"))

    def increase(_: int) -> None:
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE counter SET n = n + 1"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increase, range(40)))
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT n FROM counter")) == 40


def test_what_a_reading_connection_wrote_is_gone(database: Database) -> None:
    try_writing(database)
    with database.connect() as connection:
        assert "kepu_doctor" not in sa.inspect(connection).get_table_names()


def test_a_thread_that_reads_on_sees_what_others_wrote_meanwhile_and_leaves_nothing(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (x INTEGER)"))
    for number in range(3):
        with database.reading() as connection, database.reading() as inner:
            assert connection is not inner
            for each in (connection, inner):
                assert each.execute(sa.text("SELECT count(*) FROM kept")).scalar() == number
            connection.execute(sa.text("DELETE FROM kept"))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_insert, database).result()


def test_reading_goes_on_after_an_error_and_after_a_close(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.reading() as connection:
        connection.execute(sa.text("SELECT 1"))
        raise ZeroDivisionError
    database.close()
    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def _insert(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO kept VALUES (1)"))


def test_sqlite_is_opened_for_safety_and_for_many_readers(tmp_path: Path) -> None:
    database = open_database(load_settings({"KEPU_DATA_DIR": str(tmp_path / "new" / "folder")}))
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000}
    with database.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    database.close()
    assert found == wanted


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b"not a database" * 100)])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "records.sqlite3"
    make(path)
    with pytest.raises(DatabaseError, match=str(path)):
        open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{path}"}))


def test_a_data_folder_that_is_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", "utf-8")
    with pytest.raises(DatabaseError):
        open_database(load_settings({"KEPU_DATA_DIR": str(tmp_path / "data")}))


def test_a_transaction_of_a_frozen_process_does_not_keep_its_locks_for_ever(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgresql_database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter AS SELECT 0 AS n")
    monkeypatch.setattr(db, "IDLE_TRANSACTION_S", 0.05)
    frozen = open_database(load_settings({"KEPU_DATABASE_URL": postgresql_database.engine.url.render_as_string(False)}))
    with pytest.raises(DatabaseError), frozen.begin() as silent:
        silent.exec_driver_sql("UPDATE counter SET n = n + 1")
        with postgresql_database.begin() as other:
            other.exec_driver_sql("UPDATE counter SET n = n + 10")
        silent.exec_driver_sql("SELECT 1")
    frozen.close()
    with postgresql_database.connect() as connection:
        assert connection.exec_driver_sql("SELECT n FROM counter").scalar_one() == 10


def test_an_unreachable_server_is_named_without_its_password() -> None:
    url = "postgresql://kepu:geheim@127.0.0.1:1/kepu"
    with pytest.raises(DatabaseError, match=r"kepu:\*\*\*@127\.0\.0\.1:1/kepu") as caught:
        open_database(load_settings({"KEPU_DATABASE_URL": url}))
    assert "geheim" not in caught.value.message


def test_a_failing_database_is_an_error_of_ours_in_the_middle_of_work_too(database: Database) -> None:
    with pytest.raises(DatabaseError), database.connect() as connection:
        raise sa.exc.OperationalError("COMMIT", None, OSError("disk full"))
    assert connection.closed
