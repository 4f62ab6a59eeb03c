"""The command line ``kepu``: a command's module is imported only when the command is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from content_store import clock
from content_store.errors import KepuError, SettingsError
from content_store.settings import load_settings

COMMANDS = {
    "doctor": "web.cli.house:doctor",
    "evaluate": "web.cli.learning:evaluate",
    "export": "web.cli.records:export_group",
    "import": "web.cli.records:import_group",
    "migrate": "web.cli.house:migrate",
    "recommend": "web.cli.learning:recommend",
    "settings": "web.cli.house:settings",
    "snapshots": "web.cli.learning:snapshots",
    "test": "web.cli.house:test",
    "train": "web.cli.learning:train",
}
"""Each command's name and where its click object is."""

USER_ERROR = 2
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are looked up in ``COMMANDS`` and imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command's click object; None for an unknown name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tianfu-kepu", prog_name="kepu")
@click.pass_context
def kepu(ctx: click.Context) -> None:
    """天府科普: learns from what citizens read and gives each of them a feed of popular science."""
    try:
        settings = load_settings()
    except SettingsError:
        # The doctor reports it among its findings.
        if ctx.invoked_subcommand == "doctor":
            return
        raise
    clock.set_offset(settings.clock_offset_s)
    ctx.obj = settings


def main(arguments: list[str] | None = None) -> Any:
    """Run ``kepu`` and exit: 0 done, 1 not as it should be, 2 a mistake of the caller's, 130 interrupted."""
    try:
        kepu.main(args=arguments, prog_name="kepu")
    except KepuError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(USER_ERROR)
