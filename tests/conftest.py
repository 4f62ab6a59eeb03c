"""Fixtures for everyone: a migrated database of each kind, a Redis, settings, the clock, the real data.

The services are private servers in a short temporary folder, started when a test first asks for them.
"""

from __future__ import annotations

import os

# Before numpy is imported anywhere: BLAS threads make small products slower and results depend on their number.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
for _key in [key for key in os.environ if key.startswith("KEPU_") and key != "KEPU_DATASETS"]:
    del os.environ[_key]  # a developer's own settings are no part of any test

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher

from content_store import clock, passwords
from content_store.db import Database, open_database
from content_store.settings import Settings, load_settings
from tests.support.ci import in_ci, missing
from tests.support.datasets import datasets_or_skip
from tests.support.servers import Postgres, Valkey, postgres_programs, redis_program

pytest_plugins = ["tests.support.backends"]

# A busy machine is no reason to fail; with CI the examples are the same in every run.
hypothesis.settings.register_profile("kepu", deadline=None, derandomize=in_ci())
hypothesis.settings.load_profile("kepu")

NOON = 1_735_704_000_000
"""2025-01-01 12:00 in Shanghai, epoch milliseconds."""


@pytest.fixture
def fixed_clock() -> Iterator[int]:
    """Stop the clock at ``NOON`` and give it."""
    with clock.fixed(NOON):
        yield NOON


@pytest.fixture
def settings_factory(tmp_path: Path) -> Callable[..., Settings]:
    """``settings_factory(redis_url=…, …)``: settings with the data folder in ``tmp_path`` and the values given."""

    def make(**given: object) -> Settings:
        env = {f"KEPU_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        return load_settings({"KEPU_DATA_DIR": str(tmp_path / "data"), **env})

    return make


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as always, at the least cost that argon2 knows."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of the real data (``data/…``, ``reference/…``)."""
    return datasets_or_skip()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A private PostgreSQL server without tables of ours."""
    programs = postgres_programs()
    if programs is None:
        missing("no PostgreSQL server is installed (`./kepu test` says how to get it)")
    with Postgres(programs) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """A private Redis or Valkey server."""
    program = redis_program()
    if program is None:
        missing("no Redis server is installed (`./kepu test` says how to get it)")
    with Valkey(program) as server:
        yield server


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, valkey_server: Valkey) -> str:
    """The URL of a real Redis with nothing in it."""
    request.node.add_marker(pytest.mark.backend("redis"))
    valkey_server.empty()
    return valkey_server.url


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.backend("sqlite")),
        pytest.param("postgresql", marks=pytest.mark.backend("postgresql")),
    ]
)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'records.sqlite3'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "records.sqlite3"
    open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{path}"})).close()
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgres_server: Postgres) -> str:
    """The name of a PostgreSQL database with all tables, to be a template."""
    name = postgres_server.database()
    open_database(load_settings({"KEPU_DATABASE_URL": postgres_server.url(name)})).close()
    return name


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.backend("sqlite")),
        pytest.param("postgresql", marks=pytest.mark.backend("postgresql")),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and no rows, of each kind in turn."""
    if request.param == "sqlite":
        path = tmp_path / "records.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template: str = request.getfixturevalue("migrated_postgresql")
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.database(template)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with all tables and no rows, of each kind in turn."""
    opened = open_database(load_settings({"KEPU_DATABASE_URL": database_url}))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(migrated_sqlite: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database with all tables and no rows, for what only SQLite can do wrong."""
    request.node.add_marker(pytest.mark.backend("sqlite"))
    path = tmp_path / "only.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    opened = open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{path}"}))
    yield opened
    opened.close()


@pytest.fixture
def postgresql_database(
    migrated_postgresql: str, postgres_server: Postgres, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """An open PostgreSQL database with all tables and no rows, for what only PostgreSQL can do wrong."""
    request.node.add_marker(pytest.mark.backend("postgresql"))
    name = postgres_server.database(migrated_postgresql)
    opened = open_database(load_settings({"KEPU_DATABASE_URL": postgres_server.url(name)}))
    yield opened
    opened.close()
    postgres_server.drop(name)
