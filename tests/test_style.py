"""Style and types are part of the suite, so that one command says whether a change may land."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ci import missing

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=["ruff check", "ruff format", "mypy --strict"],
)
def test_the_whole_tree_passes(command: list[str]) -> None:
    if importlib.util.find_spec(command[0]) is None:
        missing(f"{command[0]} is not installed (`./kepu test` installs it)")
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
