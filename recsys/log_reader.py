"""Reads the event log on and on: the one place that decides which event comes next."""

from __future__ import annotations

from collections.abc import Iterator

from content_store.db import Connection
from content_store.event_stream import EventColumns, read_columns


class LogReader:
    """Gives the events stored after ``after_seq``, ``batch`` at a time, poll by poll; for one thread.

    What was given counts as seen. Places must become visible in their order: where one that is filled later may be
    smaller than one that was given, the event in it is missed.
    """

    def __init__(self, after_seq: int = 0, *, batch: int = 200_000) -> None:
        self._batch = batch
        self._last = after_seq

    @property
    def settled(self) -> int:
        """Every event up to this place was given: where a reader may begin that replaces this one."""
        return self._last

    def poll(self, connection: Connection) -> Iterator[EventColumns]:
        """The events that became visible since the last poll."""
        for columns in read_columns(connection, after_seq=self._last, batch=self._batch):
            self._last = int(columns.seq[-1])
            yield columns
