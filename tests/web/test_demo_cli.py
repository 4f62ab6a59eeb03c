"""``kepu demo`` as a new user calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from web.cli import main


@pytest.fixture
def calling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path))
    return CliRunner()


def test_the_demo_prints_a_walk_through_in_which_reading_shapes_and_the_switch_undoes(
    calling: CliRunner, fixed_clock: int, tmp_path: Path
) -> None:
    (tmp_path / "kepu.sqlite3").write_bytes(b"other records")
    done = calling.invoke(main, ["demo", "--no-serve", "--citizens", "300"])
    assert done.exit_code == 0, done.output
    assert "simulated" in done.output
    _, _, guest, shaped, plain = re.split(r"\n\d\. ", done.output)[:1] + re.split(r"\n\d\. ", done.output)[1:]
    assert "因为你读过" not in guest
    assert "因为你读过" in shaped
    assert "因为你读过" not in plain
    assert (tmp_path / "kepu.sqlite3").read_bytes() == b"other records"
    again = calling.invoke(main, ["demo", "--no-serve", "--citizens", "60"])
    assert again.exit_code == 0, again.output


def test_a_folder_that_the_demo_did_not_make_is_left_alone(calling: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine", "utf-8")
    done = calling.invoke(main, ["demo", "--no-serve"])
    assert done.exit_code != 0
    assert "was not made by" in str(done.output) + str(done.exception)
    assert (tmp_path / "demo" / "mine.txt").read_text("utf-8") == "mine"
