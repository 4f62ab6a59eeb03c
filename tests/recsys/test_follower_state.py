"""A restart: the kept state and what came after it is what all the records give, and a bad state is passed over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from content_store import citizens, clock, contents, events, schema
from content_store.db import Database
from content_store.vocabulary import ContentStatus, Topic
from recsys import follower as module
from recsys.follower import Follower
from recsys.live_store import LiveStore
from recsys.rebuild import MadeAnew, made_anew
from tests.support.reading import Row
from tests.support.town_records import (
    END,
    HOUR_MS,
    assert_alike,
    filled,
    history_of,
    lively_town,
    open_to,
    publish,
    store,
)

ROOT = Path(__file__).resolve().parents[2]
ASKED = [*(f"c{number:02d}" for number in range(40)), "nobody"]
ROWS = lively_town()
CUT = 250


@pytest.fixture(autouse=True)
def at_the_end() -> Iterator[None]:
    with clock.fixed(END):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "live"


def kept(database: Database, folder: Path, rows: list[Row] = ROWS[:CUT]) -> Follower:
    """A follower of the first rows that has saved its state."""
    filled(database, rows)
    publish(database, sorted({row[1] for row in ROWS} - {row[1] for row in rows}))
    follower = Follower(database, folder)
    assert follower.save()
    return follower


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a word whenever a follower is made anew from all the records."""
    seen: list[str] = []

    def counted(*given: Any) -> MadeAnew:
        seen.append("anew")
        return made_anew(*given)

    monkeypatch.setattr(module, "made_anew", counted)
    return seen


def test_a_kept_state_and_the_rest_of_the_log_give_what_the_whole_log_gives(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(database, folder)
    store(database, ROWS[CUT:], CUT)
    anew = watched(monkeypatch)
    restarted = Follower(database, folder)
    assert (restarted.problems, anew) == ([], [])
    whole = Follower(database)
    assert restarted.seq == whole.seq
    assert_alike(restarted, whole, ASKED)
    assert restarted.save()
    assert_alike(Follower(database, folder), whole, ASKED)


def test_what_was_taken_in_ahead_of_its_turn_before_the_save_acts_once(database: Database, folder: Path) -> None:
    follower = kept(database, folder)
    store(database, ROWS[CUT:], CUT)
    for citizen in ASKED[::2]:
        follower.catch_up_citizen(citizen)
    follower.save()
    restarted, whole = Follower(database, folder), Follower(database)
    assert restarted.seq == whole.seq
    for name in ("readers", "engaged"):
        ours, theirs = (getattr(found.live, name)[: whole.live.items] for found in (restarted, whole))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for citizen in ASKED:
        assert open_to(restarted, citizen) == open_to(whole, citizen)
        assert history_of(restarted, citizen) == history_of(whole, citizen)


def test_what_changed_while_nothing_ran_is_known(database: Database, folder: Path) -> None:
    before = kept(database, folder)
    with database.begin() as connection:
        contents.set_status(connection, "shelf0-book1", ContentStatus.WITHDRAWN)
        contents.update(connection, "shelf0-book2", topic=Topic.SPIRIT)
        contents.create(connection, id="late", title="late", status=ContentStatus.PUBLISHED, published_at=END + HOUR_MS)
        citizens.update(connection, "c03", personalised=False)
        citizens.update(connection, "c06", prefecture="成都")
    assert history_of(before, "c03")
    restarted, whole = Follower(database, folder), Follower(database)
    assert_alike(restarted, whole, ASKED)
    assert history_of(restarted, "c03") == []
    assert "shelf0-book1" not in open_to(restarted, "c00")
    with clock.fixed(END + HOUR_MS):
        restarted.catch_up()
        assert "late" in open_to(restarted, "c00", END + HOUR_MS)


def test_without_a_folder_nothing_is_kept(database: Database, tmp_path: Path) -> None:
    filled(database, ROWS[:50])
    assert not Follower(database).save()
    assert not (tmp_path / "live").exists()


def damaged(folder: Path, database: Database) -> None:
    for path in folder.glob("*/met.npy"):
        path.write_bytes(path.read_bytes()[:-9])


def of_another_version(folder: Path, database: Database) -> None:
    strange = LiveStore(folder)
    found = strange.load(strange.states()[-1])
    shutil.rmtree(folder)
    strange.save({**found.facts, "state": 0}, found.arrays)


def of_another_shape(folder: Path, database: Database) -> None:
    strange = LiveStore(folder)
    found = strange.load(strange.states()[-1])
    shutil.rmtree(folder)
    strange.save(found.facts, {name: values for name, values in found.arrays.items() if name != "engaged"})


def after_an_older_backup(folder: Path, database: Database) -> None:
    _forget_after(database, 100)


def after_an_older_backup_that_has_grown_again(folder: Path, database: Database) -> None:
    last = _forget_after(database, 100)
    with database.begin() as connection:
        event = {"id": "other", "citizen_id": "c01", "content_id": "shelf0-book3", "kind": "read", "at": END}
        connection.execute(sa.insert(schema.events), event | {"seq": last, "received_at": END})


def _forget_after(database: Database, seq: int) -> int:
    """Leave the records as they were before the events after ``seq``; returns the last place that there was."""
    with database.begin() as connection:
        last = events.last_seq(connection)
        table = "" if database.dialect == "sqlite" else " ON events"
        connection.exec_driver_sql(f"DROP TRIGGER events_never_go{table}")
        connection.execute(sa.delete(schema.events).where(schema.events.c.seq > seq))
    return last


@pytest.mark.parametrize(
    "harm",
    [
        damaged,
        of_another_version,
        of_another_shape,
        after_an_older_backup,
        after_an_older_backup_that_has_grown_again,
    ],
    ids=lambda harm: harm.__name__,
)
def test_a_state_that_cannot_be_used_is_passed_over_with_a_sentence(
    harm: Callable[[Path, Database], None], database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(database, folder)
    harm(folder, database)
    anew = watched(monkeypatch)
    restarted = Follower(database, folder)
    assert anew == ["anew"]
    [problem] = restarted.problems
    assert problem.startswith("the state 00000001 of the fast layer is passed over: ")
    assert_alike(restarted, Follower(database), ASKED)
    assert restarted.save()
    again = Follower(database, folder)
    assert again.problems == []
    assert_alike(again, restarted, ASKED)


def test_where_the_newest_state_is_bad_the_one_before_it_serves(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = kept(database, folder)
    store(database, ROWS[CUT:], CUT)
    follower.catch_up()
    follower.save()
    (folder / "00000002" / "log_item.npy").unlink()
    anew = watched(monkeypatch)
    restarted = Follower(database, folder)
    assert len(restarted.problems) == 1
    assert anew == []
    assert_alike(restarted, Follower(database), ASKED)


# A process that follows and saves again and again until it is killed.
SAVER = """
import sys
from pathlib import Path
from content_store import clock
from content_store.db import open_database
from content_store.settings import load_settings
from recsys.follower import Follower
from tests.support.town_records import END

database = open_database(load_settings({"KEPU_DATABASE_URL": sys.argv[1]}))
with clock.fixed(END):
    follower = Follower(database, Path(sys.argv[2]))
    print("began", flush=True)
    while True:
        follower.catch_up()
        follower.save()
        print("saved", flush=True)
"""


def test_who_is_killed_while_saving_loses_nothing(database: Database, database_url: str, folder: Path) -> None:
    kept(database, folder)
    store(database, ROWS[CUT:], CUT)
    for saves in (0, 1, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, database_url, str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(saves + 1):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        restarted = Follower(database, folder)
        assert restarted.problems == []
        assert_alike(restarted, Follower(database), ASKED)
