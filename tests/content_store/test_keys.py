"""Service tokens: shown once, known by a digest, revoked for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store import audit, clock, keys, organisations, schema
from content_store.db import Database
from content_store.errors import BadKey, BadRecord, UnknownKey, UnknownOrganisation
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import Role


def test_a_token_opens_what_its_key_is_for(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        organisations.seed(connection, actor="cli:tests")
        made, token = keys.create(connection, role="editor", organisation="510100")
        found = keys.verify(connection, token)
    assert found == made
    assert (found.role, found.organisation, found.created_at) == (Role.EDITOR, "510100", fixed_clock)
    assert (found.last_used_at, found.revoked_at) == (None, None)


def test_the_token_is_nowhere_in_the_database(database: Database) -> None:
    with database.begin() as connection:
        _, token = keys.create(connection, role=Role.SERVICE)
        stored = connection.execute(sa.select(schema.service_keys)).one()
    secret = token.split("_", 3)[3]
    assert len(secret) == 43
    assert not any(secret in str(value) for value in stored)


def test_two_tokens_have_nothing_in_common(database: Database) -> None:
    with database.begin() as connection:
        first, second = (keys.create(connection, role=Role.SERVICE) for _ in range(2))
    assert first[0].id != second[0].id
    assert first[1][-43:] != second[1][-43:]


@pytest.mark.parametrize("spoil", ["", "x", "\x00", "\ud800", "é"])
def test_anything_but_the_token_opens_nothing(database: Database, spoil: str) -> None:
    with database.begin() as connection:
        _, token = keys.create(connection, role=Role.SERVICE)
        identifier = token.split("_")[2]
        wrong = [token[:-1] + spoil, token + "x", spoil, keys.PREFIX + spoil, f"{keys.PREFIX}{identifier}_{spoil}"]
        wrong += [f"{keys.PREFIX}{spoil}_{token[-43:]}", token.removeprefix("kepu_"), token.upper()]
        for text in wrong:
            with pytest.raises(BadKey):
                keys.verify(connection, text)


def test_a_revoked_token_opens_nothing_from_then_on(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        key, token = keys.create(connection, role=Role.SERVICE)
        assert keys.revoke(connection, key.id).revoked_at == fixed_clock
        with clock.fixed(fixed_clock + 9):
            assert keys.revoke(connection, key.id).revoked_at == fixed_clock
        with pytest.raises(BadKey, match="revoked"):
            keys.verify(connection, token)


def test_uses_are_noted_to_the_minute(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        key, token = keys.create(connection, role=Role.SERVICE)
        assert key.use_is_news(fixed_clock)
        keys.note_use(connection, key.id)
        used = keys.verify(connection, token)
    assert used.last_used_at == fixed_clock
    assert not used.use_is_news(fixed_clock + 59_999)
    assert used.use_is_news(fixed_clock + 60_000)


def test_all_keys_are_listed_the_oldest_first(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        with clock.fixed(fixed_clock + 1):
            later, _ = keys.create(connection, role=Role.BASE)
        earlier, _ = keys.create(connection, role=Role.SERVICE)
        assert [key.id for key in keys.every(connection)] == [earlier.id, later.id]


def test_an_unknown_role_and_an_unknown_key_are_named(database: Database) -> None:
    with database.begin() as connection:
        with pytest.raises(BadRecord, match="'king' is no role"):
            keys.create(connection, role="king")
        with pytest.raises(UnknownKey, match="abc"):
            keys.revoke(connection, "abc")
        assert keys.every(connection) == []


def test_a_token_ends_when_it_was_said_to(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        made, token = keys.create(connection, role="service", expires_at=fixed_clock + 10)
        with clock.fixed(fixed_clock + 9):
            assert keys.verify(connection, token) == made
        with clock.fixed(fixed_clock + 10), pytest.raises(BadKey, match="ended"):
            keys.verify(connection, token)
        with pytest.raises(BadRecord, match="ended already"):
            keys.create(connection, role="service", expires_at=fixed_clock)


def test_an_organisation_that_is_not_there_gets_no_token(database: Database) -> None:
    with database.begin() as connection, pytest.raises(UnknownOrganisation):
        keys.create(connection, role="service", organisation="省科协")


def test_a_token_of_before_there_were_organisations_still_opens_what_it_did(database: Database) -> None:
    with database.begin() as connection:
        organisations.seed(connection, actor="cli:tests")
        made, token = keys.create(connection, role="editor")
        connection.execute(sa.update(schema.service_keys).values(organisation="省科协"))
        assert keys.verify(connection, token).organisation == "省科协"
        for place in (organisations.ROOT, "省科协", None):
            assert not keys.may(connection, made.id, Permission.WRITE_WORKS, place)


def test_the_log_tells_of_tokens_made_and_revoked(database: Database) -> None:
    with database.begin() as connection:
        key, _ = keys.create(connection, role="service", actor="cli:tests")
        keys.revoke(connection, key.id, actor="cli:tests")
        keys.revoke(connection, key.id, actor="cli:tests")
        told = audit.entries(connection, limit=9, object_kind="key", object_id=key.id)
    assert [(entry.action, entry.actor) for entry in told] == [("key.revoke", "cli:tests"), ("key.create", "cli:tests")]
