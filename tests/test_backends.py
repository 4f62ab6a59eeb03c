"""What the suite insists on: with ``CI=true`` no backend may go untested without notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SUITE = """\
import pytest
from tests.support.ci import missing

@pytest.mark.backend("sqlite")
def test_on_sqlite():
    pass

@pytest.mark.backend("postgresql")
def test_on_postgresql(request):
    if "{postgresql}" == "absent":
        missing("no server")

@pytest.mark.backend("chromium")
def test_in_chromium():
    pass

@pytest.mark.backend("redis")
@pytest.mark.skipif("{redis}" == "absent", reason="left out")
def test_on_redis():
    pass
"""


def run(folder: Path, *arguments: str, ci: str, postgresql: str = "there", redis: str = "there") -> tuple[int, str]:
    """Run a small suite in ``folder``; returns pytest's exit code and output."""
    (folder / "test_suite.py").write_text(SUITE.format(postgresql=postgresql, redis=redis), "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.backends", "-p", "no:cacheprovider", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_number_of_tests_on_each_backend_is_told_before_the_closing_line(tmp_path: Path) -> None:
    code, output = run(tmp_path, ci="true")
    assert code == 0
    *_, counts, closing = [line for line in output.splitlines() if line]
    assert counts == "sqlite 1, postgresql 1, redis 1, chromium 1"
    assert "4 passed in" in closing


def test_with_ci_a_missing_service_fails_the_run(tmp_path: Path) -> None:
    code, output = run(tmp_path, ci="true", postgresql="absent")
    assert code == 1
    assert "1 failed, 3 passed" in output.splitlines()[-1]


def test_on_a_laptop_a_missing_service_is_skipped_and_listed(tmp_path: Path) -> None:
    code, output = run(tmp_path, "-ra", ci="", postgresql="absent")
    assert code == 0
    assert "sqlite 1, postgresql 0, redis 1, chromium 1" in output
    assert "no server" in output


def test_with_ci_a_backend_without_a_test_fails_the_run(tmp_path: Path) -> None:
    code, output = run(tmp_path, ci="true", redis="absent")
    assert code == 1
    assert "FAILED: no test ran on redis" in output


@pytest.mark.parametrize("redis", ["there", "absent"])
def test_several_processes_count_as_one(tmp_path: Path, redis: str) -> None:
    code, output = run(tmp_path, "-p", "xdist.plugin", "-n", "2", ci="true", redis=redis)
    assert code == (redis == "absent")
    assert f"sqlite 1, postgresql 1, redis {int(redis == 'there')}" in output
    assert output.count("tests per backend") == 1
    assert ("FAILED: no test ran on redis" in output) == (redis == "absent")


@pytest.mark.parametrize("arguments", [["test_suite.py"], ["-k", "sqlite"], ["--deselect", "test_suite.py::none"]])
def test_a_part_of_the_suite_may_leave_backends_out(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, *arguments, ci="true", redis="absent")[0] == 0
