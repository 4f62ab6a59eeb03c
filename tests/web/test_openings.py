"""Openings that cannot be stored yet wait in a bounded number."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from content_store import contents
from content_store.db import Database
from content_store.events import history
from content_store.ids import new_id
from content_store.intake import Caller, Incoming, Intake, Received
from web.openings import Openings

KEY = b"a key of thirty-two bytes, or so"


class Held(Intake):
    """An intake that does nothing until it is let go, like one that waits for another writer."""

    go: threading.Event

    def receive(self, rows: Sequence[Incoming], caller: Caller, now_ms: int | None = None) -> Received:
        self.go.wait()
        return super().receive(rows, caller, now_ms)


@contextmanager
def waiting(database: Database, most: int) -> Iterator[tuple[Openings, threading.Event]]:
    held = Held(database, KEY)
    held.go = threading.Event()
    openings = Openings(held, wait_s=0.0, most_waiting=most)
    try:
        yield openings, held.go
    finally:
        held.go.set()
        openings.close()


def test_what_finds_no_room_is_left_out_and_told(
    database: Database, fixed_clock: int, caplog: pytest.LogCaptureFixture
) -> None:
    with database.begin() as connection:
        contents.ensure(connection, [f"c{place}" for place in range(6)])
    rows = [Incoming(new_id(), "click", f"c{place}", fixed_clock) for place in range(6)]
    caller = Caller(citizen_id="李雷", make_guest=True)
    with waiting(database, 3) as (openings, go):
        assert [openings.note(row, caller) for row in rows[:5]] == [False] * 5
        assert caplog.text.count("too many wait") == 2
        go.set()
    with database.connect() as connection:
        assert {event.content_id for event in history(connection, "李雷")} == {"c0", "c1", "c2"}
