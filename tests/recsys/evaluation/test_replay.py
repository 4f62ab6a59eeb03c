"""The replay protocol: agreement with the script that defines it, no leak from the future, one order with serving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from content_store.errors import EvaluationError
from recsys.evaluation import replay
from recsys.evaluation.ranks import rank_of
from recsys.evaluation.replay import SINGLES, Replay, ReplayConfig
from recsys.evaluation.replayed import Replayed, read
from recsys.live import HOUR_MS
from recsys.models.ranker import RankerConfig
from recsys.walk import Cadence
from tests.support.replaying import MINUTE, READS, START, Reference, busy_log, load_reference, logs, written

QUICK = ReplayConfig(
    queries=150,
    warm=0.0,
    cadence=Cadence(hours=48, growth=0.3, least=150),
    rankers=(RankerConfig(trees=8, least_rows=5, threads=1),),
)
TOLERANCE = {"hr@10": 1e-9, "ndcg@10": 1e-9, "hr@20": 1e-9, "mrr": 1e-4}


@pytest.fixture(scope="module")
def reference(datasets: Path) -> Reference:
    return load_reference(datasets)


def assert_agreement(path: Path, reference: Reference, start: float, sample: int | None = None, seed: int = 0) -> None:
    """Our report of the simple signals is that of the reference script, as its header asks."""
    ranks, owner, shares = reference.ranks(pd.read_parquet(path), start, sample, seed)
    report = replay.run(path, start=start, sample=sample, seed=seed, models=SINGLES)
    assert report["n"] == len(owner)
    assert {key: report[key] for key in shares} == shares
    assert set(report["models"]) == set(ranks)
    for name, rank in ranks.items():
        for metric, values in reference.metrics(rank).items():
            ours = report["models"][name][metric]
            assert ours["value"] == pytest.approx(values.mean(), abs=TOLERANCE[metric]), (name, metric)
            ends = reference.interval(values, owner, seed)
            assert (ours["lo"], ours["hi"]) == pytest.approx(ends, abs=0.005), (name, metric)
    best = max(ranks, key=lambda name: reference.metrics(ranks[name])["ndcg@10"].mean())
    assert report["models"][report["best_single"]]["ndcg@10"] == report["models"][best]["ndcg@10"]


@pytest.mark.parametrize(
    ("name", "sample", "seed"), [("deskdrop_first70", None, 0), ("globo_20k", 300, 0), ("ml100k", 300, 3)]
)
def test_the_simple_signals_agree_with_the_reference_on_real_logs(
    name: str, sample: int | None, seed: int, datasets: Path, reference: Reference
) -> None:
    assert_agreement(datasets / "data" / f"{name}.parquet", reference, 0.6, sample, seed)


KINDS = (
    None,
    READS,
    ("VIEW", "LIKE", "BOOKMARK", "COMMENT CREATED", "unheard of"),
    ("read", "impression", "like"),
    ("click", "not_interested", "report"),
)


@pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: "+".join(kinds or ("no event column",)))
def test_the_simple_signals_agree_with_the_reference_on_any_small_log(
    kinds: tuple[str, ...] | None, reference: Reference, tmp_path: Path
) -> None:
    @settings(max_examples=15)
    @given(logs(kinds), st.sampled_from([0.1, 0.4, 0.7]), st.sampled_from([None, 3]))
    def agree(log: pd.DataFrame, start: float, sample: int | None) -> None:
        path = written(log, tmp_path / "events.parquet")
        if reference.ranks(log, start, None, 0)[1].size:
            assert_agreement(path, reference, start, sample)

    agree()


def items_of(log: pd.DataFrame) -> pd.DataFrame:
    """Static columns for every item that may occur."""
    item = np.arange(200)
    created = START + item * 3600 * 1000
    columns = {"item": item, "category": item % 4, "author": item % 7, "created_ts": created, "words_count": 100 + item}
    titles = [f"stars and planets {number % 5} tale{number % 9}" for number in item]
    return pd.DataFrame(columns | {"title": titles})[lambda frame: frame["item"].isin(log["item"]) | (item % 2 == 0)]


def loaded(log: pd.DataFrame, folder: Path, items: pd.DataFrame | None = None) -> Replayed:
    known = items_of(log) if items is None else items
    return read(written(log, folder / "events.parquet"), written(known, folder / "items.parquet"))


class Watched(Replay):
    """A replay that keeps, for each target, the order of all open items by each of its models."""

    def watch(self, first: int, targets: NDArray[np.intp], monkeypatch: pytest.MonkeyPatch) -> dict[int, list[Any]]:
        """The ids of the items in the order of the one model measured, by the target's row."""
        seen: list[list[Any]] = []

        def watching(
            target: int, score: NDArray[Any], last: NDArray[Any], ranked: NDArray[np.intp]
        ) -> tuple[int, NDArray[np.intp]]:
            order = ranked[np.lexsort((ranked, -last[ranked], -score[ranked]))]
            seen.append(self.data.items[order].tolist())
            return rank_of(target, score, last, ranked)

        with monkeypatch.context() as patch:
            patch.setattr("recsys.evaluation.replay.rank_of", watching)
            self.walk(first, targets)
        return dict(zip(targets.tolist(), seen, strict=True))


FIRST = 500


def feed_before(
    row: int, log: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch, model: str = "feed"
) -> list[Any]:
    """The order that is served just before ``row`` of ``log``, learnt from the rows before ``FIRST``."""
    data = loaded(log, folder, items_of(busy_log()))
    evaluation = Watched(data, QUICK, [model])
    order = evaluation.watch(FIRST, np.array([FIRST, row]), monkeypatch)[row]
    assert (evaluation.walker.ranking.ranker is not None) == (model == "feed")
    return order


FUTURES = (
    "removed",
    "shuffled",
    "of other people and items",
    "own place changed",
    "own item and kind changed",
)


def with_other_future(log: pd.DataFrame, row: int, how: str) -> pd.DataFrame:
    random = np.random.default_rng(7)
    past, own, future = log[:row], log[row : row + 1].copy(), log[row + 1 :].copy()
    if how == "removed":
        future = future[:0]
    elif how == "shuffled":
        times = future["ts"].to_numpy()
        future = future.sample(frac=1, random_state=7)
        future["ts"] = times
    elif how == "of other people and items":
        future["user"] = random.integers(0, 400, len(future))
        future["item"] = random.integers(0, 200, len(future))
        future["event"], future["region"] = "LIKE", 9
    elif how == "own place changed":
        own["region"], own["device"] = 77, 78
    elif how == "own item and kind changed":
        own["item"], own["event"] = 199, "LIKE"
    return pd.concat([past, own, future], ignore_index=True)


@pytest.mark.parametrize("model", ["feed", "als", "content"])
def test_nothing_of_the_row_and_of_what_follows_it_enters_the_order(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = busy_log()
    row = int(loaded(log, tmp_path).targets(700)[0])
    before = feed_before(row, log, tmp_path, monkeypatch, model)
    assert len(before) > 20
    for how in FUTURES:
        after = feed_before(row, with_other_future(log, row, how), tmp_path, monkeypatch, model)
        assert after == before, how


def test_a_ranker_learnt_again_inside_the_test_knows_nothing_of_the_future(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, config = busy_log(), replace(QUICK, refit_share=0.2)
    data = loaded(log, tmp_path)
    row = int(data.targets(700)[0])
    targets = data.targets(FIRST, row + 1)

    def order(changed: pd.DataFrame) -> list[Any]:
        known = loaded(changed, tmp_path, items_of(busy_log()))
        return Watched(known, config, ["feed"]).watch(FIRST, targets, monkeypatch)[row]

    before = order(log)
    for how in FUTURES:
        assert order(with_other_future(log, row, how)) == before, how


def test_what_happened_just_before_does_enter_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = busy_log()
    row = int(loaded(log, tmp_path).targets(700)[0])
    before = feed_before(row, log, tmp_path, monkeypatch)
    changed = log.copy()
    changed.loc[row - 6 : row - 1, "item"] = before[-1]
    changed.loc[row - 6 : row - 1, "event"] = "VIEW"
    assert feed_before(row, changed, tmp_path, monkeypatch) != before


def test_the_feed_is_the_order_that_serving_gives_in_200_states(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pd.read_parquet(datasets / "data" / "deskdrop_first70.parquet")[:4000]
    data = read(written(log, tmp_path / "events.parquet"))
    config = replace(QUICK, warm=0.3)
    evaluation = Watched(data, config, ["feed"])
    walker, states = evaluation.walker, evaluation.walker.states
    served: dict[int, list[Any]] = {}

    def watched_states(wanted: NDArray[np.intp], **given: Any) -> Iterator[int]:
        for row in states(wanted, **given):
            yield row  # what is learnt at this row is learnt when the walk goes on
            if row < 2400:
                continue
            ranked = walker.ranking.rank(int(data.log.user[row]), data.log.at[row] / HOUR_MS)
            served[row] = data.items[ranked.items].tolist()

    monkeypatch.setattr(walker, "states", watched_states)
    targets = data.targets(2400)[:200]
    measured = evaluation.watch(2400, targets, monkeypatch)
    assert walker.ranking.ranker is not None
    assert walker.ranking.slow is not None
    assert targets.size == 200
    for row in targets.tolist():
        assert len(served[row]) >= 20
        assert measured[row][: len(served[row])] == served[row]


def test_an_age_that_is_not_yet_known_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = busy_log()
    row = int(loaded(log, tmp_path).targets(700)[0])
    known = items_of(log)
    before_the_target = known.assign(created_ts=known["created_ts"].where(known["created_ts"] <= log["ts"][row]))

    def order(items: pd.DataFrame) -> list[Any]:
        data = loaded(log, tmp_path, items)
        return Watched(data, QUICK, ["feed"]).watch(row, np.array([row]), monkeypatch)[row]

    never = known.assign(created_ts=log["ts"].iloc[-1] + MINUTE)
    assert order(never) == order(known.drop(columns="created_ts"))
    assert order(before_the_target) == order(known)


def test_items_without_a_score_come_last_the_lately_read_ones_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = busy_log()
    log.loc[800:, "item"] += 100  # a day of articles that no refit has seen
    data = loaded(log, tmp_path)
    config = replace(QUICK, cadence=Cadence(hours=1e6, growth=1e6, least=700))
    row = int(data.targets(860)[0])
    order = Watched(data, config, ["als"]).watch(700, np.array([700, row]), monkeypatch)[row]
    fitted = set(log["item"][:700])
    unscored = [item for item in order if item not in fitted]
    last = log[:row].groupby("item")["ts"].max()
    assert len(unscored) >= 5
    assert order[-len(unscored) :] == sorted(unscored, key=lambda item: (-last[item], item))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([-np.inf, 0.0, 1.0, 2.0]), st.integers(0, 2)), min_size=1, max_size=30),
    st.data(),
)
def test_ranks_and_top_tens_follow_score_then_last_contact_then_id(
    items: list[tuple[float, int]], data: st.DataObject
) -> None:
    score, last = np.array([pair[0] for pair in items]), np.array([float(pair[1]) for pair in items])
    places = st.lists(st.integers(0, len(items) - 1), min_size=1, unique=True)
    ranked = np.array(sorted(data.draw(places)), np.intp)
    target = data.draw(st.sampled_from(ranked.tolist()))
    rank, top = rank_of(target, score, last, ranked)
    order = sorted(ranked.tolist(), key=lambda item: (-score[item], -last[item], item))
    assert rank == order.index(target) + 1
    assert sorted(top.tolist()) == sorted(order[:10])


def small_run(folder: Path, **given: Any) -> dict[str, Any]:
    log = busy_log(400)
    events = written(log, folder / "events.parquet")
    items = written(items_of(log), folder / "items.parquet")
    return replay.run(events, items, config=QUICK, **given)


def test_the_report_has_the_promised_shape(tmp_path: Path) -> None:
    report = small_run(tmp_path, sample=40)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["protocol"] == "replay"
    assert report["args"] | {"from": 0.6, "sample": 40, "seed": 0} == report["args"]
    assert report["n"] == 40
    assert {*SINGLES, "covisit", "als", "item_item", "content", "feed", "feed_diverse"} <= set(report["models"])
    for metrics in report["models"].values():
        assert set(metrics) == {"hr@10", "ndcg@10", "hr@20", "mrr", "coverage"}
        assert 0 < metrics["coverage"]["value"] <= 1
        assert metrics["coverage"]["lo"] is metrics["coverage"]["hi"] is None
        for name in ("hr@10", "ndcg@10", "hr@20", "mrr"):
            assert metrics[name]["lo"] <= metrics[name]["value"] <= metrics[name]["hi"]
    best = report["best_single"]
    assert best in SINGLES
    assert report["ratio_to_best_single"][best] == {"value": 1.0, "lo": 1.0, "hi": 1.0}
    ndcg = {name: metrics["ndcg@10"]["value"] for name, metrics in report["models"].items()}
    assert ndcg[best] == max(ndcg[name] for name in SINGLES)
    assert report["ratio_to_best_single"]["feed"]["value"] == pytest.approx(ndcg["feed"] / ndcg[best])


def test_the_same_files_give_the_same_report(tmp_path: Path) -> None:
    chosen = ["newest", "als", "feed"]
    assert small_run(tmp_path, models=chosen) == small_run(tmp_path, models=chosen)


def test_without_topics_there_is_no_diverse_feed(tmp_path: Path) -> None:
    events = written(busy_log(300), tmp_path / "events.parquet")
    report = replay.run(events, config=QUICK, sample=10)
    assert "feed" in report["models"]
    assert not {"feed_diverse", "content"} & set(report["models"])


BAD_LOGS: dict[str, tuple[Any, str]] = {
    "no user": (lambda log: log.drop(columns="user"), "no column user"),
    "no item and no ts": (lambda log: log.drop(columns=["item", "ts"]), "item and no column ts"),
    "no rows": (lambda log: log[:0], "no rows"),
    "a missing item": (lambda log: log.assign(item=log["item"].astype("Int64").where(log.index > 0)), "without"),
    "fractions of milliseconds": (lambda log: log.assign(ts=log["ts"] + 0.5), "ts of .* is float64"),
    "dates as text": (lambda log: log.assign(ts="2024-01-01"), "ts of .* is"),
    "nothing read": (lambda log: log.assign(event="LIKE"), "first reading"),
    "one row": (lambda log: log[:1], "first reading"),
}


@pytest.mark.parametrize("bad", list(BAD_LOGS))
def test_a_log_that_cannot_be_replayed_is_refused_by_name(bad: str, tmp_path: Path) -> None:
    change, message = BAD_LOGS[bad]
    events = written(change(busy_log(100)), tmp_path / "events.parquet")
    with pytest.raises(EvaluationError, match=message):
        replay.run(events, models=["newest"])


@pytest.mark.parametrize("name", ["nowhere.parquet", "log.xlsx", "broken.parquet", "broken.jsonl", "empty.csv"])
def test_a_file_that_cannot_be_read_is_refused_by_name(name: str, tmp_path: Path) -> None:
    for written_name, data in (
        ("log.xlsx", b"x"),
        ("broken.parquet", b"PAR1"),
        ("broken.jsonl", b"{"),
        ("empty.csv", b""),
    ):
        (tmp_path / written_name).write_bytes(data)
    with pytest.raises(EvaluationError, match=name):
        replay.run(tmp_path / name)


def test_ids_of_mixed_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    rows = [{"user": 1, "item": item, "ts": START} for item in (1, "two", 3)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(EvaluationError, match="item"):
        replay.run(path)


def test_items_of_another_type_than_the_logs_are_refused(tmp_path: Path) -> None:
    log = busy_log(100)
    events = written(log, tmp_path / "events.parquet")
    items = written(items_of(log).assign(item=lambda frame: frame["item"].astype(str)), tmp_path / "items.parquet")
    with pytest.raises(EvaluationError, match="item"):
        replay.run(events, items, models=["newest"])


@pytest.mark.parametrize("start", [0.0, 1.0, -0.2, 60.0, float("nan")])
def test_a_start_that_is_no_share_is_refused(start: float, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--from"):
        small_run(tmp_path, start=start)


def test_an_unknown_model_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="newst") as refused:
        small_run(tmp_path, models=["newst", "feed"])
    assert "newest" in refused.value.hint
    assert "feed" in refused.value.hint
