"""Signing in: the owner gets in, who guesses is made slow, and nobody learns which logins there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from content_store import accounts, clock, passwords, schema, signing_in
from content_store.accounts import Account
from content_store.db import Database
from content_store.errors import BadCredentials, KepuError, SignInDelayed
from content_store.signing_in import FREE, MOST_FAILURES, Device, authenticate, wait_ms
from tests.conftest import NOON
from tests.support.staff import HOUSE, PASSWORD, ROOT, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def wang(database: Database) -> Iterator[Account]:
    """Somebody who may sign in, and a clock that stands still."""
    with clock.fixed(NOON):
        with database.begin() as connection:
            found_organisations(connection)
            made = somebody(connection, "wang")
        yield made


def fail(database: Database, times: int, login: str = "wang", device: Device | None = None) -> None:
    for _ in range(times):
        with pytest.raises(BadCredentials):
            authenticate(database, login, "wrong-password", device=device)


def outcome(database: Database, login: str, password: str) -> KepuError:
    with pytest.raises(KepuError) as caught:
        authenticate(database, login, password)
    return caught.value


def test_the_right_password_opens_the_account(database: Database, wang: Account) -> None:
    assert authenticate(database, "WANG", PASSWORD) == wang


def test_anything_else_opens_nothing_and_says_the_same(database: Database, wang: Account) -> None:
    for login in ("nobody", "", "a\x00b", "wang\x00", "\ud800", "x" * 10_000, "a\nb"):
        assert str(outcome(database, login, PASSWORD)) == "login and password do not belong together"
    for at, password in enumerate(("", "wrong-password", "\x00", "\ud800", "y" * 10_000)):
        with clock.fixed(NOON + at * 3_600_000):
            assert str(outcome(database, "wang", password)) == "login and password do not belong together"


def test_logins_that_nobody_has_wait_like_all_others(database: Database, wang: Account) -> None:
    for login in ("wang", "nobody"):
        fail(database, FREE, login)
    known, unknown = (outcome(database, login, PASSWORD) for login in ("wang", "nobody"))
    assert isinstance(known, SignInDelayed)
    assert isinstance(unknown, SignInDelayed)
    assert (known.retry_after_s, str(known), known.hint) == (unknown.retry_after_s, str(unknown), unknown.hint)


def test_after_a_few_failures_each_attempt_waits_longer(database: Database, wang: Account) -> None:
    fail(database, FREE)
    at = NOON
    for wait_s in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        with clock.fixed(at + wait_s * 1000 - 1):
            assert isinstance(outcome(database, "wang", PASSWORD), SignInDelayed)
        at += wait_s * 1000
        with clock.fixed(at):
            fail(database, 1)


def test_waiting_is_told_in_seconds(database: Database, wang: Account) -> None:
    fail(database, FREE)
    with clock.fixed(NOON + 10_500):
        found = outcome(database, "wang", PASSWORD)
    assert isinstance(found, SignInDelayed)
    assert found.retry_after_s == 20


def test_an_attempt_while_waiting_does_not_make_it_longer(database: Database, wang: Account) -> None:
    fail(database, FREE)
    for _ in range(20):
        assert isinstance(outcome(database, "wang", "wrong-password"), SignInDelayed)
    with clock.fixed(NOON + 30_000):
        assert authenticate(database, "wang", PASSWORD) == wang


def test_success_forgets_the_failures_before_it(database: Database, wang: Account) -> None:
    fail(database, FREE - 1)
    authenticate(database, "wang", PASSWORD)
    fail(database, FREE - 1)
    assert authenticate(database, "wang", PASSWORD) == wang


def test_who_fails_on_purpose_does_not_keep_out_the_owner_at_a_known_device(database: Database, wang: Account) -> None:
    own = Device(wang.id, "office")
    fail(database, FREE)
    assert isinstance(outcome(database, "wang", PASSWORD), SignInDelayed)
    assert authenticate(database, "wang", PASSWORD, device=own) == wang
    assert isinstance(outcome(database, "wang", PASSWORD), SignInDelayed)
    fail(database, FREE, device=own)
    with pytest.raises(SignInDelayed):
        authenticate(database, "wang", PASSWORD, device=own)


def test_a_device_of_one_account_is_a_strangers_for_another(database: Database, wang: Account) -> None:
    with database.begin() as connection:
        li = somebody(connection, "li")
    fail(database, FREE)
    with pytest.raises(SignInDelayed):
        authenticate(database, "wang", PASSWORD, device=Device(li.id, "office"))


def test_after_a_hundred_failures_only_a_reset_helps(database: Database, wang: Account) -> None:
    table = schema.sign_in_failures
    fail(database, 1)
    with database.begin() as connection:
        connection.execute(sa.update(table).values(failures=MOST_FAILURES))
        assert signing_in.failures(connection, wang.id) == MOST_FAILURES
    with clock.fixed(NOON + 30 * clock.DAY_MS):
        found = outcome(database, "wang", PASSWORD)
        assert isinstance(found, SignInDelayed)
        assert "administrator" in found.hint
        with database.begin() as connection:
            hashed, text = passwords.temporary()
            accounts.reset_password(connection, wang.id, hashed, actor=HOUSE)
        assert authenticate(database, "wang", text).id == wang.id


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(database: Database, wang: Account) -> None:
    examined: list[str] = []
    together = threading.Barrier(12)

    def guess() -> None:
        together.wait()
        try:
            authenticate(database, "wang", "wrong-password")
        except BadCredentials:
            examined.append("one")
        except SignInDelayed:
            pass

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(examined) == FREE


def test_logins_that_nobody_has_are_forgotten_after_a_day(database: Database, wang: Account) -> None:
    fail(database, 1, "nobody")
    fail(database, 1)
    table = schema.sign_in_failures
    with clock.fixed(NOON + clock.DAY_MS + 1):
        fail(database, 1, "another")
        with database.connect() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 2
            assert signing_in.failures(connection, wang.id) == 1


def test_what_was_typed_as_a_login_is_not_kept(database: Database, wang: Account) -> None:
    fail(database, 1, PASSWORD)
    with database.connect() as connection:
        rows = [str(tuple(row)) for row in connection.execute(sa.select(schema.sign_in_failures))]
    assert rows
    assert not any(PASSWORD in row or "听风" in row for row in rows)


def test_a_password_of_old_cost_is_hashed_anew(
    database: Database, wang: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert authenticate(database, "wang", PASSWORD) == wang
    with database.connect() as connection:
        stored = connection.execute(sa.select(schema.accounts.c.password)).scalar_one()
    assert "m=16,t=2" in stored
    assert authenticate(database, "wang", PASSWORD) == wang


def test_a_given_password_opens_nothing_after_a_week(database: Database, wang: Account) -> None:
    with database.begin() as connection:
        hashed, text = passwords.temporary()
        accounts.reset_password(connection, wang.id, hashed, actor=HOUSE)
    with clock.fixed(NOON + accounts.TEMPORARY_LIFE_MS - 1):
        assert authenticate(database, "wang", text).must_change_password
    with clock.fixed(NOON + accounts.TEMPORARY_LIFE_MS):
        assert isinstance(outcome(database, "wang", text), BadCredentials)


def test_an_account_that_is_closed_while_its_password_is_examined_stays_closed(
    database: Database, wang: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            right = super().verify(hash, password)
            with database.begin() as connection:
                accounts.disable(connection, wang.id, actor=HOUSE)
            return right

    monkeypatch.setattr(passwords, "HASHER", Slow(time_cost=1, memory_cost=8, parallelism=1))
    assert isinstance(outcome(database, "wang", PASSWORD), BadCredentials)


def test_the_wait_grows_to_an_hour_and_no_further() -> None:
    assert [wait_ms(number) for number in (0, FREE - 1, FREE, FREE + 1)] == [0, 0, 30_000, 60_000]
    assert {wait_ms(number) for number in (FREE + 7, 50, 99, 10**6)} == {3_600_000}


def test_nobody_is_known_where_there_are_no_accounts(database: Database) -> None:
    assert isinstance(outcome(database, ROOT, PASSWORD), BadCredentials)
