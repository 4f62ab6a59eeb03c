"""``kepu recommend`` as a person sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from content_store import citizens, clock, contents, events
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import EventKind
from recsys.models.item_item import ItemItem
from recsys.snapshots import Draft, SnapshotStore
from tests.support.reading import DAY, START, town
from web.cli import main

NOW = START + 31 * DAY


@pytest.fixture
def town_records(database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    rows = town()
    with clock.fixed(NOW), database.begin() as connection:
        citizens.ensure(connection, sorted({row[0] for row in rows}))
        contents.ensure(connection, sorted({row[1] for row in rows}))
        log = [
            Event(id=f"e{place}", citizen_id=row[0], content_id=row[1], kind=EventKind(row[2]), at=row[3])
            for place, row in enumerate(rows)
        ]
        events.append(connection, log)
    return database


def run(*arguments: str) -> int:
    with clock.fixed(NOW), pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_citizen_gets_a_list_with_scores_per_source_and_a_reason_before_the_first_training(
    town_records: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("recommend", "c00", "--limit", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "none" in lines[0]
    assert "personalised yes" in lines[0]
    assert len(lines) == 1 + 2 * 3
    assert any("因为你读过《" in line for line in lines)
    assert "around" in lines[2]


def test_after_a_training_the_list_names_its_snapshot_and_its_models(
    town_records: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "--force", "a town of sixty is too small for the gate") == 0
    capsys.readouterr()
    assert run("recommend", "c00") == 0
    out = capsys.readouterr().out
    assert out.startswith("snapshot 0")
    assert "als" in out
    assert "item_item" in out


def test_a_snapshot_of_another_code_is_a_warning_and_the_list_is_printed(
    town_records: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Elsewhere(ItemItem):
        name = "als"

    items = sorted({row[1] for row in town()})
    model = Elsewhere().fit(csr_matrix((1, len(items)), dtype=np.float32))
    SnapshotStore(tmp_path / "data" / "snapshots").publish(Draft([model], items, {}))
    assert run("recommend", "c00", "--limit", "3") == 0
    told = capsys.readouterr()
    assert [line.partition(" ")[0] for line in told.err.splitlines()] == ["warning:"]
    assert len(told.out.splitlines()) == 1 + 2 * 3


def test_a_citizen_nobody_knows_is_an_error_that_says_so(
    town_records: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("recommend", "nobody") == 2
    assert "nobody" in capsys.readouterr().err


def test_switching_personalisation_off_acts_on_the_next_list(
    town_records: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with town_records.begin() as connection:
        citizens.update(connection, "c00", personalised=False)
    assert run("recommend", "c00") == 0
    out = capsys.readouterr().out
    assert "personalised no" in out
    assert "因为你读过" not in out
