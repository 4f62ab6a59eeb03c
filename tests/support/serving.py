"""A real ``kepu serve`` in processes of its own, and raw HTTP towards it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


class Server:
    """``kepu serve`` with these settings; ``port`` is known once it said that it listens."""

    def __init__(self, settings: Mapping[str, str], *arguments: str) -> None:
        env = {key: value for key, value in os.environ.items() if not key.startswith("KEPU_")}
        env |= {"KEPU_RETRAIN_SCHEDULE": "off"} | dict(settings)  # each would begin with a training
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "serve", *arguments],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.messages = ""
        # Its messages are read all the time: a full pipe would stop it.
        self._reader = threading.Thread(target=self._read_messages, daemon=True)
        self._reader.start()
        self.port = 0

    def _read_messages(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.messages += line

    def wait_until_it_listens(self) -> str:
        """Its address, as it prints it."""
        assert self.process.stdout is not None
        timer = threading.Timer(START_S, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        found = re.fullmatch(r"listening on (http://.+:(\d+))\n", line)
        assert found, f"{line!r} {self.messages}"
        self.port = int(found[2])
        return found[1]

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, data: bytes) -> bytes:
        """Everything that it answers to the bytes of a request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(data)
            return everything(connection)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
        """Status, headers and body of the answer to a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; returns its exit code."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended by itself and all its messages are there."""
        code = self.process.wait(60)
        self._reader.join(5)
        return code

    def clear_away(self) -> None:
        """See to it that nothing of it is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def serving(settings: Mapping[str, str], *arguments: str) -> Iterator[Server]:
    """A server that listens, on a free port unless ``arguments`` give one."""
    server = Server(settings, *(arguments or ("--port", "0")))
    try:
        server.wait_until_it_listens()
        yield server
    finally:
        server.clear_away()
