"""Cards kept between pages: whatever changes in the records shows at the next asking."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from sqlalchemy.engine import Connection

from content_store import clock, contents
from content_store.cards import Cards
from content_store.contents import Card
from content_store.db import Database
from content_store.vocabulary import ContentStatus
from tests.content_store.test_changes import CONTENT_CHANGES, start

NAMES = ("stars", "heart", "stars2", "stars3")


def of(cards: Cards, database: Database, *ids: str) -> dict[str, Card]:
    with database.connect() as connection:
        return cards.of(connection, ids)


def as_recorded(database: Database, *ids: str) -> dict[str, Card]:
    with database.connect() as connection:
        return contents.cards(connection, ids)


@pytest.mark.parametrize("how", CONTENT_CHANGES)
def test_a_card_is_as_the_records_have_it_however_these_change(how: str, database: Database) -> None:
    start(database)
    cards = Cards()
    before = of(cards, database, *NAMES)
    assert before == as_recorded(database, *NAMES) and before.keys() == {"stars", "heart"}
    with database.begin() as connection:
        CONTENT_CHANGES[how](connection)
    for _ in range(2):
        assert of(cards, database, *NAMES) == as_recorded(database, *NAMES)


def test_what_a_card_shows_changes_with_a_transaction_that_was_open_when_it_was_kept(database: Database) -> None:
    start(database)
    cards = Cards()
    with database.begin() as connection:
        contents.update(connection, "stars", title="银河")
        assert of(cards, database, "stars")["stars"].title == "星空"
    assert of(cards, database, "stars")["stars"].title == "银河"


def test_a_content_becomes_live_when_its_time_comes_without_any_change(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = clock.now_ms() + 60_000
    with database.begin() as connection:
        contents.create(connection, id="soon", title="明天", status=ContentStatus.PUBLISHED, published_at=due)
    cards = Cards()
    assert not of(cards, database, "soon")["soon"].live
    monkeypatch.setattr(clock, "now_ms", lambda: due)
    assert of(cards, database, "soon")["soon"].live


def test_kept_cards_are_not_read_again_and_no_more_than_there_is_room_for_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as connection:
        for number in range(30):
            contents.create(connection, id=f"c{number:02}", title="题" * 100)
    read: list[str] = []
    cards_of = contents.cards

    def noted(connection: Connection, ids: Collection[str]) -> dict[str, Card]:
        read.extend(ids)
        return cards_of(connection, ids)

    monkeypatch.setattr(contents, "cards", noted)
    cards = Cards(largest=12_000)
    every = [f"c{number:02}" for number in range(30)]
    assert of(cards, database, *every).keys() == set(every)
    read.clear()
    of(cards, database, *every[-5:])
    assert read == []
    of(cards, database, *every[:5])
    assert read == every[:5]
