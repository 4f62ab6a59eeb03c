"""Simulated reading: labelled as such, possible in every row, the same for the same seed, moved by hidden things."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from content_store import citizens, contents, events
from content_store.clock import DAY_MS, SHANGHAI, day_of
from content_store.db import Database
from content_store.errors import BadRecord
from content_store.events import Event
from content_store.vocabulary import EventKind
from web.demo.articles import HOUR_MS, demo_articles
from web.demo.reading import Simulation, simulated
from web.demo.town import LONGEST_DWELL_MS, LONGEST_VISIT, MOST_OPENED, Diary, Town, shelve
from web.demo.townsfolk import Ints, settle
from web.demo.traits import STYLES, TRAITS

ARTICLES = demo_articles()
BY_ID = {article.id: article for article in ARTICLES}
END = 1_735_704_000_000 + 7 * HOUR_MS  # 2025-01-01, seven in the evening in Shanghai
ONCE = (EventKind.CLICK, EventKind.READ, EventKind.LIKE, EventKind.SAVE, EventKind.NOT_INTERESTED)


@pytest.fixture(scope="module")
def whole() -> Simulation:
    """The simulation of the demo."""
    return simulated(ARTICLES, end_ms=END)


def _of(simulation: Simulation, *kinds: EventKind) -> list[Event]:
    return [event for event in simulation.events if event.kind in kinds]


def test_it_has_the_size_of_a_demo(whole: Simulation) -> None:
    assert len(whole.citizens) == len({citizen.id for citizen in whole.citizens}) == 2_000
    assert 60_000 <= len(whole.events) <= 100_000
    assert len({event.id for event in whole.events}) == len(whole.events)
    count = Counter(event.kind for event in whole.events)
    assert set(count) == {EventKind.IMPRESSION, *ONCE}
    assert count[EventKind.IMPRESSION] > 2 * count[EventKind.CLICK]
    assert count[EventKind.CLICK] == count[EventKind.READ] > 5 * count[EventKind.LIKE] > 5 * count[EventKind.SAVE] > 0
    assert 0 < count[EventKind.NOT_INTERESTED] < count[EventKind.CLICK] / 5


def test_every_row_says_that_it_is_simulated(whole: Simulation) -> None:
    assert all(citizen.id.startswith("sim-") for citizen in whole.citizens)
    for event in whole.events:
        labels = (event.id, event.citizen_id, event.device, event.session)
        assert all(label is not None and label.startswith("sim-") for label in labels)


def test_no_event_lies_outside_the_three_weeks_or_before_its_article(whole: Simulation) -> None:
    times = [event.at for event in whole.events]
    assert times == sorted(times)
    assert END - 21 * DAY_MS <= times[0] < END - 20 * DAY_MS
    assert times[-1] > END - DAY_MS / 8
    assert all(event.at + (event.dwell_ms or 0) <= END for event in whole.events)
    assert all(event.at >= END - BY_ID[event.content_id].age_ms for event in whole.events)


def test_an_article_is_opened_once_and_only_after_it_was_shown(whole: Simulation) -> None:
    before: defaultdict[tuple[str, str], list[EventKind]] = defaultdict(list)
    for event in whole.events:
        kinds = before[event.citizen_id, event.content_id]
        if event.kind in ONCE:
            assert event.kind not in kinds
        if event.kind is EventKind.IMPRESSION:
            assert set(kinds) <= {EventKind.IMPRESSION}
        if event.kind in (EventKind.CLICK, EventKind.NOT_INTERESTED):
            assert kinds and set(kinds) == {EventKind.IMPRESSION}
        if event.kind is EventKind.READ:
            assert kinds[-1] is EventKind.CLICK
        if event.kind in (EventKind.LIKE, EventKind.SAVE):
            assert EventKind.READ in kinds
        kinds.append(event.kind)


def test_a_visit_is_one_citizens_and_a_citizen_makes_one_at_a_time(whole: Simulation) -> None:
    visits: defaultdict[str, list[Event]] = defaultdict(list)
    for event in whole.events:
        visits[str(event.session)].append(event)
    spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for rows in visits.values():
        (owner,) = {row.citizen_id for row in rows}
        count = Counter(row.kind for row in rows)
        assert count[EventKind.IMPRESSION] <= LONGEST_VISIT
        assert count[EventKind.CLICK] <= MOST_OPENED
        spans[owner].append((rows[0].at, max(row.at + (row.dwell_ms or 0) for row in rows)))
    for owned in spans.values():
        owned.sort()
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(owned))


def test_reading_takes_the_time_that_its_length_asks_for(whole: Simulation) -> None:
    speeds = []
    for event in _of(whole, EventKind.READ):
        assert event.dwell_ms is not None and event.scroll is not None
        assert 1_000 <= event.dwell_ms <= LONGEST_DWELL_MS
        assert 0 <= event.scroll <= 1
        if event.scroll > 0.5:
            speeds.append(len(BY_ID[event.content_id].body) * event.scroll / (event.dwell_ms / 60_000))
    assert min(speeds) > 40 and max(speeds) < 2_500
    assert 250 < np.median(speeds) < 500
    assert 0.1 < np.mean([event.scroll < 0.5 for event in _of(whole, EventKind.READ) if event.scroll is not None]) < 0.4
    others = [event for event in whole.events if event.kind is not EventKind.READ]
    assert {(event.dwell_ms, event.scroll) for event in others} == {(None, None)}


def test_most_citizens_have_much_left_to_read_and_every_article_has_readers(whole: Simulation) -> None:
    reads = Counter(event.citizen_id for event in _of(whole, EventKind.READ))
    count = np.array([reads[citizen.id] for citizen in whole.citizens])
    assert np.quantile(count, 0.5) <= 8
    assert np.quantile(count, 0.95) <= 25
    assert count.max() < len(ARTICLES)
    assert (count >= 3).mean() > 0.6
    assert {event.content_id for event in _of(whole, EventKind.READ)} == set(BY_ID)


def test_the_day_has_its_rhythm_and_the_old_rise_before_the_young(whole: Simulation) -> None:
    born = {citizen.id: citizen.birth_year for citizen in whole.citizens}
    clicks = [
        (datetime.fromtimestamp(event.at / 1000, SHANGHAI).hour, 2025 - born[event.citizen_id])
        for event in _of(whole, EventKind.CLICK)
    ]
    hours = Counter(hour for hour, _ in clicks)
    assert sum(hours[hour] for hour in (20, 21, 22)) > 10 * sum(hours[hour] for hour in (2, 3, 4))
    old, young = ([hour < 9 for hour, age in clicks if low <= age <= high] for low, high in ((65, 99), (0, 24)))
    assert np.mean(old) > 2 * np.mean(young)


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    one, same, other = (simulated(ARTICLES, end_ms=END, seed=seed, citizens=60) for seed in (3, 3, 4))
    assert one == same
    assert one.citizens != other.citizens
    assert not {event.id for event in one.events} & {event.id for event in other.events}


def test_a_later_end_gives_ids_of_its_own() -> None:
    one, later = (simulated(ARTICLES, end_ms=end, citizens=40) for end in (END, END + 1))
    assert not {event.id for event in one.events} & {event.id for event in later.events}


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_hamlet_can_be_simulated_too(count: int) -> None:
    assert len(simulated(ARTICLES[:2], end_ms=END, citizens=count).citizens) == count


def test_it_is_refused_for_what_it_does_not_know() -> None:
    stranger = replace(ARTICLES[0], id="stranger")
    with pytest.raises(BadRecord, match="stranger"):
        simulated([*ARTICLES, stranger], end_ms=END)
    with pytest.raises(BadRecord, match="no articles"):
        simulated([], end_ms=END)
    with pytest.raises(BadRecord, match="1 citizens"):
        simulated(ARTICLES, end_ms=END, citizens=1)


def test_it_can_be_stored_as_it_is(database: Database, fixed_clock: int) -> None:
    town = simulated(ARTICLES, end_ms=fixed_clock, citizens=150)
    with database.begin() as connection:
        contents.merge(connection, [contents.check(article.row(fixed_clock)) for article in ARTICLES])
        merged = citizens.merge(connection, [citizens.check(citizen.row()) for citizen in town.citizens])
        assert merged.created == 150
        assert events.append(connection, town.events) == (len(town.events), 0)
        assert events.append(connection, town.events) == (0, len(town.events))
        stored = {citizen.id: citizen for citizen in citizens.every(connection)}
    for citizen in town.citizens:
        kept = stored[citizen.id]
        assert (kept.prefecture, kept.birth_year) == (citizen.prefecture, citizen.birth_year)
        assert kept.created_at == citizen.created_at <= END - 21 * DAY_MS
    assert 0 < sum(citizen.minor for citizen in stored.values()) < 50


def test_every_article_has_hidden_traits_and_nothing_else_has() -> None:
    assert set(TRAITS) == set(BY_ID)
    for traits in TRAITS.values():
        assert all(0 <= traits[place] <= 3 for place in range(len(STYLES)))
        assert max(traits[: len(STYLES)]) >= 2
        assert -1 <= traits.hook <= 1 and 0 <= traits.ease <= 1


def test_articles_share_readers_for_how_they_are_written_and_hardly_for_their_topic(whole: Simulation) -> None:
    row = {citizen.id: number for number, citizen in enumerate(whole.citizens)}
    column = {article.id: number for number, article in enumerate(ARTICLES)}
    read = np.zeros((len(row), len(column)))
    for event in _of(whole, EventKind.READ):
        read[row[event.citizen_id], column[event.content_id]] = 1
    read = read[read.sum(1) >= 3]
    together = np.corrcoef((read / read.sum(1, keepdims=True)).T)
    traits = np.array([TRAITS[article.id][: len(STYLES)] for article in ARTICLES], float)
    traits -= traits.mean(0)
    alike = traits @ traits.T / np.outer(*[np.linalg.norm(traits, axis=1)] * 2)
    pairs = np.triu_indices(len(ARTICLES), 1)
    same = np.array([[one.topic == other.topic for other in ARTICLES] for one in ARTICLES])[pairs]
    table = np.column_stack([alike[pairs], same, np.ones(same.size)])
    by_style, by_topic, _ = np.linalg.lstsq(table, together[pairs])[0]
    assert np.corrcoef(alike[pairs][~same], together[pairs][~same])[0, 1] > 0.4
    assert by_style > 0.03
    assert abs(by_topic) < by_style / 3


def test_what_a_friend_enjoyed_is_read_more_often_than_what_a_neighbour_did() -> None:
    rng = np.random.default_rng(5)
    folk = settle(rng, 2_000, day_of(END))
    diary, town = Diary(), Town(rng, folk, shelve(ARTICLES, END))
    for hour in range(21 * 24, 0, -1):
        town.live_through(END - hour * HOUR_MS, diary)
    kind = np.repeat(np.array(diary.kind, object), [piece.size for piece in diary.at])
    reads = np.flatnonzero(kind == EventKind.READ)
    citizen, article, at = (np.concatenate(part)[reads] for part in (diary.citizen, diary.article, diary.at))
    whole = np.concatenate(diary.scroll)[reads] > 0.7
    when = np.full(town.done.shape, np.inf)
    when[citizen, article] = at

    def follow(who: Ints, position: Ints) -> float:
        told = when[who, article[whole][position]] - at[whole][position]
        return float((told[told > 0] < DAY_MS).mean())

    friends, position = folk.friends_of(citizen[whole])
    # The ring is sorted by home: those a little further on live nearby and are hardly ever friends.
    near = np.arange(8, 28)
    neighbours = (np.repeat(citizen[whole], near.size) + np.tile(near, whole.sum())) % folk.speed.size
    ratio = follow(friends, position) / follow(neighbours, np.repeat(np.arange(whole.sum()), near.size))
    assert ratio > 1.2
