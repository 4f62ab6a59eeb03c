"""``kepu demo``: a town to try everything on: original articles, simulated readers, a training, the portal.

The demo has a folder of its own (``demo`` in the data folder), made anew each time; nothing of it reaches other
records.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import click

from content_store import citizens, clock, contents, events
from content_store.db import Database, open_database
from content_store.errors import KepuError
from content_store.events import Event
from content_store.hot.memory import MemoryHot
from content_store.settings import Settings
from content_store.vocabulary import EventKind, Topic
from recsys.active import ActiveModels
from recsys.feed import Ask, Entry, Feed, Page
from recsys.follower import Follower
from recsys.refit import refit
from recsys.sentences import sentence
from recsys.snapshots import SnapshotStore, store_of
from web.demo.articles import demo_articles
from web.demo.reading import Simulation, simulated

MARK = "made by kepu demo.txt"
BATCH = 10_000
SHOWN = 6
GUEST = "demo-guest"
TARGET_BEGUN = 200  # days ago

Row = TypeVar("Row")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option("--no-serve", is_flag=True, help="Leave the portal out: make the town, print the walk-through, end.")
@click.option("--citizens", "size", type=click.IntRange(50, 20_000), default=2_000, show_default=True)
@click.pass_obj
def demo(settings: Settings, port: int, no_serve: bool, size: int) -> None:
    """Make a town with 40 articles and simulated citizens, train on it, and open the portal."""
    begun = time.perf_counter()
    town = _own(settings)
    database = open_database(town)
    try:
        read = _fill(database, size)
        with _step("training"):
            trained = refit(database, store_of(town))
        click.echo(f"  {trained.candidate.metric}: served {trained.candidate.served:.3f}, best simple signal", nl=False)
        best = trained.candidate.best_single
        click.echo(f" {best} {trained.candidate.singles[best]:.3f}" if best else " none")
        for line in _walk_through(database, store_of(town), read):
            click.echo(line)
    finally:
        database.close()
    click.echo(f"\nready after {time.perf_counter() - begun:.0f} s")
    if no_serve:
        return
    _serve(town, port)


def _own(settings: Settings) -> Settings:
    """Settings of a demo in a new folder. Raises KepuError where there is one that this command did not make."""
    folder = settings.data_dir / "demo"
    if folder.exists():
        if not (folder / MARK).is_file():
            raise KepuError(
                f"{folder} was not made by `kepu demo`", hint="move it away, or choose another KEPU_DATA_DIR"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("`kepu demo` deletes this folder when it begins anew.\n", "utf-8")
    # The length of the real target, moved so that the demo lies in its middle.
    first = clock.today() - timedelta(days=TARGET_BEGUN)
    return replace(
        settings,
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'kepu.sqlite3'}",
        redis_url=None,
        target_from=first,
        target_until=first + (settings.target_until - settings.target_from),
    )


def _fill(database: Database, size: int) -> Simulation:
    """Store the articles and what the simulated citizens do with them."""
    now = clock.now_ms()
    with _step(f"40 articles, {size:,} simulated citizens and three weeks of their reading"):
        articles = demo_articles()
        town = simulated(articles, end_ms=now, citizens=size)
    rows = [contents.check(article.row(now)) for article in articles]
    people = [citizens.check(citizen.row()) for citizen in town.citizens]
    with database.begin() as connection:
        contents.merge(connection, rows)
    for part in _parts(people):
        with database.begin() as connection:
            citizens.merge(connection, part)
    for stored in _parts(_progress(town.events, "storing")):
        with database.begin() as connection:
            events.append(connection, stored)
    reads = sum(event.kind is EventKind.READ for event in town.events)
    click.echo(f"  {len(town.events):,} events, {reads:,} of them reads; everyone in it is simulated")
    return town


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part


def _progress(rows: Sequence[Row], label: str) -> Iterator[Row]:
    with click.progressbar(rows, label=f"· {label}", file=sys.stderr) as shown:
        yield from shown


@contextmanager
def _step(name: str) -> Iterator[None]:
    begun = time.perf_counter()
    click.echo(f"· {name} …", nl=False)
    yield
    click.echo(f" {time.perf_counter() - begun:.1f} s")


def _walk_through(database: Database, store: SnapshotStore, town: Simulation) -> Iterator[str]:
    """What a citizen would see, in print."""
    follower = Follower(database)
    feed = Feed(follower, ActiveModels(store, follower, database), MemoryHot(), dice=lambda: None)
    with database.connect() as connection:
        known = {content.id: content for content in contents.live(connection)}

    def show(page: Page) -> Iterator[str]:
        for entry in page.entries:
            content = known[entry.id]
            topic = content.topic.label if content.topic else ""
            said = _said(entry, lambda id: known[id].title)
            yield f"    {entry.position + 1:2d}. {content.title}  〔{topic}〕  {said}"

    reader = _reader(town)
    yield f"\n1. {reader} (simulated) has read, latest first:"
    for event in _read_by(town, reader)[:4]:
        yield f"    《{known[event.content_id].title}》"
    yield "   and is offered:"
    yield from show(feed.page(Ask(reader, SHOWN)))
    yield "\n2. A guest nobody knows is offered what is new, much read and varied:"
    first = feed.page(Ask(GUEST, SHOWN))
    yield from show(first)
    chosen = [entry.id for entry in feed.page(Ask(GUEST, 3, topic=_much_read(town, known))).entries]
    _read(database, chosen)
    yield "\n3. The guest reads " + "".join(f"《{known[id].title}》" for id in chosen) + "; their next page:"
    yield from show(feed.page(Ask(GUEST, SHOWN)))
    with database.begin() as connection:
        citizens.update(connection, GUEST, personalised=False)
    yield "\n4. The guest switches personalisation off; the same reading, but it says nothing any more:"
    yield from show(feed.page(Ask(GUEST, SHOWN)))


def _said(entry: Entry, title_of: Callable[[str], str]) -> str:
    why = entry.why
    return sentence(why.code, titles=[title_of(id) for id in why.refs], count=why.count, region=why.region)


def _read_by(town: Simulation, citizen: str) -> list[Event]:
    """What ``citizen`` read, latest first."""
    read = [event for event in town.events if event.citizen_id == citizen and event.kind is EventKind.READ]
    return sorted(read, key=lambda event: -event.at)


def _reader(town: Simulation) -> str:
    """The simulated grown-up citizen, the first of those who read eight articles or the nearest number to it."""
    counts: dict[str, int] = {}
    for event in town.events:
        if event.kind is EventKind.READ:
            counts[event.citizen_id] = counts.get(event.citizen_id, 0) + 1
    grown = [person.id for person in town.citizens if not citizens.maybe_minor(person.birth_year)]
    return min(grown, key=lambda id: (abs(counts.get(id, 0) - 8), id))


def _much_read(town: Simulation, known: dict[str, contents.Content]) -> Topic | None:
    """The topic, of those that may be inferred, whose articles are read most."""
    counts: dict[Topic, int] = {}
    for event in town.events:
        topic = known[event.content_id].topic
        if event.kind is EventKind.READ and topic is not None and topic not in (Topic.HEALTH, Topic.PSYCHOLOGY):
            counts[topic] = counts.get(topic, 0) + 1
    return max(counts, key=lambda topic: counts[topic], default=None)


def _read(database: Database, chosen: Sequence[str]) -> None:
    now = clock.now_ms()
    with database.begin() as connection:
        citizens.ensure(connection, [GUEST])
        rows = [
            Event(id=f"{GUEST}-{place}", citizen_id=GUEST, content_id=id, kind=EventKind.READ, at=now + place)
            for place, id in enumerate(chosen)
        ]
        events.append(connection, rows)


def _serve(town: Settings, port: int) -> None:
    """Become ``kepu serve`` over the demo's own folder."""
    click.echo("\nThe portal: open the address below. Read something for a while, then load the first page again;")
    click.echo("dismiss an article; 我的 shows what was understood and switches it off. Ctrl-C ends it.\n")
    left_out = ("KEPU_DATABASE_URL", "KEPU_REDIS_URL", "KEPU_DATA_DIR", "KEPU_TARGET_FROM", "KEPU_TARGET_UNTIL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    # It has just been trained: what was due last night would only slow the first pages down.
    env = {"KEPU_RETRAIN_SCHEDULE": "off"} | kept | {"KEPU_DATA_DIR": str(town.data_dir)}
    env |= {"KEPU_TARGET_FROM": town.target_from.isoformat(), "KEPU_TARGET_UNTIL": town.target_until.isoformat()}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "web.cli", "serve", "--port", str(port)], env)
