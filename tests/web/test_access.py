"""Who may ask for what: every route, as everybody, against the matrix in docs/access.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from content_store import keys, passwords, sessions
from content_store.accounts import Account
from content_store.review import submitting, versions
from content_store.review.records import Review
from content_store.review.trail import Actor
from content_store.review.versions import Words
from content_store.review_words import AiUse, ContentOrigin
from content_store.sessions import Limits
from content_store.settings import load_settings
from content_store.staff_vocabulary import KEY_PERMISSIONS, Permission, StaffRole
from content_store.vocabulary import Role, Topic
from tests.support.staff import CHENGDU, HOUSE, MIANYANG, MUSEUM, ROOT, found_organisations, somebody
from web import signed
from web.access import declare, rules_of
from web.app import create_app
from web.services import services_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
EVERYONE, SIGNED_IN = "everyone", "signed_in"
PLACES = {"own": CHENGDU, "below": MUSEUM, "above": ROOT, "elsewhere": MIANYANG}
"""Where a request is about, for people whose role is in Chengdu."""
INSIDE = {CHENGDU, MUSEUM}

_ROUTE = re.compile(r"^\| `([A-Z]+) (\S+)` \| `(\w+)` \| ([^|]+) \|$", re.MULTILINE)
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Row(NamedTuple):
    """A line of the matrix: ``scope`` is its last column."""

    method: str
    rule: str
    needs: str
    scope: str


def table(heading: str) -> list[list[str]]:
    """The cells of the table under ``heading``, without its ruler."""
    part = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def allowed_by(heading: str) -> dict[str, set[str]]:
    """For each column of a table of permissions the permissions that are ticked."""
    head, *rows = table(heading)
    return {name: {row[0] for row in rows if row[at] == "✓"} for at, name in enumerate(head) if name.isascii()}


ROWS = [Row(*found) for found in _ROUTE.findall(PAGE.read_text("utf-8"))]
ROLES = allowed_by("What roles allow")
KEYS = allowed_by("What service tokens allow")


class World(NamedTuple):
    """An app, somebody with each role in Chengdu; in each place an account without one, and a work in review."""

    app: Flask
    people: dict[StaffRole, Account]
    province: dict[StaffRole, Account]
    residents: dict[str, Account]
    tokens: dict[Role, str]
    works: dict[str, Review]

    def browser(self, account: Account) -> FlaskClient:
        """A browser in which the account has just signed in."""
        services = services_of(self.app)
        with services.database.begin() as connection:
            _, token = sessions.start(connection, account.id, Limits.of(services.settings))
        client = self.app.test_client()
        client.set_cookie(signed.COOKIE, token)
        return client


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All of it, limiting nobody."""
    folder = str(tmp_path_factory.mktemp("access"))
    app = create_app(
        load_settings({"KEPU_DATA_DIR": folder, "KEPU_RATE_PER_NETWORK": "0", "KEPU_RATE_PER_CITIZEN": "0"})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        with services_of(app).database.begin() as connection:
            found_organisations(connection)
            people = {role: somebody(connection, f"c-{role}", organisation_id=CHENGDU, role=role) for role in StaffRole}
            province = {role: somebody(connection, f"p-{role}", role=role) for role in StaffRole}
            residents = {id: somebody(connection, f"r-{id}", organisation_id=id) for id in PLACES.values()}
            tokens = {role: keys.create(connection, role=role, organisation=CHENGDU)[1] for role in Role}
        works = {place: work(app, f"work-{place}", place) for place in PLACES.values()}
        yield World(app, people, province, residents, tokens, works)
    services_of(app).close()


def work(app: Flask, id: str, place: str) -> Review:
    """The review of a work of an organisation."""
    house = Actor(None, "tests", HOUSE)
    with services_of(app).database.begin() as connection:
        words: Words = {"title": "题目", "body": "正文", "topic": Topic.DAILY, "ai_use": AiUse.NONE}
        versions.create(connection, house, ContentOrigin.EDITOR, id=id, organisation_id=place, **words)
    with services_of(app).database.begin() as connection:
        return submitting.submit(connection, id, house, services_of(app).settings, version=1)


def ask(client: FlaskClient, row: Row, path: str, **headers: str) -> TestResponse:
    """Ask for a route as its own page would: forms with their token, and nothing else in them."""
    data = {}
    if row.method != "GET" and not path.startswith("/api/") and "Authorization" not in headers:
        # Only the start page and the sign-in page are open to all who are, or are not, signed in.
        page = client.get("/staff/login", follow_redirects=True).get_data(as_text=True)
        found = _TOKEN.search(page)
        assert found, page
        data = {"form_token": found[1]}
    return client.open(path, method=row.method, data=data or None, headers=headers)


def let_in(answer: TestResponse) -> bool:
    """Whether the route was reached: it may find fault with the request, but not with who asks."""
    assert answer.status_code < 500, answer.get_data(as_text=True)
    to_sign_in = answer.status_code in (302, 303) and "/staff/login?back=" in answer.headers["Location"]
    return answer.status_code not in (401, 403) and not to_sign_in


def targets(world: World, row: Row) -> dict[str, str | None]:
    """The addresses by which a route is asked for, each with the organisation that it is about (None: none)."""
    plain = re.sub(r"<path:\w+>", "nothing", row.rule)
    if row.scope == "organisation `id`":
        return {row.rule.replace("<path:id>", place): place for place in PLACES.values()}
    if row.scope == "account `id`":
        return {row.rule.replace("<path:id>", world.residents[place].id): place for place in PLACES.values()}
    if row.scope in ("content `id`", "review `id`"):
        review = row.scope == "review `id`"
        ids = {place: found.id if review else found.content_id for place, found in world.works.items()}
        return {row.rule.replace("<path:id>", ids[place]): place for place in PLACES.values()}
    if row.scope == "the province":
        return {plain: ROOT}
    assert row.scope == "–", f"tests/web/test_access.py does not know how to ask about {row.scope!r}"
    return {plain: None}


def expected(row: Row, permissions: set[str], place: str | None, *, at_root: bool) -> bool:
    """What the matrix says of somebody with these permissions in Chengdu, or in the whole province."""
    if row.needs in (EVERYONE, SIGNED_IN):
        return True
    return row.needs in permissions and (at_root or place is None or place in INSIDE)


def test_every_route_is_in_the_matrix_once_and_says_there_what_it_says_itself(world: World) -> None:
    names = {"the_province": "the province", "organisation": "organisation `id`"}
    names |= {"organisation_of_account": "account `id`"}
    names |= {"organisation_of_content": "content `id`", "organisation_of_review": "review `id`"}
    said = [
        Row(method, rule.rule, str(found.needs), names[found.where.__name__] if found.where else "–")
        for rule in world.app.url_map.iter_rules()
        for found in [rules_of(world.app)[rule.endpoint]]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    assert sorted(said) == sorted(ROWS)


def test_roles_and_tokens_allow_what_the_matrix_says() -> None:
    assert {row[0] for row in table("What roles allow")[1:]} == set(Permission)
    assert {role: role.permissions for role in StaffRole} == {role: ROLES[role] for role in StaffRole}
    assert {role: KEY_PERMISSIONS[role] for role in Role} == {role: KEYS[role] for role in Role}
    assert all(f"| `{entry}` | {entry.label} |" in PAGE.read_text("utf-8") for entry in Permission)


@pytest.mark.parametrize("role", StaffRole)
def test_each_role_gets_where_the_matrix_says_and_nowhere_else(world: World, role: StaffRole) -> None:
    wrong = []
    for account, at_root in ((world.people[role], False), (world.province[role], True)):
        for row in ROWS:
            for path, place in targets(world, row).items():
                answer = ask(world.browser(account), row, path)
                if let_in(answer) != expected(row, ROLES[role], place, at_root=at_root):
                    wrong.append((row, path, "province" if at_root else "Chengdu", answer.status_code))
    assert wrong == []


def test_nobody_gets_where_everyone_may_and_no_further(world: World) -> None:
    wrong = []
    for row in ROWS:
        for path in targets(world, row):
            answer = ask(world.app.test_client(), row, path)
            if let_in(answer) != (row.needs == EVERYONE):
                wrong.append((row, path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", Role)
def test_each_service_token_gets_where_the_matrix_says_and_nowhere_else(world: World, role: Role) -> None:
    headers = {"Authorization": f"Bearer {world.tokens[role]}", "X-Citizen": "a"}
    wrong = []
    for row in ROWS:
        for path, place in targets(world, row).items():
            answer = ask(world.app.test_client(), row, path, **headers)
            refused = row.needs == SIGNED_IN or (row.needs != EVERYONE and row.rule.startswith("/staff"))
            right = not refused and expected(row, KEYS[role], place, at_root=False)
            if let_in(answer) != right:
                wrong.append((row, path, answer.status_code))
    assert wrong == []


def test_who_has_no_role_gets_where_everyone_and_all_who_are_signed_in_may(world: World) -> None:
    wrong = []
    for row in ROWS:
        for path in targets(world, row):
            answer = ask(world.browser(world.residents[CHENGDU]), row, path)
            if let_in(answer) != (row.needs in (EVERYONE, SIGNED_IN)):
                wrong.append((row, path, answer.status_code))
    assert wrong == []


def test_a_route_that_says_nothing_is_closed_to_all(world: World) -> None:
    app = create_app(services_of(world.app).settings, services_of(world.app))
    app.add_url_rule("/undeclared", "undeclared", lambda: "open")
    assert app.test_client().get("/undeclared").status_code == 403
    declare(app, "undeclared", Permission.PUBLISH)
    assert not let_in(app.test_client().get("/undeclared"))
