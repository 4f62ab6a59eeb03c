"""``kepu audit``: the log of every change, shown and examined."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from content_store import audit, clock
from content_store.audit import Entry, Verification
from content_store.settings import Settings
from web.cli.opening import opened

NOT_AS_IT_SHOULD_BE = 1
MOST_SHOWN = 20


@click.group("audit")
def audit_group() -> None:
    """Show or verify the log of every change: who, when, what, from, to."""


@audit_group.command()
@click.option(
    "--expect", metavar="HASH", help="A newest hash that was kept elsewhere: tells whether rows are gone since."
)
@click.pass_obj
def verify(settings: Settings, expect: str | None) -> None:
    """Walk the chain from its start, and print its newest hash, to be kept where nobody here can change it.

    Rows that were changed, deleted, put in or moved are found in any case; rows missing at the end, or a log written
    anew, only with --expect. Exit status: 1 where something is wrong.
    """
    with opened(settings) as database, database.snapshot() as connection:
        found = audit.verify(connection, expect.strip().lower() if expect else None)
    for line in _lines(found, expect is not None):
        click.echo(line)
    if found.flaws:
        sys.exit(NOT_AS_IT_SHOULD_BE)


@audit_group.command("list")
@click.option("--last", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="How many.")
@click.option("--actor", help="Only what this account (id), key:ID, system:JOB or cli:USER did.")
@click.option("--object", "object_", nargs=2, metavar="KIND ID", help="Only what was done to this object.")
@click.pass_obj
def list_(settings: Settings, last: int, actor: str | None, object_: tuple[str, str] | None) -> None:
    """Show the newest changes, newest first."""
    kind, id = object_ or (None, None)
    with opened(settings) as database, database.connect() as connection:
        found = audit.entries(connection, limit=last, actor=actor, object_kind=kind, object_id=id)
    for entry in found:
        click.echo(describe(entry))
    if not found:
        click.echo("nothing of the kind is in the log")


def describe(entry: Entry) -> str:
    """A row of the log in one line."""
    what = f"{entry.action}  {entry.object_kind} {entry.object_id}"
    return f"{entry.seq}  {clock.shown(entry.at)}  {entry.actor}  {what}  {entry.before or '–'} → {entry.after or '–'}"


def _lines(found: Verification, anchored: bool) -> Iterator[str]:
    yield f"{found.rows:,} rows, the newest is number {found.head.seq:,}"
    yield f"newest hash: {found.head.hash}"
    for flaw in found.flaws[:MOST_SHOWN]:
        yield f"{flaw.code} at row {flaw.seq:,}: {flaw.text}"
    if len(found.flaws) > MOST_SHOWN:
        yield f"and {len(found.flaws) - MOST_SHOWN:,} more"
    if found.flaws:
        return
    yield "the chain is whole" + (
        ", and has the expected hash" if anchored else "; what is missing at its end takes --expect"
    )
