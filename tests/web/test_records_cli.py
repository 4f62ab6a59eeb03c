"""``kepu import`` and ``kepu export`` as a person at a terminal meets them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from content_store import events
from content_store.db import Database
from content_store.settings import Settings, load_settings
from web.cli import INTERRUPTED
from web.cli.records import export_group, import_group

MS = 1_506_826_800_026
ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., Result]


@pytest.fixture
def kepu(database: Database, database_url: str) -> Run:
    """``kepu("import", "events", FILE)`` runs the command on the database."""
    settings: Settings = load_settings({"KEPU_DATABASE_URL": database_url})
    groups = {"import": import_group, "export": export_group}

    def run(group: str, *arguments: object) -> Result:
        return CliRunner().invoke(groups[group], [str(argument) for argument in arguments], obj=settings)

    return run


def _log(folder: Path, *rows: str, header: str = "user,item,ts") -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def test_the_summary_tells_what_became_of_the_rows(kepu: Run, tmp_path: Path) -> None:
    path = _log(tmp_path, f"1,10,{MS},x", f"2,10,{MS},y", f",10,{MS},z", header="user,item,ts,mood")
    done = kepu("import", "events", path, "--create-missing")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"events from {path}: 3 rows in ")
    assert lines[0].endswith(" rows/s)")
    assert lines[1:] == [
        "  2 accepted, 0 duplicate, 1 rejected",
        "  created: 1 contents, 2 citizens",
        "  warning: unknown columns were ignored: mood",
        f"  the rejected rows and their reasons are in {path}.rejects.jsonl",
    ]
    assert json.loads(Path(f"{path}.rejects.jsonl").read_text("utf-8"))["reason"] == "user is missing"
    again = kepu("import", "events", path, "--create-missing")
    assert "  0 accepted, 2 duplicate, 1 rejected" in again.stdout


def test_without_the_items_every_row_is_refused_and_the_way_out_is_told(kepu: Run, tmp_path: Path) -> None:
    done = kepu("import", "events", _log(tmp_path, f"1,10,{MS}"))
    assert done.exit_code == 1
    assert "1 rows are on unknown items: import the contents first, or add --create-missing" in done.stdout


def test_a_move_of_the_times_is_told(kepu: Run, tmp_path: Path, fixed_clock: int) -> None:
    done = kepu(
        "import", "events", _log(tmp_path, f"1,10,{fixed_clock - 86_400_000}"), "--create-missing", "--shift-to-now"
    )
    assert "  times were moved by +1.000 days" in done.stdout


def test_records_go_out_and_come_back(kepu: Run, tmp_path: Path) -> None:
    kepu("import", "events", _log(tmp_path, f"1,10,{MS}"), "--create-missing")
    for what in ("events", "contents", "citizens"):
        done = kepu("export", what, tmp_path / f"{what}.jsonl")
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{what}: 1 rows in ")
        back = kepu("import", what, tmp_path / f"{what}.jsonl")
        assert "0 accepted" in back.stdout and "1 duplicate, 0 rejected" in back.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("user,ts\n1,2\n", "lacks the column item; found: ts, user"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_without_a_traceback(
    database_url: str, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content, "utf-8")
    done = subprocess.run(
        _command("import", "events", path), env=_environment(database_url), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"error: {path} {message}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_ctrl_c_leaves_whole_batches_and_the_same_command_goes_on(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "log.csv"
    os.mkfifo(pipe)
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    command = _command("import", "events", pipe, "--create-missing", "--batch-rows", "10")
    process = subprocess.Popen(
        command, env=_environment(database_url), cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    # Opened for both, so that opening does not wait for a process that may have died.
    log = os.open(pipe, os.O_RDWR)
    os.write(log, ("user,item,ts\n" + "".join(f"{number},10,{MS}\n" for number in range(25))).encode())
    # The pipe stays open: after two batches the import waits for more rows.
    _wait_for(terminal, "20 rows")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    os.close(log)
    os.close(terminal)
    assert process.returncode == INTERRUPTED
    assert "  20 accepted, 0 duplicate, 0 rejected" in output
    assert "import the same file again to continue" in output
    with database.connect() as connection:
        assert events.count(connection) == 20
    pipe.unlink()
    pipe.write_text("user,item,ts\n" + "".join(f"{number},10,{MS}\n" for number in range(25)), "utf-8")
    again = subprocess.run(command, env=_environment(database_url), cwd=ROOT, capture_output=True, text=True)
    assert "  5 accepted, 20 duplicate, 0 rejected" in again.stdout


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "web.cli", *(str(argument) for argument in arguments)]


def _environment(database_url: str) -> dict[str, str]:
    return os.environ | {"KEPU_DATABASE_URL": database_url, "TERM": "dumb"}


def _wait_for(terminal: int, text: str) -> None:
    """Read the terminal until ``text`` shows on it."""
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1024).decode("utf-8", "replace")
