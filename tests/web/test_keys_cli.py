"""Service tokens at the terminal."""

from __future__ import annotations

import pytest

from content_store import keys
from content_store.db import open_database
from content_store.settings import load_settings
from content_store.vocabulary import Role
from web import cli


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)


def run(*arguments: str) -> int:
    """Run ``kepu`` here; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def verified(token: str) -> keys.Key:
    """The key of a token, as a later process finds it."""
    database = open_database(load_settings())
    try:
        with database.connect() as connection:
            return keys.verify(connection, token)
    finally:
        database.close()


def test_a_token_is_printed_alone_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    run("organisations", "seed")
    capsys.readouterr()
    assert run("keys", "create", "--role", "service", "--org", "成都市") == 0
    printed = capsys.readouterr()
    key = verified(printed.out.strip())
    assert (key.role, key.organisation) == (Role.SERVICE, "510100")
    assert key.id in printed.err
    assert run("keys", "list") == 0
    listed = capsys.readouterr().out
    assert listed.startswith(f"{key.id}  service  510100  made ")
    assert listed.endswith("never used\n")
    assert printed.out.strip()[-43:] not in listed


def test_a_revoked_token_is_listed_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    run("keys", "create", "--role", "editor")
    key = verified(capsys.readouterr().out.strip())
    assert run("keys", "revoke", key.id) == 0
    run("keys", "list")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(key.id) and "revoked " in line for line in lines)


def test_a_token_may_be_given_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "create", "--role", "service", "--days", "30") == 0
    key = verified(capsys.readouterr().out.strip())
    assert key.expires_at is not None
    assert key.expires_at - key.created_at == pytest.approx(30 * 86_400_000, abs=60_000)
    run("keys", "list")
    assert "  ends " in capsys.readouterr().out


def test_mistakes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "list") == 0
    assert "no service tokens yet" in capsys.readouterr().out
    assert run("keys", "create", "--role", "king") == 2
    assert run("keys", "create") == 2
    assert run("keys", "create", "--role", "service", "--org", "省科技馆") == 2
    assert "no organisation has the id '省科技馆'" in capsys.readouterr().err
    assert run("keys", "revoke", "nobody") == 2
    assert "no service token has the id nobody" in capsys.readouterr().err
