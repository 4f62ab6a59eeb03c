"""``kepu recommend``: a citizen's ranked list, with what each source says and why each item is there."""

from __future__ import annotations

from collections.abc import Mapping

import click

from content_store import citizens, clock, contents
from content_store.db import open_database
from content_store.settings import Settings
from recsys.features import InterestConfig
from recsys.features.articles import articles
from recsys.features.records import read_dataset
from recsys.sentences import sentence
from recsys.serving import SOURCES, Recommended, Served
from recsys.snapshots import store_of


@click.command()
@click.argument("citizen")
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True)
@click.pass_obj
def recommend(settings: Settings, citizen: str, limit: int) -> None:
    """Print the ranked list of CITIZEN as of the newest event, with scores per source and a reason for each item."""
    database = open_database(settings)
    try:
        with database.connect() as connection:
            person = citizens.get(connection, citizen)
            known = articles(contents.every(connection))
            live = frozenset(content.id for content in contents.live(connection))
        now = clock.now_ms()
        dataset = read_dataset(database, now + 1, InterestConfig())
    finally:
        database.close()
    opened = store_of(settings).active()
    for problem in opened.problems:
        click.echo(f"warning: {problem}", err=True)
    served = Served(dataset, known, live, opened.snapshot)
    for problem in served.problems:
        click.echo(f"warning: {problem}", err=True)
    titles = {id: article.title or id for id, article in known.items()}
    newest = dataset.span()
    at = max(newest[1], 0) + 1 if newest else now
    version = opened.snapshot.version if opened.snapshot else "none (`kepu train` makes one)"
    click.echo(f"snapshot {version} · personalised {'yes' if person.personalised and not person.minor else 'no'}")
    found = served.recommend(citizen, at, limit)
    if not found:
        click.echo("nothing to recommend: no published item that this citizen has not met")
    for position, item in enumerate(found, 1):
        for line in shown(position, item, titles, served.items):
            click.echo(line)


def shown(position: int, item: Recommended, titles: Mapping[str, str], ids: list[str]) -> list[str]:
    """An entry of the list as two lines: what and why, then what the sources say."""
    said = "  ".join(f"{name} {item.sources[name]:.3g}" for name in SOURCES if item.sources[name] == item.sources[name])
    named = [titles.get(ids[ref], ids[ref]) for ref in item.reason.refs]
    said_why = sentence(item.reason.code, titles=named, count=item.reason.count)
    return [
        f"{position:3d}. {titles.get(item.id, item.id)}  [{item.id}]  {said_why}",
        f"     score {item.score:.3f}  {said}",
    ]
