"""How the connections of the two databases are set up: waiting, durability, caches, transactions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine

BUSY_TIMEOUT_MS = 30_000
IDLE_TRANSACTION_S = 120.0
"""After this long without a statement PostgreSQL ends a transaction: a process that was frozen inside one (stopped, a
virtual machine suspended) keeps its locks no longer. SQLite's lock lasts as long as the process that holds it."""

_CONNECT_TIMEOUT_S = 10
_SYNCHRONOUS = "kepu_synchronous"
_BULK = "kepu_bulk"
# Of SQLite, per connection. Its own 2 MB are too few for the pages that rows touch, even those of a few calls; and what
# it keeps to undo a statement goes through a file once a statement was long, each page of each row after that.
_FEW_ROWS = ("PRAGMA cache_size = -8000", "PRAGMA temp_store = DEFAULT")
_MANY_ROWS = ("PRAGMA cache_size = -65536", "PRAGMA temp_store = MEMORY")


def postgresql(url: URL) -> Engine:
    # The connection used last has the statements prepared that run most.
    engine = sa.create_engine(
        url, pool_pre_ping=True, pool_use_lifo=True, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, record: Any) -> None:
        # Not an option of the connection itself: poolers between us and the server refuse those.
        with raw.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {round(IDLE_TRANSACTION_S * 1000)}")
        raw.commit()

    return engine


def sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not parsed from a text: versions of SQLAlchemy disagree on what "%" means there.
    url = URL.create("sqlite", database=str(path))
    # The connection used last has the pages at hand that all transactions touch; the others must read them again.
    engine = sa.create_engine(url, pool_use_lifo=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, record: Any) -> None:
        # The driver's own transactions begin late and never around DDL: switch them off and begin by ourselves.
        raw.isolation_level = None
        raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = NORMAL")
        raw.execute("PRAGMA foreign_keys = ON")
        for pragma in _FEW_ROWS:
            raw.execute(pragma)
        record.info[_SYNCHRONOUS] = "NORMAL"
        record.info[_BULK] = False

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("kepu_writes"):
            connection.exec_driver_sql("BEGIN")
            return
        wanted = "FULL" if options.get("kepu_durable") else "NORMAL"
        if connection.info[_SYNCHRONOUS] != wanted:
            # It has no effect inside a transaction, and stays with the connection.
            connection.exec_driver_sql(f"PRAGMA synchronous = {wanted}")
            connection.info[_SYNCHRONOUS] = wanted
        bulk = bool(options.get("kepu_bulk"))
        if connection.info[_BULK] != bulk:
            for pragma in _MANY_ROWS if bulk else _FEW_ROWS:
                connection.exec_driver_sql(pragma)
            connection.info[_BULK] = bulk
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
