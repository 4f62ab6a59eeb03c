"""Roles: each for an organisation and all below it, and nobody gives more than they have."""

from __future__ import annotations

import pytest

from content_store import accounts, audit, clock, keys, organisations, roles
from content_store.audit import of_key
from content_store.db import Database
from content_store.errors import BadRecord, NotAllowed, UnknownAccount, UnknownOrganisation
from content_store.staff_vocabulary import KEY_PERMISSIONS, ROLE_PERMISSIONS, Permission, StaffRole, roles_with
from content_store.vocabulary import Role
from tests.support.staff import CHENGDU, FUCHENG, HOUSE, MIANYANG, MUSEUM, ROOT, WENJIANG, found_organisations, somebody

pytestmark = pytest.mark.usefixtures("cheap_passwords")

REVIEWS = {Permission.REVIEW_FIRST, Permission.REVIEW_SECOND, Permission.REVIEW_FINAL, Permission.REVIEW_SCIENCE}


def test_a_role_holds_in_its_organisation_and_below_it_and_nowhere_else(database: Database) -> None:
    places = {CHENGDU: True, MUSEUM: True, ROOT: False, MIANYANG: False, FUCHENG: False}
    with database.begin() as connection:
        found_organisations(connection)
        for role in StaffRole:
            who = somebody(connection, role.value, organisation_id=CHENGDU, role=role)
            for permission in Permission:
                holds = permission in role.permissions
                for place, inside in places.items():
                    assert roles.may(connection, who.id, permission, place) == (holds and inside)
                assert roles.may(connection, who.id, permission, None) == holds
                assert not roles.may(connection, who.id, permission, "nowhere")
                reached = {CHENGDU, WENJIANG, MUSEUM} if holds else set()
                assert roles.reach(connection, who.id, permission) == reached
            assert roles.permissions_of(connection, who.id, WENJIANG) == role.permissions
            assert roles.permissions_of(connection, who.id, MIANYANG) == frozenset()
            assert roles.permissions_anywhere(connection, who.id) == role.permissions


def test_every_permission_is_given_by_some_role_and_has_a_name() -> None:
    assert all(roles_with(permission) for permission in Permission)
    assert all(entry.label for entry in (*Permission, *StaffRole))
    assert len({entry.label for entry in StaffRole}) == len(StaffRole)


def test_who_administers_does_not_review_and_no_programme_reviews() -> None:
    for permissions in ROLE_PERMISSIONS.values():
        assert len(permissions & REVIEWS) <= 1
        assert not (permissions & REVIEWS and Permission.MANAGE_ACCOUNTS in permissions)
    assert not any(permissions & REVIEWS for permissions in KEY_PERMISSIONS.values())


def test_a_disabled_account_may_nothing(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", role=StaffRole.REVIEWER_1)
        accounts.disable(connection, who.id, actor=HOUSE)
        assert not roles.may(connection, who.id, Permission.REVIEW_FIRST, ROOT)
        assert roles.permissions_anywhere(connection, who.id) == frozenset()
        assert not roles.may(connection, "nobody", Permission.REVIEW_FIRST, ROOT)


def test_an_organisation_that_moves_takes_its_people_with_it(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", organisation_id=MIANYANG, role=StaffRole.REVIEWER_1)
        assert not roles.may(connection, who.id, Permission.REVIEW_FIRST, MUSEUM)
        organisations.move(connection, WENJIANG, MIANYANG, actor=HOUSE)
        assert roles.may(connection, who.id, Permission.REVIEW_FIRST, MUSEUM)


def test_an_administrator_grants_within_their_organisation_only(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        boss = somebody(connection, "boss", organisation_id=CHENGDU, role=StaffRole.ADMINISTRATOR)
        inside = somebody(connection, "inside", organisation_id=WENJIANG)
        outside = somebody(connection, "outside", organisation_id=MIANYANG)
        given = roles.grant(
            connection, actor=boss.id, account_id=inside.id, role="reviewer_1", organisation_id=WENJIANG
        )
        assert (given.role, given.granted_by) == (StaffRole.REVIEWER_1, boss.id)
        assert roles.of_account(connection, inside.id) == [given]
        for account_id, place in (
            (inside.id, ROOT),
            (inside.id, MIANYANG),
            (outside.id, CHENGDU),
            (outside.id, MIANYANG),
        ):
            with pytest.raises(NotAllowed):
                roles.grant(connection, actor=boss.id, account_id=account_id, role="reviewer_2", organisation_id=place)
        assert roles.of_account(connection, outside.id) == []


def test_who_does_not_administer_grants_nothing_not_even_what_they_hold(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        other = somebody(connection, "li")
        for role in set(StaffRole) - {StaffRole.ADMINISTRATOR}:
            who = somebody(connection, role.value, role=role)
            for given in (role, StaffRole.ADMINISTRATOR):
                with pytest.raises(NotAllowed):
                    roles.grant(connection, actor=who.id, account_id=other.id, role=given, organisation_id=ROOT)
            with pytest.raises(NotAllowed):
                roles.revoke(connection, actor=other.id, account_id=who.id, role=role, organisation_id=ROOT)


def test_nobody_grants_to_themselves(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        boss = somebody(connection, "boss", role=StaffRole.ADMINISTRATOR)
        for role in StaffRole:
            with pytest.raises(NotAllowed, match="themselves"):
                roles.grant(connection, actor=boss.id, account_id=boss.id, role=role, organisation_id=CHENGDU)


def test_a_grant_is_taken_away_again_and_the_log_tells_both(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang", role=StaffRole.OPERATOR)
        same = roles.grant(connection, actor="system:x", account_id=who.id, role="operator", organisation_id=ROOT)
        assert same.granted_by == HOUSE
        roles.revoke(connection, actor=HOUSE, account_id=who.id, role="operator", organisation_id=ROOT)
        assert not roles.may(connection, who.id, Permission.SEE_OPERATIONS, None)
        told = audit.entries(connection, limit=9, object_kind="account", object_id=who.id)
        with pytest.raises(BadRecord, match="does not have"):
            roles.revoke(connection, actor=HOUSE, account_id=who.id, role="operator", organisation_id=ROOT)
    assert [entry.action for entry in told] == ["grant.revoke", "grant.create", "account.create"]
    assert told[1].after == told[0].before == f'{{"organisation_id":"{ROOT}","role":"operator"}}'


def test_what_does_not_exist_is_told(database: Database) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        who = somebody(connection, "wang")
        with pytest.raises(UnknownAccount):
            roles.grant(connection, actor=HOUSE, account_id="nobody", role="author", organisation_id=ROOT)
        with pytest.raises(UnknownOrganisation):
            roles.grant(connection, actor=HOUSE, account_id=who.id, role="author", organisation_id="nowhere")
        with pytest.raises(BadRecord, match="no role"):
            roles.grant(connection, actor=HOUSE, account_id=who.id, role="king", organisation_id=ROOT)


def test_a_service_token_may_what_its_role_allows_below_its_organisation(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        found_organisations(connection)
        for role in Role:
            bound, _ = keys.create(connection, role=role, organisation=CHENGDU)
            free, _ = keys.create(connection, role=role)
            ended, _ = keys.create(connection, role=role, expires_at=fixed_clock + 1)
            with clock.fixed(fixed_clock + 1):
                for permission in Permission:
                    holds = permission in KEY_PERMISSIONS[role]
                    for place, inside in ((MUSEUM, True), (MIANYANG, False), (ROOT, False), (None, True)):
                        assert roles.allows(connection, of_key(bound.id), permission, place) == (holds and inside)
                        assert roles.allows(connection, of_key(free.id), permission, place) == holds
                        assert not roles.allows(connection, of_key(ended.id), permission, place)
                        assert not roles.allows(connection, of_key("none"), permission, place)


def test_the_house_may_everything(database: Database) -> None:
    with database.connect() as connection:
        for permission in Permission:
            assert roles.allows(connection, "system:clock", permission, None)
            assert roles.allows(connection, HOUSE, permission, "nowhere")
