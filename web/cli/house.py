"""Commands about the house itself: ``settings``, ``doctor``, ``migrate``, ``test``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence

import click

from content_store.db import bring_up_to_date
from content_store.errors import KepuError, ServiceMissing
from content_store.settings import Explained, checkout, explain, load_settings
from web.cli.doctor import examine

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "yellow")}

MOST_PROCESSES = 4
"""How many processes share the tests at most."""

PAGE_HEAD = """\
# Settings

Every setting is an environment variable. Each may be given as `NAME_FILE` instead: the value is then read from that
file (for secrets); giving both is an error. An empty value counts as not given, and an unknown `KEPU_…` name stops the
programme with the nearest known one. `./kepu settings` shows what is in force and where it came from.

| setting | default | meaning |
|---|---|---|
"""


def settings_page(rows: list[Explained]) -> str:
    """The page ``docs/settings.md``: nothing in it depends on the machine."""
    return PAGE_HEAD + "".join(f"| `{row.name}` | {row.default} | {row.meaning} |\n" for row in rows)


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page docs/settings.md instead.")
def settings(markdown: bool) -> None:
    """Show every setting, where its value came from and what it means."""
    rows = explain()
    if markdown:
        click.echo(settings_page(rows), nl=False)
        return
    for row in rows:
        click.echo(f"{row.name} = {row.value or '(not set)'}   [{row.origin}]")
        click.echo(f"    {row.meaning}")


@click.command()
def doctor() -> None:
    """Examine this machine and say what to do about what is broken; exit code 1 if anything is."""
    findings = examine()
    for finding in findings:
        sign, colour = _MARKS[finding.well]
        click.echo(f"{click.style(sign, fg=colour)} {finding.subject}: {finding.text}")
        if finding.advice:
            click.echo(f"    {finding.advice}")
    if any(finding.well is False for finding in findings):
        sys.exit(1)


@click.command()
def migrate() -> None:
    """Bring the database up to date with this programme."""
    found = bring_up_to_date(load_settings())
    if found.behind:
        click.echo(f"{found.current or 'empty'} → {found.newest}")
    else:
        click.echo(f"already at {found.current or 'empty'}")


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run the tests, here in a checkout, on all processors; ARGUMENTS are pytest's (-n0: in one process)."""
    root = checkout()
    if root is None:
        raise KepuError("the tests are in a checkout only", hint="clone the repository and run ./kepu test")
    if importlib.util.find_spec("pytest") is None:
        raise ServiceMissing("pytest is not installed", hint="run ./kepu test, which installs what the tests need")

    os.chdir(root)
    subprocess.run([sys.executable, "-m", "tests.support.provision"], check=False)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *shared_out(arguments, os.cpu_count() or 1), *arguments])


def shared_out(arguments: Sequence[str], processors: int) -> list[str]:
    """What lets several processes of pytest share the tests; nothing where ``arguments`` or one processor forbid it.

    They come first, so that what a person says of it counts. Each process has its own servers, hence not too many.
    """
    words = " ".join(arguments)
    alone = processors < 2 or "no:xdist" in words or {"--pdb", "--trace"} & set(arguments)
    # Neighbouring tests, which share what is costly to make, stay together until a process has nothing to do.
    return [] if alone else ["-n", str(min(processors, MOST_PROCESSES)), "--dist", "worksteal"]
