"""Publishing, ending and giving back by the clock, with real processes that are killed: each once, whatever happens."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from content_store import audit, clock, contents, locks
from content_store.db import Database
from content_store.driver import Driver
from content_store.review import publishing, queue, records, withdrawing
from content_store.review_words import WithdrawReason
from content_store.vocabulary import ContentStatus
from tests.support import review_desk, review_worker
from tests.support.clockwork import until
from tests.support.review_desk import CHIEF, REVIEWERS, draft, pass_all, submit

NUMBER = 8


def by_the_clock(database: Database) -> Counter[tuple[str, str]]:
    """How often the jobs did what to which object, by the audit log, which is whole."""
    with database.snapshot() as connection:
        assert audit.verify(connection).flaws == ()
        rows = audit.entries(connection, limit=10_000)
    return Counter((row.action, row.object_id) for row in rows if row.actor.startswith("system:"))


def statuses(database: Database) -> Counter[ContentStatus]:
    with database.connect() as connection:
        return Counter(content.status for content in contents.every(connection))


def passed(database: Database, ids: list[str]) -> None:
    """These contents are there, and have passed their reviews."""
    with database.begin() as connection:
        for id in ids:
            draft(connection, id)
            pass_all(connection, submit(connection, id))


def test_what_is_due_is_published_and_ended_once_though_workers_are_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    review_desk.staff(database)
    due, ending, kept = ([f"{kind}{number}" for number in range(NUMBER)] for kind in ("due", "ending", "kept"))
    passed(database, [*due, *ending, "taken back"])
    with database.begin() as connection:
        now = clock.now_ms()
        for number, (id, other) in enumerate(zip(due, ending, strict=True)):
            at = now + 1_000 + 200 * number
            publishing.publish(connection, id, CHIEF, version=1, at=at)
            publishing.publish(connection, other, CHIEF, version=1, expires_at=at)
        publishing.publish(connection, "taken back", CHIEF, version=1, at=now + 1_000)
        withdrawing.withdraw(connection, "taken back", CHIEF, WithdrawReason.FACT)
        reviews = []
        for number, id in enumerate(kept):
            draft(connection, id)
            reviews.append(submit(connection, id).id)
            first = records.get(connection, reviews[-1]).steps[0].step
            queue.claim(connection, reviews[-1], first, REVIEWERS[0], hours=(1 + number / 5) / 3_600)
    chance = random.Random(0)
    with review_worker.workers() as made:
        survivor, victim = (review_worker.start(database_url, tmp_path, made) for _ in range(2))
        for _ in range(3):
            time.sleep(chance.random() * 0.4)
            victim.kill()
            survivor, victim = review_worker.start(database_url, tmp_path, made), survivor
        until(lambda: by_the_clock(database).total() >= 3 * NUMBER, "everything to be done")
        time.sleep(0.5)  # for what would be done twice
    wanted = {("content.publish", id) for id in due} | {("content.expire", id) for id in ending}
    wanted |= {("review.lapse", id) for id in reviews}
    assert by_the_clock(database) == dict.fromkeys(wanted, 1)
    states = {ContentStatus.PUBLISHED: NUMBER, ContentStatus.EXPIRED: NUMBER, ContentStatus.WITHDRAWN: 1}
    assert statuses(database) == states | {ContentStatus.IN_REVIEW: NUMBER}
    with database.connect() as connection:
        assert contents.get(connection, "taken back").status is ContentStatus.WITHDRAWN
        steps = [records.get(connection, id).steps[0] for id in reviews]
        live = sa.text("SELECT count(*) FROM content_versions WHERE live_from IS NOT NULL")
        assert connection.execute(live).scalar_one() == 2 * NUMBER
    assert [step.claimed_by for step in steps] == [None] * len(reviews)


@pytest.mark.parametrize("killed", [True, False])
def test_a_worker_killed_inside_its_transaction_has_published_nothing(
    postgresql_database: Database, tmp_path: Path, killed: bool
) -> None:
    database = postgresql_database
    url = database.engine.url.render_as_string(hide_password=False)
    review_desk.staff(database)
    passed(database, ["panda"])
    with database.begin() as connection:
        publishing.publish(connection, "panda", CHIEF, version=1, at=clock.now_ms() + 300)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with review_worker.workers() as made:
        with database.begin() as held:
            # Whoever publishes writes to the audit log last: it waits here, with all its work done.
            locks.hold(Driver(held), ["audit_log"])
            worker = review_worker.start(url, tmp_path, made)
            with database.connect() as looking:
                until(lambda: looking.execute(sa.text(waiting)).scalar_one(), "the worker to wait")
            if killed:
                worker.kill()
                worker.wait()
            assert statuses(database) == {ContentStatus.SCHEDULED: 1}
        if killed:
            review_worker.start(url, tmp_path, made)
        until(lambda: statuses(database)[ContentStatus.PUBLISHED] == 1, "it to be published")
    assert by_the_clock(database) == {("content.publish", "panda"): 1}
