"""What models are made of comes from the records, under the rules of the law, from both kinds of database."""

from __future__ import annotations

from content_store import citizens, contents, events
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import EventKind
from recsys.features import InterestConfig
from recsys.features.records import read_articles, read_dataset

NOON = 1_735_704_000_000


def fill(database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="anna")
        citizens.create(connection, id="child", minor=True)
        citizens.create(connection, id="off", personalised=False)
        contents.create(connection, id="stars", title="星空", topic="space", tags=["银河"], published_at=NOON - 9)
        contents.create(connection, id="heart", title="heart", topic="health")
        rows = [
            ("1", "anna", "stars", EventKind.SAVE, NOON - 1),
            ("2", "anna", "heart", EventKind.READ, NOON - 2),
            ("3", "child", "stars", EventKind.READ, NOON - 3),
            ("4", "off", "stars", EventKind.READ, NOON - 4),
            ("5", "anna", "stars", EventKind.READ, NOON),
        ]
        events.append(
            connection,
            [Event(id=id, citizen_id=who, content_id=what, kind=kind, at=at) for id, who, what, kind, at in rows],
        )


def test_the_records_give_a_dataset_under_the_rules_of_the_law(database: Database, fixed_clock: int) -> None:
    fill(database)

    dataset = read_dataset(database, NOON, InterestConfig())

    assert list(dataset.citizens) == ["anna", "child", "off"]
    assert list(dataset.items) == ["heart", "stars"]
    assert dataset.profiled.tolist() == [True, False, False]
    assert dataset.inferable.tolist() == [False, True]
    assert dataset.matrix.toarray().tolist() == [[0, 3], [0, 0], [0, 0]]
    assert dataset.reads_per_item().tolist() == [1, 2]
    assert dataset.span() == (NOON - 4, NOON - 1)


def test_what_was_only_shown_is_not_learnt_from(database: Database, fixed_clock: int) -> None:
    fill(database)
    before = read_dataset(database, NOON, InterestConfig())
    with database.begin() as connection:
        citizens.create(connection, id="looked on")
        rows = [
            Event(id=f"i{who}{what}", citizen_id=who, content_id=what, kind=EventKind.IMPRESSION, at=NOON - 1)
            for who in ("anna", "looked on")
            for what in ("stars", "heart")
        ]
        events.append(connection, rows)
    assert read_dataset(database, NOON, InterestConfig()).fingerprint() == before.fingerprint()


def test_the_records_give_the_words_of_contents(database: Database) -> None:
    fill(database)

    found = read_articles(database)

    assert set(found) == {"stars", "heart"}
    assert (found["stars"].title, found["stars"].tags, found["stars"].published_at) == ("星空", ("银河",), NOON - 9)
    assert found["stars"].text == "星空\n银河"
    assert found["heart"].text == "", "a title that is only the id says nothing"


def test_an_empty_database_gives_an_empty_dataset(database: Database) -> None:
    assert read_dataset(database, NOON, InterestConfig()).counts()["events"] == 0
    assert read_articles(database) == {}
