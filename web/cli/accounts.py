"""``kepu accounts``: who works here and what they may do. The first administrator is made here, and only here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from content_store import accounts, clock, organisations, passwords, roles, sessions, signing_in
from content_store.accounts import Account
from content_store.db import Connection
from content_store.errors import WeakPassword
from content_store.passwords import Hashed
from content_store.sessions import Limits
from content_store.settings import Settings
from content_store.staff_vocabulary import StaffRole
from web.cli.opening import actor, opened

_ROLE = click.Choice([role.value for role in StaffRole])
_ORG = click.option("--org", "organisation", help="The organisation, by id or name; without, the province.")


def _with_password(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two ways in which a password may be given; never as an argument, which other users of the machine see."""
    typed = click.option("--prompt", "prompted", is_flag=True, help="Ask for the password at the terminal.")
    piped = click.option("--password-stdin", "piped", is_flag=True, help="Read the password from standard input.")
    return typed(piped(command))


@click.group("accounts")
def accounts_group() -> None:
    """Make accounts, say what they may do, end their sessions; an account is named by its login.

    Without a password given by --prompt or --password-stdin one is made and printed once: it must be changed when it is
    first used, within a week.
    """


@accounts_group.command()
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@_ORG
@click.option("--role", "given", type=_ROLE, multiple=True, help="What they are there; may be given several times.")
@_with_password
@click.pass_obj
def create(
    settings: Settings,
    login: str,
    name: str,
    organisation: str | None,
    given: tuple[str, ...],
    prompted: bool,
    piped: bool,
) -> None:
    """Make the account LOGIN; on a fresh installation the province and its prefectures come with the first."""
    hashed, told = _password(accounts.normal_login(login), name, prompted, piped)
    with opened(settings) as database, database.begin() as connection:
        who = actor()
        if not organisations.every(connection):
            organisations.seed(connection, actor=who)
        place = _place(connection, organisation)
        made = accounts.create(connection, actor=who, login=login, name=name, organisation_id=place, password=hashed)
        for role in given:
            roles.grant(connection, actor=who, account_id=made.id, role=role, organisation_id=place)
    _tell(made, told)


@accounts_group.command("list")
@_ORG
@click.pass_obj
def list_(settings: Settings, organisation: str | None) -> None:
    """Show the accounts of an organisation and of all below it, with what they may do where."""
    with opened(settings) as database, database.connect() as connection:
        place = _place(connection, organisation) if organisation else None
        found = accounts.every(connection, place)
        for account in found:
            click.echo(_describe(connection, account))
            for grant in roles.of_account(connection, account.id):
                click.echo(f"    {grant.role} {grant.role.label}  in {grant.organisation_id}  by {grant.granted_by}")
    if not found:
        click.echo("no accounts yet: `kepu accounts create LOGIN --name NAME --role administrator` makes one")


@accounts_group.command()
@click.argument("login")
@click.pass_obj
def disable(settings: Settings, login: str) -> None:
    """Let nobody sign in as LOGIN any more, and end every session."""
    with opened(settings) as database, database.begin() as connection:
        found = accounts.disable(connection, accounts.by_login(connection, login).id, actor=actor())
        click.echo(_describe(connection, found))


@accounts_group.command()
@click.argument("login")
@click.pass_obj
def enable(settings: Settings, login: str) -> None:
    """Let LOGIN sign in again."""
    with opened(settings) as database, database.begin() as connection:
        found = accounts.enable(connection, accounts.by_login(connection, login).id, actor=actor())
        click.echo(_describe(connection, found))


@accounts_group.command("reset-password")
@click.argument("login")
@_with_password
@click.pass_obj
def reset_password(settings: Settings, login: str, prompted: bool, piped: bool) -> None:
    """Give LOGIN another password, end every session, and forget failures to sign in."""
    with opened(settings) as database:
        with database.connect() as connection:
            found = accounts.by_login(connection, login)
        hashed, told = _password(found.login, found.name, prompted, piped)
        with database.begin() as connection:
            accounts.reset_password(connection, found.id, hashed, actor=actor())
    _tell(found, told)


@accounts_group.command()
@click.argument("login")
@click.argument("role", type=_ROLE)
@_ORG
@click.pass_obj
def grant(settings: Settings, login: str, role: str, organisation: str | None) -> None:
    """Make LOGIN a ROLE in an organisation and in all below it."""
    with opened(settings) as database, database.begin() as connection:
        found, place = accounts.by_login(connection, login), _place(connection, organisation)
        roles.grant(connection, actor=actor(), account_id=found.id, role=role, organisation_id=place)
    click.echo(f"{found.login} is {role} in {place}")


@accounts_group.command()
@click.argument("login")
@click.argument("role", type=_ROLE)
@_ORG
@click.pass_obj
def revoke(settings: Settings, login: str, role: str, organisation: str | None) -> None:
    """Take ROLE in an organisation from LOGIN; it acts at once."""
    with opened(settings) as database, database.begin() as connection:
        found, place = accounts.by_login(connection, login), _place(connection, organisation)
        roles.revoke(connection, actor=actor(), account_id=found.id, role=role, organisation_id=place)
    click.echo(f"{found.login} is no {role} in {place} any more")


@accounts_group.command("sessions")
@click.argument("login")
@click.pass_obj
def sessions_(settings: Settings, login: str) -> None:
    """Show where LOGIN is signed in, the latest use first."""
    with opened(settings) as database, database.connect() as connection:
        found = accounts.by_login(connection, login)
        lasting = sessions.of_account(connection, found.id, Limits.of(settings))
    for session in lasting:
        since, seen = clock.shown(session.started_at), clock.shown(session.seen_at)
        click.echo(f"{session.id}  since {since}  last used {seen}  {session.network or '-'}  {session.agent or '-'}")
    if not lasting:
        click.echo(f"{found.login} is signed in nowhere")


@accounts_group.command()
@click.argument("login")
@click.argument("session", required=False)
@click.pass_obj
def kill(settings: Settings, login: str, session: str | None) -> None:
    """End every session of LOGIN, or the one with the id SESSION; it acts at once, in every process."""
    with opened(settings) as database, database.begin() as connection:
        found, ended = accounts.by_login(connection, login), 1
        if session is None:
            ended = sessions.kill_all(connection, found.id, actor=actor())
        else:
            sessions.end(connection, found.id, session, actor=actor())
    click.echo(f"{found.login}: {ended} sessions ended")


def _place(connection: Connection, organisation: str | None) -> str:
    return organisations.find(connection, organisation or organisations.ROOT).id


def _password(login: str, name: str, prompted: bool, piped: bool) -> tuple[Hashed, str | None]:
    """The password that was given, or one that was made and must be told. Raises WeakPassword."""
    if prompted and piped:
        raise click.UsageError("--prompt and --password-stdin are two ways: take one")
    if prompted:
        return passwords.chosen(
            click.prompt("password", hide_input=True, confirmation_prompt=True), login=login, name=name
        ), None
    if piped:
        line = sys.stdin.readline(4 * passwords.LONGEST)
        if not line:
            raise WeakPassword("no password came in", hint="write it as one line to standard input")
        return passwords.chosen(line.rstrip("\r\n"), login=login, name=name), None
    return passwords.temporary()


def _tell(account: Account, told: str | None) -> None:
    if told is not None:
        click.echo(told)
        click.echo(f"{account.login}: this password is not shown again, and must be changed within a week", err=True)
    else:
        click.echo(f"{account.login}: the password is the one that was given", err=True)


def _describe(connection: Connection, account: Account) -> str:
    told = [account.login, account.name, account.organisation_id, f"made {clock.shown(account.created_at)}"]
    if account.disabled_at is not None:
        told.append(f"disabled {clock.shown(account.disabled_at)}")
    if account.temporary_until is not None:
        told.append(f"must change the password by {clock.shown(account.temporary_until)}")
    failures = signing_in.failures(connection, account.id)
    if failures >= signing_in.FREE:
        told.append(f"{failures} failures to sign in; strangers must wait")
    return "  ".join(told)
