"""What citizens get from the records: hidden items stay hidden, the law keeps its place, and every reason is true."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest

from content_store.vocabulary import Topic
from recsys.features import Dataset
from recsys.features.articles import Article
from recsys.features.dataset import Rules
from recsys.reasons import FRESH_HOURS, Reason, ReasonCode
from recsys.serving import Recommended, Served
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
) -> Served:
    dataset = Dataset.build(columns(rows), as_of=NOW + 1, rules=rules or Rules())
    ids = {row[1] for row in rows} | set(published or {})
    articles = {
        item: Article(item, topic=(topics or {}).get(item), published_at=(published or {}).get(item)) for item in ids
    }
    return Served(dataset, articles, frozenset(ids - set(withdrawn)), None)


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
