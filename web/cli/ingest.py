"""``kepu ingest``: what comes in from feeds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import click
import orjson

from content_store import clock
from content_store.db import open_database
from content_store.errors import FeedUnreadable, ServiceMissing
from content_store.ingest.parsing import LARGEST, ParsedFeed, ParsedItem, parse
from content_store.ingest.sanitising import plain_text
from content_store.ingest.teasers import is_teaser, reading_minutes
from content_store.settings import Settings

if TYPE_CHECKING:
    from content_store.ingest.handler import Report

_TITLE_COLUMNS = 60


@click.command()
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read this feed (- for the standard input), store nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the feed and its items as JSON.")
@click.option("--url", help="Where the file came from; makes its relative addresses absolute.")
@click.option("--content-type", help="The header that it came with, for its charset.")
@click.pass_obj
def ingest(settings: Settings, file: Path | None, as_json: bool, url: str | None, content_type: str | None) -> None:
    """Fetch the feeds that are due and store what is new; or read one feed from a file and store nothing.

    The clock does the first by itself (`kepu jobs`). A file may be RSS, RDF, Atom, CDF or JSON Feed; its items are
    cleaned and printed. Exit status: 0 done, 1 a feed failed, 2 the file cannot be read as a feed; the error says why.
    """
    if file is None:
        if as_json or url or content_type:
            raise click.UsageError("--json, --url and --content-type are for a file: kepu ingest --file PATH [--json]")
        _fetch(settings)
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
