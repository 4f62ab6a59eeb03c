"""``kepu terms``: the words that hold a text back, or that reviewers are told of."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from content_store.errors import BadRecord
from content_store.review import quarantining, terms
from content_store.review.quarantining import Rescan
from content_store.review.trail import Actor
from content_store.review_words import HOLDING, Severity
from content_store.settings import Settings
from web.cli.opening import actor, writing

HELD_BACK = 1


@click.group("terms")
def terms_group() -> None:
    """Keep the list of words that hold a text back (quarantine, forbidden) or are told to reviewers (notice).

    What waits to be published is looked through again when the list changes; of what is published is only told.
    """


@terms_group.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why they are on the list; people read it.")
@click.option(
    "--severity",
    type=click.Choice([severity.value for severity in Severity]),
    default=Severity.QUARANTINE.value,
    show_default=True,
    help="What they do to a text that has them.",
)
@click.pass_obj
def add(settings: Settings, words: tuple[str, ...], reason: str, severity: str) -> None:
    """Put WORDS on the list, or give them another severity and reason."""
    with writing(settings) as connection:
        new = [terms.term(word, severity, reason) for word in words]
        found = quarantining.change_list(connection, _terminal(), add=new)
    click.echo(f"{len(words)} on the list")
    _tell(found)


@terms_group.command()
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def remove(settings: Settings, words: tuple[str, ...]) -> None:
    """Take WORDS off the list; what they hold back stays so until a person lets it pass."""
    with writing(settings) as connection:
        quarantining.change_list(connection, _terminal(), remove=words)
    click.echo(f"{len(words)} taken off the list")


@terms_group.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """Show all terms with their severity and reason."""
    with writing(settings) as connection:
        found = terms.every(connection)
    if not found:
        click.echo("no terms yet: `kepu terms add WORD --reason WHY` puts one on the list")
    for term in found:
        click.echo(f"{term.term}  {term.severity.value} {term.severity.label}  {term.reason}")


@terms_group.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), required=False)
@click.pass_obj
def check(settings: Settings, file: Path | None) -> None:
    """Tell which terms the text in FILE has (- for the standard input), or without FILE what is waiting or published.

    Exit status: 1 where something is held back.
    """
    if file is None:
        with writing(settings) as connection:
            found = quarantining.rescan(connection, _terminal())
            waiting = quarantining.waiting(connection)
        for held in waiting:
            words = ", ".join(sorted({hit["term"] for hit in held.hits}))
            click.echo(f"{held.content_id} version {held.version} is held back for {words}")
        _tell(found)
        sys.exit(HELD_BACK if waiting or found.published else 0)
    text = _text_of(file)
    with writing(settings) as connection:
        hits = terms.load(connection).find({"body": text})
    for hit in hits:
        click.echo(f"{hit.start}  {hit.term.severity.value}  {hit.term.term}  {hit.term.reason}  …{hit.excerpt}…")
    sys.exit(HELD_BACK if any(hit.term.severity in HOLDING for hit in hits) else 0)


def _terminal() -> Actor:
    return Actor(None, "the terminal", actor())


def _tell(found: Rescan) -> None:
    for id in found.held:
        click.echo(f"held back: {id}")
    for id, words in found.published.items():
        click.echo(f"published with {', '.join(words)}: {id}")


def _text_of(file: Path) -> str:
    try:
        with click.open_file(str(file), encoding="utf-8") as opened:
            text: str = opened.read()
            return text
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8"
        raise BadRecord(f"{str(file)!r} cannot be read: {reason}", hint="give the path of a text in UTF-8") from error
