"""The people of an organisation and the log, for those who administer and audit."""

from __future__ import annotations

import pytest
from flask import Flask

from content_store import audit
from content_store.accounts import Account
from content_store.staff_vocabulary import StaffRole
from tests.support.staff import CHENGDU, ROOT, WENJIANG, somebody
from tests.web.conftest import opened
from tests.web.staff.conftest import Desk


def test_an_organisation_shows_its_people_what_they_may_do_and_what_is_below(app: Flask, desk: Desk) -> None:
    with opened(app).database.begin() as connection:
        somebody(connection, "li", organisation_id=WENJIANG, role=StaffRole.REVIEWER_1)
    desk.sign_in("wang")
    page = desk.see(f"/staff/organisations/{CHENGDU}")
    assert "wang先生（wang）" in page
    assert "li先生" not in page
    assert f'href="/staff/organisations/{WENJIANG}"' in page
    below = desk.see(f"/staff/organisations/{WENJIANG}")
    assert "温江区科协：一审编辑" in below
    assert "温江科技馆" in below
    assert desk.client.get(f"/staff/organisations/{ROOT}").status_code == 403
    assert "没有权限" in desk.client.get(f"/staff/organisations/{ROOT}").text
    assert desk.client.get("/staff/organisations/nowhere").status_code == 404


def test_an_administrator_ends_the_sessions_of_their_people(app: Flask, desk: Desk, wang: Account) -> None:
    with opened(app).database.begin() as connection:
        li = somebody(connection, "li", organisation_id=WENJIANG)
        boss = somebody(connection, "boss", organisation_id=WENJIANG, role=StaffRole.REVIEWER_3, at=ROOT)
    desk.sign_in("wang")
    for login, account, status in (("li", li, 303), ("boss", boss, 403)):
        other = Desk(app.test_client())
        other.sign_in(login)
        answer = desk.send(f"/staff/accounts/{account.id}/sessions")
        assert answer.status_code == status
        assert other.client.get("/staff").status_code == (303 if status == 303 else 200)
    with opened(app).database.connect() as connection:
        [told] = audit.entries(connection, limit=1, object_kind="account", object_id=li.id)
    assert (told.action, told.actor) == ("session.end_all", wang.id)


@pytest.fixture
def auditor(app: Flask, desk: Desk) -> Desk:
    """Somebody who audits the province, signed in."""
    with opened(app).database.begin() as connection:
        somebody(connection, "auditor", role=StaffRole.AUDITOR)
    desk.sign_in("auditor")
    return desk


def test_the_log_is_shown_page_by_page_with_its_newest_hash(app: Flask, auditor: Desk) -> None:
    page = auditor.see("/staff/audit")
    with opened(app).database.connect() as connection:
        head = audit.head(connection)
    assert head.hash in page
    assert "auditor先生" in page
    with opened(app).database.begin() as connection:
        changes = [audit.Change("x", "thing", f"<i>{at}", None, {"n": at}) for at in range(60)]
        audit.record_all(connection, "system:tests", changes)
    page = auditor.see("/staff/audit")
    assert "&lt;i&gt;59" in page
    assert "&lt;i&gt;5 " not in page
    older = page.split('href="/staff/audit?below=')[1].split('"')[0]
    assert "&lt;i&gt;5<" in auditor.see(f"/staff/audit?below={older}")


@pytest.mark.parametrize("below", ["x", "-1", "1.5", "9" * 40, "٣"])
def test_a_page_of_the_log_that_is_none_is_the_first(auditor: Desk, below: str) -> None:
    assert 'class="log"' in auditor.see(f"/staff/audit?below={below}")
