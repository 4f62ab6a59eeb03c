"""Simulated citizens and three weeks of what they read, so that the demo has something to learn from.

Nothing here happened. The ids of citizens, events and visits begin with ``sim-``, and so do the names of devices, so
that no row can be taken for a real one wherever it ends up.

The recommender must not find its own assumptions again, so no one reads here by topic, by how popular or how fresh an
article is, or by what others read before and after it. What makes someone read is hidden:

* **Curiosity.** Everyone has a taste in seven styles of writing (`traits.STYLES`), from their stage of life and mostly
  from chance; every article gives something to each, by a table made by hand (`traits.TRAITS`). The taste shifts with
  the hour: useful things in the morning, stories and wonders at night.
* **Home.** Who is proud of Sichuan likes what is about it, and more so what is about their own prefecture.
* **Ease.** Who reads slowly is put off by what is hard to read.
* **Friends.** Who enjoyed an article tells some friends of a small world (`townsfolk.py`), for whom it comes up more
  often and draws more for a day or two. Nobody else hears of it.
* **Rhythm.** Pupils come after school, farmers at dawn, workers on the way; on days off all come later.

The front page of this town shows what one has not opened yet in an order drawn by lot. A visit is a number of articles
passed by (`impression`), some of them opened (`click`, then `read` with the time it took and how far it went), a few
liked, saved or waved away (`not_interested`). An article is opened once by a citizen at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from content_store import clock
from content_store.errors import BadRecord
from content_store.events import Event
from content_store.vocabulary import EventKind, Prefecture
from web.demo import SIMULATED
from web.demo.articles import HOUR_MS, DemoArticle
from web.demo.town import Diary, Shelf, Town, shelve
from web.demo.townsfolk import SimulatedCitizen, Townsfolk, settle
from web.demo.traits import TRAITS

DAYS = 21
CITIZENS = 2_000


@dataclass(frozen=True, slots=True)
class Simulation:
    """The citizens, and their events sorted by time."""

    citizens: tuple[SimulatedCitizen, ...]
    events: tuple[Event, ...]


def simulated(articles: Sequence[DemoArticle], *, end_ms: int, seed: int = 0, citizens: int = CITIZENS) -> Simulation:
    """``citizens`` (≥ 2) simulated citizens and what they read in the 21 days that end at ``end_ms`` (epoch ms).

    The same arguments give the same citizens and events. No event is later than ``end_ms``, nor is the end of a read
    (its ``at`` + ``dwell_ms``), and none is earlier than the publication of its article. Raises BadRecord for no
    article at all or one that has no hidden traits, and for fewer citizens.
    """
    strangers = sorted({article.id for article in articles} - TRAITS.keys())
    if not articles or strangers:
        raise BadRecord(
            f"no reading can be simulated of {', '.join(strangers) or 'no articles'}",
            hint="Only the articles of the demo have the hidden traits by which they are read.",
        )
    if citizens < 2:
        raise BadRecord(f"{citizens} citizens are no town", hint="Wanted: 2 or more.")
    rng = np.random.default_rng(seed)
    folk, shelf, diary = settle(rng, citizens, clock.day_of(end_ms)), shelve(articles, end_ms), Diary()
    town = Town(rng, folk, shelf)
    for hour in range(DAYS * 24, 0, -1):
        town.live_through(end_ms - hour * HOUR_MS, diary)
    people = _records(rng, folk, end_ms)
    return Simulation(tuple(people), tuple(_events(diary, people, folk, shelf, f"sim-{seed}-{end_ms:x}", end_ms)))


def _records(rng: np.random.Generator, folk: Townsfolk, end_ms: int) -> list[SimulatedCitizen]:
    """What is stored of the citizens; their numbers tell nothing of their homes and friends."""
    numbers = rng.permutation(folk.speed.size) + 1
    since = end_ms - (DAYS + rng.integers(0, 300, numbers.size)) * clock.DAY_MS
    width = len(str(numbers.size))
    return [
        SimulatedCitizen(
            id=f"{SIMULATED}{number:0{width}d}",
            prefecture=Prefecture(code) if code else None,
            birth_year=born,
            created_at=created,
        )
        for number, code, born, created in zip(
            numbers.tolist(), folk.prefecture.tolist(), folk.birth_year.tolist(), since.tolist(), strict=True
        )
    ]


def _events(
    diary: Diary, people: list[SimulatedCitizen], folk: Townsfolk, shelf: Shelf, run: str, end_ms: int
) -> list[Event]:
    """The events of all visits that were over by ``end_ms``, sorted by time; ``run`` begins all ids."""
    if not diary.kind:
        return []
    citizen, article, visit = map(np.concatenate, (diary.citizen, diary.article, diary.visit))
    at, dwell, scroll = np.concatenate(diary.at), np.concatenate(diary.dwell), np.concatenate(diary.scroll)
    kind = np.repeat(np.array(diary.kind, object), [piece.size for piece in diary.at])
    over = at + np.where(kind == EventKind.READ, dwell, 0)
    rows = np.flatnonzero(~np.isin(visit, visit[over > end_ms]))
    rows = rows[np.argsort(at[rows], kind="stable")]
    ids = np.array([person.id for person in people], object)
    told = (ids[citizen], shelf.id[article], kind, at, dwell, scroll, folk.prefecture[citizen], folk.device[citizen])
    return [
        Event(
            id=f"{run}-{number}",
            citizen_id=person,
            content_id=content,
            kind=what,
            at=when,
            dwell_ms=took if what is EventKind.READ else None,
            scroll=far if what is EventKind.READ else None,
            region=region,
            device=device,
            session=f"{run}-v{session}",
        )
        for number, (person, content, what, when, took, far, region, device, session) in enumerate(
            zip(*(column[rows].tolist() for column in (*told, visit)), strict=True)
        )
    ]
