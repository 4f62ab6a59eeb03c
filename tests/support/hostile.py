"""Servers that do what no server should, on real sockets of the loopback, and what leads a fetcher to them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Self

from content_store.ingest.addresses import Rules
from content_store.ingest.fetching import Fetcher
from content_store.ingest.limits import Limits

HOST = "hostile.test"
"""The name by which the tests call the server; a fetcher that ``reach`` makes may connect to it."""

_HELLO = b"\x16\x03"
"""So begins whoever wants TLS."""

Said = bytes | Iterable[bytes]
"""What a server sends: these bytes, or as many pieces as are taken."""

Answer = Said | Callable[[bytes], Said]
"""The same, or what a function makes of the request."""


class Hostile:
    """A server on a port of its own that sends ``answer`` to everybody; ``requests`` is what it was sent."""

    def __init__(self, answer: Answer, *, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None):
        self._answer = answer
        self._tls = tls
        self._listening = socket.create_server((address, port))
        self.port: int = self._listening.getsockname()[1]
        self.requests: list[bytes] = []
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        # A thread that waits for a caller is not woken by a socket that is closed.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listening.getsockname(), timeout=1).close()
        self._thread.join(10)
        self._listening.close()

    def url(self, path: str = "/feed", *, scheme: str = "http", host: str = HOST) -> str:
        """Where it is reached."""
        return f"{scheme}://{host}:{self.port}{path}"

    def _serve(self) -> None:
        while not self._over:
            caller, _ = self._listening.accept()
            caller.settimeout(10)
            with caller, contextlib.suppress(OSError):
                if not self._over:
                    self._attend(caller)

    def _attend(self, caller: socket.socket) -> None:
        if self._tls is not None:
            with self._tls.wrap_socket(caller, server_side=True) as encrypted:
                self._talk(encrypted)
        else:
            self._talk(caller)

    def _talk(self, caller: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request and not request.startswith(_HELLO):
            got = caller.recv(65_536)
            if not got:
                return
            request += got
        self.requests.append(request)
        answer = self._answer(request) if callable(self._answer) else self._answer
        for piece in [answer] if isinstance(answer, bytes) else answer:
            caller.sendall(piece)
        caller.shutdown(socket.SHUT_WR)
        # Closed with something unread, a connection is reset, and the answer may be lost.
        while caller.recv(65_536):
            pass


class Ticking:
    """Seconds of which a whole one passes with every look at them."""

    def __init__(self) -> None:
        self.now = 0.0
        self._looked = threading.Condition()

    def __call__(self) -> float:
        with self._looked:
            self.now += 1
            self._looked.notify_all()
            return self.now

    def _moved_since(self, before: float) -> bool:
        return self.now > before

    def drip(self, head: bytes) -> Iterator[bytes]:
        """``head``, and then a byte for each look."""
        yield head
        while True:
            before = self.now
            yield b"x"
            with self._looked:
                self._looked.wait_for(partial(self._moved_since, before), timeout=0.2)


def reach(
    *servers: Hostile,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    elapsed: Callable[[], float] = time.monotonic,
    host: str = HOST,
) -> Fetcher:
    """A fetcher that may connect to ``servers`` by the name ``host``, and to nothing else that is not public."""
    named = frozenset((host, server.port) for server in servers)
    return Fetcher(
        Rules(named=named), limits, resolve=lambda name, port: _resolve(name, host), tls=tls, elapsed=elapsed
    )


def _resolve(name: str, host: str) -> list[str]:
    if name == host:
        return ["127.0.0.1"]
    # Only what is an address already: no test asks a real name server.
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(entry[4][0]) for entry in found]


def page(body: bytes = b"<rss/>", *headers: str, status: str = "200 OK") -> bytes:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def unending(head: bytes, piece: bytes) -> Iterator[bytes]:
    """``head``, and then ``piece`` for as long as anybody takes it."""
    yield head
    while True:
        yield piece


def silent(until: threading.Event) -> Iterator[bytes]:
    """Nothing at all, until then."""
    until.wait(5)
    yield b""


def redirect(location: str, status: str = "302 Found") -> bytes:
    """An answer that leads elsewhere."""
    return page(b"", f"Location: {location}", status=status)
