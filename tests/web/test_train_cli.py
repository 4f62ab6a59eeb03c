"""``kepu train`` and ``kepu snapshots`` as a person sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from content_store import clock
from content_store.db import Database
from recsys.evaluation.holdout import Measured
from recsys.features import Dataset
from recsys.snapshots import SnapshotStore
from recsys.training import Material, Training
from tests.support.reading import DAY, START, columns, record, town
from web.cli import main

NOW = START + 31 * DAY
VERSION = r"\d{6}-\d{8}T\d{6}"


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


class Kepu:
    """The command line with settings of its own, at one fixed moment."""

    def __init__(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.snapshots = data_dir / "snapshots"
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        with clock.fixed(NOW), pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert isinstance(ended.value.code, int)
        captured = self._capsys.readouterr()
        return Said(ended.value.code, captured.out, captured.err)


@pytest.fixture
def kepu(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kepu:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    return Kepu(tmp_path / "data", capsys)


def test_without_events_it_says_what_to_do(kepu: Kepu) -> None:
    result = kepu("train")

    assert result.code == 2
    assert "error: there are no events to learn from" in result.err
    assert "kepu import events" in result.err
    assert not kepu.snapshots.exists()


def test_without_snapshots_the_list_says_how_to_get_one(kepu: Kepu) -> None:
    assert "kepu train" in kepu("snapshots", "list").out
    assert kepu("snapshots", "rollback").code == 2


def test_a_training_is_told_step_by_step_and_summed_up(kepu: Kepu, database: Database) -> None:
    record(database, town())

    result = kepu("train")

    assert result.code == 0, result.err
    assert "360 events, 360 reads of 24 items by 60 citizens (60 with a profile)" in result.out
    assert re.search(rf"published and active: {VERSION}", result.out)
    assert "gate: ndcg@10" in result.out
    assert [line for line in result.err.splitlines() if line.startswith("· fit als")] == [
        "· fit als",
        "· fit als on everything",
    ]


def test_snapshots_are_listed_activated_and_rolled_back(kepu: Kepu, database: Database) -> None:
    record(database, town())
    first, second = (re.findall(rf"active: ({VERSION})", kepu("train").out)[0] for _ in range(2))

    listed = kepu("snapshots", "list").out.splitlines()
    assert [line[:2] + line[2:].split()[0] for line in listed] == [f"  {first}", f"* {second}"]
    assert "360 reads until 2024-02-01 00:00; als, item_item" in listed[1]

    assert f"active: {first}" in kepu("snapshots", "rollback").out
    assert kepu("snapshots", "list").out.startswith(f"* {first}")
    assert f"active: {second}" in kepu("snapshots", "activate", second).out


def test_a_damaged_snapshot_is_told_and_passed_over(kepu: Kepu, database: Database) -> None:
    record(database, town())
    first, second = (re.findall(rf"active: ({VERSION})", kepu("train").out)[0] for _ in range(2))
    (kepu.snapshots / second / "items.json").write_text("[]")

    listed = kepu("snapshots", "list")

    assert f"* {first}" in listed.out
    assert f"  {second}  damaged" in listed.out
    assert "warning" in listed.err


@pytest.mark.parametrize("name", ["../../etc", "000009-20240101T000000"])
def test_activating_what_is_not_there_is_a_mistake(kepu: Kepu, name: str) -> None:
    result = kepu("snapshots", "activate", name)

    assert result.code == 2
    assert "snapshots list" in result.err


def test_forcing_needs_a_reason(kepu: Kepu) -> None:
    result = kepu("train", "--force", " ")

    assert result.code == 2
    assert "a reason is needed" in result.err


def test_the_gates_refusal_is_told_and_can_be_overridden(kepu: Kepu, database: Database) -> None:
    record(database, town())
    shining = Measured("ndcg@10", 9, served=0.9, singles={"newest": 1e-9}, models={})
    training = Training(SnapshotStore(kepu.snapshots), evaluate=lambda *_: shining)
    training.run(lambda: Material(Dataset.build(columns(town()), as_of=NOW)))

    refused = kepu("train")
    assert refused.code == 1
    assert "not published: the gate refused" in refused.out
    assert len(SnapshotStore(kepu.snapshots).versions()) == 1

    forced = kepu("train", "--force", "first day")
    assert forced.code == 0
    assert "although the gate refused (first day)" in forced.out
    assert "forced: first day" in kepu("snapshots", "list").out
