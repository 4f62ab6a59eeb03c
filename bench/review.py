"""What review costs with 50,000 versions in store: a page of the queue, an item of it, a verdict, a publication.

``python -m bench.review [URL …]``: each URL names an empty database; without any, a SQLite file in a temporary folder.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from content_store import audit, clock, organisations, schema
from content_store import schema_review as tables
from content_store.db import Database, open_database
from content_store.review import deciding, desk, publishing, queue, records, submitting, versions
from content_store.review.trail import Actor
from content_store.review_words import THREE_PROOFS, THREE_REVIEWS, AiUse, ContentOrigin, ReviewStep
from content_store.settings import load_settings
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import Prefecture, Topic

Act = Callable[[Any], object]
VERSIONS, OPEN, WHOLE = 50_000, 3_000, 120
LENGTH = 1_100
SETTINGS = load_settings({})
PEOPLE = [Actor(f"p{number}", f"编辑{number}") for number in range(9)]
WRITER, CHIEF, LOCAL = Actor("writer", "作者"), PEOPLE[-1], Actor("local", "县编辑")
PLACES = [entry.value for entry in Prefecture]
STEPS = (*THREE_REVIEWS, *THREE_PROOFS)


def employ(database: Database) -> None:
    """The tree, and people with all roles in the province; LOCAL has one in one prefecture."""
    accounts = [
        {"id": who.account_id, "login": who.account_id, "name": who.name, "organisation_id": organisations.ROOT}
        for who in (*PEOPLE, WRITER, LOCAL)
    ]
    told = {"granted_by": "cli:bench", "granted_at": 1}
    grants = [
        told | {"account_id": who.account_id, "role": role, "organisation_id": organisations.ROOT}
        for who in (*PEOPLE, WRITER)
        for role in StaffRole
    ]
    grants.append(told | {"account_id": "local", "role": StaffRole.REVIEWER_1, "organisation_id": PLACES[0]})
    with database.begin() as connection:
        organisations.seed(connection, actor="cli:bench")
        connection.execute(sa.insert(schema.accounts), [row | {"created_at": 1} for row in accounts])
        connection.execute(sa.insert(schema.grants), grants)


def body(number: int) -> str:
    """A body like no other: of two with the same words one is a copy and enters no review."""
    return "".join(map(chr, np.random.default_rng(number).integers(0x4E00, 0x9000, LENGTH)))


def fill(database: Database) -> None:
    """So many drafts with a version each, the last of them in review."""
    now = clock.now_ms()
    made: dict[str, Any] = {"title": "大熊猫为什么吃竹子", "topic": Topic.LIFE_SCI, "tags": ["竹子"]}
    for begin in range(0, VERSIONS, 5_000):
        part = range(begin, min(begin + 5_000, VERSIONS))
        shown = made | {"version": 1, "status": "draft", "created_at": now, "origin": ContentOrigin.FEED}
        words = made | {"version": 1, "length": LENGTH, "created_at": now, "ai_use": AiUse.NONE}
        words |= {"created_by": "writer"}
        with database.begin(bulk=True) as connection:
            connection.execute(sa.insert(schema.contents), [shown | {"id": f"c{at}", "body": body(at)} for at in part])
            rows = [
                words | {"content_id": f"c{at}", "body": body(at), "organisation_id": PLACES[at % len(PLACES)]}
                for at in part
            ]
            connection.execute(sa.insert(tables.content_versions), rows)
    with database.begin(bulk=True) as connection:
        for number in range(VERSIONS - OPEN, VERSIONS):
            submitting.submit(connection, f"c{number}", WRITER, SETTINGS, version=1)
    if database.dialect == "postgresql":
        with database.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def each(database: Database, acts: Sequence[Act], writers: int = 1) -> str:
    """Acts a second, each in a transaction of its own, by so many threads; and the milliseconds of our processor."""

    def work(mine: Sequence[Act]) -> None:
        for act in mine:
            with database.begin() as connection:
                act(connection)

    threads = [threading.Thread(target=work, args=(acts[at::writers],)) for at in range(writers)]
    begun, spent = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, spent = time.perf_counter() - begun, time.process_time() - spent
    return f"{len(acts) / took:,.0f} | {spent / len(acts) * 1000:.1f}"


def reads(database: Database, name: str, what: Callable[[Any], object], times: int = 40) -> None:
    """Print the median of so many calls, and the milliseconds of our processor."""
    took, spent = [], time.process_time()
    with database.connect() as connection:
        for _ in range(times):
            begun = time.perf_counter()
            what(connection)
            took.append((time.perf_counter() - begun) * 1000)
    spent = (time.process_time() - spent) / times * 1000
    print(f"| {name}, ms | {statistics.median(took):.1f} | {spent:.1f} |", flush=True)


def measure_reading(database: Database) -> None:
    """Pages of the queue, and an item of it."""
    first = ReviewStep.FIRST_REVIEW
    reads(database, "queue of somebody in the province", lambda c: queue.waiting(c, account_id="p0", limit=50))
    reads(database, "queue of somebody in a prefecture", lambda c: queue.waiting(c, account_id="local", limit=50))
    reads(database, "one step of it", lambda c: queue.waiting(c, account_id="p0", step=first, limit=50))
    reads(database, "all of it that one sees", lambda c: queue.waiting(c, seen_by="p0", limit=50))
    reads(database, "what one has claimed", lambda c: queue.waiting(c, claimed_by="p0", limit=50))
    with database.connect() as connection:
        [one, *_] = queue.waiting(connection, limit=1)
    reads(database, "an item with all that belongs to it", lambda c: desk.case(c, one.review_id, CHIEF))


def measure_writing(database: Database) -> None:
    """The whole way of contents, act by act."""
    ids = [f"c{number}" for number in range(WHOLE)]
    saves = [partial(versions.save, content_id=id, actor=WRITER, based_on=1, title="新题") for id in ids]
    print(f"| saves/s | {each(database, saves)} |")
    how: dict[str, Any] = {"actor": WRITER, "settings": SETTINGS, "version": 2}
    print(f"| submissions/s | {each(database, [partial(submitting.submit, content_id=id, **how) for id in ids])} |")
    with database.connect() as connection:
        reviews = [records.of(connection, id)[0].id for id in ids]
    for number, (who, step) in enumerate(zip(PEOPLE, STEPS, strict=False)):
        writers = 4 if number == 1 else 1
        mark = f", {writers} at once" if writers > 1 else ""
        step_of: dict[str, Any] = {"step": step, "actor": who}
        claims = each(database, [partial(queue.claim, review_id=id, hours=1, **step_of) for id in reviews], writers)
        passes = [partial(deciding.approve, review_id=id, version=2, **step_of) for id in reviews]
        verdicts = each(database, passes, writers)
        if number < 2:
            print(f"| claims/s{mark} | {claims} |\n| verdicts/s{mark} | {verdicts} |", flush=True)
    half = WHOLE // 2
    out: dict[str, Any] = {"actor": CHIEF, "version": 2}
    told = each(database, [partial(publishing.publish, content_id=id, **out) for id in ids[:half]])
    print(f"| publications/s | {told} |")
    at = clock.now_ms() + 60_000
    each(database, [partial(publishing.publish, content_id=id, at=at, **out) for id in ids[half:]])
    with clock.fixed(at + 1), database.begin() as connection:
        begun = time.perf_counter()
        due = publishing.publish_due(connection)
        print(f"| by the clock, all due at once, /s | {len(due) / (time.perf_counter() - begun):,.0f} | |", flush=True)


def measure(database: Database) -> None:
    """Print a table."""
    employ(database)
    fill(database)
    print(
        f"| {database.dialect}, {VERSIONS:,} versions, {OPEN:,} in review | | processor, ms |\n|---|---:|---:|",
        flush=True,
    )
    measure_reading(database)
    measure_writing(database)
    with database.snapshot() as connection:
        found = audit.verify(connection)
    assert not found.flaws
    print(f"| rows of the audit log, whole | {found.rows:,} | |\n")


def main() -> None:
    """Measure each database that is named."""
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [f"sqlite:///{Path(folder) / 'bench.sqlite3'}"]:
            database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
            try:
                measure(database)
            finally:
                database.close()


if __name__ == "__main__":
    main()
