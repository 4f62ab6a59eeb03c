"""``kepu serve``: the web server, one worker process under the one that was called."""

from __future__ import annotations

import errno
import http.client
import logging
import multiprocessing
import os
import socket
import threading
import time

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from content_store import hot, secret_key
from content_store.db import open_database
from content_store.errors import HotStateError, KepuError, ServiceMissing
from content_store.setting_reading import FILE_SUFFIX, PREFIX
from content_store.settings import Settings
from content_store.vocabulary import ServeJobs
from web import logs

DEFAULT_PORT = 8000
GRACE_S = 30
"""How long requests that were begun may take to end when the server is stopped."""
_PORT_WAIT_S = 3.0
_LOOK_S = 0.05


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 means all.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option(
    "--jobs/--no-jobs", default=None, help="Do what is due by the clock, too, or leave it; else KEPU_SERVE_JOBS says."
)
@click.pass_obj
def serve(settings: Settings, host: str, port: int, jobs: bool | None) -> None:
    """Serve pages and API until stopped.

    With records in SQLite and hot state in memory it does what is due by the clock, too, as `kepu worker` does.
    """
    logs.begin()
    # A fork would copy the locks that our threads hold at that moment, and whatever libraries keep about theirs.
    multiprocessing.set_start_method("spawn", force=True)
    _examine(settings)
    if jobs is not None:  # the worker process reads its settings from the environment
        name = f"{PREFIX}SERVE_JOBS"
        os.environ.pop(name + FILE_SUFFIX, None)
        os.environ[name] = ServeJobs.ON if jobs else ServeJobs.OFF
    address = address_of(host)
    port = free_port(address, port)
    server = Granian(
        "web.rsgi:make",
        address=address,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        factory=True,
        workers=1,
        workers_kill_timeout=GRACE_S,
        log_enabled=False,
    )
    ended = threading.Event()
    threading.Thread(target=_announce, args=(address, port, ended), name="announce", daemon=True).start()
    try:
        server.serve()
    except SystemExit as stopped:
        # How granian says that its worker ended without being told to.
        raise KepuError("the worker process ended by itself", hint="its last messages say why") from stopped
    finally:
        ended.set()


def _examine(settings: Settings) -> None:
    """Find out here what would make the worker fail. Raises what is wrong, for the caller to read."""
    secret_key.load(settings)
    opened = hot.open_hot(settings)
    try:
        opened.ping()
    except HotStateError as error:
        logging.getLogger(__name__).warning("beginning without hot state: %s", error.message)
    finally:
        opened.close()
    open_database(settings).close()


def address_of(host: str) -> str:
    """The IP address of ``host``, an IPv4 one where it has both. Raises ServiceMissing where it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServiceMissing(f"{host} is no address of this machine: {error}", hint="give another --host") from error
    return str(min(found, key=lambda one: one[0] is not socket.AF_INET)[4][0])


def free_port(host: str, port: int) -> int:
    """``port``, or a free one for 0, after trying that nobody listens on it.

    The server itself could share a port with another of its kind without noticing. A predecessor that was killed is
    given some seconds to let go. Raises ServiceMissing where the address cannot be had.
    """
    deadline = time.monotonic() + _PORT_WAIT_S
    while True:
        try:
            with _listener(host, port) as tried:
                found: int = tried.getsockname()[1]
                return found
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise ServiceMissing(
                    f"cannot listen on {host} port {port}: {error.strerror or error}",
                    hint="stop what listens there, or give another --port (or --host)",
                ) from error
            time.sleep(_LOOK_S)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _announce(host: str, port: int, ended: threading.Event) -> None:
    """Say that the server listens once it has answered."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not ended.is_set():
        if _answers(near, port):
            shown = f"[{near}]" if ":" in near else near
            click.echo(f"listening on http://{shown}:{port}")
            return
        ended.wait(_LOOK_S)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
