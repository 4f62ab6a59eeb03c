"""A generated reading log with a snapshot learnt from its first part, as records and as the files of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from content_store import citizens, contents, events
from content_store.db import Database
from content_store.events import Event
from content_store.vocabulary import NEVER_INFERRED, ContentStatus, EventKind, Topic
from recsys.evaluation.replayed import KINDS
from recsys.features import InterestConfig
from recsys.features.records import read_articles, read_dataset
from recsys.learning import ranker_builder
from recsys.models.als import AlsConfig
from recsys.models.ranker import RankerConfig
from recsys.snapshots import Snapshot, SnapshotStore
from recsys.training import Builder, Material, Training, TrainingConfig, default_builders
from tests.support.replaying import busy_log, written

TOPICS = [topic for topic in Topic if topic not in NEVER_INFERRED][:7]
AUTHORS = 13
LEARNT = TrainingConfig(als=AlsConfig(factors=8, iterations=5), interest=InterestConfig(half_life_days=30.0))


def quick_ranker() -> Builder:
    """The builder of a ranker that is learnt in a moment."""
    return ranker_builder([RankerConfig(trees=60, leaves=15, least_rows=20, threads=1)], queries=900)


@dataclass(frozen=True)
class ServedLog:
    """Rows (user, item, ts, event, region, device), no two at the same time; an item comes out as it is first met."""

    rows: pd.DataFrame

    @classmethod
    def generated(cls, rows: int = 2_000, users: int = 400, items: int = 60) -> ServedLog:
        """A log of these dimensions, in which most read every fourth item that comes, each their own fourth."""
        log = busy_log(rows, users=users, items=items)
        faithful = np.random.default_rng(1).random(rows) < 0.8
        log["item"] = np.maximum(0, log["item"] - (log["item"] - log["user"]) % 4 * faithful)
        log["ts"] += np.arange(rows)
        for name, letter in (("user", "u"), ("item", "i"), ("region", "r"), ("device", "d")):
            log[name] = letter + log[name].astype(str).str.zfill(3)
        return cls(log)

    def items(self) -> pd.DataFrame:
        """What is known of the items: id, time, topic, author and title."""
        first = self.rows.groupby("item")["ts"].min()
        number = np.arange(first.size)
        told = {"item": first.index, "created_ts": first.to_numpy()}
        told |= {"topic": [TOPICS[place].value for place in number % len(TOPICS)]}
        told |= {"author": [f"作者{place}" for place in number % AUTHORS]}
        titles = [f"{TOPICS[place % len(TOPICS)].label}的第{place}个问题，写给{place % 5}号读者" for place in number]
        return pd.DataFrame(told | {"title": titles})

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The two files that an evaluation reads."""
        return written(self.rows, folder / "events.parquet"), written(self.items(), folder / "items.parquet")

    def publish(self, database: Database) -> None:
        """Store the contents, each to be shown from its own time on, and the citizens."""
        with database.begin() as connection:
            citizens.ensure(connection, sorted(set(self.rows["user"])))
            for row in self.items().to_dict("records"):
                told: dict[str, Any] = {name: row[name] for name in ("title", "author", "topic")}
                told |= {"published_at": int(row["created_ts"]), "status": ContentStatus.PUBLISHED}
                contents.create(connection, id=row["item"], **told)

    def store(self, database: Database, first: int, last: int) -> None:
        """Append the events of the rows from ``first`` to before ``last``."""
        with database.begin() as connection:
            events.append(connection, [self._event(row) for row in range(first, last)])

    def _event(self, row: int) -> Event:
        told = self.rows.iloc[row]
        return Event(
            id=f"e{row}",
            citizen_id=told["user"],
            content_id=told["item"],
            kind=EventKind(KINDS[told["event"]]),
            at=int(told["ts"]),
            region=told["region"],
            device=told["device"],
        )

    def learnt(self, database: Database, store: SnapshotStore, rows: int) -> Snapshot:
        """A snapshot, ranker included, of what ``database`` knows of the first ``rows`` rows."""
        as_of = int(self.rows["ts"].iloc[rows])
        training = Training(store, LEARNT, builders=[*default_builders(LEARNT), quick_ranker()])
        known = Material(read_dataset(database, as_of, LEARNT.interest), read_articles(database)).before(as_of)
        trained = training.run(lambda: known, force="what the gate thinks of it is no matter here")
        assert trained.snapshot is not None
        return trained.snapshot
