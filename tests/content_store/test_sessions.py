"""Sessions: known by a token nobody can read back, over when they should be, gone at once when ended."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store import accounts, audit, clock, schema, sessions
from content_store.db import Database
from content_store.errors import UnknownSession
from content_store.sessions import SEEN_EVERY_MS, Limits
from content_store.settings import load_settings
from tests.support.staff import HOUSE, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords")

LIMITS = Limits(idle_ms=600_000, life_ms=3_600_000)


@pytest.fixture
def wang(database: Database) -> str:
    """The id of somebody who may sign in."""
    with database.begin() as connection:
        found_organisations(connection)
        return somebody(connection, "wang").id


def test_a_token_is_the_session_and_is_nowhere_in_the_database(database: Database, wang: str, fixed_clock: int) -> None:
    with database.begin() as connection:
        made, token = sessions.start(connection, wang, LIMITS, network="203.0.113.9", agent="Firefox\x00 " + "x" * 300)
        assert sessions.find(connection, token, LIMITS) == made
        stored = connection.execute(sa.select(schema.sessions)).one()
    assert len(token) == 43
    assert not any(token in str(value) for value in stored)
    assert (made.account_id, made.started_at, made.seen_at) == (wang, fixed_clock, fixed_clock)
    assert made.network == "203.0.113.9"
    assert made.agent is not None
    assert len(made.agent) == sessions.LONGEST_LABEL
    assert made.agent.startswith("Firefox xx")


def test_no_other_token_is_a_session(database: Database, wang: str) -> None:
    with database.begin() as connection:
        sessions.start(connection, wang, LIMITS)
        for token in ("", "x", "\x00", "\ud800", "é" * 43):
            assert sessions.find(connection, token, LIMITS) is None


def test_a_session_ends_when_nothing_is_asked_in_it(database: Database, wang: str, fixed_clock: int) -> None:
    with database.begin() as connection:
        made, token = sessions.start(connection, wang, LIMITS)
        with clock.fixed(fixed_clock + LIMITS.idle_ms - 1):
            assert sessions.find(connection, token, LIMITS) == made
            sessions.note_use(connection, made.id)
        with clock.fixed(fixed_clock + 2 * LIMITS.idle_ms - 2):
            assert sessions.find(connection, token, LIMITS) is not None
        with clock.fixed(fixed_clock + 2 * LIMITS.idle_ms):
            assert sessions.find(connection, token, LIMITS) is None
            assert sessions.of_account(connection, wang, LIMITS) == []


def test_a_session_ends_in_any_case_and_its_row_goes_with_the_next_one(
    database: Database, wang: str, fixed_clock: int
) -> None:
    with database.begin() as connection:
        made, token = sessions.start(connection, wang, LIMITS)
        for at in range(fixed_clock, fixed_clock + LIMITS.life_ms, LIMITS.idle_ms // 2):
            with clock.fixed(at):
                assert sessions.find(connection, token, LIMITS) is not None
                sessions.note_use(connection, made.id)
        with clock.fixed(fixed_clock + LIMITS.life_ms):
            assert sessions.find(connection, token, LIMITS) is None
            sessions.start(connection, wang, LIMITS)
            assert connection.scalar(sa.select(sa.func.count()).select_from(schema.sessions)) == 1


def test_the_last_use_is_news_once_a_minute(database: Database, wang: str, fixed_clock: int) -> None:
    with database.begin() as connection:
        made, token = sessions.start(connection, wang, LIMITS)
        assert not made.use_is_news(fixed_clock + SEEN_EVERY_MS - 1)
        assert made.use_is_news(fixed_clock + SEEN_EVERY_MS)
        with clock.fixed(fixed_clock + SEEN_EVERY_MS):
            sessions.note_use(connection, made.id)
            found = sessions.find(connection, token, LIMITS)
        assert found is not None
        assert found.seen_at == fixed_clock + SEEN_EVERY_MS
        sessions.note_use(connection, made.id)
        with clock.fixed(fixed_clock + SEEN_EVERY_MS):
            assert sessions.find(connection, token, LIMITS) == found


def test_one_session_is_ended_and_the_others_last(database: Database, wang: str) -> None:
    with database.begin() as connection:
        other = somebody(connection, "li").id
        first, token = sessions.start(connection, wang, LIMITS)
        second, kept = sessions.start(connection, wang, LIMITS)
        with pytest.raises(UnknownSession):
            sessions.end(connection, other, first.id, actor=other)
        sessions.end(connection, wang, first.id, actor=wang)
        assert sessions.find(connection, token, LIMITS) is None
        assert sessions.find(connection, kept, LIMITS) == second
        assert sessions.of_account(connection, wang, LIMITS) == [second]
        for id in (first.id, "none", "\x00"):
            with pytest.raises(UnknownSession):
                sessions.end(connection, wang, id, actor=wang)
        told = [entry.action for entry in audit.entries(connection, limit=4)]
    assert told[:3] == ["session.end", "session.start", "session.start"]


def test_all_sessions_are_ended_but_one(database: Database, wang: str) -> None:
    with database.begin() as connection:
        kept, _ = sessions.start(connection, wang, LIMITS)
        for _ in range(2):
            sessions.start(connection, wang, LIMITS)
        assert sessions.kill_all(connection, wang, actor=wang, keep=kept.id) == 2
        assert sessions.kill_all(connection, wang, actor=wang, keep=kept.id) == 0
        assert sessions.of_account(connection, wang, LIMITS) == [kept]


def test_the_sessions_of_a_closed_account_are_none(database: Database, wang: str) -> None:
    with database.begin() as connection:
        _, token = sessions.start(connection, wang, LIMITS)
        accounts.disable(connection, wang, actor=HOUSE)
        accounts.enable(connection, wang, actor=HOUSE)
        assert sessions.find(connection, token, LIMITS) is None


def test_the_limits_are_settings() -> None:
    found = Limits.of(load_settings({"KEPU_SESSION_IDLE_MIN": "5", "KEPU_SESSION_HOURS": "2"}))
    assert found == Limits(300_000, 7_200_000)
