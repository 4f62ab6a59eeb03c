"""The split protocol agrees with the reference and irspack, chooses without the test file, and refuses bad files."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from content_store.errors import EvaluationError
from recsys.evaluation.pairs import Split, read_split
from recsys.evaluation.split import per_user, run
from recsys.evaluation.topn import PerUser
from recsys.evaluation.tuning import Progress, choose, hold_out
from recsys.models.als import AlsConfig
from recsys.models.item_item import ItemItemConfig
from recsys.models.slow import Slow, SlowConfig
from tests.support.ci import missing

Metrics = dict[str, PerUser]
ALS, ITEM_ITEM = AlsConfig(factors=8, iterations=2, threads=1), ItemItemConfig(dense_neighbours=10, threads=1)
QUICK = SlowConfig(ALS, ITEM_ITEM, 0.3)


def given(train: csr_matrix, *, seed: int, progress: Progress) -> SlowConfig:
    """Constants that need no choosing."""
    return QUICK


def write(path: Path, pairs: list[tuple[object, object]]) -> Path:
    pd.DataFrame(pairs, columns=["user", "item"]).to_parquet(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    generator = np.random.default_rng(5)
    drawn = np.column_stack([generator.integers(0, 40, 900), generator.zipf(1.4, 900) % 60])
    pairs = np.unique(drawn, axis=0).tolist()
    order = generator.permutation(len(pairs))
    half = len(pairs) * 3 // 4
    train = write(tmp_path / "train.parquet", [tuple(pairs[place]) for place in order[:half]])
    return train, write(tmp_path / "test.parquet", [tuple(pairs[place]) for place in order[half:]])


@pytest.fixture(scope="module")
def real(datasets: Path) -> tuple[Split, Slow, Metrics]:
    """A small real model on real data, and its metrics."""
    data = read_split(*(datasets / "data" / f"ml1m_ultragcn_{part}.parquet" for part in ("train", "test")))
    model = Slow(QUICK).fit(data.train)
    return data, model, per_user(model, data.train, data.test)


def test_popularity_agrees_with_the_reference_script(datasets: Path, real: tuple[Split, Slow, Metrics]) -> None:
    files = [str(datasets / "data" / f"ml1m_ultragcn_{part}.parquet") for part in ("train", "test")]
    script = str(datasets / "reference" / "split_popularity.py")
    output = subprocess.run([sys.executable, script, *files], capture_output=True, text=True, check=True).stdout
    expected = {name: float(value) for name, value in map(str.split, output.splitlines())}
    ours = {name: values.mean() for name, values in real[2]["popular"].items()}
    assert ours == pytest.approx(expected, abs=1e-9)


def test_the_metrics_agree_with_irspack_on_a_real_model(real: tuple[Split, Slow, Metrics]) -> None:
    if importlib.util.find_spec("irspack") is None:
        missing("irspack is not installed (it is in the extra dev)")
    from irspack.evaluation import Evaluator

    data, model, ours = real
    for name, scores in {"als": model.als.score(data.train), "item_item": model.item_item.score(data.train)}.items():
        # Both sides must see one order: where scores are equal theirs is free and ours is by id.
        ranked = scores.astype(np.float64) - 1e-12 * np.arange(scores.shape[1])
        ranked[data.train.nonzero()] = -np.inf
        for k in (20, 50):
            theirs = Evaluator(data.test, cutoff=k, n_threads=1)._get_metrics(ranked, k, 0).as_dict()
            assert ours[name][f"recall@{k}"].mean() == pytest.approx(theirs["recall"], abs=1e-6)
            assert ours[name][f"ndcg@{k}"].mean() == pytest.approx(theirs["ndcg"], abs=1e-6)


def test_the_report_has_every_model_metric_and_paired_ratio(files: tuple[Path, Path]) -> None:
    report = run(*files, seed=1, chooser=given)
    assert report["protocol"] == "split"
    assert set(report["models"]) == {"popular", "als", "item_item", "feed"}
    for metrics in report["models"].values():
        assert set(metrics) == {"recall@20", "ndcg@20", "recall@50", "ndcg@50"}
        assert all(entry["lo"] <= entry["value"] <= entry["hi"] for entry in metrics.values())
    singles = {name: metrics["ndcg@20"]["value"] for name, metrics in report["models"].items() if name != "feed"}
    assert report["best_single"] == max(singles, key=lambda name: singles[name])
    assert report["ratio_to_best_single"][report["best_single"]] == {"value": 1, "lo": 1, "hi": 1}


def test_the_same_seed_gives_the_same_report(files: tuple[Path, Path]) -> None:
    assert run(*files, seed=4, chooser=given) == run(*files, seed=4, chooser=given)


def test_what_is_chosen_does_not_depend_on_the_test_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = pd.read_parquet(files[1]).assign(item=lambda frame: frame["item"].to_numpy()[::-1])
    other.to_parquet(tmp_path / "other.parquet")
    chooser = functools.partial(choose, item_item=(ITEM_ITEM,), als=(ALS,))
    first = run(*files, seed=2, chooser=chooser)
    second = run(files[0], tmp_path / "other.parquet", seed=2, chooser=chooser)
    assert first["chosen"] == second["chosen"]
    assert first["models"] != second["models"]


def test_the_better_candidate_on_held_out_pairs_is_chosen(files: tuple[Path, Path]) -> None:
    train = read_split(*files).train
    useless = replace(ITEM_ITEM, popularity_power=-30.0)
    said: list[str] = []
    chosen = choose(train, seed=0, progress=said.append, item_item=(useless, ITEM_ITEM), als=(ALS,))
    assert chosen.item_item == ITEM_ITEM
    assert any("als_share" in line for line in said)


def test_a_tenth_is_held_out_once_and_nothing_is_lost(files: tuple[Path, Path]) -> None:
    train = read_split(*files).train
    rest, held = hold_out(train, 3)
    assert held.nnz == round(train.nnz / 10)
    assert (rest + held != train).nnz == 0
    assert rest.multiply(held).nnz == 0
    assert (hold_out(train, 3)[1] != held).nnz == 0


def test_repeated_pairs_count_once_and_unseen_items_are_told(tmp_path: Path) -> None:
    train = write(tmp_path / "a.parquet", [("u", "x"), ("u", "x"), ("v", "x"), ("v", "y"), ("w", "y"), ("w", "z")])
    test = write(tmp_path / "b.parquet", [("u", "y"), ("u", "y"), ("v", "new"), ("w", "z")])
    report = run(train, test, chooser=given)
    assert report["n"] == 3
    assert report["repeat_share"] == pytest.approx(1 / 3)
    assert report["unseen_share"] == pytest.approx(1 / 3)
    assert report["models"]["popular"]["recall@20"]["value"] == pytest.approx(2 / 3)


def test_progress_is_told_in_words(files: tuple[Path, Path]) -> None:
    said: list[str] = []
    run(*files, progress=said.append, chooser=given)
    assert "training pairs" in said[0]
    assert len(said) >= 3


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.parquet", None, "does not exist"),
        ("pairs.xlsx", b"", "no Parquet, CSV or JSONL file"),
        ("broken.parquet", b"not parquet", "cannot be read"),
        ("columns.csv", b"user,article\n1,2\n", "has no column item"),
        ("holes.csv", b"user,item\n1,\n", "without a user or without an item"),
        ("empty.csv", b"user,item\n", "has no rows"),
        ("text.csv", b"user,item\n1,abc\n", "column item has numbers in one file and text in the other"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    files: tuple[Path, Path], tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=sentence):
        run(files[0], path, chooser=given)


def test_csv_and_jsonl_files_are_read_like_parquet(files: tuple[Path, Path], tmp_path: Path) -> None:
    frame = pd.read_parquet(files[1])
    frame.to_csv(tmp_path / "test.csv", index=False)
    frame.to_json(tmp_path / "test.jsonl", orient="records", lines=True)
    expected = read_split(*files)
    for other in ("test.csv", "test.jsonl"):
        assert (read_split(files[0], tmp_path / other).test != expected.test).nnz == 0
