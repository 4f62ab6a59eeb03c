"""The ledger examined: counted again from its own evidence, and compared with the events and the facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, facts, schema
from content_store.driver import Driver
from content_store.facts import COUNTED
from content_store.ledger import entry
from content_store.ledger_rules import Entry, Rule, Tally, shortfall
from content_store.ledger_rules import rule as rule_of
from content_store.vocabulary import SharedCap

_SHOWN = 5
_FETCH = 5_000

_entries = schema.ledger_entries
_AGAINST_EVENTS = {
    "no_event": (
        "entries of readings whose event is not in the log",
        "FROM ledger_entries l LEFT JOIN events e ON e.id = l.source_id WHERE l.kind = 'read' AND e.id IS NULL",
    ),
    "other_event": (
        "entries that name another citizen or content than their event, or rest on one that is no reading",
        """
        FROM ledger_entries l JOIN events e ON e.id = l.source_id WHERE l.kind = 'read' AND
        (e.citizen_id <> l.citizen_id OR e.content_id <> l.object_id OR (e.kind <> 'read' AND e.kind <> 'click'))
        """,
    ),
    "more_than_sent": (
        "entries with more dwell or scroll than their event",
        """
        FROM ledger_entries l JOIN events e ON e.id = l.source_id WHERE l.kind = 'read' AND
        (coalesce(l.dwell_ms, 0) > coalesce(e.dwell_ms, 0) OR coalesce(l.scroll, 0) > coalesce(e.scroll, 0))
        """,
    ),
}
_WRONG_DAY = "FROM ledger_entries l WHERE l.day = ? AND (l.issued_at < ? OR l.issued_at >= ?)"
_WITHOUT_ENTRY = """
    SELECT count(*) FROM events e LEFT JOIN ledger_entries l ON l.source_id = e.id
    WHERE e.kind = 'read' AND l.source_id IS NULL
"""
_USED = """
    SELECT {scope}_key, count(*) FROM ledger_entries
    WHERE day = ? AND reason IS NULL AND guest AND {scope}_key IS NOT NULL GROUP BY {scope}_key
"""
_SHARES = "SELECT scope, label, used FROM ledger_shares WHERE day = ?"


@dataclass(frozen=True, slots=True)
class Change:
    """Entries whose verdict is another one: ``COUNTED`` or the reason why not, before and after; some of them by id."""

    before: str
    after: str
    number: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recount:
    """The ledger counted again under ``rule`` (None: each entry under the rule it was judged by)."""

    rule: int | None
    stored: int
    recounted: int
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether not a single verdict changed."""
        return not self.changes


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be: a stable ``code``, what it means, how many rows, some of them."""

    code: str
    text: str
    number: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared and what is wrong; ``without_entry`` are readings that never asked to count, as imported."""

    entries: int
    counted: int
    final_days: int
    without_entry: int
    problems: tuple[Problem, ...]


def recount(connection: Connection, rule: Rule | None = None) -> Recount:
    """Judge every entry again by ``rule``, or by the rule that it was judged by, and tell what differs.

    Only the evidence in the entries is used. On each day those that count are judged first, so that under their own
    rule nothing can differ, and under another nobody loses a service to somebody else's without need. Changes nothing.
    """
    changes: Counter[tuple[str, str]] = Counter()
    examples: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    stored = recounted = 0

    def differs(source_id: str, before: str, after: str) -> None:
        changes[before, after] += 1
        if len(examples[before, after]) < _SHOWN:
            examples[before, after].append(source_id)

    for day in facts.days(connection):
        tally = Tally()
        counted: dict[tuple[str, str, str], Entry] = {}
        for found in _of_day(connection, day):
            judge = rule or rule_of(found.rule)
            reason = shortfall(judge, found) or tally.judge(judge, found)
            before, after = found.reason or COUNTED, reason or COUNTED
            if before != after:
                differs(found.source_id, before, after)
            stored += found.reason is None
            recounted += reason is None
            if before == after == COUNTED:
                counted[found.natural_key] = found
        for key, found in counted.items():
            if found.counted_as is not tally.keys[key]:
                differs(found.source_id, f"counted as {found.counted_as}", f"counted as {tally.keys[key]}")
    told = (Change(*verdicts, number, tuple(examples[verdicts])) for verdicts, number in changes.most_common())
    return Recount(None if rule is None else rule.version, stored, recounted, tuple(told))


def verify(connection: Connection) -> Verification:
    """Compare the entries with the events, with their own evidence, with the caps that they used and with the facts.

    The connection must show one moment (``Database.snapshot``). Changes nothing.
    """
    driver = Driver(connection)
    days = facts.days(connection)
    problems = [_found(driver, code, text, query) for code, (text, query) in _AGAINST_EVENTS.items()]
    problems.append(_wrong_days(driver, days))
    problems.append(_wrong_shares(driver, days))
    again = recount(connection)
    for change in again.changes:
        text = f"entries that are stored as {change.before} and come out as {change.after}"
        problems.append(Problem("verdict", text, change.number, change.examples))
    wrong = facts.check(connection)
    shown = (f"{fact.day} {fact.kind} {fact.outcome}: {fact.stored} for {fact.counted}" for fact in wrong[:_SHOWN])
    problems.append(Problem("facts", "facts of final days that are not what the ledger says", len(wrong), tuple(shown)))
    return Verification(
        entries=driver.rows("SELECT count(*) FROM ledger_entries")[0][0],
        counted=again.stored,
        final_days=len(facts.final_days(connection)),
        without_entry=driver.rows(_WITHOUT_ENTRY)[0][0],
        problems=tuple(problem for problem in problems if problem.number),
    )


def _of_day(connection: Connection, day: date) -> Iterator[Entry]:
    columns = _entries.c
    query = sa.select(*columns).where(columns.day == day.isoformat())
    query = query.order_by(columns.reason.is_not(None), columns.rule, columns.decided_at, columns.source_id)
    for row in connection.execute(query, execution_options={"yield_per": _FETCH}):
        yield entry(tuple(row))


def _found(driver: Driver, code: str, text: str, query: str, *values: object) -> Problem:
    """The rows that ``query`` (from its FROM on, the entries as ``l``) finds, as a problem."""
    number = driver.rows(f"SELECT count(*) {query}", *values)[0][0]
    some = driver.rows(f"SELECT l.source_id {query} LIMIT {_SHOWN}", *values) if number else []
    return Problem(code, text, number, tuple(id for (id,) in some))


def _wrong_days(driver: Driver, days: list[date]) -> Problem:
    text = "entries whose day is not the one on which their token was issued"
    number = 0
    examples: list[str] = []
    for day in days:
        limits = clock.start_of_day_ms(day), clock.start_of_day_ms(day + timedelta(days=1))
        found = _found(driver, "wrong_day", text, _WRONG_DAY, day.isoformat(), *limits)
        number += found.number
        examples += found.examples
    return Problem("wrong_day", text, number, tuple(examples[:_SHOWN]))


def _wrong_shares(driver: Driver, days: list[date]) -> Problem:
    wrong = []
    for day in days:
        stored = {(SharedCap(scope), label): used for scope, label, used in driver.rows(_SHARES, day.isoformat())}
        used = {
            (scope, label): number
            for scope in SharedCap
            for label, number in driver.rows(_USED.format(scope=scope.value), day.isoformat())
        }
        wrong += [
            f"{day} {scope} {label}: {stored.get((scope, label), 0)} for {used.get((scope, label), 0)}"
            for scope, label in sorted(stored.keys() | used.keys())
            if stored.get((scope, label), 0) != used.get((scope, label), 0)
        ]
    text = "devices and networks whose guests used another share of their cap than the ledger says"
    return Problem("shares", text, len(wrong), tuple(wrong[:_SHOWN]))
