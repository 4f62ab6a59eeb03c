"""The command line ``kepu``: a command's module is imported only when the command is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from content_store import clock
from content_store.errors import KepuError, SettingsError
from content_store.settings import load_settings

COMMANDS = {
    "accounts": ("web.cli.accounts:accounts_group", "Make accounts, say what they may do, end their sessions."),
    "audit": ("web.cli.audit:audit_group", "Show or verify the log of every change."),
    "classify": ("web.cli.classify:classify", "Suggest a topic and a place for a text, with what speaks for them."),
    "demo": ("web.cli.demo:demo", "Make a town of simulated readers, train on it, and open the portal."),
    "doctor": ("web.cli.house:doctor", "Examine this machine and say what to do about what is broken."),
    "evaluate": ("web.cli.evaluate:evaluate", "Measure the models by the replay, split or cold protocol."),
    "export": ("web.cli.records:export_group", "Write records to a CSV, JSONL or Parquet file."),
    "import": ("web.cli.records:import_group", "Read citizens, contents or events from a file."),
    "ingest": ("web.cli.ingest:ingest", "Fetch the feeds that are due, or show what a feed, or a source, says."),
    "jobs": ("web.cli.jobs:jobs", "Show what the clock did, what is due next and what went wrong."),
    "keys": ("web.cli.keys:keys_group", "Make, list or revoke service tokens for other programmes."),
    "ledger": ("web.cli.ledger:ledger", "Show, recount or verify the services that count."),
    "migrate": ("web.cli.house:migrate", "Bring the database up to date with this programme."),
    "organisations": ("web.cli.organisations:organisations_group", "Show or extend the tree of organisations."),
    "recommend": ("web.cli.recommend:recommend", "Print a citizen's ranked list with scores and reasons."),
    "review": ("web.cli.review:review", "Show the queue of reviews, and take its steps."),
    "serve": ("web.cli.serve:serve", "Serve pages and API until stopped."),
    "settings": ("web.cli.house:settings", "Show every setting, where it came from and what it means."),
    "snapshots": ("web.cli.snapshots:snapshots", "List, activate or roll back model snapshots."),
    "terms": ("web.cli.terms:terms_group", "Keep the list of words that hold a text back."),
    "test": ("web.cli.house:test", "Run the tests, here in a checkout."),
    "train": ("web.cli.train:train", "Fit the models on the recorded events and publish them."),
    "works": ("web.cli.works:works", "Look at works as they would come in."),
    "worker": ("web.cli.worker:worker", "Do what is due by the clock, until told to stop."),
}
"""Each command's name, where its click object is, and what ``kepu --help`` says of it."""

# Threads that wait must not spin: the cores are shared with the web and the database. libgomp reads it on loading.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

MISTAKE = 2
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are looked up in ``COMMANDS`` and imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command's click object; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run ``kepu`` and exit: 0 done, 1 not as it should be, 2 a mistake of the caller's, 130 interrupted."""
    try:
        code = kepu.main(args=arguments, prog_name="kepu", standalone_mode=False)
    except KepuError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        code = MISTAKE
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except UnicodeEncodeError:
        # Bytes that are no text reach us as half characters, and nothing can be looked up by them.
        if all(map(_is_text, sys.argv[1:] if arguments is None else arguments)):
            raise
        click.echo("error: an argument is no text: it has bytes that are no UTF-8", err=True)
        click.echo("  write it in UTF-8", err=True)
        code = MISTAKE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


def _is_text(argument: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in argument)
