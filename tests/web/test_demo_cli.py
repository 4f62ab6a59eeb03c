"""``kepu demo`` as a new user calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from web.cli import main


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path))
    return tmp_path


def called(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_demo_prints_a_walk_through_in_which_reading_shapes_and_the_switch_undoes(
    data: Path, fixed_clock: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "kepu.sqlite3").write_bytes(b"other records")
    assert called("--no-serve", "--citizens", "300") == 0
    output = capsys.readouterr().out
    assert "simulated" in output
    _, _, guest, shaped, plain = re.split(r"\n\d\. ", output)
    assert "因为你读过" not in guest
    assert "因为你读过" in shaped
    assert "因为你读过" not in plain
    assert (data / "kepu.sqlite3").read_bytes() == b"other records"


def test_a_folder_that_the_demo_did_not_make_is_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "demo").mkdir()
    (data / "demo" / "mine.txt").write_text("mine", "utf-8")
    assert called("--no-serve") != 0
    assert "was not made by" in capsys.readouterr().err
    assert (data / "demo" / "mine.txt").read_text("utf-8") == "mine"
