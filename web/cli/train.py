"""``kepu train``: from the recorded events to a published snapshot."""

from __future__ import annotations

import sys

import click

from content_store import clock
from content_store.db import open_database
from content_store.settings import Settings
from recsys.evaluation.holdout import Measured
from recsys.refit import refit
from recsys.snapshots import store_of
from recsys.training import Trained

REFUSED = 1


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
        trained = refit(
            database, store_of(settings), force=force, announce=lambda step: click.echo(f"· {step}", err=True)
        )
    finally:
        database.close()
    for line in summary(trained):
        click.echo(line)
    if trained.snapshot is None:
        sys.exit(REFUSED)


def summary(trained: Trained) -> list[str]:
    """What a person wants to know of a training, line by line."""
    counts = trained.counts
    lines = [
        f"{counts['events']:,} events, {counts['reads']:,} reads of {counts['items']:,} items"
        f" by {counts['citizens']:,} citizens ({counts['profiled']:,} with a profile)",
        f"measured on what came after {clock.shown(trained.cut)}:",
        *_table(trained.candidate),
        *(f"gate: {reason}" for reason in trained.verdict.reasons),
        "seconds: " + ", ".join(f"{timing.step} {timing.seconds:.1f}" for timing in trained.timings),
    ]
    if trained.snapshot is None:
        return [*lines, "not published: the gate refused; `kepu train --force REASON` overrides it"]
    forced = f", although the gate refused ({trained.forced})" if trained.forced else ""
    return [*lines, f"published and active: {trained.snapshot.version}{forced}"]


def _table(measured: Measured) -> list[str]:
    rows = {"served": measured.served, **measured.models, **measured.singles}
    return [f"  {name:14s} {measured.metric} {value:.4f}" for name, value in rows.items()] + [
        f"  {'n':14s} {measured.n:,}"
    ]
