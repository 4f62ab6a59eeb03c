"""Who belongs to the alliance, how they came there, and what they may hand in on a day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from content_store import audit, clock, roles
from content_store.alliance import allowance, creators
from content_store.alliance.admission import Application, Channel, Criteria, Sample
from content_store.creator_words import Licence, Membership, Trust, Unmet
from content_store.db import Database
from content_store.errors import (
    AllowanceUsed,
    BadRecord,
    CriteriaNotMet,
    NotAllowed,
    NotAMember,
    StaleRevision,
    UnknownCreator,
)
from content_store.review_words import AiUse
from content_store.settings import load_settings
from content_store.staff_vocabulary import Permission, StaffRole
from content_store.vocabulary import Topic
from tests.support.staff import CHENGDU, HOUSE, MIANYANG, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords", "fixed_clock")

CRITERIA = Criteria.of(load_settings({}))
ALLOWANCES = {Trust.NEW: 2, Trust.PROVEN: 3, Trust.TRUSTED: 4}
SAMPLES = tuple(Sample(f"第 {number} 篇", f"https://example.org/{number}") for number in range(10))
GOOD = Application(
    expertise=(Topic.SPACE, Topic.ASTRO_GEO),
    channels=(Channel("微信公众号", "https://example.org/me", 4_000), Channel("抖音", "https://example.org/dy", 1_000)),
    samples=SAMPLES[:3],
    statement="写了十年天文科普。",
    licence=Licence.CC_BY,
    ai_use=AiUse.ASSISTED,
)


@pytest.fixture
def people(database: Database) -> tuple[str, str]:
    """Someone who writes, and someone who decides."""
    with database.begin() as connection:
        found_organisations(connection)
        return somebody(connection, "writer").id, somebody(connection, "chief", role=StaffRole.OPERATOR).id


@pytest.mark.parametrize(
    ("application", "unmet"),
    [
        (GOOD, []),
        (Application(expertise=()), [Unmet.EXPERTISE, Unmet.FOLLOWERS, Unmet.SAMPLES, Unmet.STATEMENT]),
        (Application(expertise=(Topic.SPACE,), samples=SAMPLES[:3], statement="我"), [Unmet.FOLLOWERS]),
        (Application(expertise=(Topic.SPACE,), samples=SAMPLES, statement="我"), []),
        (Application(expertise=(Topic.SPACE,), samples=SAMPLES, statement="  "), [Unmet.STATEMENT]),
    ],
)
def test_an_application_is_held_against_the_published_criteria(application: Application, unmet: list[Unmet]) -> None:
    assert CRITERIA.unmet(application) == unmet
    assert set(unmet) <= CRITERIA.told().keys()


def test_works_make_up_for_followers_only_where_a_setting_says_so() -> None:
    strict = Criteria.of(load_settings({"KEPU_ADMISSION_SAMPLES_INSTEAD": "0"}))
    assert strict.unmet(Application(expertise=(Topic.SPACE,), samples=SAMPLES, statement="我")) == [Unmet.FOLLOWERS]


def test_the_way_of_a_creator_is_kept_step_by_step(database: Database, people: tuple[str, str]) -> None:
    writer, chief = people
    with database.begin() as connection:
        applied = creators.apply(connection, writer, GOOD)
        assert (applied.state, applied.application) == (Membership.APPLIED, GOOD)
        creators.refuse(connection, writer, "代表作品打不开。", actor=chief)
        creators.apply(connection, writer, GOOD)
        admitted = creators.admit(connection, writer, CRITERIA, actor=chief)
        creators.set_trust(connection, writer, Trust.PROVEN, "十篇作品均一次通过", actor=chief)
        creators.suspend(connection, writer, "转载他人作品，核查中", actor=chief)
        creators.reinstate(connection, writer, "核查无误", actor=chief)
        creators.leave(connection, writer)
        again = creators.apply(connection, writer, GOOD)
        steps = creators.history(connection, writer)
        logged = [entry.action for entry in audit.entries(connection, limit=50) if entry.object_kind == "creator"]
        assert audit.verify(connection).flaws == ()
    assert admitted.admitted_at == clock.now_ms()
    assert [step.state.value for step in steps] == [
        *("applied", "refused", "applied", "admitted", "admitted", "suspended", "admitted", "left", "applied")
    ]
    assert [step.reason for step in steps][1] == "代表作品打不开。"
    assert again.trust is Trust.NEW  # what was earned is not brought back by oneself
    assert sorted(logged) == sorted(
        ["creator.apply"] * 3
        + ["creator.refused", "creator.trust", "creator.suspended", "creator.left"]
        + ["creator.admitted"] * 2
    )


def test_a_member_may_write_where_they_belong_for_as_long_as_they_are_one(
    database: Database, people: tuple[str, str]
) -> None:
    chief = people[1]

    def may_write(place: str) -> bool:
        return roles.may(connection, writer, Permission.WRITE_WORKS, place)

    with database.begin() as connection:
        writer = somebody(connection, "chengdu", organisation_id=CHENGDU).id
        creators.apply(connection, writer, GOOD)
        assert not may_write(CHENGDU)
        creators.admit(connection, writer, CRITERIA, actor=chief)
        assert (may_write(CHENGDU), may_write(MIANYANG)) == (True, False)
        creators.suspend(connection, writer, "核查", actor=chief)
        assert not may_write(CHENGDU)
        creators.reinstate(connection, writer, "核查无误", actor=chief)
        assert may_write(CHENGDU)
        creators.leave(connection, writer)
        assert not may_write(CHENGDU)
        logged = [entry.action for entry in audit.entries(connection, limit=50, object_id=writer)]
    assert logged.count("grant.create") == logged.count("grant.revoke") == 2


def test_only_who_manages_creators_where_they_belong_decides_about_them(
    database: Database, people: tuple[str, str]
) -> None:
    with database.begin() as connection:
        writer = somebody(connection, "chengdu", organisation_id=CHENGDU).id
        elsewhere = somebody(connection, "elsewhere", organisation_id=MIANYANG, role=StaffRole.OPERATOR).id
        creators.apply(connection, writer, GOOD)
        for stranger in (elsewhere, people[0]):
            with pytest.raises(NotAllowed):
                creators.admit(connection, writer, CRITERIA, actor=stranger)
            with pytest.raises(NotAllowed):
                creators.refuse(connection, writer, "不行", actor=stranger)
        creators.admit(connection, writer, CRITERIA, actor=people[1])
        with pytest.raises(NotAllowed):
            creators.set_trust(connection, writer, Trust.TRUSTED, "好", actor=elsewhere)


def test_who_does_not_meet_the_criteria_is_admitted_with_a_reason_only(
    database: Database, people: tuple[str, str]
) -> None:
    writer, chief = people
    with database.begin() as connection:
        creators.apply(connection, writer, Application(expertise=(Topic.SPACE,), statement="院士"))
        with pytest.raises(CriteriaNotMet, match="粉丝") as refused:
            creators.admit(connection, writer, CRITERIA, actor=chief)
        assert len(refused.value.unmet) == 2
        for blank in ("", "  "):
            with pytest.raises(CriteriaNotMet):
                creators.admit(connection, writer, CRITERIA, actor=chief, exception=blank)
        creators.admit(connection, writer, CRITERIA, actor=chief, exception="中国工程院院士，特邀")
        assert creators.history(connection, writer)[-1].reason == "中国工程院院士，特邀"


def test_nobody_decides_about_themselves_and_every_refusal_has_a_reason(
    database: Database, people: tuple[str, str]
) -> None:
    writer, chief = people
    with database.begin() as connection:
        creators.apply(connection, writer, GOOD)
        with pytest.raises(BadRecord, match="themselves"):
            creators.admit(connection, writer, CRITERIA, actor=writer)
        with pytest.raises(BadRecord, match="reason"):
            creators.refuse(connection, writer, " ", actor=chief)
        with pytest.raises(UnknownCreator):
            creators.admit(connection, chief, CRITERIA, actor=writer)
        with pytest.raises(BadRecord, match="cannot become"):
            creators.suspend(connection, writer, "x", actor=chief)
        with pytest.raises(BadRecord, match="only members"):
            creators.set_trust(connection, writer, Trust.TRUSTED, "x", actor=chief)


def test_the_second_who_changes_an_application_is_told(database: Database, people: tuple[str, str]) -> None:
    writer, chief = people
    with database.begin() as connection:
        first = creators.apply(connection, writer, GOOD)
        creators.apply(connection, writer, GOOD, revision=first.revision)
        with pytest.raises(StaleRevision):
            creators.apply(connection, writer, GOOD, revision=first.revision)
        member = creators.admit(connection, writer, CRITERIA, actor=chief)
        with pytest.raises(BadRecord, match="need not apply"):
            creators.apply(connection, writer, GOOD)
        changed = creators.amend(connection, writer, Application(expertise=(Topic.ENERGY,)), revision=member.revision)
        assert (changed.state, changed.application.expertise) == (Membership.ADMITTED, (Topic.ENERGY,))


@pytest.mark.parametrize(
    "application",
    [
        Application(expertise=(Topic.SPACE,), channels=(Channel("微博", "javascript:alert(1)", 1),)),
        Application(expertise=(Topic.SPACE,), channels=(Channel("微博", "https://a b", 1),)),
        Application(expertise=(Topic.SPACE,), channels=(Channel("微博", "https://a", -1),)),
        Application(expertise=(Topic.SPACE,), channels=(Channel("", "https://a", 1),)),
        Application(expertise=(Topic.SPACE,), samples=(Sample("题\x00", "https://a"),)),
        Application(expertise=(Topic.SPACE,), samples=SAMPLES * 3),
        Application(expertise=(Topic.SPACE,), statement="长" * 2_001),
    ],
)
def test_what_cannot_be_shown_is_not_taken(
    database: Database, people: tuple[str, str], application: Application
) -> None:
    with database.begin() as connection:
        with pytest.raises(BadRecord):
            creators.apply(connection, people[0], application)
        assert creators.find(connection, people[0]) is None


def test_works_are_taken_up_to_the_allowance_of_a_day_of_shanghai(database: Database, people: tuple[str, str]) -> None:
    writer, chief = people
    with database.begin() as connection:
        with pytest.raises(NotAMember):
            allowance.take(connection, writer, ALLOWANCES)
        creators.apply(connection, writer, GOOD)
        with pytest.raises(NotAMember):
            allowance.take(connection, writer, ALLOWANCES)
        creators.admit(connection, writer, CRITERIA, actor=chief)
        assert [allowance.take(connection, writer, ALLOWANCES) for _ in range(2)] == [1, 2]
        with pytest.raises(AllowanceUsed):
            allowance.take(connection, writer, ALLOWANCES)
        creators.set_trust(connection, writer, Trust.PROVEN, "好", actor=chief)
        assert allowance.left(connection, writer, ALLOWANCES) == 1
        assert allowance.take(connection, writer, ALLOWANCES) == 3
        with clock.fixed(clock.now_ms() + 12 * 3_600_000):  # midnight in Shanghai
            assert allowance.left(connection, writer, ALLOWANCES) == 3
        with pytest.raises(AllowanceUsed):
            allowance.take(connection, writer, dict.fromkeys(Trust, 0))


def test_of_many_works_that_come_at_once_no_more_than_allowed_are_taken(
    database: Database, people: tuple[str, str]
) -> None:
    writer, chief = people
    with database.begin() as connection:
        creators.apply(connection, writer, GOOD)
        creators.admit(connection, writer, CRITERIA, actor=chief)

    def hand_in(_: int) -> bool:
        try:
            with database.begin() as connection:
                allowance.take(connection, writer, ALLOWANCES)
        except AllowanceUsed:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(hand_in, range(12))) == 2


@pytest.mark.parametrize(
    ("published", "failed", "trust"),
    [(0, 0, Trust.NEW), (9, 0, Trust.NEW), (10, 0, Trust.PROVEN), (10, 2, Trust.NEW), (50, 5, Trust.TRUSTED)],
)
def test_trust_is_earned_by_works_that_stand(published: int, failed: int, trust: Trust) -> None:
    assert creators.earned(published, failed) is trust


def test_those_who_wait_are_listed_with_who_waits_longest_first(database: Database, people: tuple[str, str]) -> None:
    writer, chief = people
    with database.begin() as connection:
        creators.apply(connection, chief, GOOD)
        with clock.fixed(clock.now_ms() + 1_000):
            creators.apply(connection, writer, GOOD)
            assert [each.account_id for each in creators.every(connection, Membership.APPLIED)] == [chief, writer]
            creators.admit(connection, chief, CRITERIA, actor=HOUSE)
        assert [each.account_id for each in creators.every(connection, Membership.APPLIED)] == [writer]
