"""``kepu keys``: service tokens for other programmes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from content_store import clock, keys
from content_store.db import Database, open_database
from content_store.settings import Settings
from content_store.vocabulary import Role


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


@click.group("keys")
def keys_group() -> None:
    """Make, list or revoke the service tokens of other programmes."""


@keys_group.command()
@click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help="For whom the token speaks."
)
@click.option("--org", "organisation", help="The organisation that it is given to.")
@click.pass_obj
def create(settings: Settings, role: str, organisation: str | None) -> None:
    """Print a new service token; it cannot be shown again."""
    with _opened(settings) as database:
        with database.begin() as connection:
            key, token = keys.create(connection, role=role, organisation=organisation)
        click.echo(token)
    click.echo(f"key {key.id}: keep the token, it is not shown again", err=True)


@keys_group.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """Show every service token without its secret, oldest first."""
    with _opened(settings) as database, database.connect() as connection:
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
    with _opened(settings) as database:
        with database.begin() as connection:
            key = keys.revoke(connection, id)
        click.echo(f"{key.id}  {describe(key)}")


def describe(key: keys.Key) -> str:
    """A service token in one line."""
    told = [key.role.value, key.organisation or "-", f"made {_time(key.created_at)}"]
    told.append(f"last used {_time(key.last_used_at)}" if key.last_used_at is not None else "never used")
    if key.revoked_at is not None:
        told.append(f"revoked {_time(key.revoked_at)}")
    return "  ".join(told)


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, clock.SHANGHAI):%Y-%m-%d %H:%M}"
