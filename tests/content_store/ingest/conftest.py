"""A site with feeds, and a handler for them, over each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from content_store.db import Database
from content_store.ingest.handler import Handler
from content_store.ingest.robots import Robots
from content_store.leases import Watch
from tests.support.feed_site import SETTINGS, Site, World
from tests.support.hostile import Hostile, reach
from tests.support.staff import found_organisations, somebody


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with database.begin() as connection:
        found_organisations(connection)
        accounts = [somebody(connection, name).id for name in ("li", "wang", "zhao")]
    site = Site()
    with Hostile(site) as server:
        fetcher = reach(server)
        handler = Handler(database, SETTINGS, "w", fetcher, Robots(fetcher), Watch())
        yield World(database, site, server, handler, accounts)
