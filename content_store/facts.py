"""What is reported per day: how many services, and how many of what did not count for which reason.

A fact is counted from the rows of the ledger and can be counted again at any time. A day is final when nothing that
arrives can change it any more: at its end, plus the lifetime of a reading token. Until then it is read live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from content_store import clock, locks, schema
from content_store.driver import Driver, Insertion
from content_store.reading_tokens import LIFETIME_MS
from content_store.vocabulary import ServiceKind

_SETTLING_MS = 3_600_000

COUNTED = "counted"
"""The outcome of what counts; every other outcome is an ``Exclusion``."""

_INSERT = Insertion.into(schema.daily_facts, ("day", "kind", "outcome", "number", "built_at"))
_BY_OUTCOME = f"""
    SELECT day, coalesce(counted_as, kind) AS as_kind, coalesce(reason, '{COUNTED}') AS outcome, count(*)
    FROM ledger_entries WHERE day IN ? GROUP BY day, as_kind, outcome
"""
_COUNTED_PER_DAY = "SELECT day, count(*) FROM ledger_entries WHERE day IN ? AND reason IS NULL GROUP BY day"
_STORED = "SELECT day, kind, outcome, number FROM daily_facts WHERE day IN ?"
_BUILT = "SELECT day, min(built_at) FROM daily_facts GROUP BY day"
# One look into the index per day; DISTINCT would read all of it.
_DAYS = """
    WITH RECURSIVE days(day) AS (
        SELECT min(day) FROM ledger_entries
        UNION ALL
        SELECT (SELECT min(e.day) FROM ledger_entries e WHERE e.day > days.day) FROM days WHERE days.day IS NOT NULL
    )
    SELECT day FROM days WHERE day IS NOT NULL
"""


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """How many entries of ``kind`` had this ``outcome`` on a Shanghai ``day``: ``COUNTED``, or the reason why not."""

    day: date
    kind: ServiceKind
    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is not what the ledger says."""

    day: date
    kind: ServiceKind
    outcome: str
    stored: int
    counted: int


def rebuild(connection: Connection, day: date) -> list[Fact]:
    """Count ``day`` anew, in place of what was stored of it, and give its facts; an empty day has none.

    The transaction must be a writing one (``Database.begin``).
    """
    driver = Driver(connection)
    locks.hold(driver, [f"facts {day}"])
    found = _count(driver, [day])
    driver.many("DELETE FROM daily_facts WHERE day = ?", [(day.isoformat(),)])
    now = clock.now_ms()
    driver.insert(_INSERT, [(fact.day.isoformat(), fact.kind, fact.outcome, fact.number, now) for fact in found])
    return found


def due(connection: Connection) -> list[date]:
    """The days before today that have entries and no facts, or facts from before they were final; oldest first."""
    driver = Driver(connection)
    built = {date.fromisoformat(day): at for day, at in driver.rows(_BUILT)}
    today = clock.today()
    return [day for day in _days(driver) if day < today and built.get(day, 0) < final_at_ms(day)]


def days(connection: Connection) -> list[date]:
    """The days that have entries, in order."""
    return _days(Driver(connection))


def final_days(connection: Connection) -> list[date]:
    """The days whose facts were built when nothing could change them any more, in order."""
    return _final(Driver(connection))


def of_day(connection: Connection, day: date) -> list[Fact]:
    """The facts of ``day``: stored where it is final, otherwise counted now."""
    driver = Driver(connection)
    return (_stored if day in _final(driver) else _count)(driver, [day])


def counted_per_day(connection: Connection) -> dict[date, int]:
    """How many services count on each day that has any, in the order of days; final days from their facts."""
    driver = Driver(connection)
    final = _final(driver)
    live = sorted(set(_days(driver)) - set(final))
    numbers = {date.fromisoformat(day): number for day, number in driver.rows(_COUNTED_PER_DAY, _texts(live))}
    for fact in _stored(driver, final):
        if fact.outcome == COUNTED:
            numbers[fact.day] = numbers.get(fact.day, 0) + fact.number
    return dict(sorted(numbers.items()))


def outcomes(connection: Connection, first: date, last: date) -> dict[str, int]:
    """How many entries had each outcome on the days ``first`` to ``last``, both included."""
    driver = Driver(connection)
    final = _final(driver)
    live = sorted(set(_days(driver)) - set(final))
    within = ([day for day in days if first <= day <= last] for days in (final, live))
    numbers: dict[str, int] = {}
    for fact in (*_stored(driver, next(within)), *_count(driver, next(within))):
        numbers[fact.outcome] = numbers.get(fact.outcome, 0) + fact.number
    return numbers


def check(connection: Connection) -> list[Difference]:
    """Where final facts are not what the ledger says when it is counted again.

    Facts from before their day was final may differ from it by right, and are not looked at.
    """
    driver = Driver(connection)
    days = _final(driver)
    stored = {(fact.day, fact.kind, fact.outcome): fact.number for fact in _stored(driver, days)}
    counted = {(fact.day, fact.kind, fact.outcome): fact.number for fact in _count(driver, days)}
    return [
        Difference(*key, stored.get(key, 0), counted.get(key, 0))
        for key in sorted(stored.keys() | counted.keys())
        if stored.get(key, 0) != counted.get(key, 0)
    ]


def final_at_ms(day: date) -> int:
    """The instant (epoch ms) from which nothing changes ``day`` any more, what was still being written included."""
    return clock.start_of_day_ms(day + timedelta(days=1)) + LIFETIME_MS + _SETTLING_MS


def _days(driver: Driver) -> list[date]:
    return [date.fromisoformat(day) for (day,) in driver.rows(_DAYS)]


def _final(driver: Driver) -> list[date]:
    """The days whose facts were built when they were final, in order."""
    built = {date.fromisoformat(day): at for day, at in driver.rows(_BUILT)}
    return sorted(day for day, at in built.items() if at >= final_at_ms(day))


def _count(driver: Driver, days: list[date]) -> list[Fact]:
    return sorted(map(_fact, driver.rows(_BY_OUTCOME, _texts(days))))


def _stored(driver: Driver, days: list[date]) -> list[Fact]:
    return sorted(map(_fact, driver.rows(_STORED, _texts(days))))


def _texts(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _fact(row: tuple[Any, ...]) -> Fact:
    day, kind, outcome, number = row
    return Fact(date.fromisoformat(day), ServiceKind(kind), outcome, number)
