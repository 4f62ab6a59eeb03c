"""``kepu train``: from the recorded events to a published snapshot."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import click

from content_store import clock
from content_store.db import Database, open_database
from content_store.settings import Settings, checkout
from recsys.evaluation.holdout import Measured
from recsys.evaluation.tail import served_tail
from recsys.features.records import read_articles, read_dataset
from recsys.gate import Margins
from recsys.learning import ranker_builder
from recsys.snapshots import SnapshotStore
from recsys.training import Material, Trained, Training, TrainingConfig, default_builders
from web.cli.snapshots import store_of

REFUSED = 1
SERVED = Margins(single=0.05)  # the evaluator measures what is served: it must not lose to one signal


@click.command()
@click.option(
    "--force", metavar="REASON", help="Publish even where the gate refuses; REASON is kept with the snapshot."
)
@click.pass_obj
def train(settings: Settings, force: str | None) -> None:
    """Fit the models on the recorded events, measure them, and publish them as the active snapshot.

    Exit code 1 where the gate refuses; what was active stays so.
    """
    if force is not None and not force.strip():
        raise click.BadParameter("a reason is needed", param_hint="--force")
    database = open_database(settings)
    try:
        trained = run(database, store_of(settings), force=force)
    finally:
        database.close()
    for line in summary(trained):
        click.echo(line)
    if trained.snapshot is None:
        sys.exit(REFUSED)


def run(
    database: Database, store: SnapshotStore, config: TrainingConfig | None = None, *, force: str | None = None
) -> Trained:
    """Train on everything recorded until now; the steps are announced on standard error."""
    config = config or TrainingConfig(margins=SERVED)
    as_of = clock.now_ms()
    training = Training(
        store,
        config,
        builders=[*default_builders(config), ranker_builder()],
        evaluate=served_tail,
        code_version=code_version(),
        announce=lambda step: click.echo(f"· {step}", err=True),
    )
    return training.run(
        lambda: Material(read_dataset(database, as_of, config.interest), read_articles(database)), force=force
    )


def summary(trained: Trained) -> list[str]:
    """What a person wants to know of a training, line by line."""
    counts = trained.counts
    lines = [
        f"{counts['events']:,} events, {counts['reads']:,} reads of {counts['items']:,} items"
        f" by {counts['citizens']:,} citizens ({counts['profiled']:,} with a profile)",
        f"measured on what came after {_moment(trained.cut)}:",
        *_table(trained.candidate),
        *(f"gate: {reason}" for reason in trained.verdict.reasons),
        "seconds: " + ", ".join(f"{timing.step} {timing.seconds:.1f}" for timing in trained.timings),
    ]
    if trained.snapshot is None:
        return [*lines, "not published: the gate refused; `kepu train --force REASON` overrides it"]
    forced = f", although the gate refused ({trained.forced})" if trained.forced else ""
    return [*lines, f"published and active: {trained.snapshot.version}{forced}"]


def code_version() -> str:
    """The programme's version, with the commit where it runs from a checkout of git."""
    try:
        base = version("tianfu-kepu")
    except PackageNotFoundError:  # run from a checkout without having been installed
        base = "unpackaged"
    root = checkout()
    if root is None:
        return base
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return base
    return f"{base}+{commit}"


def _table(measured: Measured) -> list[str]:
    rows = {"served": measured.served, **measured.models, **measured.singles}
    return [f"  {name:14s} {measured.metric} {value:.4f}" for name, value in rows.items()] + [
        f"  {'n':14s} {measured.n:,}"
    ]


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, clock.SHANGHAI):%Y-%m-%d %H:%M}"
