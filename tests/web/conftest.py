"""The app over each of the two profiles: SQLite with hot state in memory, and PostgreSQL with Redis."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from content_store import keys
from content_store.settings import Settings
from tests.support import audited
from tests.support.servers import Postgres
from web import access
from web.access import Open
from web.app import create_app
from web.services import Services, services_of


class _Compiled(BytecodeCache):
    """Templates that one app compiled, for all others: that takes longer than most pages."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._kept.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()

PROFILES = [
    pytest.param("embedded", marks=pytest.mark.backend("sqlite")),
    pytest.param("scaled", marks=[pytest.mark.backend("postgresql"), pytest.mark.backend("redis")]),
]


@pytest.fixture(params=PROFILES)
def profile(
    request: pytest.FixtureRequest, tmp_path: Path, settings_factory: Callable[..., Settings]
) -> Iterator[Callable[..., Settings]]:
    """``profile(rate_per_citizen=…)``: settings of each profile in turn, over empty records."""
    if request.param == "embedded":
        path = tmp_path / "records.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield lambda **given: settings_factory(database_url=f"sqlite:///{path}", **given)
        return
    template: str = request.getfixturevalue("migrated_postgresql")
    server: Postgres = request.getfixturevalue("postgres_server")
    url: str = request.getfixturevalue("redis_url")
    name = server.database(template)
    yield lambda **given: settings_factory(database_url=server.url(name), redis_url=url, **given)
    server.drop(name)


@pytest.fixture
def make_app(profile: Callable[..., Settings]) -> Iterator[Callable[..., Flask]]:
    """``make_app(rate_per_citizen=…)``: an app of each profile; several share its records."""
    made: list[Flask] = []

    def make(**given: Any) -> Flask:
        made.append(create_app(profile(**given)))
        made[-1].jinja_env.bytecode_cache = _COMPILED
        audited.watch(made[-1])
        return made[-1]

    yield make
    for app in made:
        services_of(app).close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app of each profile."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that was never here before."""
    return app.test_client()


@dataclass(frozen=True)
class Service:
    """Another programme with a service token."""

    client: FlaskClient
    key: keys.Key
    token: str

    def headers(self, citizen: str | None = None) -> dict[str, str]:
        """The headers of its requests, for a citizen where given."""
        named = {} if citizen is None else {"X-Citizen": citizen}
        return {"Authorization": f"Bearer {self.token}", **named}


@pytest.fixture
def service(app: Flask) -> Service:
    """Another programme that is known here."""
    with opened(app).database.begin() as connection:
        key, token = keys.create(connection, role="service")
    return Service(app.test_client(use_cookies=False), key, token)


def opened(app: Flask) -> Services:
    """What ``app`` holds open."""
    return services_of(app)


@pytest.fixture
def hostile_apps(settings_factory: Callable[..., Settings]) -> Iterator[dict[int, Flask]]:
    """Apps that limit nobody and have a page with a form, by how many proxies they trust."""
    apps: dict[int, Flask] = {}
    for number in (0, 1):
        apps[number] = create_app(settings_factory(trusted_proxies=number, rate_per_network=0, rate_per_citizen=0))
        apps[number].add_url_rule("/form", "form", lambda: "taken", methods=["POST"])
        access.declare(apps[number], "form", Open.EVERYONE)
    yield apps
    for app in apps.values():
        services_of(app).close()
