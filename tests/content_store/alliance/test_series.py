"""大咖说 and 大家说: who may answer a call, with what, and until when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from content_store import clock
from content_store.alliance import creators, series
from content_store.alliance.admission import Application, Criteria
from content_store.alliance.series import Call
from content_store.creator_words import SeriesKind
from content_store.db import Connection, Database
from content_store.errors import BadRecord, CallClosed, NotAMember, NotInvited, UnknownCall, UnknownContent
from content_store.review import versions
from content_store.review.trail import Actor
from content_store.review_words import ContentOrigin
from content_store.vocabulary import Topic
from tests.support.staff import HOUSE, ROOT, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

HOUR = 3_600_000
EVERYBODY = Criteria(0, 0, 0)


@dataclass(frozen=True)
class House:
    """A writer, another one, and someone who is no member."""

    database: Database
    writer: str
    other: str
    stranger: str


@pytest.fixture
def house(database: Database) -> House:
    with database.begin() as connection:
        found_organisations(connection)
        names = [somebody(connection, login).id for login in ("writer", "other", "stranger")]
        for name in names[:2]:
            creators.apply(connection, name, Application(expertise=(Topic.SPACE,), statement="我"))
            creators.admit(connection, name, EVERYBODY, actor=HOUSE)
    return House(database, *names)


def call_for(connection: Connection, kind: SeriesKind = SeriesKind.OPEN, **given: Any) -> Call:
    now = clock.now_ms()
    told: dict[str, Any] = {"title": "九月的天空", "organisation_id": ROOT, "opens_at": now, "deadline_at": now + HOUR}
    return series.announce(connection, series=kind, actor=HOUSE, **told | given)


def work_of(connection: Connection, account_id: str, id: str) -> str:
    writer = Actor(account_id, "写手")
    versions.create(
        connection,
        writer,
        ContentOrigin.UPLOAD,
        id=id,
        author_id=account_id,
        title="题目",
        body="正文",
        topic=Topic.SPACE,
    )
    return id


def test_every_member_answers_an_open_call_with_works_of_their_own(house: House) -> None:
    with house.database.begin() as connection:
        call = call_for(connection, most_entries=2, topic=Topic.SPACE)
        mine = [work_of(connection, house.writer, f"mine-{number}") for number in range(3)]
        theirs = work_of(connection, house.other, "theirs")
        assert series.enter(connection, call.id, house.writer, mine[0]).content_id == mine[0]
        assert series.enter(connection, call.id, house.writer, mine[0]).content_id == mine[0]
        with pytest.raises(BadRecord, match="not a work of"):
            series.enter(connection, call.id, house.writer, theirs)
        with pytest.raises(UnknownContent):
            series.enter(connection, call.id, house.writer, "nothing")
        with pytest.raises(NotAMember):
            series.enter(connection, call.id, house.stranger, mine[1])
        series.enter(connection, call.id, house.writer, mine[1])
        with pytest.raises(BadRecord, match="as many as"):
            series.enter(connection, call.id, house.writer, mine[2])
        series.take_back(connection, call.id, house.writer, mine[0])
        series.enter(connection, call.id, house.writer, mine[2])
        series.enter(connection, call.id, house.other, theirs)
        series.take_back(connection, call.id, house.writer, mine[2])
        series.enter(connection, call.id, house.writer, mine[0])  # again, after it was taken back
        standing = {each.content_id for each in series.entries(connection, call.id) if each.withdrawn_at is None}
        assert standing == {mine[0], mine[1], theirs}


def test_of_works_entered_at_once_no_more_than_allowed_stand(house: House) -> None:
    with house.database.begin() as connection:
        call = call_for(connection)
        works = [work_of(connection, house.writer, f"work-{number}") for number in range(6)]

    def enter(work: str) -> bool:
        try:
            with house.database.begin() as connection:
                series.enter(connection, call.id, house.writer, work)
        except BadRecord:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(enter, works)) == 1


def test_works_are_taken_from_the_opening_to_the_deadline(house: House) -> None:
    now = clock.now_ms()
    with house.database.begin() as connection:
        call = call_for(connection, opens_at=now + 10, deadline_at=now + HOUR)
        work = work_of(connection, house.writer, "work")
        with pytest.raises(CallClosed):
            series.enter(connection, call.id, house.writer, work)
        with clock.fixed(now + HOUR):
            with pytest.raises(CallClosed):
                series.enter(connection, call.id, house.writer, work)
            assert series.current(connection) == []
            series.postpone(connection, call.id, now + 2 * HOUR, actor=HOUSE)
            series.enter(connection, call.id, house.writer, work)
            assert [each.id for each in series.current(connection)] == [call.id]
        with clock.fixed(now + 2 * HOUR), pytest.raises(CallClosed):
            series.take_back(connection, call.id, house.writer, work)
        series.cancel(connection, call.id, actor=HOUSE)
        series.cancel(connection, call.id, actor=HOUSE)
        with pytest.raises(CallClosed):
            series.postpone(connection, call.id, now + 3 * HOUR, actor=HOUSE)
        with pytest.raises(UnknownCall):
            series.get(connection, "nothing")


def test_an_invited_series_is_answered_by_those_who_accepted(house: House) -> None:
    with house.database.begin() as connection:
        call = call_for(connection, SeriesKind.INVITED)
        work = work_of(connection, house.writer, "work")
        with pytest.raises(NotInvited):
            series.answer(connection, call.id, house.writer, accept=True)
        with pytest.raises(NotAMember):
            series.invite(connection, call.id, [house.stranger], actor=HOUSE)
        assert series.invite(connection, call.id, [house.writer, house.writer], actor=HOUSE) == [house.writer]
        assert series.invite(connection, call.id, [house.writer], actor=HOUSE) == []
        for accepted in (None, False):
            if accepted is not None:
                series.answer(connection, call.id, house.writer, accept=accepted)
            with pytest.raises(NotInvited):
                series.enter(connection, call.id, house.writer, work)
        series.answer(connection, call.id, house.writer, accept=True)
        series.enter(connection, call.id, house.writer, work)
        assert [each.accepted for each in series.invited_to(connection, house.writer)] == [True]
        with pytest.raises(BadRecord, match="open to every member"):
            series.invite(connection, call_for(connection).id, [house.other], actor=HOUSE)


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"most_entries": 0}, {"most_entries": 21}, {"deadline_at": 5}, {"opens_at": 2**50}]
)
def test_a_call_that_nobody_could_answer_is_not_made(house: House, wrong: dict[str, Any]) -> None:
    with house.database.begin() as connection:
        with pytest.raises(BadRecord):
            call_for(connection, **wrong)
        assert series.current(connection) == []
