"""The models in service: another snapshot is taken over, though the records fail meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from content_store import clock, contents
from content_store.db import Database
from content_store.errors import DatabaseError
from content_store.vocabulary import ContentStatus
from recsys.active import ActiveModels
from recsys.follower import Follower
from recsys.models.content import Content, ContentConfig
from recsys.snapshots import Draft, SnapshotStore
from tests.support.outages import cut_off

TEXTS = {"a": "火箭 卫星", "b": "卫星 轨道", "c": "轨道 火箭"}


def draft() -> Draft:
    """A text model of two of the articles."""
    read = csr_matrix(np.ones((6, 2), np.float32))
    model = Content(ContentConfig(dimensions=2, fewest=1)).fit(read, [TEXTS["a"], TEXTS["b"]])
    return Draft(models=[model], items=["a", "b"], facts={})


@pytest.fixture
def store(database: Database, tmp_path: Path) -> SnapshotStore:
    """A snapshot of two articles; a third one is out, one is still to come and one is over."""
    now = clock.now_ms()
    with database.begin() as connection:
        for id, text in TEXTS.items():
            contents.create(connection, id=id, title=text, status=ContentStatus.PUBLISHED)
        for id, begins, ends in (("later", now + 86_400_000, None), ("over", None, now - 1)):
            published = ContentStatus.PUBLISHED
            contents.create(connection, id=id, title="卫星", status=published, published_at=begins, expires_at=ends)
    store = SnapshotStore(tmp_path / "snapshots")
    store.publish(draft())
    return store


def test_what_can_be_read_now_and_no_model_knows_joins_the_text_model(database: Database, store: SnapshotStore) -> None:
    slow = ActiveModels(store, Follower(database), database).slow
    assert slow is not None
    assert slow.place.size == 3


def test_a_snapshot_is_taken_over_once_the_records_answer_again(
    database: Database, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ActiveModels(store, Follower(database), database)
    first = models.version
    second = store.publish(draft()).version

    with monkeypatch.context() as outage:
        cut_off(outage)
        with pytest.raises(DatabaseError):
            models.refresh()
        assert models.version == first
    assert models.refresh()
    assert models.version == second
