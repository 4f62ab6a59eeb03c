"""A circuit breaker: after a failure nobody waits for a dead server again until it was tried once."""

from __future__ import annotations

import threading
import time

from content_store.errors import HotStateError

PAUSE_S = 5.0


class Circuit:
    """Closed at first; a failure opens it for ``pause_s``, after which one caller at a time may try."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self.failures = 0
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._until: float | None = None
        self._why = ""

    @property
    def open(self) -> bool:
        """Whether the last that was heard of the server is a failure."""
        return self._until is not None

    def enter(self) -> None:
        """Raises HotStateError while the circuit is open; otherwise the caller must tell how it went."""
        with self._lock:
            if self._until is None:
                return
            now = time.monotonic()
            if now < self._until:
                raise HotStateError(f"Redis is not asked for a while, because it failed: {self._why}")
            # The others go on without while this caller tries.
            self._until = now + self._pause_s

    def failed(self, why: str) -> None:
        """The server did not answer."""
        with self._lock:
            self.failures += 1
            self._why = why
            self._until = time.monotonic() + self._pause_s

    def answered(self) -> None:
        """The server answered, whatever it said."""
        with self._lock:
            self._until = None
