"""The cold protocol: what is ranked, for whom, by which text, and what it says when the files do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from content_store.errors import EvaluationError
from recsys.evaluation.cold import as_text, measure, profile_scorer, read_task, recalls_by, run, split_items
from recsys.models.als import AlsConfig
from recsys.models.content import ContentConfig

SMALL = ContentConfig(
    als=AlsConfig(factors=4, regularization=1.0, alpha=10.0, iterations=5, threads=1), dimensions=4, fewest=1
)
ITEMS = pd.DataFrame(
    {
        "item": [1, 2, 3, 4, 5, 6],
        "title": ["mars rocket", "rocket orbit", "fruit diet", "diet vitamin", "mars orbit", "fruit vitamin"],
        "tags": [["space"], ["space"], ["food"], None, ["space", "planet"], []],
    }
)
TRAIN = [("a", 1), ("a", 2), ("b", 3), ("b", 4), ("c", 1), ("d", 4), ("d", 3)]
TEST = [("a", 5), ("b", 6), ("b", 1), ("c", 1), ("new", 6), ("new", 6)]


@dataclass(frozen=True)
class Files:
    train: Path
    test: Path
    items: Path

    def run(self, text: Sequence[str] | None = None, seed: int = 0) -> dict[str, Any]:
        return run(self.train, self.test, self.items, text=text, seed=seed, config=SMALL)


def written(
    folder: Path, train: Sequence[tuple[str, int]] = TRAIN, test: Sequence[tuple[str, int]] = TEST, items: Any = ITEMS
) -> Files:
    files = Files(folder / "train.parquet", folder / "test.parquet", folder / "items.parquet")
    pd.DataFrame(train, columns=["user", "item"]).to_parquet(files.train)
    pd.DataFrame(test, columns=["user", "item"]).to_parquet(files.test)
    items.to_parquet(files.items)
    return files


def test_only_items_of_the_test_file_that_are_absent_from_training_are_ranked(tmp_path: Path) -> None:
    files = written(tmp_path)
    task = read_task(files.train, files.test, files.items)
    assert task.cold_texts == ["mars orbit\nspace\nplanet", "fruit vitamin"]
    assert task.wanted.toarray().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 1]]
    assert task.asked.tolist() == [0, 1, 4]


def test_the_report_has_the_agreed_shape(tmp_path: Path) -> None:
    report = written(tmp_path).run()
    assert {"protocol", "args", "n", "repeat_share", "unseen_share", "models", "best_single"} <= report.keys()
    assert report["protocol"] == "cold" and report["n"] == 3 and report["users_without_history"] == 1
    assert report["models"].keys() == {"tfidf_profile", "als_map", "content", "feed"}
    for metrics in report["models"].values():
        assert metrics.keys() == {"recall@50", "recall@100", "recall@300"}
        assert all(part["lo"] <= part["value"] <= part["hi"] for part in metrics.values())
    assert report["ratio_to_best_single"]["tfidf_profile"] == {"value": 1.0, "lo": 1.0, "hi": 1.0}
    assert report["models"]["feed"] == report["models"]["content"]


def test_the_same_seed_gives_the_same_report(tmp_path: Path) -> None:
    files = written(tmp_path)
    assert files.run(seed=3) == files.run(seed=3)


def test_named_columns_are_used_and_no_others(tmp_path: Path) -> None:
    files = written(tmp_path)
    assert read_task(files.train, files.test, files.items, ["tags"]).cold_texts == ["space\nplanet", ""]
    assert files.run(["title"])["args"]["text"] == ["title"]


def test_recall_is_hits_divided_by_the_users_cold_items(tmp_path: Path) -> None:
    count = 400
    items = pd.DataFrame({"item": np.arange(count), "title": ["mars"] + [f"word{n}" for n in range(1, count)]})
    test = [("a", n) for n in range(1, count)]
    files = written(tmp_path, [("a", 0), ("b", 0)], test, items)
    task = read_task(files.train, files.test, files.items)
    found = recalls_by(task, profile_scorer(task.warm_texts, task.cold_texts))
    assert {name: values.tolist() for name, values in found.items()} == {
        "recall@50": [50 / 399],
        "recall@100": [100 / 399],
        "recall@300": [300 / 399],
    }


def test_a_user_without_history_gets_the_order_of_the_average_reader(tmp_path: Path) -> None:
    count = 200
    titles = ["rocket mars", *(f"vitamin {n}" for n in range(count)), "rocket orbit"]
    items = pd.DataFrame({"item": np.arange(count + 2), "title": titles})
    train = [(f"u{n}", 0) for n in range(5)]
    test = [("u0", n) for n in range(1, count + 1)] + [("new", count + 1)]
    files = written(tmp_path, train, test, items)
    task = read_task(files.train, files.test, files.items)
    found = recalls_by(task, profile_scorer(task.warm_texts, task.cold_texts))
    assert found["recall@50"][0] == 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [(" a ", "a"), (None, ""), (float("nan"), ""), (np.array(["x", "y"]), "x\ny"), (["x", None], "x"), (7, "7")],
)
def test_cells_of_any_kind_become_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"test": [("a", 1)]}, "every item of .* occurs in .* too"),
        ({"items": ITEMS.rename(columns={"item": "id"})}, "has no column item"),
        ({"items": ITEMS[["item"]]}, "has no column title, tags or text"),
        ({"items": ITEMS.assign(title="", tags=None)}, "none of the 2 cold items has a text"),
        ({"items": ITEMS[ITEMS["item"] > 4]}, "no item of .* has a text"),
        ({"items": ITEMS.assign(item=ITEMS["item"].astype(str))}, "has numbers and the pairs have text"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_a_sentence(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(EvaluationError, match=sentence):
        written(tmp_path, **change).run()


def test_an_absent_column_or_file_is_named(tmp_path: Path) -> None:
    files = written(tmp_path)
    with pytest.raises(EvaluationError, match="no column body"):
        files.run(["title", "body"])
    with pytest.raises(EvaluationError, match="does not exist"):
        run(files.train, files.test, tmp_path / "nothing.parquet")
    with pytest.raises(EvaluationError, match="no Parquet"):
        run(files.train, files.test, tmp_path / "items.xlsx")


def test_a_cut_of_items_loses_no_pair_and_shares_no_item() -> None:
    pairs = pd.DataFrame(TRAIN, columns=["user", "item"])
    train, test = split_items(pairs, 2, 5)
    assert len(train) + len(test) == len(pairs)
    assert test["item"].nunique() == 2 and not set(train["item"]) & set(test["item"])
    assert split_items(pairs, 2, 5)[1].equals(test)
    with pytest.raises(EvaluationError):
        split_items(pairs, 4, 5)


def test_on_real_papers_the_map_beats_the_plain_profile_of_titles(tmp_path: Path, datasets: Path) -> None:
    pairs = pd.read_parquet(datasets / "data" / "citeulike_a.parquet")
    kept = pairs[pairs["item"].isin(np.random.default_rng(4).choice(pairs["item"].unique(), 4_000, replace=False))]
    train, test = split_items(kept, 800, 4)
    papers = pd.read_parquet(datasets / "data" / "citeulike_a_items.parquet")
    files = written(tmp_path)
    train.to_parquet(files.train)
    test.to_parquet(files.test)
    papers.to_parquet(files.items)
    als = AlsConfig(factors=48, regularization=60.0, alpha=20.0, iterations=6, threads=1)
    found = measure(read_task(files.train, files.test, files.items, ["title"]), ContentConfig(als=als, dimensions=16))
    recall = {name: metrics["recall@100"].mean() for name, metrics in found.items()}
    assert recall["content"] > 1.1 * recall["tfidf_profile"]
