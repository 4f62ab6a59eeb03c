"""The frozen dataset: what enters it, what the law keeps out, and that nothing comes from the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.vocabulary import EventKind
from recsys.features import Dataset, InterestConfig, Rules
from recsys.features.interest import WEIGHTS

DAY = 86_400_000
AS_OF = 10 * DAY

Row = tuple[str, str, str, int, str | None, str | None]


@dataclass(frozen=True)
class Batch:
    citizen: np.ndarray
    content: np.ndarray
    kind: np.ndarray
    at: np.ndarray
    region: np.ndarray
    device: np.ndarray


def batches(rows: Sequence[Row], size: int = 3) -> list[Batch]:
    found = []
    for start in range(0, len(rows), size):
        columns = list(zip(*rows[start : start + size], strict=True))
        arrays = [np.array(column, np.int64 if place == 3 else object) for place, column in enumerate(columns)]
        found.append(Batch(*arrays))
    return found


def event(citizen: str, item: str, kind: str = "read", at: int = DAY) -> Row:
    return citizen, item, kind, at, None, None


def build(
    rows: Sequence[Row], as_of: int = AS_OF, *, rules: Rules | None = None, config: InterestConfig | None = None
) -> Dataset:
    return Dataset.build(batches(rows), as_of=as_of, rules=rules, config=config)


def interest_of(dataset: Dataset, citizen: str, item: str) -> float:
    return float(dataset.matrix[list(dataset.citizens).index(citizen), list(dataset.items).index(item)])


rows_of_events = st.lists(
    st.tuples(
        st.sampled_from(["anna", "ben", "陈", "d"]),
        st.sampled_from(["a", "b", "c", "天"]),
        st.sampled_from([kind.value for kind in EventKind]),
        st.integers(0, 20).map(lambda day: day * DAY // 2),
        st.sampled_from([None, "510100", "x"]),
        st.sampled_from([None, "phone"]),
    ),
    max_size=30,
)
rules_of_law = st.builds(
    Rules,
    unprofiled=st.frozensets(st.sampled_from(["anna", "陈"])),
    uninferred=st.frozensets(st.sampled_from(["b", "天"])),
)
configs = st.builds(InterestConfig, half_life_days=st.sampled_from([None, 0.5, 30.0]))


@given(rows=rows_of_events, later=rows_of_events, as_of=st.integers(0, 11 * DAY), rules=rules_of_law, config=configs)
@settings(deadline=None)
def test_nothing_at_or_after_as_of_enters(
    rows: list[Row], later: list[Row], as_of: int, rules: Rules, config: InterestConfig
) -> None:
    past = [row for row in rows if row[3] < as_of]
    future = [(who, what, kind, as_of + at, region, device) for who, what, kind, at, region, device in later]

    alone = build(past, as_of, rules=rules, config=config)

    assert build(past + future, as_of, rules=rules, config=config).fingerprint() == alone.fingerprint()
    assert build(rows, as_of, rules=rules, config=config).fingerprint() == alone.fingerprint()


@given(rows=rows_of_events, seed=st.randoms(use_true_random=False), size=st.integers(1, 40), config=configs)
@settings(deadline=None)
def test_the_order_of_rows_and_the_size_of_batches_do_not_matter(
    rows: list[Row], seed: Random, size: int, config: InterestConfig
) -> None:
    shuffled = rows.copy()
    seed.shuffle(shuffled)

    again = Dataset.build(batches(shuffled, size), as_of=AS_OF, config=config)

    assert again.fingerprint() == build(rows, config=config).fingerprint()


@given(rows=rows_of_events, as_of=st.integers(0, AS_OF), rules=rules_of_law, config=configs)
@settings(deadline=None)
def test_looking_back_equals_having_built_then(
    rows: list[Row], as_of: int, rules: Rules, config: InterestConfig
) -> None:
    back = build(rows, rules=rules, config=config).before(as_of)

    assert back.fingerprint() == build(rows, as_of, rules=rules, config=config).fingerprint()


def test_a_row_that_arrived_late_enters_by_its_own_time() -> None:
    rows = [event("anna", "a", at=5 * DAY), event("ben", "late", at=2 * DAY)]

    dataset = build(rows, as_of=3 * DAY)

    assert list(dataset.items) == ["late"]
    assert build(rows).log.at.tolist() == [2 * DAY, 5 * DAY]


def test_a_changed_row_before_as_of_changes_the_fingerprint() -> None:
    assert build([event("anna", "a")]).fingerprint() != build([event("anna", "b")]).fingerprint()
    assert build([event("anna", "a")]).fingerprint() != build([event("anna", "a")], as_of=AS_OF + 1).fingerprint()


def test_a_dataset_cannot_look_into_its_future() -> None:
    with pytest.raises(ValueError, match="after"):
        build([event("anna", "a")]).before(AS_OF + 1)


@pytest.mark.parametrize("kind", list(EventKind))
def test_each_kind_weighs_what_the_table_says(kind: EventKind) -> None:
    assert interest_of(build([event("anna", "a", kind)]), "anna", "a") == WEIGHTS.get(kind, 0.0)


def test_an_impression_makes_the_item_known_but_shows_no_interest() -> None:
    dataset = build([event("anna", "a", "impression")])

    assert list(dataset.items) == ["a"]
    assert dataset.matrix.nnz == 0


def test_interests_add_up_to_the_ceiling() -> None:
    dataset = build([event("anna", "a"), event("anna", "a", "like"), *[event("ben", "a")] * 100])

    assert interest_of(dataset, "anna", "a") == 3.0
    assert interest_of(dataset, "ben", "a") == InterestConfig().ceiling


def test_an_interest_halves_with_each_half_life_and_is_gone_in_the_end() -> None:
    rows = [event("anna", "a", at=7 * DAY), event("anna", "b", at=5 * DAY), event("anna", "c", at=0)]

    dataset = build(rows, config=InterestConfig(half_life_days=1))
    long_gone = build(rows, config=InterestConfig(half_life_days=0.1))

    assert interest_of(dataset, "anna", "a") == 1
    assert interest_of(dataset, "anna", "b") == 0.25
    assert interest_of(dataset, "anna", "c") == pytest.approx(0.5**7)
    assert interest_of(long_gone, "anna", "c") == 0


def test_a_log_that_ended_long_ago_says_as_much_as_one_that_ends_now() -> None:
    rows = [event("anna", "a", at=7 * DAY), event("anna", "b", at=5 * DAY)]
    config = InterestConfig(half_life_days=1)

    years_later = build(rows, as_of=AS_OF + 3000 * DAY, config=config)

    assert (years_later.matrix != build(rows, config=config).matrix).nnz == 0


@pytest.mark.parametrize("refusal", ["not_interested", "report"])
def test_a_refusal_removes_what_came_before_and_not_what_comes_after(refusal: str) -> None:
    before = [event("anna", "a", "save", DAY), event("anna", "a", refusal, DAY), event("ben", "a", at=DAY)]

    assert interest_of(build(before), "anna", "a") == 0
    assert interest_of(build(before), "ben", "a") == 1
    assert interest_of(build([*before, event("anna", "a", at=2 * DAY)]), "anna", "a") == 1


def test_minors_and_those_without_personalisation_have_no_profile_but_count() -> None:
    dataset = build([event("anna", "a"), event("child", "a", "like")], rules=Rules(unprofiled={"child", "nobody"}))

    assert interest_of(dataset, "anna", "a") == 1
    assert dataset.matrix[list(dataset.citizens).index("child")].nnz == 0
    assert dataset.counts() == {"events": 2, "reads": 1, "citizens": 2, "profiled": 1, "items": 1, "pairs": 1}


def test_health_enters_a_profile_only_after_a_follow_and_counts_in_aggregate() -> None:
    rows = [event("anna", "health"), event("ben", "health"), event("ben", "health", "follow", 2 * DAY)]

    dataset = build(rows, rules=Rules(uninferred={"health"}))

    assert interest_of(dataset, "anna", "health") == 0
    assert interest_of(dataset, "ben", "health") == 4
    assert dataset.reads_per_item().tolist() == [2]


def test_a_follow_that_was_withdrawn_is_no_consent() -> None:
    rows = [
        event("ben", "health", "follow", DAY),
        event("ben", "health", "not_interested", 2 * DAY),
        event("ben", "health", "read", 3 * DAY),
    ]

    assert build(rows, rules=Rules(uninferred={"health"})).matrix.nnz == 0


def test_labels_are_kept_for_the_fast_layer() -> None:
    dataset = build([("anna", "a", "read", 2, "x", "phone"), ("ben", "a", "read", 1, None, "tablet")])

    assert dataset.log.region.tolist() == [-1, 0]
    assert [dataset.devices[code] for code in dataset.log.device] == ["tablet", "phone"]


def test_positions_tell_unknown_items_apart() -> None:
    dataset = build([event("anna", "b"), event("anna", "a")])

    assert dataset.item_positions(["b", "new", "a"]).tolist() == [1, -1, 0]


def test_an_empty_log_gives_an_empty_dataset() -> None:
    dataset = build([])

    assert dataset.matrix.shape == (0, 0)
    assert dataset.span() is None
    assert dataset.before(0).counts()["events"] == 0


def test_a_dataset_cannot_be_altered() -> None:
    dataset = build([event("anna", "a")])

    with pytest.raises(ValueError, match="read-only"):
        dataset.log.at[0] = 0
    with pytest.raises(AttributeError):
        dataset.as_of = 0  # type: ignore[misc]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError, match="stare"):
        build([event("anna", "a", "stare")])


@pytest.mark.parametrize("options", [{"half_life_days": 0.0}, {"half_life_days": float("nan")}, {"ceiling": 0.0}])
def test_impossible_constants_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        InterestConfig(**options)
