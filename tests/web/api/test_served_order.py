"""The order that the evaluation measures is the order that the API gives, state by state, on each profile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from numpy.typing import NDArray

from content_store import clock
from content_store.db import open_database
from content_store.settings import load_settings
from recsys.evaluation.replay import DIVERSE, FEED, Asked, Replay, ReplayConfig
from recsys.evaluation.replayed import Replayed, read
from recsys.features.records import read_articles
from recsys.feed import Feed
from recsys.live import HOUR_MS
from recsys.ranking import Ranking
from recsys.restoring import restore
from recsys.snapshots import Snapshot, SnapshotStore
from tests.support.served_log import ServedLog
from tests.web.conftest import Service, opened
from web import recommender
from web.services import Services

STATES, LEARNT_ROWS = 200, 1_400

Order = list[str]


@dataclass
class Evaluated:
    """A log, the folder of the snapshot learnt from its beginning, and the evaluator's orders by row."""

    log: ServedLog
    snapshots: Path
    version: str
    plain: dict[int, Order] = field(default_factory=dict)
    diverse: dict[int, Order] = field(default_factory=dict)


class Listening(Replay):
    """The evaluator, telling the order of the candidates that it ranks a target in."""

    def __init__(self, data: Replayed, told: Evaluated, snapshot: Snapshot, texts: dict[str, str]) -> None:
        place = {item: number for number, item in enumerate(data.items.tolist())}
        restored = restore(snapshot, place.get, texts)
        assert restored.ranker is not None
        assert restored.problems == []
        super().__init__(data, ReplayConfig(), [FEED, DIVERSE], served=(restored.slow, restored.ranker))
        self._told = told

    def _rank(self, row: int, asked: Asked | None) -> None:
        assert asked is not None
        for name, score in self._served(asked):
            {FEED: self._told.plain, DIVERSE: self._told.diverse}[name][row] = self._order(score)
        super()._rank(row, asked)

    def _order(self, score: NDArray[np.float64]) -> Order:
        """Higher score first, then later contact, then smaller position: as ``rank_of`` has it."""
        found = np.flatnonzero(np.isfinite(score))
        order = found[np.lexsort((found, -self.walker.live.last[found], -score[found]))]
        items: Order = self.data.items[order].tolist()
        return items


@pytest.fixture(scope="module")
def evaluated(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The evaluator's orders in ``STATES`` states after what the models were learnt from."""
    folder = tmp_path_factory.mktemp("evaluated")
    log = ServedLog.generated()
    shutil.copyfile(migrated_sqlite, folder / "records.sqlite3")
    database = open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{folder / 'records.sqlite3'}"}))
    log.publish(database)
    log.store(database, 0, len(log.rows))
    snapshot = log.learnt(database, SnapshotStore(folder / "snapshots"), LEARNT_ROWS)
    texts = {id: article.text for id, article in read_articles(database).items()}
    database.close()
    told = Evaluated(log, folder / "snapshots", snapshot.version)
    data = read(*log.files(folder))
    rows = data.targets(LEARNT_ROWS)[:STATES]
    Listening(data, told, snapshot, texts).walk(int(rows[0]), rows)
    assert len(told.plain) == len(told.diverse) == STATES
    return told


@pytest.fixture
def app(
    evaluated: Evaluated, make_app: Callable[..., Flask], profile: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """An app with that snapshot over records without events; its clock stands at the log's beginning."""
    monkeypatch.setattr(recommender, "REFRESH_S", 3600.0)  # the test says when
    shutil.copytree(evaluated.snapshots, profile().data_dir / "snapshots")
    with clock.fixed(int(evaluated.log.rows["ts"].iloc[0]) - 1):
        database = open_database(profile())
        evaluated.log.publish(database)
        database.close()
        app = make_app(rate_per_citizen=0, rate_per_network=0)
        # Lots would make two lists of every feed.
        opened(app).recommender.feed._dice = lambda: None
        yield app


def pages(service: Service, citizen: str) -> tuple[Order, set[str]]:
    """Ids on all pages of the feed of ``citizen``, and the snapshots that they name."""
    found: Order = []
    named: set[str] = set()
    query: dict[str, Any] = {"limit": 50}
    while True:
        page = service.client.get("/api/v1/feed", headers=service.headers(citizen), query_string=query).get_json()
        found += [item["id"] for item in page["items"]]
        named.add(page["snapshot"])
        if page["cursor"] is None:
            return found, named
        query = {"limit": 50, "cursor": page["cursor"]}


def ranked(services: Services, citizen: str, at: int, *, learnt: bool) -> Order:
    """The order before variety: that of the feed, or that of the fixed blend."""
    follower, feed = services.recommender.follower, services.recommender.feed
    with follower.lock:
        user = follower.place_of_citizen(citizen)
        places = feed.order(user, at / HOUR_MS) if learnt else Ranking(follower.live).rank(user, at / HOUR_MS).items
        return [follower.items[place] for place in places.tolist()]


def test_two_hundred_states_have_one_order_in_the_evaluation_and_over_the_api(
    evaluated: Evaluated, app: Flask, service: Service
) -> None:
    services, log = opened(app), evaluated.log
    assert isinstance(services.recommender.feed, Feed)
    stored, by_blend = 0, 0
    for number, (row, plain) in enumerate(evaluated.plain.items()):
        citizen, at = str(log.rows["user"].iloc[row]), int(log.rows["ts"].iloc[row])
        with clock.fixed(at):
            log.store(services.database, stored, row)
            stored = row
            services.recommender.follower.catch_up()
            services.recommender.models.refresh()
            assert ranked(services, citizen, at, learnt=True) == plain, row
            assert pages(service, citizen) == (evaluated.diverse[row], {evaluated.version}), row
            if number % 10 == 0:
                by_blend += ranked(services, citizen, at, learnt=False) == plain
    assert by_blend == 0  # the models have their say, not the blend that would serve without them
