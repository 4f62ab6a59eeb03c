"""Exposures: the impressions of a page with places and probabilities, in one go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from content_store import events, exposures, ids, schema
from content_store.db import Database
from content_store.errors import DatabaseRefused
from content_store.exposures import Showing, Shown
from content_store.vocabulary import EventKind
from tests.support.readers import articles, people

AT = 1_735_704_000_000
PAGE = Showing("李雷", AT, "slate 1", "0007-abc", region="川", device="手机", session="s")


@pytest.fixture
def records(database: Database) -> Iterator[Database]:
    """A database with a citizen and three articles."""
    people(database)
    articles(database, ["熊猫", "火箭", "茶"])
    yield database


def _append(database: Database, items: list[Shown], showing: Showing = PAGE) -> tuple[int, int]:
    with database.begin() as connection:
        return exposures.append(connection, showing, items)


def _items() -> list[Shown]:
    return [Shown(ids.new_id(), content, place, 0.5**place) for place, content in enumerate(["熊猫", "火箭", "茶"])]


def test_a_page_is_logged_as_impressions_with_their_places_and_probabilities(
    records: Database, fixed_clock: int
) -> None:
    items = _items()
    assert _append(records, items) == (3, 0)
    with records.connect() as connection:
        stored = {event.id: event for event in events.history(connection, "李雷")}
        rows = connection.execute(sa.select(schema.event_exposures).order_by("position")).fetchall()
    assert [tuple(row) for row in rows] == [
        (item.id, "slate 1", "0007-abc", item.position, item.propensity) for item in items
    ]
    for item in items:
        event = stored[item.id]
        assert (event.kind, event.content_id, event.at, event.received_at) == (
            EventKind.IMPRESSION,
            item.content_id,
            AT,
            fixed_clock,
        )
        assert (event.region, event.device, event.session, event.country) == ("川", "手机", "s", None)


def test_logging_a_page_again_adds_nothing(records: Database) -> None:
    items = _items()
    _append(records, items[:2])
    assert _append(records, items) == (1, 2)
    with records.connect() as connection:
        assert events.count(connection) == 3


def test_without_a_snapshot_and_items_there_is_little_to_log(records: Database) -> None:
    assert _append(records, [], Showing("李雷", AT, "s")) == (0, 0)
    assert _append(records, _items(), Showing("李雷", AT, "s")) == (3, 0)


@pytest.mark.parametrize(
    "bad",
    [
        {"content_id": "nothing"},
        {"position": -1},
        {"propensity": 0.0},
        {"propensity": 1.5},
        {"propensity": float("nan")},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_nothing_is_half_stored(records: Database, bad: dict[str, object]) -> None:
    items = _items()
    items[2] = items[2]._replace(**bad)  # type: ignore[arg-type]
    with pytest.raises(DatabaseRefused):
        _append(records, items)
    with pytest.raises(DatabaseRefused):
        _append(records, _items(), PAGE._replace(citizen_id="nobody"))
    with records.connect() as connection:
        assert events.count(connection) == 0
