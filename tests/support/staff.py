"""A small world of those who work here: the province, two prefectures with counties below, and people with roles."""

from __future__ import annotations

from content_store import accounts, organisations, passwords, roles
from content_store.accounts import Account
from content_store.db import Connection
from content_store.staff_vocabulary import StaffRole

HOUSE = "cli:tests"
PASSWORD = "竹海-听风-1987-书"
ROOT, CHENGDU, MIANYANG = organisations.ROOT, "510100", "510700"
WENJIANG, FUCHENG, MUSEUM = "510115", "510703", "museum"


def found_organisations(connection: Connection) -> None:
    """The province with its prefectures, a county in each of two, and a base in one of those."""
    organisations.seed(connection, actor=HOUSE)
    for id, parent_id, kind, name in (
        (WENJIANG, CHENGDU, "county", "温江区科协"),
        (FUCHENG, MIANYANG, "county", "涪城区科协"),
        (MUSEUM, WENJIANG, "base", "温江科技馆"),
    ):
        organisations.create(connection, actor=HOUSE, id=id, parent_id=parent_id, kind=kind, name=name)


def somebody(
    connection: Connection,
    login: str,
    *,
    organisation_id: str = ROOT,
    role: StaffRole | None = None,
    at: str | None = None,
) -> Account:
    """An account with ``PASSWORD``, and with ``role`` in its organisation, or ``at`` another one."""
    hashed = passwords.chosen(PASSWORD, login=login)
    made = accounts.create(
        connection, actor=HOUSE, login=login, name=f"{login}先生", organisation_id=organisation_id, password=hashed
    )
    if role is not None:
        roles.grant(connection, actor=HOUSE, account_id=made.id, role=role, organisation_id=at or organisation_id)
    return made
