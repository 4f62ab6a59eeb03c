"""The ledger: what counts as a service, once, and why the rest does not.

An entry is one thing done for one citizen: a reading that was sent with a reading token or as ``read``, later an opened
notification. It is written in the transaction of the event that earned it, counted or with the reason why not; as the
reading goes on, its evidence grows and a rejected entry may come to count. One that counts stays counted. Clicks and
other events without a token are no entries, nor is anything that was imported: nobody vouches for it.

Citizen, object and day count once, whatever was done; the strongest kind is kept with the entry that counted first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from content_store import clock, facts, locks, schema
from content_store.driver import Driver, Insertion
from content_store.ledger_rules import CURRENT, Entry, Rule, Tally, shortfall
from content_store.readables import Readable
from content_store.reading_tokens import LIFETIME_MS
from content_store.settings import Settings
from content_store.vocabulary import Exclusion, ServiceKind, SharedCap

COLUMNS = tuple(field.name for field in fields(Entry))
_of_columns = attrgetter(*COLUMNS)
_KIND = COLUMNS.index("kind")
SELECT = f"SELECT {', '.join(COLUMNS)} FROM ledger_entries"

_INSERT = Insertion.into(schema.ledger_entries, COLUMNS)
_UPDATE_EVIDENCE = """
    UPDATE ledger_entries SET seen_at = ?, dwell_ms = ?, scroll = ?, live = ?, rule = ?, decided_at = ?
    WHERE source_id = ?
"""
_UPDATE_VERDICT = """
    UPDATE ledger_entries SET seen_at = ?, dwell_ms = ?, scroll = ?, live = ?, rule = ?, decided_at = ?,
    day = ?, issued_at = ?, counted_as = ?, reason = ? WHERE source_id = ?
"""
_STRENGTHEN = """
    UPDATE ledger_entries SET counted_as = ?
    WHERE citizen_id = ? AND day = ? AND object_id = ? AND counted_as IS NOT NULL
"""
# For one citizen and day at a time: for lists of them SQLite might take the index by day and read all of the day.
_COUNTED = """
    SELECT object_id, counted_as FROM ledger_entries WHERE citizen_id = ? AND day = ? AND counted_as IS NOT NULL
"""
_SHARES = """
    SELECT day, scope, label, used FROM ledger_shares
    WHERE day IN ? AND scope IN ('device', 'network') AND label IN ?
"""
_USE_SHARE = Insertion.into(
    schema.ledger_shares,
    ("day", "scope", "label", "used"),
    on_conflict="(day, scope, label) DO UPDATE SET used = ledger_shares.used + excluded.used",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the target is: services on the days ``first`` to ``last`` in Shanghai, both included.

    ``baseline`` had been rendered before and is only shown; ``goal`` is to be added to it and ``counted`` has been;
    ``today`` is the part of today, wherever it lies; ``per_day`` has the days of the window that have any, in order;
    ``items_goal`` is the number of new quality items asked for.
    """

    baseline: int
    goal: int
    first: date
    last: date
    counted: int
    today: int
    per_day: dict[date, int]
    items_goal: int

    @property
    def days(self) -> int:
        """How many days the window has."""
        return (self.last - self.first).days + 1

    @property
    def total(self) -> int:
        """All services ever: the baseline and what was counted."""
        return self.baseline + self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Who was served: guests share caps by opaque keyed hashes of their device and network, None where unknown."""

    citizen_id: str
    guest: bool
    device_key: str | None = None
    network_key: str | None = None


class Claim(NamedTuple):
    """What one sending of a reading, or of an opening, tells the ledger.

    ``received_at`` by our clock (epoch ms) · ``dwell_ms``, ``scroll`` the largest sent so far · ``issued_at`` of the
    token that was proven, or else ``problem`` · ``opens`` False where it only adds to an entry that is there · ``new``
    where its source was stored in this transaction, so that there is no entry yet.
    """

    source_id: str
    served: Served
    object_id: str
    readable: Readable
    received_at: int
    kind: ServiceKind = ServiceKind.READ
    dwell_ms: int | None = None
    scroll: float | None = None
    issued_at: int | None = None
    problem: Exclusion | None = None
    opens: bool = True
    new: bool = False


def day_text(ts_ms: int) -> str:
    """The Shanghai day of an instant (epoch ms) as the ledger writes it, ISO 8601."""
    return clock.iso_day_of(ts_ms)


def citizen_lock(citizen_id: str) -> str:
    """The name by which whoever writes a citizen's readings keeps others from doing so (``locks.hold``)."""
    return f"ledger citizen {citizen_id}"


def record(connection: Connection, claims: Sequence[Claim], *, rule: Rule = CURRENT) -> dict[str, Entry]:
    """Write down ``claims`` in their order and judge them by ``rule``; the entries that they touched, by source.

    The transaction must be a writing one (``Database.begin``) and the one that stores the events. Raises DatabaseError.
    """
    driver = Driver(connection)
    locks.hold(driver, (citizen_lock(claim.served.citizen_id) for claim in claims))
    stored = entries(driver, [claim.source_id for claim in claims if not claim.new])
    book = _Book(rule, stored)
    for claim in claims:
        book.take(claim)
    book.judge(driver)
    book.write(driver)
    return book.touched


def verdicts(connection: Connection, source_ids: Iterable[str]) -> dict[str, Entry]:
    """The entries that rest on these events, by source; those without an entry are left out."""
    return entries(Driver(connection), list(source_ids))


def progress(connection: Connection, settings: Settings) -> Progress:
    """How far the target of ``settings`` is at this moment."""
    per_day = facts.counted_per_day(connection)
    window = {day: n for day, n in per_day.items() if settings.target_from <= day <= settings.target_until}
    return Progress(
        baseline=settings.target_baseline,
        goal=settings.target_goal,
        first=settings.target_from,
        last=settings.target_until,
        counted=sum(window.values()),
        today=per_day.get(clock.today(), 0),
        per_day=window,
        items_goal=settings.target_items,
    )


def entries(driver: Driver, source_ids: list[str]) -> dict[str, Entry]:
    """The stored entries of ``source_ids``."""
    found = driver.rows(f"{SELECT} WHERE source_id IN ?", source_ids) if source_ids else []
    return {row[0]: entry(row) for row in found}


def entry(row: tuple[Any, ...]) -> Entry:
    """An entry from its columns."""
    made = Entry(*row)
    made.kind = ServiceKind(made.kind)
    made.counted_as = ServiceKind(made.counted_as) if made.counted_as else None
    made.reason = Exclusion(made.reason) if made.reason else None
    made.live, made.own, made.guest = bool(made.live), bool(made.own), bool(made.guest)
    return made


class _Book:
    """The entries of one call: taken, judged, written."""

    def __init__(self, rule: Rule, stored: dict[str, Entry]) -> None:
        self.touched: dict[str, Entry] = {}
        self._rule = rule
        self._stored = stored
        self._before = {
            id: (found.day, found.issued_at, found.counted_as, found.reason) for id, found in stored.items()
        }
        self._now: dict[str, int] = {}
        self._strengthened: dict[tuple[str, str, str], ServiceKind] = {}
        self._shared: dict[tuple[str, SharedCap, str], int] = {}

    def take(self, claim: Claim) -> None:
        """Make or grow the entry of ``claim``."""
        known = self.touched.get(claim.source_id) or self._stored.get(claim.source_id)
        if known is None and claim.opens:
            self.touched[claim.source_id] = _opened(claim)
        elif known is not None and _grow(known, claim):
            self.touched[claim.source_id] = known
        else:
            return
        self._now[claim.source_id] = claim.received_at

    def judge(self, driver: Driver) -> None:
        """Give every entry that does not count yet its verdict."""
        candidates = []
        for found in self.touched.values():
            if found.counted_as is not None:
                continue
            found.rule, found.decided_at = self._rule.version, self._now[found.source_id]
            found.reason = shortfall(self._rule, found)
            if found.reason is None:
                candidates.append(found)
        if not candidates:
            return
        tally = _tally(driver, candidates)
        kinds, shared = dict(tally.keys), dict(tally.shared)
        for found in candidates:
            found.reason = tally.judge(self._rule, found)
            if found.reason is None:
                found.counted_as = found.kind
        self._strengthened = {key: kind for key, kind in tally.keys.items() if kinds.get(key, kind) is not kind}
        self._shared = {cap: used - shared.get(cap, 0) for cap, used in tally.shared.items()}
        # What was counted and strengthened within the call is written once, as strong as it became.
        for found in candidates:
            if found.counted_as is not None:
                found.counted_as = tally.keys[found.natural_key]

    def write(self, driver: Driver) -> None:
        """Store what is new and what changed."""
        new, evidence, verdict = [], [], []
        for id, found in self.touched.items():
            if id not in self._stored:
                new.append(_row(found))
                continue
            grown = (found.seen_at, found.dwell_ms, found.scroll, found.live, found.rule, found.decided_at)
            if _state(found) == self._before[id]:
                evidence.append((*grown, id))
            else:
                verdict.append((*grown, *_state(found), id))
        driver.insert(_INSERT, new)
        driver.many(_UPDATE_EVIDENCE, evidence)
        driver.many(_UPDATE_VERDICT, verdict)
        driver.many(_STRENGTHEN, [(kind, *key) for key, kind in self._strengthened.items()])
        driver.insert(_USE_SHARE, [(*cap, used) for cap, used in self._shared.items() if used])


def _row(found: Entry) -> tuple[Any, ...]:
    # Plain texts: SQLite's driver takes a microsecond to find out what a word of the vocabulary is.
    *values, counted_as, reason = _of_columns(found)
    values[_KIND] = values[_KIND].value
    return (*values, counted_as and counted_as.value, reason and reason.value)


def _state(found: Entry) -> tuple[Any, ...]:
    return found.day, found.issued_at, found.counted_as, found.reason


def _opened(claim: Claim) -> Entry:
    served, readable = claim.served, claim.readable
    return Entry(
        source_id=claim.source_id,
        citizen_id=served.citizen_id,
        object_id=claim.object_id,
        kind=claim.kind,
        day=day_text(claim.received_at if claim.issued_at is None else claim.issued_at),
        issued_at=claim.issued_at,
        seen_at=claim.received_at,
        dwell_ms=claim.dwell_ms,
        scroll=claim.scroll,
        length=readable.length,
        live=readable.live,
        own=readable.author == served.citizen_id,
        guest=served.guest,
        device_key=served.device_key,
        network_key=served.network_key,
        rule=0,
        decided_at=claim.received_at,
        counted_as=None,
        reason=claim.problem,
    )


def _grow(known: Entry, claim: Claim) -> bool:
    """Add what ``claim`` tells to the evidence; whether that makes any difference.

    What arrives when a token of then has expired changes nothing any more, so that every day is final some day.
    """
    before = _evidence(known)
    if known.issued_at is None and claim.issued_at is not None:
        known.issued_at, known.day = claim.issued_at, day_text(claim.issued_at)
    if known.issued_at is not None and claim.received_at > known.issued_at + LIFETIME_MS:
        return False
    if known.reason is Exclusion.NO_TOKEN and claim.problem is not None:
        known.reason = claim.problem
    known.seen_at = max(known.seen_at, claim.received_at)
    known.dwell_ms = _larger(known.dwell_ms, claim.dwell_ms)
    known.scroll = _larger(known.scroll, claim.scroll)
    known.live = known.live or claim.readable.live
    # Not seen_at by itself: being heard of again without anything new is not worth a write.
    return _evidence(known) != before


def _evidence(known: Entry) -> tuple[Any, ...]:
    return known.issued_at, known.dwell_ms, known.counted_dwell_ms, known.scroll, known.live, known.reason


def _larger(old: Any, new: Any) -> Any:
    return old if new is None else new if old is None else max(old, new)


def _tally(driver: Driver, candidates: list[Entry]) -> Tally:
    """What was counted before of all that the candidates might be counted with."""
    tally = Tally()
    for citizen_id, day in {(found.citizen_id, found.day) for found in candidates}:
        for object_id, kind in driver.rows(_COUNTED, citizen_id, day):
            tally.know(citizen_id, day, object_id, ServiceKind(kind))
    shares = {share for found in candidates for share in found.shared_caps}
    if shares:
        locks.hold(driver, (f"ledger {scope} {label}" for scope, label in shares))
        days, labels = sorted({found.day for found in candidates}), sorted({label for _, label in shares})
        for day, scope, label, used in driver.rows(_SHARES, days, labels):
            tally.shared[day, SharedCap(scope), label] = used
    return tally
