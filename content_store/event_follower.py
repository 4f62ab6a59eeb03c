"""Follows the event log: each event once, soon after it was stored, also where many processes store at once.

On SQLite places in the log become visible in their order. On PostgreSQL a transaction draws its places and may commit
after one that drew later places, so that whoever reads on after the last place seen misses it. The follower therefore
remembers the places it passed over and looks for them again until every transaction that was open when it passed them
has ended (decision 0022). Writers wait for nobody, and a long transaction delays nobody's events but its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from content_store import event_stream
from content_store.driver import Driver
from content_store.event_stream import EventColumns

_LAST = "SELECT max(seq) FROM events"
# Numbers of transactions: below the first all have ended, from the second on none had begun.
_OLDEST_OPEN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_IN_PLACES = """
    SELECT {columns} FROM unnest(?::bigint[], ?::bigint[]) AS places(first, last)
    JOIN events ON seq BETWEEN first AND last ORDER BY seq
"""

_Places = NDArray[np.int64]
_NONE: _Places = np.empty(0, np.int64)


class EventFollower:
    """Gives the events stored after ``after_seq``, poll by poll; for one thread.

    ``extras`` are further columns (``event_stream.EXTRAS``), ``batch`` rows are read at a time. An event that grows
    later is not given again. With ``contacts`` impressions need not be given; where places pass in their order they are
    not even read. Raises ValueError for a column that is none.
    """

    def __init__(
        self, after_seq: int = 0, *, extras: Collection[str] = (), batch: int = 200_000, contacts: bool = False
    ) -> None:
        self._names = event_stream.column_names(extras)
        self._batch, self._contacts = batch, contacts
        self._last = after_seq
        # Ranges of places that were passed over, both ends included, each with the number of the first transaction that
        # had not begun when it was passed over.
        self._first = self._end = self._until = _NONE

    @property
    def settled(self) -> int:
        """Every event up to this place was given: where a follower may begin that replaces this one."""
        return int(self._first[0]) - 1 if self._first.size else self._last

    def poll(self, connection: Connection) -> Iterator[EventColumns]:
        """The events that became visible since the last poll, late ones first, then by ``seq``; usually one batch.

        What was given counts as seen, whatever becomes of it.
        """
        driver = Driver(connection)
        last = driver.rows(_LAST)[0][0] or 0
        if self._first.size:
            yield from self._late(driver)
        in_order = driver.dialect == "sqlite"
        contacts = self._contacts and in_order
        while self._last < last:
            found = event_stream.read_batch(connection, self._names, self._last, last, self._batch, contacts=contacts)
            if len(found) and not in_order:
                self._pass_over(driver, found.seq)
            self._last = int(found.seq[-1]) if len(found) == self._batch else last
            if len(found):
                yield found

    def _pass_over(self, driver: Driver, seqs: _Places) -> None:
        """Remember the places between the last event and those of ``seqs`` that no event of them has."""
        before = np.concatenate([[self._last], seqs[:-1]])
        hole = seqs - before > 1
        if not hole.any():
            return
        # Asked after the reading: whoever drew one of these places had its number by then.
        until = np.full(int(hole.sum()), driver.rows(_NEXT)[0][0])
        self._first = np.concatenate([self._first, before[hole] + 1])
        self._end = np.concatenate([self._end, seqs[hole] - 1])
        self._until = np.concatenate([self._until, until])

    def _late(self, driver: Driver) -> Iterator[EventColumns]:
        """The events that have come into places passed over; forgets places that will stay empty."""
        # Asked before the reading: what ended by then is visible to it.
        oldest = driver.rows(_OLDEST_OPEN)[0][0]
        columns = ", ".join(event_stream.stored_names(self._names))
        rows = driver.rows(_IN_PLACES.format(columns=columns), self._first.tolist(), self._end.tolist())
        found = event_stream.columns_of(self._names, rows) if rows else None
        if found is not None:
            self._fill(found.seq)
        open_still = self._until > oldest
        self._first, self._end, self._until = self._first[open_still], self._end[open_still], self._until[open_still]
        if found is not None:
            yield found

    def _fill(self, seqs: _Places) -> None:
        """Take the places ``seqs``, in order, out of the ranges."""
        first = np.sort(np.concatenate([self._first, seqs + 1]))
        end = np.sort(np.concatenate([self._end, seqs - 1]))
        until = self._until[np.searchsorted(self._first, first, side="right") - 1]
        left = first <= end
        self._first, self._end, self._until = first[left], end[left], until[left]
