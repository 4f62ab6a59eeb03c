"""What was imported, exported and imported again into an empty database is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store import schema
from content_store.db import Database
from content_store.errors import ExportFileError, ImportFileError
from content_store.transfer.exporting import export_file
from content_store.transfer.importing import Options, What, import_file
from content_store.vocabulary import CitizenKind, ContentStatus, EventKind, Prefecture, Topic

MS = 1_506_826_800_026
FORMATS = ["csv", "jsonl", "parquet"]
ALL: list[What] = ["contents", "citizens", "events"]


def _everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but the notes of what changed; the order of storing is told by the events' order."""
    found = {}
    with database.connect() as connection:
        for table in schema.metadata.sorted_tables:
            if table is schema.changes:
                continue
            columns = [column for column in table.c if column.name != "seq"]
            order = [table.c.seq] if "seq" in table.c else list(table.primary_key)
            rows = connection.execute(sa.select(*columns).order_by(*order))
            found[table.name] = [tuple(map(_comparable, row)) for row in rows]
    return found


def _comparable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _empty(database: Database) -> None:
    """Take all rows out; the log is only emptied by whoever owns the database."""
    with database.begin() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no guard is asked
            connection.exec_driver_sql("TRUNCATE events, contents, citizens, citizen_interests CASCADE")
            return
        (guard,) = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'events_never_go'").one()
        connection.exec_driver_sql("DROP TRIGGER events_never_go")
        for table in reversed(schema.metadata.sorted_tables):
            if table not in (schema.schema_review.route_steps, schema.schema_review.science_topics):
                connection.execute(sa.delete(table))
        connection.exec_driver_sql(guard)


@pytest.fixture
def clean(database: Database) -> Iterator[Callable[[], Database]]:
    """``clean()`` gives the database without rows."""

    def emptied() -> Database:
        _empty(database)
        return database

    yield emptied


def _there_and_back(database: Database, folder: Path, ending: str) -> None:
    before = _everything(database)
    for what in ALL:
        export_file(database, what, folder / f"{what}.{ending}")
    _empty(database)
    for what in ALL:
        done = import_file(database, what, folder / f"{what}.{ending}")
        assert (done.rejected, done.duplicate, done.unknown_columns) == (0, 0, [])
    assert _everything(database) == before


def _written(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


LABEL = (
    st.none()
    | st.text(min_size=1, max_size=8)
    | st.sampled_from(["四川", "SP", "12.0", "a,b", 'q"', "nan", "-", "[1]"])
)
ID = st.sampled_from(["1", "熊猫", 'a"b', "x;y", "007", "12.0", "é", "=1+1"]) | st.text(min_size=1, max_size=5)
TEXT = (
    st.none() | st.text(max_size=20) | st.sampled_from(["第一行\n第二行\r\n第三行", '"', "\r", " ", "\ufeff", "a\tb"])
)
INSTANT = st.none() | st.integers(MS - 10**11, MS + 10**11)
EVENT = st.fixed_dictionaries(
    {"user": ID, "item": ID, "ts": st.integers(MS, MS + 5), "event": st.sampled_from(EventKind)},
    optional={
        "id": st.none() | st.text(min_size=1, max_size=3),
        **dict.fromkeys(("region", "session", "device", "country"), LABEL),
        "dwell_ms": st.none() | st.integers(0, 10**9),
        "scroll": st.none() | st.floats(0, 1),
    },
)
CONTENT = st.fixed_dictionaries(
    {"id": ID, "title": st.text(min_size=1, max_size=20)},
    optional={
        **dict.fromkeys(("summary", "body", "place", "source", "author", "url"), TEXT),
        "topic": st.none() | st.sampled_from(Topic),
        "tags": st.none() | st.lists(st.text(max_size=5) | st.sampled_from(["a,b", "[", "竹子"]), max_size=4),
        "published_at": INSTANT,
        "expires_at": INSTANT,
        "status": st.none() | st.sampled_from(ContentStatus),
    },
)
CITIZEN = st.fixed_dictionaries(
    {"id": ID},
    optional={
        "kind": st.none() | st.sampled_from(CitizenKind),
        "prefecture": st.none() | st.sampled_from(Prefecture),
        "birth_year": st.none() | st.integers(1900, 2020),
        "minor": st.none() | st.booleans(),
        "personalised": st.none() | st.booleans(),
        "interests": st.none() | st.lists(st.sampled_from(Topic), unique=True),
    },
)


@pytest.mark.parametrize("ending", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(logged=st.lists(EVENT, max_size=8), told=st.lists(CONTENT, max_size=5), people=st.lists(CITIZEN, max_size=5))
def test_an_export_imports_as_the_same_records(
    clean: Callable[[], Database],
    tmp_path: Path,
    ending: str,
    logged: list[dict[str, Any]],
    told: list[dict[str, Any]],
    people: list[dict[str, Any]],
) -> None:
    database = clean()
    given_rows: dict[What, list[dict[str, Any]]] = {"contents": told, "citizens": people, "events": logged}
    for what, rows in given_rows.items():
        if rows:
            path = _written(tmp_path, f"{what}.jsonl", rows)
            import_file(database, what, path, Options(create_missing=True))
    _there_and_back(database, tmp_path, ending)


@pytest.mark.parametrize("ending", FORMATS)
def test_an_empty_database_makes_files_without_rows(database: Database, tmp_path: Path, ending: str) -> None:
    for what in ALL:
        assert export_file(database, what, tmp_path / f"{what}.{ending}").rows == 0
    if ending == "csv":
        assert (tmp_path / "events.csv").read_text("utf-8").startswith("id,user,item,ts,event,region")


def test_a_real_log_goes_there_and_back(database: Database, datasets: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.symlink_to((datasets / "data" / "deskdrop_first70.parquet").resolve())
    import_file(database, "events", path, Options(create_missing=True))
    _there_and_back(database, tmp_path, "csv")


def test_an_export_that_fails_leaves_the_earlier_file_and_nothing_else(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    import_file(database, "events", _written(tmp_path, "log.jsonl", [{"user": 1, "item": 1, "ts": MS}]), Options(True))
    export_file(database, "events", path)
    before = path.read_bytes()

    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_file(database, "events", path, watch=stop)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.glob(".*")] == []


def test_a_file_that_cannot_be_written_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ExportFileError, match="No such file"):
        export_file(database, "events", tmp_path / "nowhere" / "events.csv")
    with pytest.raises(ImportFileError, match="has the extension"):
        export_file(database, "events", tmp_path / "events.xls")
