"""The database: opened, checked against the programme's own revision, and brought up to date. SQL, no ORM."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.engine import Connection as Connection  # for the layers above, which know of no SQL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from content_store import rights
from content_store.errors import DatabaseError, DatabaseTooNew
from content_store.settings import Settings, mask

BUSY_TIMEOUT_MS = 30_000
IDLE_TRANSACTION_S = 120.0
"""After this long without a statement PostgreSQL ends a transaction: a process that was frozen inside one (stopped, a
virtual machine suspended) keeps its locks no longer. SQLite's lock lasts as long as the process that holds it."""

_MIGRATION_LOCK = 7_355_608_001  # any number, the same in every version: PostgreSQL's advisory locks are numbered

_CONNECT_TIMEOUT_S = 10
_SQLITE = "sqlite:///"
_WRITES = {"kepu_writes": True}
_SYNCHRONOUS = "kepu_synchronous"
_BULK = "kepu_bulk"
# Of SQLite, per connection. Its own 2 MB are too few for the pages that rows touch, even those of a few calls; and what
# it keeps to undo a statement goes through a file once a statement was long, each page of each row after that.
_FEW_ROWS = ("PRAGMA cache_size = -8000", "PRAGMA temp_store = DEFAULT")
_MANY_ROWS = ("PRAGMA cache_size = -65536", "PRAGMA temp_store = MEMORY")

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class _Kept(threading.local):
    """The connection that a thread reads by again and again."""

    connection: Connection | None = None
    busy = False


@dataclass(frozen=True, slots=True)
class Database:
    """An open database; cheap to pass around, closed once."""

    engine: Engine
    _kept: _Kept = field(default_factory=_Kept, compare=False, repr=False)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which of the two kinds of database it is."""
        return "sqlite" if self.engine.dialect.name == "sqlite" else "postgresql"

    @contextmanager
    def begin(self, *, durable: bool = False, bulk: bool = False) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back on an error.

        On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so that it waits for another writer at its
        start and never fails in its middle. What was committed outlives the programme; with ``durable`` it outlives
        the machine's power too (``synchronous = FULL``), as it always does on a PostgreSQL that was not told
        otherwise. With ``bulk`` it may take 64 MB of memory to be quick with many rows. Raises DatabaseError where the
        database itself fails (gone, locked, full).
        """
        with self.connect() as connection:
            connection.execution_options(**_WRITES, kepu_durable=durable, kepu_bulk=bulk)
            with connection.begin():
                yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading; what it might write is rolled back unless committed. Raises as ``begin``."""
        with self._told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The driver's errors as ours, where the database itself fails."""
        try:
            yield
        except DBAPIError as error:
            if isinstance(error, OperationalError) or error.connection_invalidated:
                raise _unusable(self.engine.url, error) from error
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """``connect`` for what runs with each page: on SQLite the thread keeps the connection for the next time.

        A connection that lies in the pool is quick to find and slow to wrap. Those of PostgreSQL go back to it all the
        same, where one that the server ended meanwhile is found out.
        """
        kept = self._kept
        if self.dialect != "sqlite" or kept.busy:
            with self.connect() as connection:
                yield connection
            return
        kept.busy = True
        try:
            with self._told():
                if kept.connection is None or kept.connection.closed or kept.connection.invalidated:
                    kept.connection = self.engine.connect()
                try:
                    yield kept.connection
                finally:
                    if kept.connection.in_transaction():
                        kept.connection.rollback()
        finally:
            kept.busy = False

    def ping(self) -> None:
        """Do nothing, if that is possible. Raises as ``begin``."""
        with self.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection for reading that shows one moment, however long it is read from. Raises as ``begin``."""
        with self.connect() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def close(self) -> None:
        """Give back all connections; one that another thread keeps ends with that thread."""
        if self._kept.connection is not None:
            self._kept.connection.close()
            self._kept.connection = None
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Revisions:
    """A database's revision and the newest one that this programme knows; None where there is none yet."""

    current: str | None
    newest: str | None
    known: frozenset[str]

    @property
    def too_new(self) -> bool:
        """Whether the database was written by a newer programme."""
        return self.current is not None and self.current not in self.known

    @property
    def behind(self) -> bool:
        """Whether there are steps to take."""
        return self.current != self.newest

    def refuse_too_new(self) -> None:
        """Raises DatabaseTooNew where the database was written by a newer programme."""
        if self.too_new:
            raise DatabaseTooNew(
                f"the database is at revision {self.current}, which this programme does not know"
                f" (its newest is {self.newest})",
                hint="a newer version of the programme wrote it: start that version, or restore an older backup",
            )


def open_database(settings: Settings) -> Database:
    """The database of ``settings``, migrated where it is new or older than the programme.

    Raises DatabaseTooNew where a newer programme wrote it, DatabaseError where it cannot be opened.
    """
    database = connect_only(settings)
    try:
        found = revisions(database)
        found.refuse_too_new()
        if found.behind:
            bring_up_to_date(settings)
    except BaseException:
        database.close()
        raise
    return database


def bring_up_to_date(settings: Settings) -> Revisions:
    """Migrate the database of ``settings``; where they give an owner's URL, by that, and give the other role rights.

    Returns where it stood before. Raises as ``migrate``.
    """
    owner = settings.migration_url
    database = connect_only(settings, owner)
    try:
        found = migrate(database)
        role = rights.working_role(make_url(owner), make_url(settings.database_url)) if owner else None
        if role is not None:
            _give_rights(database, role)
    finally:
        database.close()
    return found


def connect_only(settings: Settings, url: str | None = None) -> Database:
    """The database of ``settings`` as it is, neither checked nor migrated; a SQLite file is made where absent.

    With ``url`` it is reached by that one instead. Raises DatabaseError where it cannot be reached.
    """
    url = url or settings.database_url
    try:
        path = sqlite_file(url)
        engine = _postgresql(make_url(url)) if path is None else _sqlite(path)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            f"{error.name} is needed for {mask(url)}", hint="pip install 'tianfu-kepu[postgres]'"
        ) from error
    except (ArgumentError, OSError) as error:
        raise _unusable(url, error) from error
    database = Database(engine)
    try:
        with database.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        database.close()
        raise _unusable(engine.url, error) from error
    except DatabaseError:
        database.close()
        raise
    return database


def is_new(settings: Settings) -> bool:
    """Whether ``settings`` name a SQLite file that does not exist yet."""
    path = sqlite_file(settings.database_url)
    return path is not None and not path.exists()


def sqlite_file(url: str) -> Path | None:
    """The file that ``url`` names, all of it after ``sqlite:///`` as it stands; None for another kind of database."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def try_writing(database: Database) -> None:
    """Make a table and take it back. Raises DatabaseError where the database takes no writes."""
    try:
        with database.connect() as connection:
            connection.execution_options(**_WRITES)
            kind = "TABLE" if _may_make_tables(connection) else "TEMPORARY TABLE"
            connection.exec_driver_sql(f"CREATE {kind} kepu_doctor (x INTEGER)")
            connection.rollback()
    except SQLAlchemyError as error:
        raise _unusable(database.engine.url, error, "takes no writes") from error


def _may_make_tables(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.exec_driver_sql("SELECT has_schema_privilege(current_schema(), 'CREATE')").scalar())


def excess_rights(database: Database) -> list[str]:
    """What the role that we work with may do beyond its work (``rights.excess``). Raises DatabaseError."""
    try:
        with database.connect() as connection:
            return rights.excess(connection)
    except SQLAlchemyError as error:
        raise _unusable(database.engine.url, error) from error


def revisions(database: Database) -> Revisions:
    """Where ``database`` stands and how far this programme could take it. Raises DatabaseError where unreadable."""
    try:
        with database.connect() as connection:
            return _revisions(connection)
    except SQLAlchemyError as error:
        raise _unusable(database.engine.url, error) from error


def migrate(database: Database) -> Revisions:
    """Bring ``database`` up to the programme's revision, all steps in one transaction; safe when many do it at once.

    Returns where it stood before. Raises DatabaseTooNew, or DatabaseError with the database left as it was.
    """
    try:
        with _sole_migrator(database) as connection:
            found = _revisions(connection)
            found.refuse_too_new()
            if found.behind:
                _upgrade(connection)
                _refuse_dangling(connection)
            return found
    except SQLAlchemyError as error:
        raise _unusable(database.engine.url, error, "cannot be migrated") from error


def _give_rights(database: Database, role: str) -> None:
    try:
        with _sole_migrator(database) as connection:
            rights.give(connection, role)
    except LookupError:
        raise DatabaseError(
            f"the database has no role {role}, which KEPU_DATABASE_URL names",
            hint=f'CREATE ROLE "{role}" LOGIN PASSWORD …',
        ) from None
    except SQLAlchemyError as error:
        raise _unusable(database.engine.url, error, f"cannot give {role} its rights") from error


def _upgrade(connection: Connection) -> None:
    """Take every step that is left."""
    # A server whose database is up to date does without these 21 MB.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic reads the option through ConfigParser, where "%" has a meaning.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revisions(connection: Connection) -> Revisions:
    known = sorted(step.name[:4] for step in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    current: str | None = None
    if sa.inspect(connection).has_table("alembic_version"):
        current = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return Revisions(current, known[-1], frozenset(known))


@contextmanager
def _sole_migrator(database: Database) -> Iterator[Connection]:
    """A writing transaction that no other migrating process shares."""
    with database.engine.connect() as connection:
        connection.execution_options(**_WRITES)
        if database.dialect == "sqlite":
            with _without_foreign_keys(connection), connection.begin():
                yield connection
        else:
            with connection.begin():
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                yield connection


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Alembic alters a SQLite table by copying it; dropping the old one must not delete what refers to it.

    The switch has no effect inside a transaction, hence on the driver's connection before one begins.
    """
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys = ON")


def _refuse_dangling(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if dangling:
        raise DatabaseError(f"the migration would leave {len(dangling)} rows that refer to missing ones")


def _postgresql(url: URL) -> Engine:
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


def _sqlite(path: Path) -> Engine:
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


def _unusable(url: URL | str, error: Exception, what: str = "cannot be used") -> DatabaseError:
    if not isinstance(url, str):
        sqlite = url.get_backend_name() == "sqlite"
        url = f"{_SQLITE}{url.database}" if sqlite else url.render_as_string(hide_password=False)
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()
    return DatabaseError(
        f"the database {mask(url)} {what}: {reason[0] if reason else type(error).__name__}",
        hint="check KEPU_DATABASE_URL and KEPU_DATA_DIR; `kepu doctor` tells more",
    )
