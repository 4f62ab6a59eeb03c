"""Suggestions for the wordings that wait: made once each, learnt from what passed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from content_store import contents, suggestions
from content_store.db import Database
from content_store.review import versions, withdrawing
from content_store.review_words import WithdrawReason
from content_store.settings import Settings
from content_store.suggestions import Agreement, Suggested
from content_store.vocabulary import Prefecture, Topic
from recsys import suggesting
from recsys.classifying import LISTS, Classifier
from recsys.models.topics import Topics
from recsys.snapshots import Draft, SnapshotStore
from recsys.suggesting import Filled, active, fill, learn, readable, shown
from tests.support import review_desk
from tests.support.review_desk import CHIEF, WRITER

QUAKE = {"title": "地震预警怎么抢时间", "body": "<p>汶川地震后，预警网建成：<b>地震波</b>比电波慢。</p>"}
SHAKE = {
    "title": "地震来了往哪里躲",
    "body": "<p>地震时先躲到结实的桌子旁，护住头颈；震后有序撤离，防备余震和滑坡。</p>",
}
VAGUE = {"title": "周末去哪里", "body": "约上朋友出门走走。"}


@pytest.fixture
def desk(database: Database, fixed_clock: int) -> Database:
    review_desk.staff(database)
    return database


def stored(database: Database, *ids: str) -> dict[tuple[str, int], Suggested]:
    with database.connect() as connection:
        return suggestions.some(connection, ids)


def test_what_waits_is_given_a_suggestion_with_its_evidence(desk: Database) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, "quake", topic=None, **QUAKE)
        review_desk.draft(connection, "vague", topic=None, **VAGUE)
    assert fill(desk, Classifier()) == Filled(2, 1)
    found = stored(desk, "quake", "vague")
    quake, vague = found["quake", 1], found["vague", 1]
    assert (quake.topic, quake.prefecture, quake.county) == (Topic.DISASTER, Prefecture.ABA, "513221")
    assert quake.evidence["likeliest"] == "disaster"
    assert "地震波" in quake.evidence["words"]
    assert (quake.evidence["place"], quake.evidence["names"]) == ("513221", ["汶川"])
    assert quake.confidence > 0.65
    assert (quake.model, vague.model) == (LISTS, LISTS)
    assert (vague.topic, vague.prefecture, vague.county, vague.place_confidence) == (None, None, None, 0)
    assert vague.evidence["names"] == []


def test_a_stored_suggestion_is_shown_in_the_words_in_which_it_was_made(desk: Database) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, "quake", topic=None, **QUAKE)
        review_desk.draft(connection, "vague", topic=None, **VAGUE)
        rows = [suggesting._row(row) for row in suggestions.lacking(connection, 2)]
    fill(desk, Classifier())
    found = stored(desk, "quake", "vague")
    assert [shown(found["quake", 1]), shown(found["vague", 1])] == Classifier().suggest(rows)
    assert shown(found["quake", 1]).sentence.startswith("机器建议主题：防灾减灾，把握")


def test_a_suggestion_leaves_the_words_alone(desk: Database) -> None:
    with desk.begin() as connection:
        before = review_desk.draft(connection, "quake", topic=None, **QUAKE)
    fill(desk, Classifier())
    with desk.connect() as connection:
        assert versions.every(connection, "quake") == [before]


def test_doing_it_again_changes_nothing_and_only_a_new_version_is_suggested_for(desk: Database) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, "quake", topic=None, **QUAKE)
    fill(desk, Classifier())
    first = stored(desk, "quake")
    assert fill(desk, Classifier(version="other")) == Filled(0, 0)
    assert stored(desk, "quake") == first
    with desk.begin() as connection:
        versions.save(connection, "quake", WRITER, based_on=1, title="大熊猫的竹子", topic=Topic.LIFE_SCI)
    assert fill(desk, Classifier()).stored == 1
    assert stored(desk, "quake")["quake", 1] == first["quake", 1]
    assert set(stored(desk, "quake")) == {("quake", 1), ("quake", 2)}


def test_of_two_who_suggest_for_the_same_version_the_first_is_kept(desk: Database) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, "quake", topic=None, **QUAKE)
        rows = suggestions.lacking(connection, 10)
    fill(desk, Classifier())
    [one] = Classifier().suggest(map(suggesting._row, rows))
    again = [suggesting._stored(rows[0], one)]
    with desk.begin() as connection:
        assert suggestions.store(connection, again) == 0


def test_it_goes_on_in_batches_and_what_was_stored_before_it_was_stopped_stays(desk: Database) -> None:
    with desk.begin() as connection:
        for at in range(7):
            review_desk.draft(connection, f"c{at}", topic=None, **QUAKE)
    calls = iter(range(2))
    with pytest.raises(StopIteration):
        fill(desk, Classifier(), at_once=3, between=lambda: next(calls))
    assert len(stored(desk, *(f"c{at}" for at in range(7)))) == 6
    assert fill(desk, Classifier(), at_once=3) == Filled(1, 0)


def test_one_run_makes_no_more_than_it_is_told_to(desk: Database) -> None:
    with desk.begin() as connection:
        for at in range(5):
            review_desk.draft(connection, f"c{at}", topic=None, **QUAKE)
    assert fill(desk, Classifier(), most=4, at_once=3) == Filled(4, 0)


def test_what_is_out_or_over_waits_for_nobody_and_what_is_in_review_does(desk: Database) -> None:
    with desk.begin() as connection:
        review_desk.published(connection, "out")
        review_desk.published(connection, "over")
        withdrawing.withdraw(connection, "over", CHIEF, WithdrawReason.FACT, "数字有误")
        contents.create(connection, id="imported", title="地震")
        review_desk.draft(connection, "waits", **QUAKE)
        review_desk.submit(connection, "waits")
        assert [row.content_id for row in suggestions.lacking(connection, 10)] == ["waits"]


def test_what_people_let_pass_is_learnt_from_in_its_newest_wording_and_compared(desk: Database) -> None:
    decided = {"kept": Topic.DISASTER, "changed": Topic.ASTRO_GEO, "told": Topic.DAILY}
    with desk.begin() as connection:
        for id in decided:
            review_desk.draft(connection, id, topic=None, **{"kept": QUAKE, "changed": SHAKE, "told": VAGUE}[id])
    fill(desk, Classifier())
    with desk.begin() as connection:
        for id, topic in decided.items():
            versions.save(connection, id, WRITER, based_on=1, topic=topic)
            review_desk.pass_all(connection, review_desk.submit(connection, id))
        review_desk.draft(connection, "never passed")
    fill(desk, Classifier())
    with desk.connect() as connection:
        assert suggestions.agreement(connection) == Agreement(taken=1, changed=1, blank=1)
        assert suggestions.agreement(connection, since=review_desk.later(1)) == Agreement(0, 0, 0)
        rows = suggestions.reviewed(connection, 10)
        assert {row.content_id: row.topic for row in rows} == decided
        assert suggestions.reviewed(connection, 2) == rows[1:]


@pytest.mark.parametrize(
    "broken", ["confidence = 1.5", "place_confidence = -0.1", "county = '513221', prefecture = NULL"]
)
def test_the_database_refuses_a_suggestion_that_makes_no_sense(desk: Database, broken: str) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, "quake", topic=None, **QUAKE)
    fill(desk, Classifier())
    with pytest.raises(sa.exc.IntegrityError), desk.begin() as connection:
        connection.execute(sa.text(f"UPDATE suggestions SET {broken}"))


def test_nothing_is_known_of_a_version_that_was_not_suggested_for(desk: Database) -> None:
    with desk.connect() as connection:
        assert suggestions.get(connection, "nobody", 1) is None
        assert suggestions.store(connection, []) == 0


@pytest.mark.parametrize(
    ("summary", "body", "expected"),
    [
        (None, None, ""),
        ("摘要", "正文", "摘要\n正文"),
        (None, "## 水\\<油\n\n**不溶**，见[这里](https://example.org/salt)。", "水<油\n\n不溶，见这里。"),
        ("1 < 2", "![藏羚羊](/pictures/1) `pH` &lt; 7", "1 < 2\n藏羚羊 pH < 7"),
    ],
)
def test_markup_is_no_part_of_what_is_read(summary: str | None, body: str | None, expected: str) -> None:
    assert readable(summary, body) == expected


def many(database: Database, topics: tuple[Topic, Topic], size: int = 100) -> None:
    """Contents that passed their review, of two topics in turn, each with a word that no list has."""
    short = review_desk.settings(short_route_topics=",".join(topics))
    with database.begin() as connection:
        for at in range(size):
            told = {"title": f"箭竹丛里的第{at}天" if at % 2 else f"木板房第{at}间", "topic": topics[at % 2]}
            review_desk.draft(connection, f"c{at:03}", body="走走看看，记下所见。" * 20, **told)
            review_desk.pass_all(connection, review_desk.submit(connection, f"c{at:03}", settings=short))


def test_reviewed_contents_make_a_classifier_that_the_next_suggestions_use(
    sqlite_database: Database, fixed_clock: int, settings_factory: Callable[..., Settings]
) -> None:
    review_desk.staff(sqlite_database)
    store = suggesting.store_of(settings_factory())
    assert learn(sqlite_database, store) == (None, "0 reviewed contents, 100 are needed: the lists of words are used")
    assert active(store).version == LISTS
    many(sqlite_database, (Topic.DAILY, Topic.LIFE_SCI))
    version, told = learn(sqlite_database, store)
    assert version is not None
    assert told.startswith("100 reviewed contents: right 100.0% of the time, the lists ")
    assert learn(sqlite_database, store) == (None, f"nothing new since {version}")
    with sqlite_database.begin() as connection:
        review_desk.draft(connection, "new", topic=None, title="箭竹丛里的又一天", body="走走看看。")
    assert fill(sqlite_database, active(store)) == Filled(1, 0)
    found = stored(sqlite_database, "new")["new", 1]
    assert (found.topic, found.model) == (Topic.LIFE_SCI, version)
    assert "箭竹" in found.evidence["words"]


def test_a_classifier_that_does_worse_than_the_lists_is_not_published(
    sqlite_database: Database, tmp_path: Path, fixed_clock: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    review_desk.staff(sqlite_database)
    many(sqlite_database, (Topic.DAILY, Topic.LIFE_SCI), 10)

    def fit(self: Topics, *_: object) -> Topics:
        self.accuracy, self.listed = 0.4, 0.5
        return self

    monkeypatch.setattr(Topics, "fit", fit)
    monkeypatch.setattr(suggesting, "LEAST_REVIEWED", 10)
    store = SnapshotStore(tmp_path / "store")
    assert learn(sqlite_database, store) == (
        None,
        "not published: 10 reviewed contents: right 40.0% of the time, the lists 50.0%",
    )
    assert store.versions() == []


def test_a_damaged_classifier_is_passed_over_for_the_lists(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "store")
    model = Classifier().model
    snapshot = store.publish(Draft([model], (), {}))
    assert active(store).version == snapshot.version
    for path in snapshot.folder.rglob("*.npz"):
        path.write_bytes(b"")
    assert active(store).version == LISTS
