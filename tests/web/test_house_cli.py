"""The commands about the house, as a person at a terminal meets them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from content_store.settings import explain, load_settings
from web import cli
from web.cli import doctor, house

ROOT = Path(house.__file__).resolve().parents[2]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own for every command run here."""
    folder = tmp_path / "data"
    monkeypatch.setenv("KEPU_DATA_DIR", str(folder))
    return folder


def run(*arguments: str) -> int:
    """Run ``kepu`` here; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in cli.COMMANDS)


def test_an_unknown_command_is_a_mistake_and_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trian") == 2
    assert "trian" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "processors", "processes"),
    [
        ([], 2, "2"),
        (["tests/web", "-k", "word"], 3, "3"),
        ([], 64, str(house.MOST_PROCESSES)),
        ([], 1, None),
        (["-p", "no:xdist"], 4, None),
        (["-pno:xdist"], 4, None),
        (["--pdb"], 4, None),
    ],
)
def test_as_many_processes_share_the_tests_as_there_are_processors_and_it_makes_sense(
    arguments: list[str], processors: int, processes: str | None
) -> None:
    options = house.shared_out(arguments, processors)
    assert options == (["-n", processes, "--dist", "worksteal"] if processes else [])


@pytest.mark.usefixtures("data_dir")
def test_settings_shows_each_with_its_origin_and_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    monkeypatch.setenv("KEPU_REDIS_URL", "redis://:geheim@cache")
    assert run("settings") == 0
    text = capsys.readouterr().out
    assert f"KEPU_DATA_DIR = {data_dir}   [KEPU_DATA_DIR]" in text
    assert "KEPU_DATASETS = " in text
    assert "redis://:***@cache" in text
    assert "geheim" not in text


def test_an_unknown_setting_stops_every_command_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEPU_DATADIR", "x")
    assert run("settings") == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "error: unknown setting KEPU_DATADIR; the nearest known one is KEPU_DATA_DIR"


def test_the_page_about_settings_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert page == house.settings_page(explain({})), "write it anew: ./kepu settings --markdown > docs/settings.md"


def test_migrate_says_from_where_to_where(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("migrate") == 0
    first = capsys.readouterr().out
    assert run("migrate") == 0
    second = capsys.readouterr().out
    newest = first.strip().rpartition(" ")[2]
    assert first == f"empty → {newest}\n"
    assert second == f"already at {newest}\n"
    assert (data_dir / "kepu.sqlite3").is_file()


def test_migrate_refuses_a_newer_database(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("migrate")
    _make_newer(data_dir)
    capsys.readouterr()
    assert run("migrate") == 2
    assert "revision 9999, which this programme does not know" in capsys.readouterr().err


def test_the_doctor_finds_nothing_wrong_before_the_first_use_and_makes_nothing(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor") == 0
    text = capsys.readouterr().out
    assert "✗" not in text
    assert not data_dir.exists()


def test_the_doctor_finds_nothing_wrong_with_a_database_and_a_redis(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    monkeypatch.setenv("KEPU_REDIS_URL", redis_url)
    assert run("doctor") == 0
    text = capsys.readouterr().out
    assert "✓ database: " in text
    assert "✓ Redis: answers" in text
    alone = "- database rights: the role owns audit_log" in text
    assert alone == database_url.startswith("postgresql")


def test_the_doctor_tells_everything_that_is_broken_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("KEPU_DATABASE_URL", f"sqlite:///{tmp_path}")
    monkeypatch.setenv("KEPU_REDIS_URL", f"unix://{tmp_path / 'nobody'}")
    assert run("doctor") == 1
    broken = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert [line.split(":")[0] for line in broken] == ["✗ data folder", "✗ database", "✗ redis"]


def test_the_doctor_reports_settings_that_stop_everything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEPU_CLOCK_OFFSET_S", "soon")
    assert run("doctor") == 1
    assert "✗ settings: KEPU_CLOCK_OFFSET_S: 'soon' cannot be used" in capsys.readouterr().out


def test_the_doctor_reports_a_newer_database(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("migrate")
    _make_newer(data_dir)
    assert run("doctor") == 1
    assert "✗ database: the database is at revision 9999" in capsys.readouterr().out


def test_the_doctor_reports_a_folder_that_cannot_be_written_to(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert run("doctor") == 1
    assert f"✗ data folder: {data_dir.parent} cannot be written to" in capsys.readouterr().out


def test_too_little_disk_is_broken(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK", 1 << 60)
    found = {one.subject: one for one in doctor.data_folder(load_settings())}
    assert found["disk"].well is False
    assert found["disk"].advice


def test_the_tests_are_only_in_a_checkout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(house, "checkout", lambda: None)
    assert run("test") == 2
    assert "in a checkout only" in capsys.readouterr().err


def test_an_interruption_ends_with_the_shells_code_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(house, "explain", interrupted)
    assert run("settings") == 130


def _make_newer(data_dir: Path) -> None:
    with sqlite3.connect(data_dir / "kepu.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
