"""``kepu keys``: service tokens for other programmes."""

from __future__ import annotations

import click

from content_store import clock, keys, organisations
from content_store.settings import Settings
from content_store.vocabulary import Role
from web.cli.opening import actor, opened


@click.group("keys")
def keys_group() -> None:
    """Make, list or revoke the service tokens of other programmes."""


@keys_group.command()
@click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help="For whom the token speaks."
)
@click.option("--org", "organisation", help="The organisation, by id or name, in which and below which it may act.")
@click.option("--days", type=click.IntRange(min=1), help="Days after which it ends; without, it lasts until revoked.")
@click.pass_obj
def create(settings: Settings, role: str, organisation: str | None, days: int | None) -> None:
    """Print a new service token; it cannot be shown again."""
    expires_at = None if days is None else clock.now_ms() + days * clock.DAY_MS
    with opened(settings) as database:
        with database.begin() as connection:
            place = organisations.find(connection, organisation).id if organisation else None
            key, token = keys.create(connection, role=role, organisation=place, expires_at=expires_at, actor=actor())
        click.echo(token)
    click.echo(f"key {key.id}: keep the token, it is not shown again", err=True)


@keys_group.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """Show every service token without its secret, oldest first."""
    with opened(settings) as database, database.connect() as connection:
        found = keys.every(connection)
    if not found:
        click.echo("no service tokens yet: `kepu keys create --role service` makes one")
    for key in found:
        click.echo(f"{key.id}  {describe(key)}")


@keys_group.command()
@click.argument("id")
@click.pass_obj
def revoke(settings: Settings, id: str) -> None:
    """Let the service token with this ID open nothing from now on."""
    with opened(settings) as database:
        with database.begin() as connection:
            key = keys.revoke(connection, id, actor=actor())
        click.echo(f"{key.id}  {describe(key)}")


def describe(key: keys.Key) -> str:
    """A service token in one line."""
    told = [key.role.value, key.organisation or "-", f"made {clock.shown(key.created_at)}"]
    told.append(f"last used {clock.shown(key.last_used_at)}" if key.last_used_at is not None else "never used")
    if key.revoked_at is not None:
        told.append(f"revoked {clock.shown(key.revoked_at)}")
    elif key.expires_at is not None:
        told.append(f"{'ended' if key.expires_at <= clock.now_ms() else 'ends'} {clock.shown(key.expires_at)}")
    return "  ".join(told)
