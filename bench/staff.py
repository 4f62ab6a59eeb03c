"""What the records of those who work here cost: rows of the audit log a second, a sign-in, a request's questions.

``python -m bench.staff [URL …]``: each URL names an empty database; without any, a SQLite file in a temporary folder.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from content_store import accounts, audit, organisations, passwords, roles, sessions, signing_in
from content_store.db import Database, open_database
from content_store.sessions import Limits
from content_store.settings import load_settings
from content_store.staff_vocabulary import Permission, StaffRole

SECONDS = 3.0
PASSWORD = "竹海-听风-1987-书"
LIMITS = Limits(3_600_000, 43_200_000)


def appends(database: Database, writers: int) -> float:
    """Rows a second, each in a transaction of its own, by so many threads."""
    until, made = time.perf_counter() + SECONDS, [0] * writers

    def write(at: int) -> None:
        while time.perf_counter() < until:
            with database.begin() as connection:
                change = {"status": "in_review", "step": made[at]}
                audit.record(connection, "cli:bench", "content.change", "content", "c1", change, change)
            made[at] += 1

    threads = [threading.Thread(target=write, args=(at,)) for at in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) / SECONDS


def together(database: Database) -> float:
    """Rows a second, a hundred in a transaction."""
    until, made = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < until:
        with database.begin() as connection:
            changes = [audit.Change("content.create", "content", f"c{at}", None, {"n": at}) for at in range(100)]
            audit.record_all(connection, "system:bench", changes)
        made += 100
    return made / SECONDS


def milliseconds(what: Callable[[], object], times: int) -> float:
    """The median of so many calls."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        what()
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000


def measure(database: Database) -> None:
    """Print a table."""
    with database.begin() as connection:
        organisations.seed(connection, actor="cli:bench")
        who = accounts.create(
            connection,
            actor="cli:bench",
            login="bench",
            name="测",
            organisation_id="510100",
            password=passwords.chosen(PASSWORD, login="bench"),
        )
        for role in StaffRole:
            roles.grant(connection, actor="cli:bench", account_id=who.id, role=role, organisation_id="510100")
        _, token = sessions.start(connection, who.id, LIMITS)
    print(f"| {database.dialect} | |\n|---|---|")
    for writers in (1, 4):
        print(f"| audit rows/s, one a transaction, {writers} writers | {appends(database, writers):,.0f} |")
    print(f"| audit rows/s, 100 a transaction | {together(database):,.0f} |")
    with database.snapshot() as connection:
        begun = time.perf_counter()
        found = audit.verify(connection)
        speed = found.rows / (time.perf_counter() - begun)
    assert not found.flaws
    print(f"| rows verified/s, of {found.rows:,} | {speed:,.0f} |")
    print(f"| authenticate, ms | {milliseconds(lambda: signing_in.authenticate(database, 'bench', PASSWORD), 9):.0f} |")
    with database.connect() as connection:
        ask = milliseconds(lambda: sessions.find(connection, token, LIMITS), 300)
        may = milliseconds(lambda: roles.may(connection, who.id, Permission.PUBLISH, "510100"), 300)
    print(f"| sessions.find, ms | {ask:.2f} |\n| roles.may, ms | {may:.2f} |")


def main() -> None:
    """Measure each database that is named."""
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [f"sqlite:///{Path(folder) / 'bench.sqlite3'}"]:
            database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
            try:
                measure(database)
            finally:
                database.close()


if __name__ == "__main__":
    main()
