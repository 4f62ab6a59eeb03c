"""A database with a newsroom."""

from __future__ import annotations

import pytest

from content_store.db import Database
from tests.support import review_desk


@pytest.fixture
def desk(database: Database, fixed_clock: int) -> Database:
    """A database of each kind in turn, with the people of ``tests.support.review_desk``."""
    review_desk.staff(database)
    return database
