"""``kepu snapshots``: the published versions of the models."""

from __future__ import annotations

import click

from content_store import clock
from content_store.errors import SnapshotError
from content_store.settings import Settings
from recsys.snapshots import Snapshot, store_of


@click.group()
def snapshots() -> None:
    """List, activate or roll back model snapshots."""


@snapshots.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """Show every snapshot, oldest first; * marks the active one."""
    store = store_of(settings)
    versions = store.versions()
    if not versions:
        click.echo("no snapshots yet: `kepu train` makes the first one")
        return
    opened = store.active()
    active = opened.snapshot.version if opened.snapshot else None
    for version in versions:
        mark = "*" if version == active else " "
        try:
            click.echo(f"{mark} {version}  {describe(store.open(version))}")
        except SnapshotError as error:
            click.echo(f"{mark} {version}  damaged: {error.message}")
    for problem in opened.problems:
        click.echo(f"warning: {problem}", err=True)


@snapshots.command()
@click.argument("version")
@click.pass_obj
def activate(settings: Settings, version: str) -> None:
    """Make VERSION the active snapshot."""
    click.echo(f"active: {store_of(settings).activate(version).version}")


@snapshots.command()
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Return to the last good snapshot that was active before."""
    click.echo(f"active: {store_of(settings).rollback().version}")


def describe(snapshot: Snapshot) -> str:
    """A snapshot in one line: what it was made from and how it did."""
    data, measured, gate = (snapshot.facts[name] for name in ("data", "measured", "gate"))
    forced = f"; forced: {gate['forced']}" if gate["forced"] else ""
    return (
        f"{data['reads']:,} reads until {clock.shown(data['as_of'])}; {', '.join(snapshot.models)};"
        f" {measured['metric']} {measured['served']:.4f}{forced}"
    )
