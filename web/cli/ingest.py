"""``kepu ingest``: what comes in from feeds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import click
import orjson

from content_store import clock, contents
from content_store.creator_words import Membership
from content_store.db import open_database
from content_store.errors import ExportFileError, FeedUnreadable, ServiceMissing, UnknownOriginal
from content_store.ingest import keeping
from content_store.ingest.parsing import LARGEST, ParsedFeed, ParsedItem, parse
from content_store.ingest.sanitising import plain_text
from content_store.ingest.teasers import is_teaser, reading_minutes
from content_store.settings import Settings
from web.cli.opening import opened

if TYPE_CHECKING:
    from content_store.ingest.handler import Report

_TITLE_COLUMNS = 60
_STANDING = {
    Membership.APPLIED: "not admitted yet",
    Membership.REFUSED: "refused",
    Membership.SUSPENDED: "suspended",
    Membership.LEFT: "gone from the alliance",
}


@click.group(invoke_without_command=True)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read this feed (- for the standard input), store nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the feed and its items as JSON.")
@click.option("--url", help="Where the file came from; makes its relative addresses absolute.")
@click.option("--content-type", help="The header that it came with, for its charset.")
@click.pass_context
def ingest(ctx: click.Context, file: Path | None, as_json: bool, url: str | None, content_type: str | None) -> None:
    """Fetch the feeds that are due and store what is new; or read one feed from a file and store nothing.

    The clock does the first by itself (`kepu jobs`). A file may be RSS, RDF, Atom, CDF or JSON Feed; its items are
    cleaned and printed. Exit status: 0 done, 1 a feed failed, 2 the file cannot be read as a feed; the error says why.
    """
    if ctx.invoked_subcommand is not None:
        if file or as_json or url or content_type:
            raise click.UsageError(f"`kepu ingest {ctx.invoked_subcommand}` takes its options after its name")
        return
    if file is None:
        if as_json or url or content_type:
            raise click.UsageError("--json, --url and --content-type are for a file: kepu ingest --file PATH [--json]")
        _fetch(ctx.obj)
        return
    feed = parse(_bytes_of(file), url=url, content_type=content_type)
    if as_json:
        click.echo(orjson.dumps(record_of(feed), option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"{feed.title or '(no title)'}  {feed.link}".rstrip())
    click.echo(f"{feed.format or 'unknown format'}, {feed.encoding}, {len(feed.items)} items")
    for item in feed.items:
        click.echo(_line(item))
    if not feed.whole:
        click.echo("what is beyond the limits of one feed was left out", err=True)


@ingest.command()
@click.argument("content_id")
@click.option("--number", type=click.IntRange(min=1), help="Which one; by default the newest.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Save it there, byte for byte (- for the standard output).",
)
@click.pass_obj
def original(settings: Settings, content_id: str, number: int | None, out: Path | None) -> None:
    """List what sources said of CONTENT_ID, as it is kept for audit; or save one of these documents.

    They are documents of strangers: look at them in an editor of texts, not in a browser.
    """
    with opened(settings) as database, database.connect() as connection:
        content = contents.get(connection, content_id)
        kept = keeping.of_content(connection, content.id)
        if number is not None:
            kept = [keeping.get(connection, content.id, number)]
        if out is not None and not kept:
            raise UnknownOriginal(f"nothing that was fetched is kept of content {content.id}")
        data = keeping.read(connection, kept[0]) if out is not None else b""
    if out is None:
        for one in kept:
            told = f"{one.part.value:<4}  {one.size:>10,} bytes  {one.content_type or '-'}  {one.url}"
            click.echo(f"{one.id}  {clock.shown(one.fetched_at)}  {told}")
        if not kept:
            click.echo("nothing that was fetched is kept of it")
    elif str(out) == "-":
        sys.stdout.buffer.write(data)
    else:
        _save(out, data)


def _save(out: Path, data: bytes) -> None:
    try:
        out.write_bytes(data)
    except OSError as error:
        raise ExportFileError(f"{out} cannot be written: {error.strerror or type(error).__name__}") from error


def _fetch(settings: Settings) -> None:
    try:
        from content_store.ingest.sweeping import sweep  # what reads pages takes half a second to load
    except ImportError as error:
        raise ServiceMissing(
            f"{error.name} is not installed", hint="install tianfu-kepu with the extra `ingest`"
        ) from error
    database = open_database(settings)
    try:
        tally = sweep(database, settings, told=lambda report: click.echo(_told(report)))
    finally:
        database.close()
    for feed, state in tally.stopped:
        click.echo(f"{feed.url}  not fetched: its creator is {_STANDING[state]}, and works are taken of members only")
    click.echo(tally.told())
    if tally.failed:
        sys.exit(1)


def _told(report: Report) -> str:
    if report.problem or report.lost:
        return f"{report.url}  {report.problem or 'taken over by another worker'}"
    if report.not_modified:
        return f"{report.url}  not modified"
    parts = [f"{count} {verdict.value}" for verdict, count in report.counts.items() if count]
    parts += [f"{report.waiting} waiting"] if report.waiting else []
    parts += [f"{report.withdrawn} of them withdrawn here before"] if report.withdrawn else []
    return f"{report.url}  {report.title}: {', '.join(parts) or 'no items'}"


def record_of(feed: ParsedFeed) -> dict[str, object]:
    """The feed as it is printed in JSON: the fields of ``ParsedFeed`` and, for each item, those of ``ParsedItem`` with
    ``reading_minutes`` and whether it is only a ``teaser``."""
    items = [
        asdict(item) | {"reading_minutes": reading_minutes(plain_text(item.html)), "teaser": is_teaser(item)}
        for item in feed.items
    ]
    return asdict(feed) | {"items": items}


def _bytes_of(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with file.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FeedUnreadable(f"{file} cannot be read: {reason}", hint="give the path of a file") from error


def _line(item: ParsedItem) -> str:
    when = item.published if item.published is not None else item.updated
    told = [clock.shown(when) if when is not None else "-" * 16, _fitted(item.title or item.summary or "(no title)")]
    told += [
        "teaser" if is_teaser(item) else f"{reading_minutes(plain_text(item.html))} min".rjust(6),
        item.url or item.guid,
    ]
    return "  ".join(told)


def _fitted(text: str) -> str:
    """As much of the text as fits the column, filled with spaces; a wide character takes two places."""
    fitted, width = "", 0
    for sign in " ".join(text.split()):
        places = 2 if east_asian_width(sign) in "WF" else 1
        if width + places > _TITLE_COLUMNS:
            break
        fitted += sign
        width += places
    return fitted + " " * (_TITLE_COLUMNS - width)
