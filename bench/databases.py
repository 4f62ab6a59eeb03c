"""The database that a benchmark measures on: SQLite in a folder that goes away, or a PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.servers import Postgres, postgres_programs

KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_database(kind: str, given: str | None = None) -> Iterator[str]:
    """The URL of an empty database of this kind: of a PostgreSQL the one ``given``, or else of a private server.

    Raises SystemExit where no server is installed.
    """
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/records.sqlite3"
        return
    if given:
        yield given
        return
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("no PostgreSQL server is installed: give --only sqlite")
    with Postgres(programs) as server:
        yield server.url(server.database())
