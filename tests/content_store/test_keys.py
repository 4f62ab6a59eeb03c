"""Service tokens: shown once, known by a digest, revoked for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store import clock, keys, schema
from content_store.db import Database
from content_store.errors import BadKey, BadRecord, UnknownKey
from content_store.vocabulary import Role


def test_a_token_opens_what_its_key_is_for(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        made, token = keys.create(connection, role="editor", organisation="省科协")
        found = keys.verify(connection, token)
    assert found == made
    assert (found.role, found.organisation, found.created_at) == (Role.EDITOR, "省科协", fixed_clock)
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
