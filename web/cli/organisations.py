"""``kepu organisations``: the tree of those who work here."""

from __future__ import annotations

import click

from content_store import organisations
from content_store.organisations import Organisation
from content_store.settings import Settings
from content_store.vocabulary import OrganisationKind
from web.cli.opening import actor, opened


@click.group("organisations")
def organisations_group() -> None:
    """Show or extend the tree of organisations; each is named by its id or, where only one has it, its name."""


@organisations_group.command("list")
@click.option("--below", help="Only this organisation and those below it.")
@click.pass_obj
def list_(settings: Settings, below: str | None) -> None:
    """Show the tree: id, name and kind, each below the one that it belongs to."""
    with opened(settings) as database, database.connect() as connection:
        top = organisations.find(connection, below).id if below else None
        found = organisations.every(connection, top)
    if not found:
        click.echo("no organisations yet: `kepu organisations seed` makes the province and its prefectures")
    depth: dict[str | None, int] = {}
    for entry in found:
        depth[entry.id] = depth.get(entry.parent_id, -1) + 1
        click.echo("  " * depth[entry.id] + describe(entry))


@organisations_group.command()
@click.pass_obj
def seed(settings: Settings) -> None:
    """Make the province and its 21 prefectures, as far as they are not there."""
    with opened(settings) as database, database.begin() as connection:
        made = organisations.seed(connection, actor=actor())
    click.echo(f"{len(made)} organisations made")


@organisations_group.command()
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in OrganisationKind][1:]))
@click.option("--under", required=True, help="The organisation that it belongs to.")
@click.option("--region", help="Its code by GB/T 2260; without, that of the organisation above.")
@click.option("--id", "id", help="Its id; without, one is made.")
@click.pass_obj
def add(settings: Settings, name: str, kind: str, under: str, region: str | None, id: str | None) -> None:
    """Make the organisation NAME and print its id."""
    with opened(settings) as database, database.begin() as connection:
        parent_id = organisations.find(connection, under).id
        made = organisations.create(
            connection, actor=actor(), parent_id=parent_id, kind=kind, name=name, region=region, id=id
        )
    click.echo(made.id)


@organisations_group.command()
@click.argument("organisation")
@click.option("--name", help="Its new name.")
@click.option("--under", help="The organisation that it shall belong to, with all below it.")
@click.pass_obj
def change(settings: Settings, organisation: str, name: str | None, under: str | None) -> None:
    """Rename or move ORGANISATION."""
    with opened(settings) as database, database.begin() as connection:
        found = organisations.find(connection, organisation)
        if under:
            found = organisations.move(connection, found.id, organisations.find(connection, under).id, actor=actor())
        if name:
            found = organisations.rename(connection, found.id, name, actor=actor())
    click.echo(describe(found))


def describe(entry: Organisation) -> str:
    """An organisation in one line."""
    return f"{entry.id}  {entry.name}  {entry.kind.label}"
