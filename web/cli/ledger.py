"""``kepu ledger``: how many services were rendered, counted again, and examined."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from itertools import chain
from typing import Any

import click

from content_store import clock, facts, ledger_audit, ledger_rules, quality
from content_store.db import open_database
from content_store.facts import Fact
from content_store.ledger import Progress
from content_store.ledger import progress as progress_of
from content_store.ledger_audit import Recount, Verification
from content_store.quality import Count
from content_store.settings import Settings
from content_store.vocabulary import Exclusion

NOT_AS_IT_SHOULD_BE = 1

_LABELS = {exclusion.value: exclusion.label for exclusion in Exclusion}
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


@click.group()
def ledger() -> None:
    """Show, recount or verify the services that count (人次).

    A service is a reading that a signed token, its dwell and its scroll bear out, once per citizen, content and day.
    Imported readings are history and never count. docs/numbers.md tells every rule.
    """


@ledger.command()
@click.option("--days", type=click.IntRange(min=0), default=7, show_default=True, help="How many days to list.")
@_JSON
@click.pass_obj
def progress(settings: Settings, days: int, as_json: bool) -> None:
    """Show how far the target is, today, the last days with services, and why what does not count today does not."""
    database = open_database(settings)
    try:
        with database.snapshot() as connection:
            found = progress_of(connection, settings)
            excluded = _excluded(facts.of_day(connection, clock.today()))
            since, before = map(clock.start_of_day_ms, (found.first, found.last + timedelta(days=1)))
            items = quality.count(connection, since, before)
    finally:
        database.close()
    if as_json:
        gaps = {gap.value: number for gap, number in items.gaps.items()}
        quality_items = {"items_quality": items.items, "items_young": items.young, "items_no_quality": gaps}
        _print(_as_json(found) | quality_items | {"excluded_today": excluded})
    else:
        _print(chain(_progress_lines(found, days, excluded), _item_lines(found, items)))


@ledger.command()
@click.option("--rule", "version", type=int, help="Rule to count by; without it each entry by the rule of its time.")
@_JSON
@click.pass_obj
def recount(settings: Settings, version: int | None, as_json: bool) -> None:
    """Judge every entry again from its own evidence, and explain what differs; changes nothing.

    Exit status: 1 where entries differ under the rules of their own time, which must not be.
    """
    rule = None if version is None else ledger_rules.rule(version)
    database = open_database(settings)
    try:
        with database.snapshot() as connection:
            found = ledger_audit.recount(connection, rule)
    finally:
        database.close()
    _print(asdict(found) | {"same": found.same} if as_json else _recount_lines(found))
    if rule is None and not found.same:
        sys.exit(NOT_AS_IT_SHOULD_BE)


@ledger.command()
@_JSON
@click.pass_obj
def verify(settings: Settings, as_json: bool) -> None:
    """Compare the ledger with the events, its own evidence, the shared caps and the facts of each day; changes nothing.

    Exit status: 1 where something cannot be.
    """
    database = open_database(settings)
    try:
        with database.snapshot() as connection:
            found = ledger_audit.verify(connection)
    finally:
        database.close()
    _print(asdict(found) if as_json else _verify_lines(found))
    if found.problems:
        sys.exit(NOT_AS_IT_SHOULD_BE)


def _print(told: dict[str, Any] | Iterator[str]) -> None:
    if isinstance(told, dict):
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for line in told:
        click.echo(line)


def _as_json(found: Progress) -> dict[str, Any]:
    return {
        "baseline": found.baseline,
        "goal": found.goal,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "days": found.days,
        "counted": found.counted,
        "total": found.total,
        "today": found.today,
        "items_goal": found.items_goal,
        "per_day": {day.isoformat(): number for day, number in found.per_day.items()},
    }


def _excluded(today: Iterable[Fact]) -> dict[str, int]:
    """How many entries do not count, by the reason why not."""
    numbers: dict[str, int] = {}
    for fact in today:
        if fact.outcome != facts.COUNTED:
            numbers[fact.outcome] = numbers.get(fact.outcome, 0) + fact.number
    return numbers


def _progress_lines(found: Progress, days: int, excluded: dict[str, int]) -> Iterator[str]:
    reached = f" ({found.counted / found.goal:.2%})" if found.goal else ""
    yield f"services (人次) from {found.first} to {found.last}, {found.days} days"
    yield f"  counted  {found.counted:,} of {found.goal:,}{reached}"
    yield f"  today    {found.today:,}; the goal is {found.goal / found.days:,.0f} a day"
    yield f"  in all   {found.total:,}, with the {found.baseline:,} of before"
    shown = list(found.per_day.items())[-days:] if days else []
    if shown:
        yield "last days with services:"
    for day, number in shown:
        yield f"  {day}  {number:,}"
    if not found.per_day:
        yield "nothing counts yet: readings count as citizens send them with their reading tokens; imports never do"
    if excluded:
        yield "not counted today, by the reason why not:"
    for reason, number in excluded.items():
        yield f"  {_told(reason)}  {number:,}"


def _item_lines(found: Progress, items: Count) -> Iterator[str]:
    yield f"quality items (优质内容), by rule {quality.CURRENT.version}"
    young = f", {items.young:,} of them younger than {quality.CURRENT.days} days" if items.young else ""
    yield f"  counted  {items.items:,} of {found.items_goal:,}{young}"
    for gap, number in items.gaps.items():
        yield f"  {gap.value} {gap.label}  {number:,}"


def _recount_lines(found: Recount) -> Iterator[str]:
    rule = "the rules of their own time" if found.rule is None else f"rule {found.rule}"
    yield f"counted {found.stored:,}; by {rule} {found.recounted:,} ({found.recounted - found.stored:+,})"
    if found.same:
        yield "not a single verdict differs"
    for change in found.changes:
        examples = ", ".join(change.examples)
        yield f"  {change.number:,}  {_told(change.before)} → {_told(change.after)}; such as {examples}"


def _told(verdict: str) -> str:
    return f"{verdict} {_LABELS[verdict]}" if verdict in _LABELS else verdict


def _verify_lines(found: Verification) -> Iterator[str]:
    yield f"{found.entries:,} entries, {found.counted:,} of them count; {found.final_days:,} days are final"
    yield f"{found.without_entry:,} readings were never asked to count (imported, or stored by other roads)"
    if not found.problems:
        yield "no problems found"
    for problem in found.problems:
        yield f"{problem.code}: {problem.number:,} {problem.text}"
        yield f"    such as {', '.join(problem.examples)}"
