"""Records as large as a province's: readers of ``bench.globo_like`` on contents with words, topics and authors.

    python -m bench.town DATA_DIR [--events N] [--citizens N] [--items N] [--seed S] [--train]

The newest event is an hour old, so that what the last hours say is there for whoever asks now. Titles and summaries are
drawn from a Zipf-like vocabulary that each topic mixes in its own way; they are no sentences.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.globo_like import HOUR_MS, Shape, generate
from content_store import citizens, clock, contents
from content_store.db import Database, open_database
from content_store.settings import load_settings
from content_store.transfer import event_store
from content_store.transfer.event_rows import SCHEMA
from content_store.vocabulary import Topic
from recsys.refit import refit
from recsys.snapshots import SnapshotStore

CHUNK = 100_000
WORDS, OF_TOPIC, IN_TITLE, IN_SUMMARY = 6_000, 400, 6, 40
AUTHORS = 900
KINDS = {"read": 0.86, "click": 0.08, "like": 0.03, "save": 0.02, "not_interested": 0.01}


def content_id(place: int) -> str:
    """The id of a content of the town."""
    return f"content-{place:06d}"


def citizen_id(place: int) -> str:
    """The id of a citizen of the town."""
    return f"citizen-{place:07d}"


def build(database: Database, shape: Shape, seed: int = 0) -> None:
    """Store the town: contents, citizens, and every event of the log, in the order of time."""
    log = generate(shape, seed)
    rng = np.random.default_rng(seed)
    ago = clock.now_ms() - HOUR_MS - int(log["ts"][-1].as_py())
    first = np.full(shape.items, clock.now_ms() - 400 * 24 * HOUR_MS)
    item, at = log["item"].to_numpy(), log["ts"].to_numpy() + ago
    seen, where = np.unique(item, return_index=True)
    first[seen] = at[where] - HOUR_MS
    with database.begin() as connection:
        contents.merge(connection, [contents.check(row) for row in _contents(rng, first)])
        citizens.ensure(connection, [citizen_id(place) for place in range(shape.citizens)])
    kinds = rng.choice(list(KINDS), item.size, p=list(KINDS.values()))
    citizen, region = log["user"].to_numpy(), log["region"].to_numpy()
    for start in range(0, item.size, CHUNK):
        part = slice(start, start + CHUNK)
        size = item[part].size
        columns: dict[str, Any] = {
            "id": [f"event-{place:09d}" for place in range(start, start + size)],
            "citizen_id": [citizen_id(place) for place in citizen[part].tolist()],
            "content_id": [content_id(place) for place in item[part].tolist()],
            "kind": kinds[part].tolist(),
            "at": at[part],
            "received_at": at[part],
            "region": [f"5101{code:02d}" for code in region[part].tolist()],
        }
        arrays = [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(size, field.type)
            for field in SCHEMA
        ]
        with database.begin() as connection:
            event_store.store(connection, pa.Table.from_arrays(arrays, schema=SCHEMA))


def _contents(rng: np.random.Generator, first: Any) -> Any:
    topics = list(Topic)
    own = rng.choice(WORDS, (len(topics), OF_TOPIC))
    for place, at in enumerate(first.tolist()):
        code = int(rng.integers(len(topics)))
        general = (rng.pareto(1.0, IN_TITLE + IN_SUMMARY) * 20).astype(int) % WORDS
        drawn = np.where(rng.random(general.size) < 0.4, rng.choice(own[code], general.size), general)
        words = [f"w{word:04d}" for word in drawn.tolist()]
        yield {
            "id": content_id(place),
            "title": " ".join(words[:IN_TITLE]),
            "summary": " ".join(words[IN_TITLE:]),
            "topic": topics[code].value,
            "author": f"author-{int(rng.integers(AUTHORS)):03d}",
            "source": f"source-{int(rng.integers(40)):02d}",
            "published_at": at,
        }


def main() -> None:
    """Build the town in a folder, and train on it where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--events", type=int, default=1_500_000)
    parser.add_argument("--citizens", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", action="store_true")
    args = parser.parse_args()
    database = open_database(load_settings({"KEPU_DATA_DIR": str(args.data_dir)}))
    build(database, Shape(args.events, args.citizens, args.items), args.seed)
    if args.train:
        refit(database, SnapshotStore(args.data_dir / "snapshots"), force="a bench")
    database.close()


if __name__ == "__main__":
    main()
