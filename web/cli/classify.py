"""``kepu classify``: what a text may be about, and on what that rests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from content_store import markdown, suggestions
from content_store.ingest import sanitising
from content_store.places import found_in
from content_store.settings import Settings
from recsys import suggesting
from recsys.classifying import Row, Suggestion
from web.cli.opening import opened


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), required=False)
@click.option("--text", help="The text itself, instead of FILE.")
@click.option("--title", default="", help="Its title; what stands there weighs more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--queue", is_flag=True, help="Suggest for all that waits for an editor, as the clock does.")
@click.option("--learn", is_flag=True, help="Learn from what passed its review, as the clock does.")
@click.pass_obj
def classify(
    settings: Settings, file: Path | None, text: str | None, title: str, as_json: bool, queue: bool, learn: bool
) -> None:
    """Suggest a topic and a place for the text in FILE (- for the standard input), with what speaks for them.

    Nothing is stored, unless --queue or --learn is given: they go before any text. A suggestion decides nothing: where
    the machine is not sure there is none.
    """
    if queue or learn:
        _work(settings, queue=queue, learn=learn)
    elif (file is None) == (text is None):
        raise click.UsageError("give either FILE or --text")
    if file is not None:
        with click.open_file(str(file), encoding="utf-8", errors="replace") as handle:
            text = handle.read()
    if text is None:
        return
    classifier = suggesting.active(suggesting.store_of(settings))
    read = sanitising.plain_text(text) if text.lstrip().startswith("<") else markdown.plain_text(text)
    [found] = classifier.suggest([Row("", title, read)])
    if as_json:
        click.echo(json.dumps(_told(found, f"{title}\n{read}"), ensure_ascii=False, indent=1))
        return
    click.echo(found.sentence)
    click.echo(found.place_sentence)
    click.echo(f"model: {found.model}")


def _work(settings: Settings, *, queue: bool, learn: bool) -> None:
    store = suggesting.store_of(settings)
    with opened(settings) as database:
        if learn:
            learnt = suggesting.learn(database, store)
            click.echo(f"published {learnt.version}: {learnt.told}" if learnt.version else learnt.told)
        if queue:
            filled = suggesting.fill(database, suggesting.active(store))
            with database.connect() as connection:
                so_far = suggestions.agreement(connection)
            click.echo(f"suggested for {filled.stored}, of which {filled.unsure} without a topic: not sure enough")
            click.echo(f"topics so far: {so_far.taken} taken, {so_far.changed} changed, {so_far.blank} left blank")


def _told(found: Suggestion, whole: str) -> dict[str, Any]:
    """The suggestion, and all places that the text names."""
    return {
        "topic": found.topic,
        "confidence": round(found.confidence, 4),
        "likeliest": found.likeliest,
        "runner_up": found.runner_up,
        "words": found.words,
        "sentence": found.sentence,
        "prefecture": found.prefecture,
        "county": found.county,
        "place_confidence": round(found.place_confidence, 4),
        "place_words": found.place_words,
        "place_sentence": found.place_sentence,
        "places": [
            {"code": place.code, "name": place.name, "count": place.count, "confidence": place.confidence}
            for place in found_in(whole)
        ],
        "model": found.model,
    }
