"""What a page asks of the records before it is made: one statement tells what several would."""

from __future__ import annotations

import pytest

from content_store import changes, contents, events, news
from content_store.cards import Cards
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import EventKind
from tests.content_store.test_cards import as_recorded
from tests.content_store.test_changes import CONTENT_CHANGES, start


def of(database: Database, citizen: str, seq: int = 0) -> news.News:
    with database.connect() as connection:
        return news.of(connection, citizen, seq)


@pytest.mark.parametrize("citizen", ["anna", "nobody"])
def test_the_cursor_is_that_of_the_changes_up_to_now(citizen: str, database: Database) -> None:
    assert of(database, citizen).cursor <= start(database) == of(database, citizen).cursor
    with database.begin() as connection:
        contents.update(connection, "stars", title="银河")
    with database.connect() as connection:
        assert of(database, citizen).cursor == changes.now(connection)


def test_only_what_the_citizen_did_is_told_in_the_order_of_storing_and_no_impression(database: Database) -> None:
    start(database)
    rows = [("anna", EventKind.READ, 3), ("chen", EventKind.READ, 2), ("anna", EventKind.IMPRESSION, 4)]
    rows += [("anna", EventKind.CLICK, 1)]
    given = [
        Event(id=f"e{at}", citizen_id=who, content_id="stars", kind=kind, at=at, dwell_ms=9) for who, kind, at in rows
    ]
    with database.begin() as connection:
        events.append(connection, given)
    found = of(database, "anna").contacts
    assert [(event.id, event.kind, event.dwell_ms) for event in found] == [
        ("e3", EventKind.READ, 9),
        ("e1", EventKind.CLICK, 9),
    ]
    assert of(database, "anna", found[0].seq).contacts == found[1:]


@pytest.mark.parametrize("how", CONTENT_CHANGES)
def test_a_card_is_as_the_records_were_at_the_cursor_or_later(how: str, database: Database) -> None:
    start(database)
    cards, names = Cards(), ["stars", "heart"]
    early = of(database, "anna").cursor
    with database.connect() as connection:
        cards.of(connection, names, early)
    with database.begin() as connection:
        CONTENT_CHANGES[how](connection)
    late = of(database, "anna").cursor
    for until in (late, early, late, None):  # another request may have asked sooner and come later
        with database.connect() as connection:
            assert cards.of(connection, names, until) == as_recorded(database, *names)
