"""What citizens get from the records: hidden items stay hidden, the law keeps its place, and every reason is true."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from content_store.vocabulary import POSITIVE_KINDS, EventKind, Topic
from recsys.evaluation.holdout import Bundle
from recsys.evaluation.tail import served_tail
from recsys.features import Dataset
from recsys.features.articles import Article
from recsys.features.dataset import Rules
from recsys.features.log import KINDS
from recsys.features.table import COLUMNS
from recsys.live import Live, Static
from recsys.models.als import Als, AlsConfig
from recsys.models.content import Content, ContentConfig
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.models.ranker import Ranker, RankerConfig
from recsys.reasons import FRESH_HOURS, Reason, ReasonCode
from recsys.serving import Recommended, Served
from recsys.snapshots import Draft, Snapshot, SnapshotStore
from recsys.training import Material
from tests.support.reading import DAY, START, Row, columns, town

NOW = START + 31 * DAY
HOUR = 3_600_000
EVERYTHING = 1_000


def served(
    rows: Sequence[Row],
    *,
    rules: Rules | None = None,
    topics: dict[str, Topic] | None = None,
    published: dict[str, int] | None = None,
    withdrawn: Collection[str] = (),
    recorded: dict[str, int] | None = None,
    titles: dict[str, str] | None = None,
    snapshot: Snapshot | None = None,
) -> Served:
    dataset = Dataset.build(columns(rows), as_of=NOW + 1, rules=rules or Rules())
    published, recorded = published or {}, recorded or {}
    ids = {row[1] for row in rows} | set(published) | set(recorded) | set(titles or {})
    articles = {
        item: Article(
            (titles or {}).get(item, item),
            topic=(topics or {}).get(item),
            published_at=published.get(item),
            created_at=recorded.get(item),
        )
        for item in ids
    }
    return Served(dataset, articles, frozenset(ids - set(withdrawn)), snapshot)


def listed(found: Served, citizen: str, limit: int = EVERYTHING) -> list[str]:
    return [item.id for item in found.recommend(citizen, NOW, limit)]


def reason(found: Served, citizen: str, item: str) -> Reason:
    return next(entry for entry in found.recommend(citizen, NOW, EVERYTHING) if entry.id == item).reason


def test_what_a_citizen_has_read_is_never_listed_again() -> None:
    rows = town()
    found = served(rows)
    for citizen in ("c00", "c01", "c17"):
        mine = {row[1] for row in rows if row[0] == citizen}
        assert mine
        assert not mine & set(listed(found, citizen))


def test_what_was_refused_is_never_listed_and_speaks_for_nobody() -> None:
    rows = [*town(), ("c00", "shelf1-book3", "not_interested", NOW - 1)]
    assert "shelf1-book3" not in listed(served(rows), "c00")


def test_readers_of_a_shelf_are_offered_the_rest_of_it_first() -> None:
    found, rows = served(town()), town()
    for citizen in ("c00", "c01", "c02"):
        shelf = next(row[1] for row in rows if row[0] == citizen).partition("-")[0]
        assert [item.partition("-")[0] for item in listed(found, citizen, 2)] == [shelf, shelf]


def test_a_published_item_that_nobody_read_can_be_listed_and_a_withdrawn_one_cannot() -> None:
    found = served(town(), published={"new": NOW - HOUR}, withdrawn=["shelf1-book3"])
    assert "new" in listed(found, "c00")
    assert "shelf1-book3" not in listed(found, "c00")


def test_an_item_to_be_published_later_is_not_listed_yet() -> None:
    assert "later" not in listed(served(town(), published={"later": NOW + HOUR}), "c00")


@pytest.mark.parametrize("recorded_at", [START + DAY, NOW + 900 * DAY])
def test_an_item_without_a_date_that_nobody_met_is_listed_from_when_it_was_recorded(recorded_at: int) -> None:
    assert "undated" in listed(served(town(), recorded={"undated": recorded_at}), "c00")


def test_events_older_than_the_followed_ones_hide_what_was_met_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Row] = [("c00", f"shelf1-book{book}", "impression", START - 1) for book in range(8)]
    rows = [("c00", "shelf2-book0", "report", START - 2), *seen, ("c03", "early", "read", START - 1), *town()]
    whole = served(rows)
    monkeypatch.setattr("recsys.serving.RECENT", 20)
    cut = served(rows)
    for citizen in ("c00", "c01", "c03", "nobody"):
        assert set(listed(cut, citizen)) == set(listed(whole, citizen))
    assert "shelf1-book0" in listed(cut, "c00")
    assert "shelf2-book0" not in listed(cut, "c00")
    assert "early" in listed(cut, "c01")


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 9), st.integers(0, len(KINDS) - 1)), max_size=40
    )
)
@example([(0, 0, 0, KINDS.index(EventKind.REPORT)), (0, 0, 0, KINDS.index(EventKind.FOLLOW))])
def test_events_taken_in_at_once_hide_and_open_what_they_do_one_by_one(events: list[tuple[int, int, int, int]]) -> None:
    at_once, singly = Live(Static.unknown(5), 4), Live(Static.unknown(5), 4)
    events.sort(key=lambda event: event[2])
    user, item, hour, kind = np.array(events, np.int32).reshape(-1, 4).T
    at_once.remember(user, item, hour.astype(np.float64), kind.astype(np.int8))
    for event in events:
        singly.update(*event)
    for citizen in range(4):
        assert at_once.open_items(citizen).tolist() == singly.open_items(citizen).tolist()
        assert at_once.followed.get(citizen, set()) == singly.followed.get(citizen, set())
    for name in ("born", "last", "seen_at"):
        assert getattr(at_once, name).tolist() == getattr(singly, name).tolist()


@pytest.mark.parametrize("kind", sorted(POSITIVE_KINDS))
@pytest.mark.parametrize("before", [["read", "not_interested"], ["not_interested"]])
def test_interest_shown_after_a_refusal_speaks_again_and_the_item_stays_hidden(
    kind: EventKind, before: list[str]
) -> None:
    item, events = "shelf1-book3", [*before, kind.value]
    told: list[Row] = [("c99", item, said, NOW - 9 + place) for place, said in enumerate(events)]
    refused = served([*town(), *told[:-1]])
    again = served([*town(), *told])
    assert _history(refused, "c99") == []
    assert _history(again, "c99") == [item]
    assert item not in listed(again, "c99")


def test_a_refusal_takes_back_the_consent_of_an_earlier_follow() -> None:
    item = "shelf1-book3"
    told: list[Row] = [("c99", item, kind, NOW - 9) for kind in ("follow", "not_interested")]
    found = served([*town(), *told, ("c99", item, "read", NOW - 1)], topics={item: Topic.HEALTH})
    assert _history(found, "c99") == []


def _history(found: Served, citizen: str) -> list[str]:
    live = found.live
    return [found.items[place] for place in live.covisit.item[live.history(found.place_of(citizen))]]


def test_an_article_that_came_after_the_training_is_judged_by_its_text(store: SnapshotStore) -> None:
    found = served(town(), titles=TITLES | COLD, published=dict.fromkeys(COLD, NOW - HOUR), snapshot=trained(store))
    said = {entry.id: entry.sources for entry in found.recommend("c00", NOW, EVERYTHING)}
    assert said["cold-panda"]["content"] > max(said["cold-rocket"]["content"], said["cold-quake"]["content"])
    assert np.isnan(said["cold-nothing"]["content"])
    for item in COLD:
        assert np.isnan(said[item]["als"])
        assert np.isnan(said[item]["item_item"])
    assert np.isfinite([said["shelf1-book0"][name] for name in ("als", "item_item", "content")]).all()


def test_reading_an_article_that_came_after_the_training_speaks_through_its_text(store: SnapshotStore) -> None:
    rows = [*town(), ("c99", "cold-rocket", "read", NOW - 1)]
    found = served(rows, titles=TITLES | COLD, published=dict.fromkeys(COLD, NOW - HOUR), snapshot=trained(store))
    said = {entry.id: entry.sources["content"] for entry in found.recommend("c99", NOW, EVERYTHING)}
    assert min(said[f"shelf1-book{book}"] for book in range(8)) > said["cold-panda"]


def test_a_model_that_this_code_cannot_restore_is_left_out_and_said(store: SnapshotStore) -> None:
    class Elsewhere(ItemItem):
        name = "als"

    dataset = Dataset.build(columns(town()), as_of=NOW)
    models = [Elsewhere().fit(dataset.matrix), ItemItem().fit(dataset.matrix)]
    found = served(town(), snapshot=store.publish(Draft(models, dataset.items.tolist(), {})))
    assert ["als" in problem for problem in found.problems] == [True]
    best = found.recommend("c00", NOW, 1)[0]
    assert np.isnan(best.sources["als"])
    assert np.isfinite(best.sources["item_item"])


def test_a_ranker_fitted_on_other_columns_is_not_used_and_said(store: SnapshotStore) -> None:
    items = sorted({row[1] for row in town()})
    ours = served(town(), snapshot=store.publish(Draft([ranker(COLUMNS)], items, {})))
    other = served(town(), snapshot=store.publish(Draft([ranker(COLUMNS[::-1])], items, {})))
    assert ours.ranking.ranker is not None
    assert ours.problems == []
    assert other.ranking.ranker is None
    assert ["ranker" in problem for problem in other.problems] == [True]
    assert listed(other, "c00") == listed(served(town()), "c00")


def test_the_gate_does_not_measure_a_ranker_fitted_on_other_columns() -> None:
    material = Material(Dataset.build(columns(town()), as_of=NOW))
    cut, items = START + 20 * DAY, material.dataset.items
    blended, other = (
        served_tail(material, cut, Bundle(items, models)) for models in ({}, {Ranker.name: ranker(COLUMNS[::-1])})
    )
    assert other == blended
    assert other.n > 0


def ranker(names: Sequence[str]) -> Ranker:
    """A ranker that learnt next to nothing."""
    random = np.random.default_rng(0)
    table = random.random((200, len(names))).astype(np.float32)
    label = np.tile([1, 0], 100).astype(np.float32)
    return Ranker(names, RankerConfig(trees=2, least_rows=5, threads=1)).fit(table, label, np.full(100, 2))


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def trained(store: SnapshotStore) -> Snapshot:
    """A snapshot of the town's slow models, made before the cold articles came."""
    dataset = Dataset.build(columns(town()), as_of=NOW)
    als = Als(AlsConfig(factors=8, regularization=1.0, threads=1)).fit(dataset.matrix)
    content = Content(ContentConfig(ridge=0.1)).fit(dataset.matrix, [TITLES[item] for item in dataset.items], als=als)
    models = [als, ItemItem(ItemItemConfig(threads=1)).fit(dataset.matrix), content]
    return store.publish(Draft(models, dataset.items.tolist(), {}))


SUBJECTS = ("大熊猫 竹林 栖息地", "火箭 卫星 轨道", "地震 断层 预警")
TITLES = {f"shelf{shelf}-book{book}": SUBJECTS[shelf] for shelf in range(3) for book in range(8)}
COLD = {"cold-panda": "大熊猫 竹林", "cold-rocket": "火箭 卫星", "cold-quake": "地震 断层", "cold-nothing": ""}


def test_a_citizen_without_events_gets_a_list_without_personal_reasons() -> None:
    found = served(town()).recommend("nobody", NOW, 10)
    assert len(found) == 10
    assert not {entry.reason.code for entry in found} & {ReasonCode.BECAUSE_READ, ReasonCode.USUAL_TOPIC}


def test_a_citizen_without_a_profile_gets_what_a_stranger_gets_less_what_was_read() -> None:
    rows = town()
    found = served(rows, rules=Rules(unprofiled=["c00"]))
    mine = {row[1] for row in rows if row[0] == "c00"}
    stranger = [item for item in listed(found, "nobody") if item not in mine]
    assert listed(found, "c00") == stranger
    assert not [e for e in found.recommend("c00", NOW, 50) if e.reason.code is ReasonCode.BECAUSE_READ]


def test_reading_on_health_changes_no_order_and_is_named_in_no_reason_until_it_is_followed() -> None:
    rows = town()
    topics = {row[1]: Topic.HEALTH for row in rows if row[1].startswith("shelf0")}
    readers = [row[0] for row in rows if row[1] in topics]
    found = served(rows, topics=topics)
    mine = {row[1] for row in rows if row[0] == readers[0]}
    assert listed(found, readers[0]) == [item for item in listed(found, "nobody") if item not in mine]
    assert not _named(found, readers[0])
    followed = served([*rows, (readers[0], min(mine), "follow", NOW - 1)], topics=topics)
    assert _named(followed, readers[0]) == {min(mine)}


def _named(found: Served, citizen: str) -> set[str]:
    return {found.items[ref] for entry in found.recommend(citizen, NOW, 50) for ref in entry.reason.refs}


@pytest.mark.parametrize("seed", range(5))
def test_every_reason_holds_when_it_is_recomputed_from_the_raw_events(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [*town(seed=seed), *_recent(rng)]
    topics = {row[1]: (Topic.SPACE, Topic.ENERGY, Topic.DAILY)[int(row[1][5])] for row in rows}
    published = {row[1]: NOW - int(rng.integers(0, 200)) * HOUR for row in rows}
    found = served(rows, topics=topics, published=published)
    codes = set()
    for citizen in [*sorted({row[0] for row in rows})[::7], "nobody"]:
        for entry in found.recommend(citizen, NOW, 20):
            codes.add(entry.reason.code)
            assert _holds(entry, citizen, rows, found.items, published), (citizen, entry)
    assert ReasonCode.BECAUSE_READ in codes
    assert codes & {ReasonCode.HOT_HOUR, ReasonCode.HOT_DAY}


def _recent(rng: np.random.Generator) -> list[Row]:
    """Reads of the last two days."""
    books = [f"shelf{place % 3}-book{place // 3}" for place in rng.integers(0, 24, 150)]
    return [(f"r{place:03d}", book, "read", NOW - int(rng.integers(1, 30 * HOUR))) for place, book in enumerate(books)]


def _holds(
    entry: Recommended, citizen: str, rows: Sequence[Row], ids: Sequence[str], published: dict[str, int]
) -> bool:
    reads = {(row[0], row[1]): row[3] for row in reversed(rows) if row[2] == "read"}
    mine = {item for who, item in reads if who == citizen}
    said = entry.reason
    if said.code is ReasonCode.BECAUSE_READ:
        ref = ids[said.refs[0]]
        both = {w for w, i in reads if i == entry.id} & {w for w, i in reads if i == ref} - {citizen}
        return ref in mine and len(both) == said.count >= 2
    if said.code in (ReasonCode.HOT_HOUR, ReasonCode.HOT_DAY):
        since = NOW - (HOUR if said.code is ReasonCode.HOT_HOUR else DAY)
        return sum(item == entry.id and at > since for (_, item), at in reads.items()) == said.count >= 3
    if said.code is ReasonCode.FRESH:
        return 0 <= NOW - published[entry.id] <= FRESH_HOURS * HOUR
    same = sum(item.partition("-")[0] == entry.id.partition("-")[0] for item in mine)
    if said.code is ReasonCode.USUAL_TOPIC:
        return same == said.count and same >= 0.2 * len(mine)
    return said.code is ReasonCode.CATALOGUE or (same == 0 and bool(mine))
