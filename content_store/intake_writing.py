"""One transaction of the intake: what is stored already, what becomes of each row, what is written and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from sqlalchemy.engine import Connection

from content_store import citizens, history, ledger, locks, schema
from content_store.driver import Driver, Insertion
from content_store.errors import DatabaseConflict, UnknownCitizen
from content_store.intake_rows import Row
from content_store.ledger import Claim, Served
from content_store.ledger_rules import Rule
from content_store.readables import Readables
from content_store.vocabulary import NEGATIVE_KINDS, READING_KINDS, CitizenKind, EventKind, Exclusion, Rejection

_COLUMNS = ("id", "citizen_id", "content_id", "kind", "at", "received_at", "dwell_ms", "scroll")
_LABELS = ("region", "device", "country", "session")
_INSERT = Insertion.into(schema.events, _COLUMNS + _LABELS, on_conflict="DO NOTHING")
_SILENT = {EventKind.IMPRESSION, *NEGATIVE_KINDS}
_GROW = "UPDATE events SET dwell_ms = ?, scroll = ? WHERE id = ?"
_CITIZENS = """
    SELECT id, kind, EXISTS (SELECT 1 FROM forgotten WHERE citizen_id = citizens.id) FROM citizens WHERE id IN ?
"""
_STORED = "SELECT id, citizen_id, content_id, kind, dwell_ms, scroll FROM events WHERE id IN ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sends events, and from where.

    ``make_guest`` stores a guest with the id where no citizen has it. ``device_key`` and ``network_key`` are opaque
    keyed hashes by which guests share caps, None where unknown; the other labels go into the events.
    """

    citizen_id: str
    make_guest: bool = False
    device_key: str | None = None
    network_key: str | None = None
    region: str | None = None
    device: str | None = None
    country: str | None = None
    session: str | None = None


class Refused(NamedTuple):
    """A row that is not stored, by its place in the call, and why."""

    position: int
    id: str
    code: Rejection


@dataclass(slots=True)
class Outcome:
    """What the records said to the rows of a call."""

    accepted: int = 0
    duplicate: int = 0
    refused: list[Refused] = field(default_factory=list)


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Call:
    """The rows of a call that may be stored, each with its place in it; ``now`` is when it came, epoch ms.

    ``awake`` is what its thread waits for until there is an outcome, or the thread is to find one.
    """

    caller: Caller
    now: int
    rows: list[tuple[int, Row]]
    outcome: Outcome | Exception | None = None
    awake: Lock = field(default_factory=_held)


@dataclass(slots=True)
class _Event:
    """An event as it is or will be stored, and what the rows of this transaction tell the ledger of it."""

    citizen_id: str
    content_id: str
    kind: str
    dwell_ms: int | None
    scroll: float | None
    first: tuple[Call, Row] | None = None
    grown: bool = False
    served: Served | None = None
    received_at: int = 0
    issued_at: int | None = None
    problem: Exclusion | None = None
    token_given: bool = False

    def grow(self, row: Row) -> bool:
        """Take over what is larger in ``row``; whether anything is."""
        longer = row.dwell_ms is not None and (self.dwell_ms is None or row.dwell_ms > self.dwell_ms)
        further = row.scroll is not None and (self.scroll is None or row.scroll > self.scroll)
        if longer:
            self.dwell_ms = row.dwell_ms
        if further:
            self.scroll = row.scroll
        return longer or further

    def tell(self, served: Served, row: Row, now: int) -> None:
        """Remember for the ledger what ``row`` tells, which arrived at ``now`` (epoch ms)."""
        self.served = self.served or served
        self.received_at = max(self.received_at, now)
        if row.issued_at is not None:
            self.issued_at = row.issued_at
        if row.problem is not Exclusion.NO_TOKEN:
            self.token_given = True
        if row.problem is not None and self.problem in (None, Exclusion.NO_TOKEN):
            self.problem = row.problem


class Writing:
    """Looks up what ``calls`` speak of, takes one after the other, and writes everything at the end.

    Raises DatabaseError.
    """

    def __init__(self, connection: Connection, readables: Readables, calls: Sequence[Call]) -> None:
        self._connection = connection
        self._driver = driver = Driver(connection)
        callers = sorted({call.caller.citizen_id for call in calls})
        # Until the end nobody else stores events of theirs, so that what is looked up now stays true.
        locks.hold(driver, map(ledger.citizen_lock, callers))
        known = driver.rows(_CITIZENS, callers)
        self._kinds = {id: kind for id, kind, _ in known}
        self._forgotten = history.forgotten(connection, [id for id, _, forgets in known if forgets])
        new = {call.caller.citizen_id for call in calls if call.caller.make_guest} - self._kinds.keys()
        if new:
            citizens.ensure(connection, new)
            self._kinds |= dict.fromkeys(new, CitizenKind.GUEST.value)
        rows = [row for call in calls for _, row in call.rows]
        now = max(call.now for call in calls)
        self._readables = readables.look_up(driver, list({row.content_id for row in rows}), now)
        found = driver.rows(_STORED, list({row.id for row in rows}))
        self._events = {id: _Event(*columns) for id, *columns in found}

    def take(self, call: Call) -> Outcome | UnknownCitizen:
        """What becomes of the rows of ``call``."""
        caller = call.caller
        kind = self._kinds.get(caller.citizen_id)
        if kind is None:
            return UnknownCitizen(f"no citizen has the id {caller.citizen_id}")
        served = Served(
            citizen_id=caller.citizen_id,
            guest=kind == CitizenKind.GUEST,
            device_key=caller.device_key,
            network_key=caller.network_key,
        )
        outcome = Outcome()
        for position, row in call.rows:
            refusal = self._take(call, row, served, outcome)
            if refusal is not None:
                outcome.refused.append(Refused(position, row.id, refusal))
        return outcome

    def write(self, rule: Rule) -> None:
        """Store new and grown events, and count by ``rule`` what counts. Raises DatabaseConflict where another process
        stored one of the events after it was looked for."""
        new = [_values(id, event) for id, event in self._events.items() if event.first is not None]
        if self._driver.insert(_INSERT, new) < len(new):
            raise DatabaseConflict("another process stored one of the events at the same time", hint="send it again")
        grown = [(event.dwell_ms, event.scroll, id) for id, event in self._events.items() if event.grown]
        self._driver.many(_GROW, grown)
        if self._forgotten:
            history.recall(self._driver, self._recalled())
        claims = [self._claim(id, event, event.served) for id, event in self._events.items() if event.served]
        if claims:
            ledger.record(self._connection, claims, rule=rule)

    def _take(self, call: Call, row: Row, served: Served, outcome: Outcome) -> Rejection | None:
        if row.content_id not in self._readables:
            return Rejection.UNKNOWN_CONTENT
        event = self._events.get(row.id)
        if event is None:
            event = _Event(served.citizen_id, row.content_id, row.kind, row.dwell_ms, row.scroll, (call, row))
            self._events[row.id] = event
            outcome.accepted += 1
        elif event.citizen_id != served.citizen_id:
            return Rejection.NOT_YOURS
        elif (event.content_id, event.kind) != (row.content_id, row.kind):
            return Rejection.OTHER_EVENT
        elif event.grow(row):
            event.grown = event.first is None
            outcome.accepted += 1
        else:
            outcome.duplicate += 1
        if row.kind in READING_KINDS:
            event.tell(served, row, call.now)
        return None

    def _recalled(self) -> set[tuple[str, str]]:
        """The pairs of citizen and content that were forgotten before something new happened between the two."""
        return {
            (event.citizen_id, event.content_id)
            for event in self._events.values()
            if event.first is not None
            and event.kind not in _SILENT
            and event.first[1].at > self._forgotten.get(event.citizen_id, {}).get(event.content_id, event.first[1].at)
        }

    def _claim(self, id: str, event: _Event, served: Served) -> Claim:
        return Claim(
            source_id=id,
            served=served,
            object_id=event.content_id,
            readable=self._readables[event.content_id],
            received_at=event.received_at,
            dwell_ms=event.dwell_ms,
            scroll=event.scroll,
            issued_at=event.issued_at,
            problem=None if event.issued_at is not None else event.problem,
            # A click is somebody's step to a page; only with a token does it say that the page was read.
            opens=event.kind == EventKind.READ or event.token_given,
            new=event.first is not None,
        )


def _values(id: str, event: _Event) -> tuple[str | int | float | None, ...]:
    assert event.first is not None
    call, row = event.first
    caller = call.caller
    return (
        id,
        event.citizen_id,
        event.content_id,
        event.kind,
        row.at,
        call.now,
        event.dwell_ms,
        event.scroll,
        caller.region,
        caller.device,
        caller.country,
        caller.session,
    )
