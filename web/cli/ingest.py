"""``kepu ingest``: what comes in from feeds."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from unicodedata import east_asian_width

import click
import orjson

from content_store import clock
from content_store.errors import FeedUnreadable
from content_store.ingest.parsing import LARGEST, ParsedFeed, ParsedItem, parse
from content_store.ingest.sanitising import plain_text
from content_store.ingest.teasers import is_teaser, reading_minutes

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
def ingest(file: Path | None, as_json: bool, url: str | None, content_type: str | None) -> None:
    """Read a feed (RSS, RDF, Atom, CDF or JSON Feed) from a file, clean its items and print them; store nothing.

    Exit status: 0 done, 2 the file cannot be read as a feed; the error says why.
    """
    if file is None:
        raise click.UsageError("give the feed to read: kepu ingest --file PATH [--json]")
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
