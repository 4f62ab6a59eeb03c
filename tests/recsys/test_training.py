"""Training: from events to a published snapshot, through the gate or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from content_store.errors import DataMissing, ModelError
from recsys.evaluation.holdout import Bundle, Measured
from recsys.features import Dataset, Rules
from recsys.features.articles import Article
from recsys.gate import Incumbent
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Model
from recsys.models.content import Content
from recsys.models.item_item import ItemItem
from recsys.snapshots import SnapshotStore
from recsys.training import Builder, Material, Training, TrainingConfig, default_builders, tail_start
from tests.support.reading import DAY, START, columns, town

CONFIG = TrainingConfig(als=AlsConfig(factors=4, iterations=5, regularization=1.0))
NOW = START + 31 * DAY


def material(as_of: int = NOW, days: int = 30, **options: Any) -> Material:
    return Material(Dataset.build(columns(town(days=days)), as_of=as_of, **options))


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def says(served: float, single: float = 1.0) -> Any:
    return lambda _material, _cut, _bundle: Measured("ndcg@10", 9, served, {"newest": single}, {})


def test_what_was_trained_is_published_with_all_that_it_was_made_from(store: SnapshotStore) -> None:
    trained = Training(store, CONFIG, code_version="1.2+abc").run(material)

    snapshot = store.active().snapshot
    assert snapshot is not None
    assert trained.snapshot == snapshot
    assert snapshot.models == ["als", "item_item"]
    assert snapshot.items() == material().dataset.items.tolist()
    facts = snapshot.facts
    assert facts["code_version"] == "1.2+abc"
    assert facts["config"]["als"]["factors"] == 4
    assert facts["data"]["events"] == 360
    assert facts["data"]["first_at"] < facts["data"]["last_at"] < facts["data"]["as_of"] == NOW
    assert facts["data"]["fingerprint"] == material().dataset.fingerprint()
    assert facts["measured"]["n"] == trained.candidate.n > 0
    assert facts["gate"] == {"passed": True, "reasons": list(trained.verdict.reasons), "forced": None}


def test_the_published_models_know_everything_and_the_measured_ones_only_the_past(store: SnapshotStore) -> None:
    seen: list[Material] = []

    def fit(given: Material, _before: Mapping[str, Model]) -> Model:
        seen.append(given)
        return Als(CONFIG.als).fit(given.dataset.matrix)

    trained = Training(store, CONFIG, builders=[Builder(Als, fit)]).run(material)

    assert [given.dataset.as_of for given in seen] == [trained.cut, NOW]
    assert len(seen[0].dataset.log) == int(0.9 * 360)
    assert trained.snapshot is not None
    assert trained.snapshot.load(Als).item_factors.tobytes() == (
        Als(CONFIG.als).fit(material().dataset.matrix).item_factors.tobytes()
    )


def test_the_models_of_a_taste_find_the_rest_of_the_shelf(store: SnapshotStore) -> None:
    trained = Training(store, CONFIG).run(material)

    assert trained.candidate.models["item_item"] > 2 * max(trained.candidate.singles.values())
    assert trained.candidate.models["als"] > 1.5 * max(trained.candidate.singles.values())


def test_a_later_step_gets_the_models_of_the_earlier_ones_and_may_pass(store: SnapshotStore) -> None:
    got: list[list[str]] = []

    def nothing(_material: Material, before: Mapping[str, Model]) -> None:
        got.append(list(before))

    builders = [*default_builders(CONFIG)[:1], Builder(ItemItem, nothing)]
    trained = Training(store, CONFIG, builders=builders).run(material)

    assert got == [["als"], ["als"]]
    assert trained.snapshot is not None
    assert trained.snapshot.models == ["als"]


def test_steps_are_announced_and_timed(store: SnapshotStore) -> None:
    announced: list[str] = []

    trained = Training(store, CONFIG, announce=announced.append).run(material)

    assert announced == [timing.step for timing in trained.timings]
    assert announced[0] == "read"
    assert announced[-1] == "publish"
    assert all(timing.seconds >= 0 for timing in trained.timings)


def test_the_gate_refuses_a_candidate_that_loses_to_a_simple_signal(store: SnapshotStore) -> None:
    trained = Training(store, CONFIG, evaluate=says(0.4)).run(material)

    assert trained.snapshot is None
    assert not trained.verdict.passed
    assert store.versions() == []


def test_a_refusal_can_be_overridden_and_the_reason_is_kept(store: SnapshotStore) -> None:
    trained = Training(store, CONFIG, evaluate=says(0.4)).run(material, force="a new kind of site")

    assert trained.snapshot is not None
    assert trained.snapshot.facts["gate"]["forced"] == "a new kind of site"
    assert trained.snapshot.facts["gate"]["passed"] is False


def test_a_reason_is_not_kept_where_the_gate_let_pass(store: SnapshotStore) -> None:
    trained = Training(store, CONFIG).run(material, force="to be sure")

    assert trained.snapshot is not None
    assert trained.snapshot.facts["gate"]["forced"] is None


def test_the_active_snapshot_is_measured_on_the_same_tail_where_it_did_not_see_it(store: SnapshotStore) -> None:
    first = Training(store, CONFIG).run(lambda: material(as_of=START + 15 * DAY))

    second = Training(store, CONFIG).run(material)

    assert first.snapshot is not None
    assert second.incumbent is not None
    assert second.incumbent.version == first.snapshot.version
    assert second.incumbent.measured is not None
    assert second.incumbent.measured.n == second.candidate.n
    assert second.incumbent.measured.singles == second.candidate.singles


def test_the_active_snapshot_that_saw_the_tail_is_compared_by_what_it_left(store: SnapshotStore) -> None:
    first = Training(store, CONFIG).run(material)

    second = Training(store, CONFIG).run(material)

    assert first.snapshot is not None
    assert second.incumbent == Incumbent(first.snapshot.version, recorded_ratio=first.candidate.ratio)


def test_a_candidate_worse_than_the_active_snapshot_is_refused(store: SnapshotStore) -> None:
    first = Training(store, CONFIG, evaluate=says(0.9)).run(material)

    second = Training(store, CONFIG, evaluate=says(0.8)).run(material)

    assert second.snapshot is None
    assert store.active().snapshot == first.snapshot


def test_an_active_snapshot_that_this_code_cannot_restore_is_not_in_the_way(store: SnapshotStore) -> None:
    class Elsewhere(ItemItem):
        name = "als"

    builders = [Builder(Elsewhere, lambda given, _: Elsewhere(CONFIG.item_item).fit(given.dataset.matrix))]
    first = Training(store, CONFIG, builders=builders).run(lambda: material(as_of=START + 15 * DAY))

    second = Training(store, CONFIG).run(material)

    assert first.snapshot is not None
    assert second.incumbent == Incumbent(first.snapshot.version)
    assert second.snapshot is not None


def test_an_active_snapshot_that_cannot_be_measured_is_not_in_the_way(store: SnapshotStore) -> None:
    first = Training(store, CONFIG).run(lambda: material(as_of=START + 15 * DAY))
    measured: list[Bundle] = []

    def evaluate(_material: Material, _cut: int, bundle: Bundle) -> Measured:
        measured.append(bundle)
        if len(measured) == 2:
            raise ModelError("fitted on other columns")
        return Measured("ndcg@10", 9, 1.0, {"newest": 1.0}, {})

    second = Training(store, CONFIG, evaluate=evaluate).run(material)

    assert first.snapshot is not None
    assert second.incumbent == Incumbent(first.snapshot.version)
    assert second.snapshot is not None


@pytest.mark.parametrize("trained_on", [START + 28 * DAY, START + 3000 * DAY])
def test_the_tail_begins_where_the_active_snapshots_knowledge_ends_if_that_leaves_enough(
    store: SnapshotStore, trained_on: int
) -> None:
    rows = [row for row in town() if row[3] < START + 28 * DAY]
    known = Material(Dataset.build(columns(rows), as_of=trained_on))
    active = Training(store, CONFIG).run(lambda: known).snapshot
    whole = material().dataset
    usual = int(whole.log.at[int(0.9 * len(whole.log))])

    assert tail_start(whole, None, CONFIG) == usual < rows[-1][3]
    after = len(whole.log) - len(rows)
    assert tail_start(whole, active, TrainingConfig(fewest_tail=after)) == rows[-1][3] + 1
    assert tail_start(whole, active, TrainingConfig(fewest_tail=after + 1)) == usual


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "no events"),
        (town()[:99], "99 reads are too few"),
        (town(citizens=1, books=200), "1 citizens with a profile"),
        ([(f"c{n}", "one", "read", START + n) for n in range(100)], "1 items are too few"),
    ],
)
def test_too_little_to_learn_from_is_said_and_nothing_is_written(
    store: SnapshotStore, given: list[Any], sentence: str
) -> None:
    with pytest.raises(DataMissing, match=sentence) as caught:
        Training(store, CONFIG).run(lambda: Material(Dataset.build(columns(given), as_of=NOW)))

    assert "kepu import" in caught.value.hint
    assert not store.root.exists()


def test_a_town_of_minors_has_nobody_to_learn_for(store: SnapshotStore) -> None:
    everybody = Rules(unprofiled=frozenset(material().dataset.citizens))

    with pytest.raises(DataMissing, match="with a profile"):
        Training(store, CONFIG).run(lambda: material(rules=everybody))


def test_an_interrupted_training_leaves_what_was_active(store: SnapshotStore) -> None:
    first = Training(store, CONFIG).run(material)

    def interrupt(step: str) -> None:
        if step == "publish":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Training(store, CONFIG, announce=interrupt).run(material)

    assert store.active().snapshot == first.snapshot
    assert len(store.versions()) == 1


def test_items_with_words_of_their_own_give_a_content_model(store: SnapshotStore) -> None:
    def worded(words: int) -> Material:
        items = material().dataset.items
        named = {name: Article(f"{name} 科普") for name in items[:words]}
        return Material(material().dataset, named | {name: Article("") for name in items[words:]})

    wordless = Training(store, CONFIG).run(lambda: worded(19))
    worded_ = Training(store, CONFIG).run(lambda: worded(20))

    assert wordless.snapshot is not None
    assert worded_.snapshot is not None
    assert wordless.snapshot.models == ["als", "item_item"]
    assert worded_.snapshot.models == ["als", "item_item", "content"]
    content = worded_.snapshot.load(Content)
    assert content.items == 24
    assert content.settings.als == CONFIG.als, "the factors are those of the ALS beside it"


def test_articles_are_known_once_published_or_met() -> None:
    met = material().dataset.items[0]
    given = {
        met: Article("met"),
        "old": Article("old", published_at=START),
        "later": Article("later", published_at=START + 25 * DAY),
        "unknown": Article("unknown"),
    }

    past = Material(material().dataset, given).before(START + 20 * DAY)

    assert set(past.articles) == {met, "old"}
    assert past.dataset.as_of == START + 20 * DAY


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_an_impossible_holdout_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="held-out"):
        TrainingConfig(holdout=share)


def test_the_seam_hands_the_evaluator_what_it_needs(store: SnapshotStore) -> None:
    calls: list[tuple[int, int, list[str]]] = []

    def evaluate(given: Material, cut: int, bundle: Bundle) -> Measured:
        assert np.array_equal(bundle.items, given.before(cut).dataset.items)
        calls.append((given.dataset.as_of, cut, list(bundle.models)))
        return Measured("ndcg@10", 1, 1.0, {"newest": 0.5}, {})

    trained = Training(store, CONFIG, evaluate=evaluate).run(material)

    assert calls == [(NOW, trained.cut, ["als", "item_item"])]
