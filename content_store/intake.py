"""Takes in the events that pages and callers send: judged one by one, stored and counted in one transaction.

What is acknowledged is on disk. Events may be sent again, alone or in other company: a repeat changes nothing, and a
reading that went on makes the stored one grow. A bad event is rejected with a code and keeps no other out.

Calls that arrive while a transaction is being written share the next one: a disk confirms a few hundred writes a
second, however much is in each.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from content_store import clock, ledger_rules
from content_store.db import Database
from content_store.errors import DatabaseConflict, DatabaseError
from content_store.intake_rows import Incoming as Incoming
from content_store.intake_rows import Row, judge
from content_store.intake_writing import Call, Outcome, Refused, Writing
from content_store.intake_writing import Caller as Caller
from content_store.ledger_rules import Rule
from content_store.readables import Readables
from content_store.vocabulary import Rejection

_MOST_ROWS = 2_000
"""Rows that share a transaction, unless one call brings more: the last caller waits for all of them."""
_ATTEMPTS = 3


class Rejected(NamedTuple):
    """An event that is not stored, by the id it was sent with (empty where that is no text), and why."""

    id: str
    code: Rejection


@dataclass(slots=True)
class Received:
    """What became of the events of a call: stored or grown, repeats that changed nothing, and refused ones."""

    accepted: int = 0
    duplicate: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Intake:
    """The entrance for the events of a process; made once, safe for all of its threads.

    ``token_key`` is the key that reading tokens are signed with.
    """

    def __init__(self, database: Database, token_key: bytes, *, rule: Rule = ledger_rules.CURRENT) -> None:
        self._database = database
        self._key = token_key
        self._rule = rule
        self._readables = Readables()
        self._queue_lock = threading.Lock()
        self._queue: list[Call] = []
        self._first: Call | None = None  # whose thread stores, or is about to; the first in the queue

    def receive(self, rows: Sequence[Incoming], caller: Caller, now_ms: int | None = None) -> Received:
        """Store ``rows`` as events of ``caller`` and count what counts, durably; ``now_ms`` is epoch ms, default now.

        Raises UnknownCitizen, and DatabaseError where the database fails: then nothing of the call is stored, or (where
        the connection broke while it was being confirmed) all of it, and the same call may be made again.
        """
        now = clock.now_ms() if now_ms is None else now_ms
        good: list[tuple[int, Row]] = []
        refused: list[Refused] = []
        for position, row in enumerate(rows):
            verdict = judge(row, self._key, caller.citizen_id, now)
            if isinstance(verdict, Row):
                good.append((position, verdict))
            else:
                refused.append(Refused(position, row.id if isinstance(row.id, str) else "", verdict))
        call = Call(caller, now, good)
        if good:
            self._share(call)
        return _answer(call.outcome, refused)

    def _share(self, call: Call) -> None:
        """Have ``call`` stored, by this thread or by another one that stores several.

        One thread stores at a time: that of the first call in the queue. The others sleep until their call is settled
        or theirs is the first; a thread whose call is settled waits for no other transaction.
        """
        try:
            with self._queue_lock:
                self._queue.append(call)
                self._wake_first()
            call.awake.acquire()
            if call.outcome is None:
                self._store_together(self._next())
        finally:
            with self._queue_lock:
                if call in self._queue:
                    # Only where this thread was interrupted: then nobody waits for the outcome.
                    self._queue.remove(call)
                if self._first is call:
                    self._first = None
                self._wake_first()

    def _wake_first(self) -> None:
        """Let the thread of the first call store, unless one does."""
        if self._first is None and self._queue:
            self._first = self._queue[0]
            self._first.awake.release()

    def _next(self) -> list[Call]:
        """The calls that were waiting longest, as many as may share a transaction; at least one."""
        with self._queue_lock:
            rows, chosen = 0, 0
            for call in self._queue:
                rows += len(call.rows)
                if chosen and rows > _MOST_ROWS:
                    break
                chosen += 1
            return self._queue[:chosen]

    def _store_together(self, calls: list[Call]) -> None:
        """Store ``calls`` in one transaction; where one of them is in the way of that, each in its own."""
        try:
            self._store(calls)
        except Exception as error:
            # Whatever it is, it belongs to the callers: a thread that kept it would leave the others waiting for ever.
            down = type(error) is DatabaseError
            for call in calls:
                if down or len(calls) == 1:
                    call.outcome = error
                else:
                    self._store_together([call])
        with self._queue_lock:
            for call in calls:
                if call.outcome is not None and call in self._queue:
                    self._queue.remove(call)
                    if call is not self._first:
                        call.awake.release()

    def _store(self, calls: list[Call]) -> None:
        """One transaction; begun again where another process got in its way."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._database.begin(durable=True) as connection:
                    writing = Writing(connection, self._readables, calls)
                    outcomes = [writing.take(call) for call in calls]
                    writing.write(self._rule)
                break
            except DatabaseConflict:
                if attempt == _ATTEMPTS:
                    raise
        for call, outcome in zip(calls, outcomes, strict=True):
            call.outcome = outcome


def _answer(outcome: Outcome | Exception | None, refused: list[Refused]) -> Received:
    if isinstance(outcome, Exception):
        raise outcome
    outcome = outcome or Outcome()
    told = sorted(refused + outcome.refused)
    return Received(outcome.accepted, outcome.duplicate, [Rejected(id, code) for _, id, code in told])
