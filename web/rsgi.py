"""Between granian and the app: requests are gathered as they come in and answered whole, one after the other.

granian's own WSGI side hands a request over as soon as its head is there, and whoever reads the body waits for the
sender: one phone with a bad connection would stop a server of one thread, a few dozen one of many. Here the event loop
gathers the body, within bounds of size and time, and the app is called when nothing more is awaited.

Requests that only read (GET, HEAD) are answered in the thread of the loop, one at a time. Those that change something
wait for a disk, which takes no computing: they are answered in ``WRITERS`` threads, so that their waits overlap.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from content_store import clock
from content_store.settings import load_settings
from recsys.warming import warm
from web import logs
from web.app import LARGEST_BODY, create_app
from web.creators import upload
from web.errors import RequestTimeout, problem_response
from web.services import services_of
from web.signed import COOKIE

log = logging.getLogger(__name__)

WRITERS = 8
BODY_TIMEOUT_S = 30.0
"""How long a request's body may take to come in."""

LARGE_AT_ONCE = 2
"""Uploads that are gathered at one moment; the others wait, for the memory's sake."""

COLLECTED_AFTER = 5_000
"""Objects more than there were, until their cyclic garbage is looked for; 700 by default."""

_READS = frozenset({"GET", "HEAD"})
_FIXED: dict[str, Any] = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Bridge:
    """An RSGI application that answers with a WSGI one."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        close: Callable[[], None] = lambda: None,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._close = close
        self._body_timeout_s = body_timeout_s
        self._writers = ThreadPoolExecutor(WRITERS, "writer")
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        if scope.method in _READS:
            protocol.response_bytes(*self._answer(environment(scope, b"")))
            return
        try:
            # Not ``wait_for``, which makes a task of it.
            async with asyncio.timeout(self._body_timeout_s):
                body = await self._body(scope, protocol)
        except TimeoutError:
            refusal = problem_response(RequestTimeout("the body did not come in within the time allowed"))
            protocol.response_bytes(refusal.status_code, _pairs(refusal.headers.to_wsgi_list()), refusal.get_data())
            return
        environ = environment(scope, body)
        answer = await asyncio.get_running_loop().run_in_executor(self._writers, self._answer, environ)
        protocol.response_bytes(*answer)

    async def _body(self, scope: Any, protocol: Any) -> bytes:
        if not _is_upload(scope):
            return await _gathered(scope, protocol, LARGEST_BODY)
        async with self._large:
            return await _gathered(scope, protocol, upload.LARGEST_FORM)

    def _answer(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the app's answer."""
        begun: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            begun[:] = [(int(status[:3]), _pairs(headers))]

        parts = self._app(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        status, headers = begun[0]
        return status, headers, body

    def __rsgi_del__(self, _loop: object) -> None:
        """The server ends: let what was begun end well."""
        self._writers.shutdown()
        self._close()


def _is_upload(scope: Any) -> bool:
    """Whether a body may be a large one: who is signed in at all is found out by the app, once it is there."""
    return scope.path == upload.PATH and COOKIE in (scope.headers.get("cookie") or "")


async def _gathered(scope: Any, protocol: Any, most: int) -> bytes:
    """The body of a request; of one that is too large, no more than shows that it is."""
    announced = scope.headers.get("content-length") or "0"
    if announced.isdecimal() and int(announced) > most:
        return b""
    parts, size = [], 0
    async for part in protocol:
        parts.append(part)
        size += len(part)
        if size > most:
            break
    return b"".join(parts)


def environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a request whose body was gathered.

    A header with an underscore in its name is left out: it would pass for the one with a hyphen. So is what says that
    the body came in pieces.
    """
    host, _, port = scope.server.rpartition(":")
    environ = _FIXED | {
        "REQUEST_METHOD": scope.method,
        # PEP 3333 wants the bytes of the path, each as the character of its number.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in scope.headers.items():
        if "_" in name or name.lower() == "transfer-encoding":
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    # Where one was announced it stays: a body that broke off is shorter, and is refused for that.
    environ.setdefault("CONTENT_LENGTH", str(len(body)))
    return environ


def _pairs(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers]


def make() -> Bridge:
    """The server's application, in its worker process; the settings come from the environment."""
    _end_with_parent()
    logs.begin()
    settings = load_settings()
    clock.set_offset(settings.clock_offset_s)
    warm()
    app = create_app(settings)
    services_of(app).clockwork.start()
    _collect_seldom()

    def close() -> None:
        services_of(app).close()
        _leave()

    return Bridge(app, close)


def _collect_seldom() -> None:
    """Look for cyclic garbage seldom, and never again in what stands by now.

    A request makes hundreds of objects that die with it and of which hardly any is in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])


def _leave() -> NoReturn:
    """End the process at once: all is done, and what the interpreter would still do is not safe.

    granian's threads may ask for the interpreter while it is being taken down, which aborts the process (SIGABRT).
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    """See to it that this process does not outlive the one that started it, whatever that one dies of."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        # Nobody is left who could stop us in order; what was acknowledged is on disk.
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
