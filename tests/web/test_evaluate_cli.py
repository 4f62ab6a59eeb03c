"""``kepu evaluate`` as a person sees it: three protocols, one JSON shape, mistakes told in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pandas as pd
import pytest

from content_store.errors import KepuError
from tests.support.replaying import busy_log, written
from web.cli import kepu, main

METRICS = {
    "replay": {"hr@10", "ndcg@10", "hr@20", "mrr", "coverage"},
    "split": {"recall@20", "ndcg@20", "recall@50", "ndcg@50"},
    "cold": {"recall@50", "recall@100", "recall@300"},
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny log, tiny pairs and their items."""
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "records"))
    random = np.random.default_rng(5)
    log = busy_log(300)
    written(log, tmp_path / "events.parquet")
    pairs = pd.DataFrame({"user": random.integers(0, 40, 900), "item": random.integers(0, 60, 900)}).drop_duplicates()
    in_test = random.random(len(pairs)) < 0.2
    cold = pairs["item"] >= 50
    written(pairs[~in_test & ~cold], tmp_path / "train.parquet")
    written(pairs[in_test | cold], tmp_path / "test.parquet")
    item = np.arange(60)
    titles = [f"volcano number {number % 4} in chapter {number % 7}" for number in item]
    written(pd.DataFrame({"item": item, "title": titles, "category": item % 3}), tmp_path / "items.parquet")
    return tmp_path


def arguments(protocol: str, files: Path) -> list[str]:
    wanted = {
        "replay": ["--events", "events", "--items", "items", "--sample", "20"],
        "split": ["--train", "train", "--test", "test"],
        "cold": ["--train", "train", "--test", "test", "--items", "items", "--text", "title"],
    }[protocol]
    named = [str(files / f"{word}.parquet") if (files / f"{word}.parquet").exists() else word for word in wanted]
    return ["evaluate", "--protocol", protocol, *named]


def run(*given: str) -> click.testing.Result:
    """The command without the wrapper that turns our errors into exit codes."""
    return click.testing.CliRunner().invoke(kepu, list(given))


@pytest.mark.parametrize("protocol", list(METRICS))
def test_a_protocol_prints_a_table_and_writes_its_report(protocol: str, files: Path) -> None:
    out = files / "report.json"
    result = run(*arguments(protocol, files), "--seed", "3", "--json", str(out))
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    keys = {"protocol", "args", "n", "repeat_share", "unseen_share", "models", "best_single", "ratio_to_best_single"}
    assert keys <= set(report)
    assert report["protocol"] == protocol
    assert report["args"]["seed"] == 3
    assert report["n"] > 0
    assert "feed" in report["models"]
    assert report["best_single"] in report["models"]
    for name, metrics in report["models"].items():
        assert set(metrics) == METRICS[protocol]
        assert all(set(value) == {"value", "lo", "hi"} for value in metrics.values())
        line = next(line for line in result.stdout.splitlines() if line.split()[0] == name)
        assert all(f"{metric} {value['value']:.4f}" in line for metric, value in metrics.items())
    for value in report["ratio_to_best_single"].values():
        assert value["lo"] <= value["value"] <= value["hi"]
    assert f"{report['n']} measured" in result.stdout


def test_progress_does_not_mix_with_the_table(files: Path) -> None:
    result = run(*arguments("replay", files), "--models", "newest, popular_1d")
    lines = [line.split()[0] for line in result.stdout.splitlines()]
    assert lines == ["replay:", "repeat_share", "newest", "popular_1d"]
    assert "· read" in result.stderr


def test_only_the_models_asked_for_are_measured(files: Path) -> None:
    out = files / "report.json"
    run(*arguments("replay", files), "--models", "popular_7d,newest", "--json", str(out))
    assert set(json.loads(out.read_text("utf-8"))["models"]) == {"newest", "popular_7d"}


COLD = ["--protocol", "cold", "--train", "train.parquet", "--test", "test.parquet"]
MISTAKES: dict[str, tuple[list[str], str]] = {
    "no protocol": (["--events", "x.parquet"], "--protocol"),
    "an unknown protocol": (["--protocol", "random"], "random"),
    "replay without events": (["--protocol", "replay"], "--events"),
    "split without a test file": (["--protocol", "split", "--train", "train.parquet"], "--test"),
    "cold without items": (COLD, "--items"),
    "a file that is not there": (["--protocol", "replay", "--events", "gone.parquet"], "gone.parquet does not exist"),
    "a log without columns": (["--protocol", "replay", "--events", "items.parquet"], "no column user"),
    "a start beyond the log": (["--protocol", "replay", "--events", "events.parquet", "--from", "1.5"], "--from 1.5"),
    "no sample": (["--protocol", "replay", "--events", "events.parquet", "--sample", "0"], "--sample"),
    "a negative seed": (["--protocol", "replay", "--events", "events.parquet", "--seed", "-1"], "--seed"),
    "an unknown model": (["--protocol", "replay", "--events", "events.parquet", "--models", "magic"], "magic"),
    "a column that is no text": (
        [*COLD, "--items", "items.parquet", "--text", "abstract"],
        "abstract",
    ),
    "a report without a folder": (
        ["--protocol", "replay", "--events", "events.parquet", "--models", "newest", "--json", "gone/report.json"],
        "gone/report.json",
    ),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_told_in_a_sentence(
    mistake: str, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given, told = MISTAKES[mistake]
    monkeypatch.chdir(files)
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *given])
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_mistake_is_one_of_our_errors(files: Path) -> None:
    error = run("evaluate", "--protocol", "replay", "--events", str(files / "items.parquet")).exception
    assert isinstance(error, KepuError)
    assert "item" in error.hint
