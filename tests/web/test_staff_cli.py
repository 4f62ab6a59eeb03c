"""Accounts, organisations and the audit log at the terminal."""

from __future__ import annotations

import getpass
import io

import pytest

from content_store import accounts, audit, roles, sessions, signing_in
from content_store.db import Database
from content_store.errors import BadCredentials
from content_store.sessions import Limits
from content_store.staff_vocabulary import Permission
from web import cli

pytestmark = pytest.mark.usefixtures("cheap_passwords")

LIMITS = Limits(3_600_000, 43_200_000)
OWN = "竹海-听风-1987-书"


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)


def run(*arguments: str) -> int:
    """Run ``kepu`` here; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_first_administrator_is_made_on_a_fresh_installation_and_can_sign_in(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("accounts", "list") == 0
    assert "no accounts yet" in capsys.readouterr().out
    assert run("accounts", "create", "boss", "--name", "王主任", "--role", "administrator") == 0
    printed = capsys.readouterr()
    password = printed.out.strip()
    assert "not shown again" in printed.err
    found = signing_in.authenticate(database, "boss", password)
    assert found.must_change_password
    with database.connect() as connection:
        assert roles.may(connection, found.id, Permission.MANAGE_ACCOUNTS, "510100")
        told = audit.entries(connection, limit=99)
    assert {entry.actor for entry in told} == {f"cli:{getpass.getuser()}"}
    assert [entry.action for entry in told[:2]] == ["grant.create", "account.create"]
    assert not any(password in str(entry) for entry in told)
    run("accounts", "list")
    listed = capsys.readouterr().out
    assert "boss  王主任  510000" in listed
    assert "must change the password by" in listed
    assert "administrator 管理员  in 510000" in listed


def test_a_password_is_read_from_standard_input_and_never_from_an_argument(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{OWN}\n"))
    assert run("accounts", "create", "wang", "--name", "王小明", "--password-stdin") == 0
    assert OWN not in str(capsys.readouterr())
    assert not signing_in.authenticate(database, "wang", OWN).must_change_password
    for text in ("", "123456\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert run("accounts", "reset-password", "wang", "--password-stdin") == 2
    assert run("accounts", "reset-password", "wang", "--prompt", "--password-stdin") == 2
    assert run("accounts", "reset-password", "wang", "--password", OWN) == 2
    assert signing_in.authenticate(database, "wang", OWN)


def test_an_account_is_closed_opened_and_given_another_password(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    run("accounts", "create", "wang", "--name", "王小明")
    first = capsys.readouterr().out.strip()
    assert run("accounts", "disable", "wang") == 0
    assert "disabled " in capsys.readouterr().out
    with pytest.raises(BadCredentials):
        signing_in.authenticate(database, "wang", first)
    assert run("accounts", "enable", "wang") == 0
    capsys.readouterr()
    assert run("accounts", "reset-password", "WANG") == 0
    second = capsys.readouterr().out.strip()
    with pytest.raises(BadCredentials):
        signing_in.authenticate(database, "wang", first)
    assert signing_in.authenticate(database, "wang", second)


def test_roles_are_given_and_taken(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    run("accounts", "create", "wang", "--name", "王小明", "--org", "成都市", "--role", "author")
    assert run("accounts", "grant", "wang", "reviewer_1", "--org", "510700") == 0
    with database.connect() as connection:
        id = accounts.by_login(connection, "wang").id
        assert [(entry.role, entry.organisation_id) for entry in roles.of_account(connection, id)] == [
            ("author", "510100"),
            ("reviewer_1", "510700"),
        ]
    assert run("accounts", "revoke", "wang", "reviewer_1", "--org", "绵阳市") == 0
    assert run("accounts", "revoke", "wang", "reviewer_1", "--org", "绵阳市") == 2
    assert run("accounts", "grant", "wang", "king") == 2
    assert run("accounts", "grant", "nobody", "author") == 2
    assert "no account is called 'nobody'" in capsys.readouterr().err


def test_sessions_are_shown_and_ended(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    run("accounts", "create", "wang", "--name", "王小明")
    with database.begin() as connection:
        id = accounts.by_login(connection, "wang").id
        first, _ = sessions.start(connection, id, LIMITS, network="203.0.113.9", agent="Firefox")
        sessions.start(connection, id, LIMITS)
    capsys.readouterr()
    assert run("accounts", "sessions", "wang") == 0
    listed = capsys.readouterr().out
    assert len(listed.splitlines()) == 2
    assert "203.0.113.9  Firefox" in listed
    assert run("accounts", "kill", "wang", first.id) == 0
    assert run("accounts", "kill", "wang", first.id) == 2
    assert run("accounts", "kill", "wang") == 0
    capsys.readouterr()
    run("accounts", "sessions", "wang")
    assert "signed in nowhere" in capsys.readouterr().out


def test_organisations_are_made_shown_and_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("organisations", "list") == 0
    assert "kepu organisations seed" in capsys.readouterr().out
    run("organisations", "seed")
    run("organisations", "seed")
    assert capsys.readouterr().out == "22 organisations made\n0 organisations made\n"
    assert run("organisations", "add", "温江区科协", "--kind", "county", "--under", "成都市", "--region", "510115") == 0
    id = capsys.readouterr().out.strip()
    assert run("organisations", "list", "--below", "510100") == 0
    assert capsys.readouterr().out == f"510100  成都市  市州\n  {id}  温江区科协  县区\n"
    assert run("organisations", "change", "温江区科协", "--under", "510700", "--name", "温江") == 0
    assert capsys.readouterr().out == f"{id}  温江  县区\n"
    assert run("organisations", "change", "成都市", "--under", "温江") == 2
    assert run("organisations", "add", "又一个市", "--kind", "prefecture", "--under", "成都市") == 2


def test_the_log_is_shown_and_verified(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    run("organisations", "seed")
    capsys.readouterr()
    assert run("audit", "verify") == 0
    printed = capsys.readouterr().out
    with database.connect() as connection:
        head = audit.head(connection)
    assert "22 rows, the newest is number 22" in printed
    assert f"newest hash: {head.hash}" in printed
    assert "the chain is whole" in printed
    assert run("audit", "verify", "--expect", head.hash.upper()) == 0
    assert "has the expected hash" in capsys.readouterr().out
    assert run("audit", "verify", "--expect", "f" * 64) == 1
    assert "anchor at row 22" in capsys.readouterr().out
    assert run("audit", "list", "--last", "1") == 0
    assert capsys.readouterr().out.startswith("22  ")
    run("audit", "list", "--object", "organisation", "510100")
    assert "organisation.create  organisation 510100  – → {" in capsys.readouterr().out
    run("audit", "list", "--actor", "nobody")
    assert "nothing of the kind" in capsys.readouterr().out
