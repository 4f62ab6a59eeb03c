"""The script ``./kepu`` in a copy of the checkout, with a Python that only pretends to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WITH_TESTS = "ingest,postgres,redis,test,dev"

PYTHON = """\
# Checks are answered by the real one; environments and installations are only noted down.
case "$1 $2" in
"-m venv")
    echo venv >>"$NOTES"
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    ;;
"-m pip")
    [ "$3" = install ] || exit 0
    for last; do :; done
    echo "pip ${last##*[}" >>"$NOTES"
    [ ! -e "$NOTES.fail" ] || { echo "no such package"; exit 1; }
    [ ! -e "$NOTES.kill" ] || kill -9 $$
    printf '#!/bin/sh\\nfor word; do echo "<$word>"; done\\nexit 7\\n' >"${0%/*}/kepu"
    chmod +x "${0%/*}/kepu"
    ;;
*) exec REAL "$@" ;;
esac
"""


class Checkout:
    """A copy of the script beside a ``pyproject.toml``, and a folder of programs for its PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.root.mkdir()
        shutil.copy(ROOT / "kepu", self.root)
        self.change_dependencies()
        self.notes = folder / "notes"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.program("python3.13", PYTHON.replace("REAL", sys.executable))
        self.program("apt-get", "exit 1")

    def program(self, name: str, body: str) -> None:
        """Put a shell script on the PATH before all others."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        path.chmod(0o755)

    def forget_pythons(self) -> None:
        """Make the machine one without a Python that runs."""
        for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
            self.program(name, "exit 1")
        script = self.root / "kepu"
        script.write_text(script.read_text("utf-8").replace("/usr/bin/python3", "/nowhere/python3"), "utf-8")

    def change_dependencies(self) -> None:
        """Make ``pyproject.toml`` another."""
        path = self.root / "pyproject.toml"
        path.write_text((path.read_text("utf-8") if path.exists() else "") + "# another line\n", "utf-8")

    def command(self, *arguments: str, program: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start the script."""
        return subprocess.Popen(
            [program or self.root / "kepu", *arguments],
            cwd=cwd or self.root,
            env={"PATH": f"{self.programs}:/usr/bin:/bin", "NOTES": str(self.notes), "HOME": str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, program: Path | None = None, cwd: Path | None = None) -> tuple[int, str, str]:
        """Run the script; returns exit code, output and messages."""
        process = self.command(*arguments, program=program, cwd=cwd)
        output, messages = process.communicate(timeout=60)
        return process.returncode, output, messages

    def done(self) -> list[str]:
        """What was made and installed so far."""
        return self.notes.read_text("utf-8").splitlines() if self.notes.exists() else []

    def let_installations(self, end: str, *, really: bool = True) -> None:
        """Installations shall ``fail`` or be met by a ``kill``; or no longer so."""
        mark = Path(f"{self.notes}.{end}")
        mark.touch() if really else mark.unlink()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing has been installed yet; its path has a space in it."""
    return Checkout(tmp_path)


def test_the_first_command_installs_and_then_runs_with_its_arguments_and_exit_code(checkout: Checkout) -> None:
    code, output, messages = checkout.run("evaluate", "--from", "0.6", "two words", "*")
    assert (code, output) == (7, "<evaluate>\n<--from>\n<0.6>\n<two words>\n<*>\n")
    assert checkout.done() == ["venv", "pip ingest,postgres,redis]"]
    assert messages.endswith("kepu: installed\n")


def test_later_commands_install_nothing_and_say_nothing(checkout: Checkout) -> None:
    checkout.run("settings")
    assert checkout.run("doctor") == (7, "<doctor>\n", "")
    assert len(checkout.done()) == 2


def test_the_tests_install_what_they_need_more_and_nothing_is_lost_by_other_commands(checkout: Checkout) -> None:
    checkout.run("settings")
    checkout.run("test")
    checkout.run("settings")
    checkout.run("test")
    assert checkout.done() == ["venv", "pip ingest,postgres,redis]", f"pip {WITH_TESTS}]"]


def test_changed_dependencies_are_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.run("test")
    checkout.change_dependencies()
    checkout.run("settings")
    assert checkout.done() == ["venv", f"pip {WITH_TESTS}]", f"pip {WITH_TESTS}]"]


def test_it_works_from_another_folder_and_through_links_and_by_name(checkout: Checkout, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "links" / "second"
    second.parent.mkdir()
    first.symlink_to("a checkout/kepu")
    second.symlink_to("../first")
    assert checkout.run("settings", program=second, cwd=Path("/"))[0] == 7
    assert checkout.run("kepu", "settings", program=Path("/bin/sh"))[1] == "<settings>\n"
    assert len(checkout.done()) == 2


def test_a_failed_installation_says_why_and_is_tried_again(checkout: Checkout) -> None:
    checkout.let_installations("fail")
    code, output, messages = checkout.run("settings")
    assert (code, output) == (1, "")
    assert "no such package" in messages
    checkout.let_installations("fail", really=False)
    assert checkout.run("settings")[0] == 7


def test_a_failed_upgrade_keeps_the_environment_for_the_next_try(checkout: Checkout) -> None:
    checkout.run("settings")
    checkout.change_dependencies()
    checkout.let_installations("fail")
    assert checkout.run("settings")[0] == 1
    checkout.let_installations("fail", really=False)
    assert checkout.run("settings")[0] == 7
    assert checkout.done().count("venv") == 1


def test_a_killed_installation_is_begun_anew_in_a_fresh_environment(checkout: Checkout) -> None:
    checkout.run("settings")
    checkout.change_dependencies()
    checkout.let_installations("kill")
    assert checkout.run("settings")[0] == 1
    checkout.let_installations("kill", really=False)
    assert checkout.run("settings")[0] == 7
    assert checkout.done().count("venv") == 2


def test_a_checkout_that_was_moved_gets_a_new_environment(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("settings")
    checkout.root = checkout.root.rename(tmp_path / "elsewhere")
    assert checkout.run("settings")[0] == 7
    assert checkout.done().count("venv") == 2


def test_of_two_at_once_only_one_installs(checkout: Checkout) -> None:
    both = [checkout.command("settings"), checkout.command("doctor")]
    output = [process.communicate(timeout=60)[0] for process in both]
    assert output == ["<settings>\n", "<doctor>\n"]
    assert len(checkout.done()) == 2


def test_without_a_new_enough_python_it_says_what_to_install(checkout: Checkout) -> None:
    checkout.forget_pythons()
    code, _, messages = checkout.run("settings")
    assert code == 1
    assert "Python 3.11 or newer is needed: sudo apt-get install python3 python3-venv" in messages


def test_where_the_venv_module_is_missing_it_says_what_to_install(checkout: Checkout) -> None:
    checkout.forget_pythons()
    checkout.program("python3.12", f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"')
    code, _, messages = checkout.run("settings")
    assert code == 1
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"install it: sudo apt-get install python{version}-venv" in messages


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
def test_root_gets_a_missing_venv_module_installed(checkout: Checkout) -> None:
    checkout.forget_pythons()
    there = f"{checkout.notes}.venv-module"
    checkout.program("apt-get", f'case "$*" in *install*-venv) touch "{there}" ;; esac')
    python = PYTHON.replace("REAL", sys.executable)
    checkout.program("python3.12", f'case "$2" in *ensurepip*) [ -e "{there}" ] || exit 1 ;; esac\n{python}')
    assert checkout.run("settings")[:2] == (7, "<settings>\n")
