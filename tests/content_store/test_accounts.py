"""Accounts: made, closed, given another password, and never by one who does not administer all of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store import accounts, audit, keys, passwords, roles, schema, sessions, signing_in
from content_store.db import Database
from content_store.errors import BadCredentials, BadRecord, NotAllowed, UnknownAccount
from content_store.sessions import Limits
from content_store.staff_vocabulary import StaffRole
from tests.support.staff import CHENGDU, HOUSE, MIANYANG, PASSWORD, ROOT, WENJIANG, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords")

LIMITS = Limits(3_600_000, 43_200_000)


def test_an_account_is_found_by_its_login_however_it_is_written(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        made = somebody(connection, "Wang.Xiaoming", organisation_id=CHENGDU)
        for login in ("wang.xiaoming", "WANG.XIAOMING", "ｗａｎｇ．xiaoming", " wang.xiaoming "):
            assert accounts.by_login(connection, login) == made
    assert (made.login, made.organisation_id, made.created_at) == ("wang.xiaoming", CHENGDU, fixed_clock)
    assert not made.disabled
    assert not made.must_change_password


def test_what_cannot_be_a_login_is_refused(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        for login in ("", "a", "a b", "a:b", "-a", "a" * 65, "a\nb", "a\x00b", "<a>", "cli:root", "\ud800a"):
            with pytest.raises(BadRecord):
                accounts.create(connection, actor=HOUSE, login=login, name="王", organisation_id=ROOT)
            with pytest.raises(UnknownAccount):
                accounts.by_login(connection, login)


def test_a_login_is_given_once(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        somebody(connection, "wang")
        with pytest.raises(BadRecord, match="taken"):
            somebody(connection, "WANG", organisation_id=CHENGDU)
        assert len(accounts.every(connection)) == 1


def test_accounts_are_listed_below_an_organisation(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        for login, place in (("wang", WENJIANG), ("li", CHENGDU), ("zhao", MIANYANG)):
            somebody(connection, login, organisation_id=place)
        assert [account.login for account in accounts.every(connection)] == ["li", "wang", "zhao"]
        assert [account.login for account in accounts.every(connection, CHENGDU)] == ["li", "wang"]


def test_an_account_without_a_password_opens_to_nobody(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        accounts.create(connection, actor=HOUSE, login="wang", name="王", organisation_id=ROOT)
    for password in ("", PASSWORD):
        with pytest.raises(BadCredentials):
            signing_in.authenticate(database, "wang", password)


def test_another_password_ends_every_session_but_the_one_that_changes_it(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang")
        mine, _ = sessions.start(connection, who.id, LIMITS)
        sessions.start(connection, who.id, LIMITS)
        hashed = passwords.chosen("另一个-更长的-口令-42", login="wang")
        accounts.change_password(connection, who.id, hashed, keep_session=mine.id)
        assert sessions.of_account(connection, who.id, LIMITS) == [mine]
    assert signing_in.authenticate(database, "wang", "另一个-更长的-口令-42") == who
    with pytest.raises(BadCredentials):
        signing_in.authenticate(database, "wang", PASSWORD)


def test_a_reset_password_must_be_changed_and_ends_all_sessions(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang")
        sessions.start(connection, who.id, LIMITS)
        hashed, text = passwords.temporary()
        after = accounts.reset_password(connection, who.id, hashed, actor=HOUSE)
        assert sessions.of_account(connection, who.id, LIMITS) == []
    assert after.temporary_until == fixed_clock + accounts.TEMPORARY_LIFE_MS
    assert signing_in.authenticate(database, "wang", text).must_change_password
    with database.begin() as connection:
        chosen = passwords.chosen(PASSWORD, login="wang")
        assert not accounts.change_password(connection, who.id, chosen).must_change_password


def test_a_closed_account_opens_to_nobody_until_it_is_opened_again(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", role=StaffRole.AUTHOR)
        sessions.start(connection, who.id, LIMITS)
        assert accounts.disable(connection, who.id, actor=HOUSE).disabled_at == fixed_clock
        accounts.disable(connection, who.id, actor=HOUSE)
        assert sessions.of_account(connection, who.id, LIMITS) == []
    with pytest.raises(BadCredentials):
        signing_in.authenticate(database, "wang", PASSWORD)
    with database.begin() as connection:
        assert not accounts.enable(connection, who.id, actor=HOUSE).disabled
        told = audit.entries(connection, limit=9, object_kind="account", object_id=who.id)
    assert [entry.action for entry in told] == ["account.enable", "account.disable", "grant.create", "account.create"]
    assert signing_in.authenticate(database, "wang", PASSWORD) == who


def test_who_administers_a_county_takes_over_nobody_with_a_role_above_it(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        boss = somebody(connection, "boss", organisation_id=WENJIANG, role=StaffRole.ADMINISTRATOR)
        who = somebody(connection, "wang", organisation_id=WENJIANG, role=StaffRole.REVIEWER_3, at=ROOT)
        hashed, _ = passwords.temporary()
        with pytest.raises(NotAllowed):
            accounts.reset_password(connection, who.id, hashed, actor=boss.id)
        for switch in (accounts.disable, accounts.enable):
            with pytest.raises(NotAllowed):
                switch(connection, who.id, actor=boss.id)
        with pytest.raises(NotAllowed):
            accounts.create(connection, actor=boss.id, login="li", name="李", organisation_id=CHENGDU)
        roles.revoke(connection, actor=HOUSE, account_id=who.id, role="reviewer_3", organisation_id=ROOT)
        assert accounts.reset_password(connection, who.id, hashed, actor=boss.id).must_change_password


def test_no_secret_is_ever_in_the_log(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", role=StaffRole.ADMINISTRATOR)
        hashed, given = passwords.temporary()
        accounts.reset_password(connection, who.id, hashed, actor=HOUSE)
        other = passwords.chosen("另一个-更长的-口令-42", login="wang")
        accounts.change_password(connection, who.id, other)
        _, session_token = sessions.start(connection, who.id, LIMITS)
        key, key_token = keys.create(connection, role="editor")
        keys.revoke(connection, key.id)
        sessions.kill_all(connection, who.id, actor=HOUSE)
        rows = [str(row) for row in audit.entries(connection, limit=99)]
        stored = connection.execute(sa.select(schema.service_keys.c.digest)).scalar_one()
    secrets = [PASSWORD, given, hashed.text, other.text, "另一个", session_token, key_token[-43:], stored, "argon2"]
    assert len(rows) > 25
    assert [secret for secret in secrets if any(secret in row for row in rows)] == []


def test_an_account_is_not_deleted(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", role=StaffRole.AUTHOR)
    with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
        connection.execute(sa.delete(schema.accounts).where(schema.accounts.c.id == who.id))
