"""The feed: what a citizen can rely on, page by page, on both databases and with both kinds of hot state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import citizens, clock, contents
from content_store.db import Database
from content_store.errors import BadCursor, HotStateError
from content_store.hot import Hot, open_hot
from content_store.hot.memory import MemoryHot
from content_store.settings import load_settings
from content_store.vocabulary import ContentStatus, Topic
from recsys.active import ActiveModels
from recsys.feed import AHEAD, Ask, Entry, Feed, Page, Slot
from recsys.follower import Follower
from recsys.live import HOUR_MS
from recsys.reasons import ReasonCode
from recsys.slates import resume
from recsys.snapshots import SnapshotStore
from tests.support.town_records import END, filled, lively_town, order_for, publish, store

NOW = END + 3_600_000
MANY = 330


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def feed_of(
    database: Database, tmp_path_factory: pytest.TempPathFactory, hot: Hot | None = None, **given: object
) -> Feed:
    """A feed over the records of ``database``; without lots unless ``dice`` says otherwise."""
    follower = Follower(database)
    models = ActiveModels(SnapshotStore(tmp_path_factory.mktemp("snapshots")), follower, database)
    options = {"dice": lambda: None} | given
    return Feed(follower, models, hot or MemoryHot(), **options)  # type: ignore[arg-type]


@pytest.fixture
def feed(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """A feed over a lively town and many articles besides, newer and older than what is read."""
    filled(database, lively_town())
    topics, day = list(Topic), 86_400_000
    with database.begin() as connection:
        for number in range(MANY):
            contents.create(
                connection,
                id=f"more{number:03d}",
                title=f"第{number}篇",
                status=ContentStatus.PUBLISHED,
                topic=topics[number % 5],
                author=f"作者{number % 40}",
                published_at=END - (number % 97) * day,
            )
    return feed_of(database, tmp_path_factory)


def turned(feed: Feed, citizen: str, *, limit: int = 20, topic: Topic | None = None) -> list[Page]:
    """All pages from the first to the last."""
    pages = [feed.page(Ask(citizen, limit, topic=topic))]
    while pages[-1].cursor is not None:
        pages.append(feed.page(Ask(citizen, limit, pages[-1].cursor)))
    return pages


def ids(pages: Sequence[Page]) -> list[str]:
    return [entry.id for page in pages for entry in page.entries]


def live_ids(database: Database) -> set[str]:
    with database.connect() as connection:
        return {content.id for content in contents.live(connection)}


def read(database: Database, citizen: str, *items: str, kind: str = "read", first: int = 90_000) -> None:
    store(database, [(citizen, item, kind, NOW - 1_000 + place) for place, item in enumerate(items)], first)


def test_the_pages_together_are_the_whole_live_catalogue_each_item_once(feed: Feed, database: Database) -> None:
    pages = turned(feed, "stranger")
    assert sorted(ids(pages)) == sorted(live_ids(database))
    assert [entry.position for page in pages for entry in page.entries] == list(range(len(live_ids(database))))


def test_what_a_citizen_met_is_on_no_page(feed: Feed, database: Database) -> None:
    met = {row[1] for row in lively_town() if row[0] == "c03" and row[2] != "impression"}
    assert met
    assert set(ids(turned(feed, "c03"))) == live_ids(database) - met


def test_page_one_begins_with_the_served_order_where_variety_allows_it(feed: Feed) -> None:
    with feed._follower.lock:
        order = feed.order(feed._follower.place_of_citizen("c05"), NOW / HOUR_MS)
        best = feed._follower.items[int(order[0])]
    assert feed.page(Ask("c05")).entries[0].id == best


@pytest.mark.parametrize("kind", ["click", "read", "not_interested", "report"])
def test_an_item_that_was_clicked_read_or_dismissed_is_gone_from_the_next_page_one_for_good(
    feed: Feed, database: Database, kind: str
) -> None:
    first = feed.page(Ask("c07"))
    gone = first.entries[2].id
    read(database, "c07", gone, kind=kind)
    assert gone not in ids(turned(feed, "c07"))


def test_an_item_read_between_two_pages_is_not_on_the_later_ones(feed: Feed, database: Database) -> None:
    first = feed.page(Ask("c07"))
    later = [entry.id for entry in feed.page(Ask("c07", 20, first.cursor)).entries]
    read(database, "c07", later[0], later[5])
    again = [entry.id for entry in feed.page(Ask("c07", 20, first.cursor)).entries]
    assert later[0] not in again
    assert later[5] not in again
    assert set(later) - {later[0], later[5]} <= set(again)


def test_a_read_changes_the_very_next_page_one(feed: Feed, database: Database) -> None:
    before = [entry.id for entry in feed.page(Ask("new")).entries]
    books = sorted(id for id in live_ids(database) if id.startswith("shelf1"))
    read(database, "new", *books[:3])
    after = feed.page(Ask("new"))
    assert [entry.id for entry in after.entries] != before
    assert any(entry.why.code is ReasonCode.BECAUSE_READ for entry in after.entries)
    with feed._follower.lock:
        order = feed.order(feed._follower.place_of_citizen("new"), NOW / HOUR_MS)[:3].tolist()
        assert {feed._follower.items[place].partition("-")[0] for place in order} == {"shelf1"}
    assert after.entries[0].id.startswith("shelf1")


def test_dismissing_lowers_the_topic_and_the_author_of_what_was_dismissed(feed: Feed, database: Database) -> None:
    feed.page(Ask("c09"))  # knows them

    def places(of: str) -> list[int]:
        with feed._follower.lock:
            live, items = feed._follower.live, feed._follower.items
            code = feed._follower.place_of_item(of)
            assert code is not None
            order = feed.order(feed._follower.place_of_citizen("c09"), NOW / HOUR_MS)
            same = live.static.topic == live.static.topic[code]
            return [place for place, item in enumerate(order.tolist()) if same[item] and items[item] != of]

    dismissed = next(entry.id for entry in feed.page(Ask("c09")).entries if entry.id.startswith("more"))
    before = places(dismissed)
    read(database, "c09", dismissed, kind="not_interested")
    feed.page(Ask("c09"))
    after = places(dismissed)
    assert sum(after) > sum(before)
    assert after[0] >= before[0]


def test_a_published_item_is_reachable_at_once_and_a_withdrawn_one_is_gone(feed: Feed, database: Database) -> None:
    publish(database, ["late"], published_at=NOW - 1, topic=Topic.ENERGY)
    feed._follower.catch_up()
    assert "late" in ids(turned(feed, "stranger"))
    first = feed.page(Ask("stranger"))
    with database.begin() as connection:
        contents.set_status(connection, "late", ContentStatus.WITHDRAWN)
    feed._follower.catch_up()
    rest, cursor = [], first.cursor
    while cursor is not None:
        page = feed.page(Ask("stranger", 20, cursor))
        rest += [entry.id for entry in page.entries]
        cursor = page.cursor
    assert "late" not in rest
    assert "late" not in ids(turned(feed, "stranger"))


def test_what_is_published_while_pages_are_turned_waits_for_the_next_page_one(feed: Feed, database: Database) -> None:
    first = feed.page(Ask("stranger"))
    with clock.fixed(NOW + 60_000):
        publish(database, ["later"], published_at=NOW + 30_000, topic=Topic.ENERGY)
        feed._follower.catch_up()
        shown, cursor = ids([first]), first.cursor
        while cursor is not None:
            page = feed.page(Ask("stranger", 20, cursor))
            shown += ids([page])
            cursor = page.cursor
        assert "later" not in shown
        assert "later" in ids(turned(feed, "stranger"))


def test_five_neighbours_hold_two_of_a_topic_and_one_of_an_author_while_the_rest_allows(
    feed: Feed, database: Database
) -> None:
    with database.connect() as connection:
        known = {content.id: content for content in contents.live(connection)}
    pages = turned(feed, "c11")
    order = ids(pages)
    for start in range(len(order) - 5):
        window = [known[id] for id in order[start : start + 5]]
        rest = [known[id] for id in order[start + 5 :]]
        for attribute, most in (("topic", 2), ("author", 1)):
            values = [getattr(content, attribute) for content in window]
            crowded = max(values.count(value) for value in values) > most
            if crowded:  # then nothing that still waited would have fitted after the four before
                last = window[:-1]
                assert not [content for content in rest if _fits(content, last)]


def _fits(content: contents.Content, before: Sequence[contents.Content]) -> bool:
    topics = [other.topic for other in before].count(content.topic)
    return topics < 2 and content.author not in {other.author for other in before}


def test_a_topic_channel_holds_that_topic_whole_and_nothing_else(feed: Feed, database: Database) -> None:
    with database.connect() as connection:
        known = {content.id: content.topic for content in contents.live(connection)}
    pages = turned(feed, "stranger", topic=Topic.SPACE)
    assert sorted(ids(pages)) == sorted(id for id, topic in known.items() if topic is Topic.SPACE)


def test_switching_personalisation_off_acts_on_the_next_request_and_back(feed: Feed, database: Database) -> None:
    personal = feed.page(Ask("c01"))
    assert personal.personalised
    with database.begin() as connection:
        citizens.update(connection, "c01", personalised=False)
    plain = feed.page(Ask("c01"))
    assert not plain.personalised
    told = {entry.why.code for entry in plain.entries}
    assert not told & {ReasonCode.BECAUSE_READ, ReasonCode.USUAL_TOPIC, ReasonCode.NEW_TOPIC}
    with database.begin() as connection:
        citizens.update(connection, "c01", personalised=True)
    assert ids([feed.page(Ask("c01"))]) == ids([personal])


def test_a_minor_gets_no_page_that_their_reading_shaped(feed: Feed, database: Database) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="child", birth_year=clock.today().year - 10)
    books = sorted(id for id in live_ids(database) if id.startswith("shelf1"))
    before = [id for id in ids([feed.page(Ask("child"))]) if id not in books]
    read(database, "child", *books[:3])
    page = feed.page(Ask("child"))
    assert not page.personalised
    assert [id for id in ids([page]) if id not in books][:8] == before[:8]
    assert all(entry.why.code is not ReasonCode.BECAUSE_READ for entry in page.entries)


def test_an_editors_place_is_kept_and_said(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    filled(database, lively_town())
    publish(database, ["chosen"])
    feed = feed_of(database, tmp_path_factory, slots=lambda region, topic: [Slot(1, "chosen"), Slot(3, "nothing")])
    page = feed.page(Ask("c02", 8))
    assert page.entries[1].id == "chosen"
    assert page.entries[1].why.code is ReasonCode.EDITORS
    assert page.entries[1].propensity == 1.0
    assert ids(turned(feed, "c02")).count("chosen") == 1
    read(database, "c02", "chosen")
    assert "chosen" not in ids(turned(feed, "c02"))


class Lots(random.Random):
    """Dice that always say draw, or never."""

    def __init__(self, drawing: bool) -> None:
        super().__init__(7)
        self._drawing = drawing

    def random(self) -> float:
        return 0.0 if self._drawing else 0.999


def test_a_lot_is_told_with_its_probability_and_pages_stay_complete(
    feed: Feed, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    drawing = feed_of(database, tmp_path_factory, dice=lambda: Lots(True))
    page = drawing.page(Ask("c04", 12))
    assert [entry.propensity for entry in page.entries[:3]] == [1.0] * 3
    for entry in page.entries[3:]:
        assert entry.why.code is ReasonCode.EXPLORED
        assert 0 < entry.propensity <= 0.08
    assert len(set(ids(turned(drawing, "c04")))) == len(ids(turned(drawing, "c04")))
    never = feed_of(database, tmp_path_factory, dice=lambda: Lots(False)).page(Ask("c04", 12))
    assert [entry.propensity for entry in never.entries] == [1.0] * 3 + [0.92] * 9


def test_lots_are_drawn_as_often_as_their_propensities_say(
    feed: Feed, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dice = random.Random(5)
    lively = feed_of(database, tmp_path_factory, dice=lambda: dice)
    drawn = [entry.why.code is ReasonCode.EXPLORED for _ in range(150) for entry in lively.page(Ask("c04")).entries[3:]]
    share = sum(drawn) / len(drawn)
    assert 0.05 < share < 0.11  # 0.08 of 2,550 places: five deviations


def test_without_hot_state_pages_go_on_and_say_so(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    class Gone(MemoryHot):
        def put_slate(self, *_: object, **__: object) -> None:
            raise HotStateError("gone")

        def get_slate(self, *_: object) -> bytes | None:
            raise HotStateError("gone")

    filled(database, lively_town())
    publish(database, [f"x{number}" for number in range(40)])
    feed = feed_of(database, tmp_path_factory, Gone())
    first = feed.page(Ask("c02", 10))
    assert "hot" in first.fallbacks
    assert first.cursor is not None
    second = feed.page(Ask("c02", 10, first.cursor))
    assert "slate" in second.fallbacks
    assert len(second.entries) == 10


def test_the_cursor_of_another_citizen_shows_nothing_of_their_feed(feed: Feed) -> None:
    theirs = feed.page(Ask("c02"))
    page = feed.page(Ask("c03", 20, theirs.cursor))
    assert "slate" in page.fallbacks
    assert page.entries


@given(st.text(max_size=60))
def test_what_is_no_cursor_is_refused_with_what_to_do(cursor: str) -> None:
    try:
        resumed = resume(MemoryHot(), "c", cursor)
    except BadCursor as error:
        assert error.hint
    else:  # a text that happens to be a cursor of an unknown slate
        assert not resumed.found
        assert resumed.head == ()


@pytest.mark.parametrize("cursor", ["", "e30", "bnVsbA", "W10", "eyJzIjoxfQ", "a" * 900, "é"])
def test_texts_that_decode_to_something_else_are_no_cursors(cursor: str) -> None:
    with pytest.raises(BadCursor):
        resume(MemoryHot(), "c", cursor)


def test_what_a_process_learns_of_while_a_page_is_made_is_not_shown_again(
    feed: Feed,
    database: Database,
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings({"KEPU_REDIS_URL": redis_url})
    one, other = (feed_of(database, tmp_path_factory, open_hot(settings)) for _ in range(2))
    with database.begin() as connection:
        for number, topic in enumerate(list(Topic)[:5]):
            about: dict[str, Any] = {"topic": topic, "author": f"新{number}", "published_at": NOW - 1_000}
            contents.create(connection, id=f"new{number}", title="新", status=ContentStatus.PUBLISHED, **about)
    for number in range(5):
        for reader in range(1, 12):
            read(database, f"c{reader:02d}", f"new{number}", first=95_000 + 20 * number + reader)
    one._follower.catch_up()
    pages = [one.page(Ask("stranger", 15))]
    assert "new0" in ids(pages)

    def resumed(*given: Any) -> Any:
        found = resume(*given)
        other._follower.catch_up()  # what its thread may do before the page has the lock
        return found

    monkeypatch.setattr("recsys.feed.resume", resumed)
    while pages[-1].cursor is not None:
        pages.append(other.page(Ask("stranger", 50, pages[-1].cursor)))
    assert len(set(ids(pages))) == len(ids(pages))


def test_a_page_served_by_another_process_goes_on_where_the_first_ended(
    feed: Feed, database: Database, tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> None:
    settings = load_settings({"KEPU_REDIS_URL": redis_url})
    one, other = (feed_of(database, tmp_path_factory, open_hot(settings)) for _ in range(2))
    pages = [one.page(Ask("c06", 15))]
    while pages[-1].cursor is not None:
        pages.append((other if len(pages) % 2 else one).page(Ask("c06", 15, pages[-1].cursor)))
    met = {row[1] for row in lively_town() if row[0] == "c06" and row[2] != "impression"}
    assert len(pages) > AHEAD // 15
    assert sorted(ids(pages)) == sorted(live_ids(database) - met)


def test_a_ranking_that_fails_gives_the_newest_instead(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed, "order", lambda *_: 1 / 0)
    page = feed.page(Ask("c08"))
    assert "ranking" in page.fallbacks
    assert len(page.entries) == 20
    assert "the ranking failed" in caplog.text


def test_every_entry_has_a_reason_and_a_probability(feed: Feed) -> None:
    entries: list[Entry] = [entry for page in turned(feed, "c10") for entry in page.entries]
    assert all(isinstance(entry.why.code, ReasonCode) for entry in entries)
    assert all(0 < entry.propensity <= 1 for entry in entries)
    assert order_for(feed._follower, "c10", NOW)


def test_related_articles_are_live_unmet_and_of_the_neighbourhood(feed: Feed, database: Database) -> None:
    found = feed.related("shelf1-book2", "stranger", 4)
    assert len(found) == 4
    assert all(id.startswith("shelf1") for id in found[:3])
    assert "shelf1-book2" not in found
    read(database, "stranger", found[0])
    feed._follower.catch_up()
    assert found[0] not in feed.related("shelf1-book2", "stranger", 4)
    assert feed.related("no such content", "stranger") == []
