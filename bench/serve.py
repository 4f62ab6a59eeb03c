"""Ways to serve the same app, and what one bad connection does to each: ``python -m bench.serve [--seconds S]``.

Served are the app of ``kepu serve`` behind granian's own WSGI side with 1, 8 and 32 threads, and behind our bridge. The
server is pinned to the first core and the callers (32 connections) to the second. Columns: requests per second that
read (``/healthz``: the cost of serving itself) and that write (``PATCH /api/v1/me``: a transaction in SQLite), the
median and the 99th percentile of the former in ms, all medians of the rounds, which take turns; and whether the server
still answers within 2 s while 40 senders have stalled in their bodies.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from content_store.settings import load_settings
from web.app import create_app

CONNECTIONS = 32
STALLED = 40
ROUNDS = 3
KINDS = {
    "WSGI, 1 thread": (Interfaces.WSGI, 1),
    "WSGI, 8 threads": (Interfaces.WSGI, 8),
    "WSGI, 32 threads": (Interfaces.WSGI, 32),
    "our bridge": (Interfaces.RSGI, 1),
}
_BODY = b'{"interests":["space","daily"]}'
_HEAD = b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    _BODY
)
READ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
WRITE = _HEAD + _BODY


def wsgi() -> Flask:
    """The app as granian's WSGI side wants it."""
    return create_app(load_settings())


def _run(kind: str, port: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    interface, threads = KINDS[kind]
    Granian(
        "web.rsgi:make" if interface is Interfaces.RSGI else "bench.serve:wsgi",
        port=port,
        interface=interface,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=threads,
        factory=True,
        log_enabled=False,
    ).serve()


@contextmanager
def _served(kind: str) -> Iterator[int]:
    """The port of a server of this kind over empty records."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"KEPU_DATA_DIR": folder, "KEPU_RATE_PER_NETWORK": "0", "KEPU_RATE_PER_CITIZEN": "0"}
        process = multiprocessing.get_context("spawn").Process(target=_run, args=(kind, port))
        process.start()
        try:
            while not _answers(port, 1.0):
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.join(10)
            process.kill()
            process.join()


def _answers(port: int, timeout_s: float) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(READ)
        return connection.recv(65536).startswith(b"HTTP/1.1 200")
    return False


def _whole(data: bytes) -> bool:
    """Whether an answer has come in; with its length in front, or in pieces."""
    head, found, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), None)
    return bool(found) and (body.endswith(b"0\r\n\r\n") if length is None else len(body) >= length)


def load(port: int, request: bytes, seconds: float) -> tuple[float, float, float]:
    """Requests per second, and the median and 99th percentile of their time in ms."""
    selector = selectors.DefaultSelector()
    sent: dict[socket.socket, float] = {}
    got: dict[socket.socket, bytes] = {}
    times: list[float] = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, connection)
        connection.sendall(request)
        sent[connection], got[connection] = time.perf_counter(), b""
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for key, _ in selector.select(1):
            connection = key.data
            got[connection] += connection.recv(65536)
            if not _whole(got[connection]):
                continue
            assert got[connection].startswith(b"HTTP/1.1 200"), got[connection]
            now = time.perf_counter()
            times.append(1000 * (now - sent[connection]))
            connection.sendall(request)
            sent[connection], got[connection] = now, b""
    for connection in sent:
        connection.close()
    selector.close()
    centiles = statistics.quantiles(times, n=100)
    return len(times) / seconds, centiles[49], centiles[98]


def _survives(port: int) -> bool:
    """Whether someone is answered within 2 s while others have stalled."""
    stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(STALLED)]
    try:
        for connection in stalled:
            connection.sendall(_HEAD + _BODY[:5])
        time.sleep(0.2)
        return _answers(port, 2.0)
    finally:
        for connection in stalled:
            connection.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0, help="of load per figure")
    seconds: float = parser.parse_args().seconds
    cores = sorted(os.sched_getaffinity(0))
    found: dict[str, list[tuple[float, float, float, float]]] = {kind: [] for kind in KINDS}
    survives: dict[str, bool] = {}
    for _ in range(ROUNDS):
        for kind, rows in found.items():
            with _served(kind) as port:
                os.sched_setaffinity(0, cores[-1:])
                reads, median, high = load(port, READ, seconds)
                rows.append((reads, median, high, load(port, WRITE, seconds)[0]))
                survives[kind] = _survives(port)
                os.sched_setaffinity(0, cores)
    print(
        f"{CONNECTIONS} connections, medians of {ROUNDS} rounds of {seconds:g} s; load average {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':<18}{'reads/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'writes/s':>10}  answers while {STALLED} have stalled")
    first = next(iter(found))
    for kind, rows in found.items():
        reads, median, high, writes = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(mine[0] / other[0] for mine, other in zip(rows, found[first], strict=True))
        told = "yes" if survives[kind] else "no"
        print(f"{kind:<18}{reads:>9.0f}{median:>8.2f}{high:>8.2f}{writes:>10.0f}  {told}; reads {ratio:.2f} × {first}")


if __name__ == "__main__":
    main()
